/* SPDX-License-Identifier: Apache-2.0 */
/* A slow bidder: an OpenRTB request and the account's facts in, the answer out, by the rules of the
 * specification one at a time. No table, no hash, no order of evaluation but the rules' own.
 *
 * Each rule is a function that says whether one line item may answer one impression; a new rule is
 * a new line in the list of reference.c.
 */
#ifndef QBID_TESTS_CONFORMANCE_REFERENCE_H
#define QBID_TESTS_CONFORMANCE_REFERENCE_H

#include "tests/conformance/facts.h"
#include "tests/conformance/rtb.h"

#define REFERENCE_BIDS_MAX 128 /* of an impression: on a deal, and in the open auction */

struct reference_bid {
    const json_t *imp;
    const json_t *deal; /* NULL = open auction */
    const struct facts_line_item *item;
    const struct facts_creative *creative;
    int64_t price_micros;  /* account currency */
    int64_t answer_micros; /* currency of the answer */
};

struct reference_answer {
    int status; /* 200, 204, 400 */
    char currency[4];
    unsigned cnt;
    struct reference_bid bid[REFERENCE_BIDS_MAX];
};

/**
 * The answer to a request of sound JSON that exchange "2" sent at unix_s.
 *
 * Shapes:  root NULL stands for what is no JSON.
 */
void reference_answer(const json_t *root, uint64_t unix_s, struct reference_answer *ret);

/** Why the first difference between an answer's JSON (NULL = no body) and the reference's is one;
 *  NULL when they say the same. */
const char *reference_differs(const struct reference_answer *want, int status,
                              const json_t *response);

#endif
