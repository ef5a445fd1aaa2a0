/* SPDX-License-Identifier: Apache-2.0 */
/* Raw values of a request by dimension, as plugin/impression.h states them, for the reference
 * bidder. */
#ifndef QBID_TESTS_CONFORMANCE_CONTEXT_H
#define QBID_TESTS_CONFORMANCE_CONTEXT_H

#include "plugin/privacy/privacy.h"
#include "tests/conformance/facts.h"
#include "tests/conformance/rtb.h"

#define CONTEXT_SLOTS_MAX 16

/** What the law and the user's choices leave of a request. */
struct qbid_privacy context_privacy(const json_t *root);

/** Whether the request has one of the values that a line item targets in a dimension (not slot). */
bool context_meets(const json_t *root, const json_t *imp, uint64_t unix_s,
                   const struct facts_target *target);

/** Formats and sizes that an impression offers, preferred first: of those that some creative of the
 *  account has, the first CONTEXT_SLOTS_MAX. Returns how many. */
unsigned context_slots(const json_t *imp, char slot[CONTEXT_SLOTS_MAX][32]);

#endif
