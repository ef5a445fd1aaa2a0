/* SPDX-License-Identifier: Apache-2.0 */
/* Consent strings written bit by bit, by the specifications and not by what reads them. */
#ifndef QBID_TESTS_PLUGIN_PRIVACY_BIT_WRITER_H
#define QBID_TESTS_PLUGIN_PRIVACY_BIT_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/text.h"

#define BIT_WRITER_CHARS 16384

struct bit_writer {
    uint32_t bits;
    char text[BIT_WRITER_CHARS];
};

/** Append the n lowest bits of a number, the highest first. */
void bit_put(struct bit_writer *w, unsigned n, uint64_t number);

/** Append a number in Fibonacci code. */
void bit_put_fibonacci(struct bit_writer *w, uint32_t number);

/** What was written, filled up with zeros to whole characters. */
struct qbid_text bit_text(const struct bit_writer *w);

/* What stands in a TCF core segment before its vendors; the rest is put by hand. */
struct bit_tcf {
    unsigned version;
    unsigned policy;
    bool specific;
    uint32_t features; /* 12 bits, feature 1 the highest */
    uint32_t consent;  /* 24 bits, purpose 1 the highest */
    uint32_t interest;
};

void bit_put_tcf(struct bit_writer *w, const struct bit_tcf *tcf);

/** A vendor section that is a bitfield of `most` vendors and holds one; 0 = none. */
void bit_put_field(struct bit_writer *w, unsigned most, unsigned vendor);

/** A vendor section of one range. */
void bit_put_range(struct bit_writer *w, unsigned first, unsigned last);

#endif
