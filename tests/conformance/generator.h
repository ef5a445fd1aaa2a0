/* SPDX-License-Identifier: Apache-2.0 */
/* Random bid requests: every field of OpenRTB that a bidder must honour, valid and odd values, so
 * mixed that a good part of them can be answered. The same seed gives the same requests. */
#ifndef QBID_TESTS_CONFORMANCE_GENERATOR_H
#define QBID_TESTS_CONFORMANCE_GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/control/models/rng.h"

#define GENERATOR_MAX (1 << 17)

struct generator {
    struct rng r;
    uint64_t number; /* of requests so far */
    unsigned odd;    /* odd values in 1,000; drawn anew for each request */
    bool first;      /* no comma before the next field */
    size_t len;
    char text[GENERATOR_MAX];
};

void generator_init(struct generator *g, uint64_t seed);

/** The next request, in text and len; JSON always. */
void generator_next(struct generator *g);

#endif
