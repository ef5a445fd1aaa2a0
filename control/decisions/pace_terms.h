/* SPDX-License-Identifier: Apache-2.0 */
/* What a pace is made of: factors whose product it is. */
#ifndef QBID_CONTROL_DECISIONS_PACE_TERMS_H
#define QBID_CONTROL_DECISIONS_PACE_TERMS_H

/* In the order in which they are applied, and their words. */
/* clang-format off */
#define QBID_PACE_TERM_LIST(X)                                                  \
    X(BUDGET,     "budget",   "the pacer's multiplier for the budget")          \
    X(GOAL,       "goal",     "the target's multiplier is lower")               \
    X(CAP,        "cap",      "a cap's multiplier is lower")                    \
    X(STEP,       "step",     "held by the largest change a period, or waiting") \
    X(CORRECTION, "correct",  "the learned correction's step")                  \
    X(ITEM,       "item",     "the line item's own budget")                     \
    X(ACTION,     "q table",  "the greedy action's multiplier")                 \
    X(HOUR,       "hour",     "day-parting")                                    \
    X(TRIGGER,    "trigger",  "an emergency adjustment")                        \
    X(OPERATOR,   "operator", "the operator's multiplier")
/* clang-format on */

enum qbid_pace_term {
#define X(upper, word, text) QBID_PACE_TERM_##upper,
    QBID_PACE_TERM_LIST(X)
#undef X
        QBID_PACE_TERM_CNT
};

struct qbid_pace_terms {
    float factor[QBID_PACE_TERM_CNT];
};

#endif
