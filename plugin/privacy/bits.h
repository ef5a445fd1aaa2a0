/* SPDX-License-Identifier: Apache-2.0 */
/* Bits of a web-safe base64 text, as consent strings are written: six to a character, the highest
 * first, read in place. */
#ifndef QBID_PLUGIN_PRIVACY_BITS_H
#define QBID_PLUGIN_PRIVACY_BITS_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/text.h"

#define QBID_BITS_READ_MAX 24

struct qbid_bits {
    struct qbid_text text;
    uint64_t at; /* next bit */
    bool bad;    /* no base64, or something was read behind the end: all further reads give 0 */
};

/** From the first bit of a text; every character of it is checked. */
struct qbid_bits qbid_bits_init(struct qbid_text text);

/** The next n bits, 1 to QBID_BITS_READ_MAX, as a number; 0 and `bad` where there are not so many.
 */
uint32_t qbid_bits_read(struct qbid_bits *bits, unsigned n);

/** Pass over n bits, which need not be there until something behind them is read. */
static inline void qbid_bits_skip(struct qbid_bits *bits, uint64_t n)
{
    bits->at += n;
}

#endif
