/* SPDX-License-Identifier: Apache-2.0 */
/* A random account as a table image, and random bid requests that meet it: every step of a decision
 * has something to do, every reason for no bid occurs. */
#ifndef QBID_TESTS_TOOLS_QBID_EXPLAIN_MARKET_H
#define QBID_TESTS_TOOLS_QBID_EXPLAIN_MARKET_H

#include <stddef.h>
#include <stdint.h>

#include "tests/control/models/rng.h"
#include "tools/replay/text/buffer.h"

#define MARKET_LINE_ITEMS 40
#define MARKET_ID(idx) (7000u + (idx))
#define MARKET_EXCHANGES 3 /* "1" to "3" */

/* What of an account differs between two generations. */
struct market_terms {
    uint64_t gen;
    uint64_t seed;          /* of the account: equal seeds, equal targeting, ids and rows */
    double value_factor;    /* on every value; 0 = 1 */
    int rotate_creatives;   /* other weights */
    uint64_t built_unix_ns; /* 0 = now */
};

/** The image; free() it. */
void *market_image(const struct market_terms *terms, size_t *ret_bytes);

/** Append a request as JSON on one line. */
void market_request(struct rng *r, struct qbid_replay_buffer *out);

#endif
