/* SPDX-License-Identifier: Apache-2.0 */
/* Counting, and a small hash set of generations. */
#include "tools/replay/results/stats.h"

#include <stdlib.h>

#include "shm/error.h"

enum { LG_SEEN_FIRST = 6 };

static void add_win(struct qbid_replay_stats *stats, struct qbid_replay_slice *slice,
                    const struct qbid_replay_row *row, const struct qbid_replay_outcome *outcome)
{
    stats->wins++;
    stats->spend_nanos += outcome->settled_micros;
    stats->clicks += row->click;
    slice->wins++;
    slice->spend_nanos += outcome->settled_micros;
    slice->clicks += row->click;
}

void qbid_replay_stats_add_outcome(struct qbid_replay_stats *stats, unsigned slice_idx,
                                   const struct qbid_replay_row *row,
                                   const struct qbid_replay_answer *answer,
                                   const struct qbid_replay_outcome *outcome)
{
    struct qbid_replay_slice *slice = &stats->slices[slice_idx];
    if (answer->nbr >= 0)
        stats->nbr[answer->nbr < QBID_REPLAY_STATS_NBR_MAX ? answer->nbr
                                                           : QBID_REPLAY_STATS_NBR_MAX - 1]++;
    switch (outcome->kind) {
    case QBID_REPLAY_NO_BID:
        stats->no_bid_200++;
        return;
    case QBID_REPLAY_INVALID:
        stats->invalid++;
        stats->invalid_reasons[outcome->loss_reason]++;
        return;
    case QBID_REPLAY_LOSS:
        stats->below_floor += outcome->loss_reason == QBID_REPLAY_LOSS_BELOW_FLOOR;
        stats->outbid += outcome->loss_reason == QBID_REPLAY_LOSS_HIGHER_BID;
        break;
    case QBID_REPLAY_WIN:
        add_win(stats, slice, row, outcome);
        break;
    }
    stats->bids++;
    stats->bid_sum_nanos += outcome->bid_micros;
    stats->cut_prices += answer->bid.is_cut;
}

void qbid_replay_stats_add_plan(struct qbid_replay_stats *stats,
                                const struct qbid_replay_notices *notices)
{
    for (size_t kind = 0; kind < QBID_REPLAY_NOTICE_KINDS; kind++) {
        stats->notices[kind].dropped += notices->dropped[kind];
        stats->notices[kind].missing += notices->missing[kind];
        stats->notices[kind].foreign += notices->foreign[kind];
    }
}

static uint64_t *find_seen(uint64_t *seen, unsigned lg_seen, uint64_t gen)
{
    uint64_t mask = (UINT64_C(1) << lg_seen) - 1;
    uint64_t at = gen * UINT64_C(0x9e3779b97f4a7c15) >> (64 - lg_seen);
    while (seen[at] != 0 && seen[at] != gen + 1)
        at = (at + 1) & mask;
    return &seen[at];
}

static int grow_seen(struct qbid_replay_generations *generations)
{
    unsigned lg_seen = generations->seen ? generations->lg_seen + 1 : LG_SEEN_FIRST;
    uint64_t *seen = calloc((size_t)1 << lg_seen, sizeof *seen);
    if (!seen)
        return QBID_ERR_NOMEM;
    for (size_t i = 0; generations->seen && i < (size_t)1 << generations->lg_seen; i++)
        if (generations->seen[i] != 0)
            *find_seen(seen, lg_seen, generations->seen[i] - 1) = generations->seen[i];
    free(generations->seen);
    generations->seen = seen;
    generations->lg_seen = lg_seen;
    return 0;
}

int qbid_replay_stats_add_gen(struct qbid_replay_generations *generations, uint64_t gen)
{
    if (!generations->seen || generations->distinct * 2 >= UINT64_C(1) << generations->lg_seen) {
        int err = grow_seen(generations);
        if (err)
            return err;
    }
    uint64_t *slot = find_seen(generations->seen, generations->lg_seen, gen);
    if (*slot == 0) {
        *slot = gen + 1;
        generations->distinct++;
    }
    if (generations->answers++ == 0) {
        generations->first = gen;
        generations->highest = gen;
    }
    generations->changes += gen > generations->highest;
    generations->backward += gen < generations->highest;
    if (gen > generations->highest)
        generations->highest = gen;
    generations->last = gen;
    return 0;
}

void qbid_replay_stats_done(struct qbid_replay_stats *stats)
{
    free(stats->generations.seen);
    stats->generations.seen = NULL;
}
