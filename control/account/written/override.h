/* SPDX-License-Identifier: Apache-2.0 */
/* An operator's word over the pacer, for a campaign or a line item and a time.
 *
 *     fixed 2.50 until 2026-11-29T18:00:00Z by uid 1000: launch day
 *     x1.5 until 2026-11-29T18:00:00Z by uid 1000: rival is out of money
 *
 * A line item's own one stands in place of its campaign's. It is made of the pace alone: budgets,
 * flight and hours, floors, ceilings and caps hold as ever.
 */
#ifndef QBID_CONTROL_ACCOUNT_WRITTEN_OVERRIDE_H
#define QBID_CONTROL_ACCOUNT_WRITTEN_OVERRIDE_H

#include <stdint.h>

#define QBID_OVERRIDE_TEXT_MAX 400
#define QBID_OVERRIDE_BY_MAX 64
#define QBID_OVERRIDE_WHY_MAX 201
#define QBID_OVERRIDE_MULTIPLIER_MAX 16.0
#define QBID_OVERRIDE_SPAN_MAX_S (INT64_C(366) * 86400)

enum qbid_override_kind {
    QBID_OVERRIDE_NONE,
    QBID_OVERRIDE_FIXED,     /* bids fixed_micros, neither paced nor shaded */
    QBID_OVERRIDE_MULTIPLIER /* the pacer's factor times this; 0 = no bids */
};

struct qbid_override {
    enum qbid_override_kind kind;
    int64_t fixed_micros; /* CPM, > 0, a whole number in single precision */
    double multiplier;
    int64_t until_unix_s; /* not in force from then on */
    char by[QBID_OVERRIDE_BY_MAX];
    char why[QBID_OVERRIDE_WHY_MAX];
};

/**
 * Read the text of an account; until may be relative to now (+2h), by and why may be missing.
 *
 * Returns: NULL and *ret_override, kind NONE for an empty text; else what is wrong with it, a
 *          static text.
 */
const char *qbid_override_parse(const char *text, int64_t now_unix_s,
                                struct qbid_override *ret_override);

/** The text as it stands above. */
void qbid_override_format(const struct qbid_override *override, char out[QBID_OVERRIDE_TEXT_MAX]);

/** "fixed 2.50" or "x1.5". */
void qbid_override_what(const struct qbid_override *override, char *out, unsigned bytes);

#endif
