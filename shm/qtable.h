/* SPDX-License-Identifier: Apache-2.0 */
/* The Q row: bid multipliers of one state of a Q-group, and how often the greedy one is left. */
#ifndef QBID_SHM_QTABLE_H
#define QBID_SHM_QTABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define QBID_QROW_ACTIONS 8
#define QBID_QROW_RATIO_MIN 0.25f
#define QBID_QROW_RATIO_MAX 4.0f

/* State = (budget left, time left, recent win rate):
 *   budget left, time left   fraction of the campaign's budget and flight; [0,.2) [.2,.4) [.4,.6)
 *                            [.6,.8) [.8,1]
 *   win rate                 wins / bids of the recent window; [0,.05) [.05,.15) [.15,.40) [.40,1]
 * Values outside [0, 1] fall in the first or last bucket, NaN in the first. */
#define QBID_QSTATE_BUDGETS 5
#define QBID_QSTATE_TIMES 5
#define QBID_QSTATE_WINS 4
#define QBID_QSTATES (QBID_QSTATE_BUDGETS * QBID_QSTATE_TIMES * QBID_QSTATE_WINS)

/* Multipliers are relative to the greedy action, whose absolute multiplier control has already put
 * into the live pace: ratio[greedy] is 1, and a line item without a table loses nothing. */
struct qbid_qrow {
    _Alignas(64) float ratio[QBID_QROW_ACTIONS]; /* unused entries hold 1 */
    uint32_t explore_q32; /* probability of taking another action than the greedy one */
    uint8_t n;            /* actions in use; 0 = no table */
    uint8_t greedy;       /* action of ratio 1, < n */
    uint8_t pad[26];
};
_Static_assert(sizeof(struct qbid_qrow) == 64, "a Q row is one cache line");

/* What the greedy action needs of a row, and whether to explore: eight to a cache line, so that the
 * row itself is read by decisions that explore alone. Zero for a row without a table. */
struct qbid_qhead {
    uint32_t explore_q32; /* 0 when there is no other action */
    uint8_t n;
    uint8_t greedy;
    uint16_t pad;
};
_Static_assert(sizeof(struct qbid_qhead) == 8, "eight heads are one cache line");
_Static_assert(QBID_QSTATES == 100, "states of a Q-group are part of the image");

/**
 * State index of a campaign's situation.
 *
 * Shapes:  any floats.
 * Returns: index in [0, QBID_QSTATES), budget-major, win rate fastest.
 * Threads: pure.
 */
static inline uint32_t qbid_qstate(float budget_left, float time_left, float win_rate)
{
    uint32_t budget = (uint32_t)((budget_left >= 0.2f) + (budget_left >= 0.4f) +
                                 (budget_left >= 0.6f) + (budget_left >= 0.8f));
    uint32_t time = (uint32_t)((time_left >= 0.2f) + (time_left >= 0.4f) + (time_left >= 0.6f) +
                               (time_left >= 0.8f));
    uint32_t win = (uint32_t)((win_rate >= 0.05f) + (win_rate >= 0.15f) + (win_rate >= 0.40f));
    return (budget * QBID_QSTATE_TIMES + time) * QBID_QSTATE_WINS + win;
}

/**
 * Whether a row may be used: 1 <= n <= QBID_QROW_ACTIONS, greedy < n, all eight ratios numbers in
 * [QBID_QROW_RATIO_MIN, QBID_QROW_RATIO_MAX], that of the greedy action 1.
 *
 * Threads: wait-free, no writes.
 */
static inline int qbid_qrow_valid(const struct qbid_qrow *row)
{
    uint32_t bits[QBID_QROW_ACTIONS];
    uint32_t bad = 0;
    memcpy(bits, row->ratio, sizeof bits);
    /* positive floats order as their bits; NaN, infinity and negatives lie above 4.0 */
    for (uint32_t i = 0; i < QBID_QROW_ACTIONS; i++)
        bad |= bits[i] - 0x3e800000u > 0x40800000u - 0x3e800000u;
    return !bad && row->n - 1u < QBID_QROW_ACTIONS && row->greedy < row->n &&
           row->ratio[row->greedy] == 1.0f;
}

/** Head of a row that is valid or has n 0. */
static inline struct qbid_qhead qbid_qhead_of(const struct qbid_qrow *row)
{
    if (row->n == 0)
        return (struct qbid_qhead){0};
    return (struct qbid_qhead){
        .explore_q32 = row->n > 1 ? row->explore_q32 : 0, .n = row->n, .greedy = row->greedy};
}

/** Whether a decision leaves the greedy action. Shapes: random uniform. */
static inline bool qbid_qhead_explores(const struct qbid_qhead *head, uint32_t random)
{
    return random < head->explore_q32;
}

/** Probability that it does not, UINT32_MAX = 1. */
static inline uint32_t qbid_qhead_greedy_q32(const struct qbid_qhead *head)
{
    return UINT32_MAX - head->explore_q32;
}

/**
 * One of the actions beside the greedy one, evenly.
 *
 * Shapes:  qbid_qhead_explores(); random uniform; the row as in an image that was attached, *head
 *          its head.
 * Returns: bid multiplier relative to the greedy action; the action and the probability with which
 *          a decision takes it.
 * Threads: wait-free, no writes to the row. Cost: the row's line.
 */
static inline float qbid_qhead_other(const struct qbid_qhead *head, const struct qbid_qrow *row,
                                     uint32_t random, uint32_t *ret_action,
                                     uint32_t *ret_propensity_q32)
{
    uint32_t others = head->n - 1u, k = (uint32_t)(((uint64_t)random * others) >> 32);
    *ret_action = k + (k >= head->greedy);
    *ret_propensity_q32 = head->explore_q32 / others;
    return row->ratio[*ret_action];
}

/**
 * Choose the action of one decision by a row that nobody has checked: the greedy one, or, with
 * probability explore_q32, one of the others, evenly.
 *
 * Shapes:  random is uniform: its low half says whether to explore, the high half which action.
 * Returns: bid multiplier relative to the greedy action; the action and the probability with which
 *          it was chosen. A row that is not valid gives 1, action 0, propensity 1.
 * Threads: wait-free, no writes to the row.
 */
static inline float qbid_qrow_pick(const struct qbid_qrow *row, uint64_t random,
                                   uint32_t *ret_action, float *ret_propensity)
{
    *ret_action = 0;
    *ret_propensity = 1.0f;
    if (!qbid_qrow_valid(row))
        return 1.0f;
    struct qbid_qhead head = qbid_qhead_of(row);
    float explore = (float)((double)head.explore_q32 * (1.0 / 4294967296.0));
    uint32_t q32;
    *ret_action = head.greedy;
    *ret_propensity = 1.0f - explore;
    if (!qbid_qhead_explores(&head, (uint32_t)random))
        return 1.0f;
    *ret_propensity = explore / (float)(head.n - 1u);
    return qbid_qhead_other(&head, row, (uint32_t)(random >> 32), ret_action, &q32);
}

#endif
