/* SPDX-License-Identifier: Apache-2.0 */
/* A line item's frequency rule, as the account holds it: "3 per 24h: 1, 0.8, 0.6", or with
 * "learned" in place of the values. */
#ifndef QBID_CONTROL_ACCOUNT_WRITTEN_FREQUENCY_H
#define QBID_CONTROL_ACCOUNT_WRITTEN_FREQUENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/frequency.h"

#define QBID_FREQUENCY_TEXT_MAX 400

struct qbid_frequency_rule {
    uint32_t cap;     /* 1..QBID_FREQUENCY_CAP_MAX; 0 = none */
    uint32_t minutes; /* 1..QBID_FREQUENCY_MINUTES_MAX */
    bool learned;     /* r(k) comes from the learner; value_cnt is 0 */
    uint32_t value_cnt;
    double value[QBID_FREQUENCY_VALUES_MAX]; /* r(k) in [0, 1], r(0) = 1, never rising; the last
                                                goes on */
};

/**
 * Read a rule: "" = none; "CAP per SPAN", "CAP per SPAN: r0, r1, ...", "CAP per SPAN: learned";
 * SPAN as 90m, 24h, 7d.
 *
 * Returns: NULL and *ret_rule, or what is wrong, static text.
 */
const char *qbid_frequency_rule_parse(const char *text, struct qbid_frequency_rule *ret_rule);

#endif
