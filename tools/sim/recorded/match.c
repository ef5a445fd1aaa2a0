/* SPDX-License-Identifier: Apache-2.0 */
/* Runs each strategy over the same auctions and draws the intervals from the same blocks. */
#include "tools/sim/recorded/match.h"

#include <math.h>
#include <stdlib.h>

#include "shm/error.h"
#include "tools/sim/recorded/players/hindsight.h"
#include "tools/sim/recorded/players/ours.h"
#include "tools/sim/recorded/players/rlb.h"
#include "tools/sim/recorded/players/rules.h"

#define BLOCKS 100

const char *qbid_recorded_strategy_name(enum qbid_recorded_strategy strategy)
{
    static const char *const name[QBID_RECORDED_STRATEGIES] = {
        "constant", "lin", "ortb1", "ortb2", "rlb", "ours", "hindsight"};
    return name[strategy];
}

static int strategy_play(const struct qbid_recorded_flights *flights, uint32_t test_cnt,
                         enum qbid_recorded_strategy strategy, struct qbid_recorded_result *result)
{
    const struct qbid_recorded_log *log = flights->log;
    uint32_t length = flights->episode && flights->episode < test_cnt ? flights->episode : test_cnt;
    int err = 0;
    if (strategy == QBID_RECORDED_S_HINDSIGHT)
        return qbid_recorded_hindsight(flights, result);
    if (strategy == QBID_RECORDED_S_OURS) {
        struct qbid_recorded_ours ours;
        if ((err = qbid_recorded_ours_init(&ours, log)) != 0)
            return err;
        struct qbid_recorded_player player = qbid_recorded_ours_player(&ours);
        qbid_recorded_replay(flights, &player, result);
        qbid_recorded_ours_done(&ours);
    } else if (strategy == QBID_RECORDED_S_RLB) {
        struct qbid_recorded_rlb_bidder rlb;
        double budget = flights->budget * length / test_cnt;
        if ((err = qbid_recorded_rlb_bidder_init(&rlb, log, budget, length)) != 0)
            return err;
        struct qbid_recorded_player player = qbid_recorded_rlb_bidder_player(&rlb);
        qbid_recorded_replay(flights, &player, result);
        qbid_recorded_rlb_bidder_done(&rlb);
    } else {
        struct qbid_recorded_rule rule = qbid_recorded_rule_tune(
            log, (enum qbid_recorded_rule_kind)strategy, flights->budget, flights->episode);
        struct qbid_recorded_player player = qbid_recorded_rule_player(&rule);
        qbid_recorded_replay(flights, &player, result);
    }
    return 0;
}

/* One column of blocks. */
static void column(const struct qbid_recorded_tally *block, uint32_t cnt, int clicks, double *out)
{
    for (uint32_t i = 0; i < cnt; i++)
        out[i] = clicks ? block[i].clicks : block[i].expected;
}

/* The best of the rules and RLB, and how ours stands to it. */
static void ours_compare(struct qbid_recorded_match *m, struct qbid_recorded_tally *const *block,
                         int clicks)
{
    double ours[BLOCKS], other[BLOCKS];
    int best = 0;
    for (int s = 0; s < QBID_RECORDED_S_OURS; s++) {
        const struct qbid_recorded_tally *a = &m->standing[s].sum, *b = &m->standing[best].sum;
        if (clicks ? a->clicks > b->clicks : a->expected > b->expected)
            best = s;
    }
    column(block[QBID_RECORDED_S_OURS], m->block_cnt, clicks, ours);
    column(block[best], m->block_cnt, clicks, other);
    const struct qbid_recorded_tally *a = &m->standing[QBID_RECORDED_S_OURS].sum;
    const struct qbid_recorded_tally *b = &m->standing[best].sum;
    double over = clicks ? a->clicks : a->expected, under = clicks ? b->clicks : b->expected;
    double gain = under > 0 ? over / under : over > 0 ? INFINITY : 1;
    struct qbid_recorded_interval in = qbid_recorded_interval_find(ours, other, m->block_cnt);
    *(clicks ? &m->best_clicks : &m->best_expected) = (enum qbid_recorded_strategy)best;
    *(clicks ? &m->gain_clicks : &m->gain_expected) = gain;
    *(clicks ? &m->gain_clicks_in : &m->gain_expected_in) = in;
}

int qbid_recorded_match_run(const struct qbid_recorded_log *log, double fraction, uint32_t episode,
                            struct qbid_recorded_match *ret_match)
{
    struct qbid_recorded_match m = {
        .test_cnt = qbid_recorded_replay_auctions(log, log->train_cnt, log->cnt)};
    m.budget = fraction * qbid_recorded_log_cost(log, log->train_cnt, log->cnt);
    m.block_cnt = m.test_cnt < BLOCKS ? m.test_cnt : BLOCKS;
    struct qbid_recorded_flights flights = {log, log->train_cnt, log->cnt, episode, m.budget};
    struct qbid_recorded_tally *all =
        calloc((size_t)QBID_RECORDED_STRATEGIES * BLOCKS, sizeof *all);
    struct qbid_recorded_tally *block[QBID_RECORDED_STRATEGIES];
    int err = all ? 0 : QBID_ERR_NOMEM;
    for (int s = 0; s < QBID_RECORDED_STRATEGIES && !err; s++) {
        double x[BLOCKS];
        block[s] = all + (size_t)s * BLOCKS;
        struct qbid_recorded_result result = {.block = block[s], .block_cnt = m.block_cnt};
        err = strategy_play(&flights, m.test_cnt, (enum qbid_recorded_strategy)s, &result);
        m.standing[s].sum = result.all;
        column(block[s], m.block_cnt, 1, x);
        m.standing[s].clicks = qbid_recorded_interval_find(x, NULL, m.block_cnt);
        column(block[s], m.block_cnt, 0, x);
        m.standing[s].expected = qbid_recorded_interval_find(x, NULL, m.block_cnt);
    }
    if (!err) {
        ours_compare(&m, block, 0);
        ours_compare(&m, block, 1);
        *ret_match = m;
    }
    free(all);
    return err;
}
