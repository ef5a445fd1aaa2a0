/* SPDX-License-Identifier: Apache-2.0 */
/* Emergency adjustments that a campaign allows, and the factor of each: "cpc=0.8, ctr=0.8, win". */
#ifndef QBID_CONTROL_ACCOUNT_WRITTEN_TRIGGERS_H
#define QBID_CONTROL_ACCOUNT_WRITTEN_TRIGGERS_H

#define QBID_TRIGGERS_TEXT_MAX 100

/* What fires, its word, the rate that it is tested against (part of the usual one), its factor. */
/* clang-format off */
#define QBID_TRIGGER_LIST(X)                                                          \
    X(CPC, "cpc", 1 / 1.2, 0.8,  "a click costs 20 % more than the target or cap")    \
    X(CTR, "ctr", 0.8,     0.8,  "clicks an impression at 0.8 of the usual")          \
    X(WIN, "win", 0.5,     1.25, "auctions won at half of the usual")
/* clang-format on */

enum qbid_trigger_kind {
#define X(upper, word, ratio, factor, text) QBID_TRIGGER_##upper,
    QBID_TRIGGER_LIST(X)
#undef X
        QBID_TRIGGER_CNT
};

struct qbid_triggers {
    double factor[QBID_TRIGGER_CNT]; /* of the pace, 0.5 to 2; 0 = off */
};

/** Read the text of an account. Returns: NULL and *ret_triggers, all off for an empty text; else
 *  what is wrong with it, a static text. */
const char *qbid_triggers_parse(const char *text, struct qbid_triggers *ret_triggers);

const char *qbid_trigger_word(enum qbid_trigger_kind kind);
const char *qbid_trigger_text(enum qbid_trigger_kind kind);

/** The rate that a kind is tested against, a part of the usual one. */
double qbid_trigger_ratio(enum qbid_trigger_kind kind);

#endif
