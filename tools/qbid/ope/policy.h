/* SPDX-License-Identifier: Apache-2.0 */
/* The policies that can be judged on logged bids, and what they are judged by. */
#ifndef QBID_TOOLS_QBID_OPE_POLICY_H
#define QBID_TOOLS_QBID_OPE_POLICY_H

#include <stdint.h>

#include "tools/qbid/ope/log.h"

#define QBID_OPE_WHY_MAX 512
#define QBID_OPE_GROUPS_MAX 64

/* What a decision is worth; mean of a thousand bids, or of a thousand impressions. */
/* clang-format off */
#define QBID_OPE_REWARD_LIST(X)                                                               \
    X(SURPLUS,     "surplus",     "value won less its cost at the pace's price of budget")    \
    X(VALUE,       "value",       "value won, as the row had it")                             \
    X(COST,        "cost",        "money spent")                                              \
    X(WINS,        "wins",        "auctions won")                                             \
    X(CLICKS,      "clicks",      "clicks")                                                   \
    X(CONVERSIONS, "conversions", "conversions")                                              \
    X(REVENUE,     "revenue",     "order value of conversions")
/* clang-format on */

enum qbid_ope_reward {
#define X(upper, word, text) QBID_OPE_REWARD_##upper,
    QBID_OPE_REWARD_LIST(X)
#undef X
        QBID_OPE_REWARD_CNT
};

enum qbid_ope_policy_kind {
    QBID_OPE_GREEDY,     /* the action that is greedy now */
    QBID_OPE_UNIFORM,    /* every action, or creative, alike */
    QBID_OPE_MULTIPLIER, /* the action nearest to a multiple of the greedy bid of then */
    QBID_OPE_ACTION,     /* one action always */
    QBID_OPE_EXPLORE,    /* greedy of then, another one with a probability */
    QBID_OPE_TABLE,      /* actions from a file */
    QBID_OPE_CREATIVE    /* one creative always */
};

struct qbid_ope_policy {
    char name[96]; /* as it was asked for */
    enum qbid_ope_policy_kind kind;
    double number; /* multiplier, probability */
    uint32_t id;   /* action, creative */
    /* TABLE: by group x QBID_QSTATES + state, action + 1; 0 = the greedy one of then */
    uint8_t (*table)[QBID_OPE_GROUPS_MAX * QBID_QSTATES];
};

/**
 * Read "greedy", "uniform", "multiplier:X", "action:N", "explore:P", "table:FILE", "creative:ID".
 *
 * Returns: 0 and *ret_policy (release it); INVAL, SYS, NOMEM, PARSE with why, which names the word,
 *          file and line, field and reason.
 */
int qbid_ope_policy_parse(const char *text, struct qbid_ope_policy *ret_policy,
                          char why[QBID_OPE_WHY_MAX]);
void qbid_ope_policy_done(struct qbid_ope_policy *policy);

/** Probabilities of the row's actions under a policy for bids. Returns actions, row->n. */
uint32_t qbid_ope_policy_actions(const struct qbid_ope_policy *policy,
                                 const struct qbid_ope_bid *bid, const struct qbid_qrow *row,
                                 const struct qbid_qrow *now, double ret_share[QBID_QROW_ACTIONS]);

/** Reward of a bid, and the size that it grows with (a model's only input): both 0 for a NaN. */
double qbid_ope_reward_of(enum qbid_ope_reward reward, const struct qbid_ope_bid *bid,
                          const struct qbid_qrow *row, double *ret_size);

/** Index of a word; -1. */
int qbid_ope_reward_find(const char *word);
const char *qbid_ope_reward_word(enum qbid_ope_reward reward);
const char *qbid_ope_reward_text(enum qbid_ope_reward reward);

#endif
