/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks, rewards, steps. */
#include "control/learn/campaigns/corrections.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/learn/campaigns/campaigns.h"
#include "shm/error.h"

#define BIDS_MIN 20        /* a block of fewer tells nothing */
#define ALPHA_MEMORY 64.0  /* blocks */
#define USUAL_MEMORY 100.0 /* blocks */
#define USUAL_MIN 5        /* blocks before rewards count */

int qbid_corrections_take(struct qbid_corrections *corrections,
                          const struct qbid_correction_table *table, int64_t now_unix_s)
{
    struct qbid_guard_params params = qbid_guard_defaults();
    struct qbid_correction_table *copy = NULL;
    int err = table ? qbid_correction_check(table, now_unix_s) : 0;
    bool stale = err == QBID_ERR_STALE;
    if (err && !stale)
        return err;
    if (table) {
        copy = malloc(sizeof *copy);
        if (!copy)
            return QBID_ERR_NOMEM;
        memcpy(copy, table, sizeof *copy);
    }
    free(corrections->table);
    *corrections = (struct qbid_corrections){
        .table = copy, .random = qbid_random_init(table ? table->checksum : 0)};
    qbid_guard_init(&corrections->guard, &params);
    if (stale)
        qbid_guard_fault(&corrections->guard, QBID_GUARD_WHY_STALE);
    return 0;
}

void qbid_corrections_done(struct qbid_corrections *corrections)
{
    free(corrections->table);
    corrections->table = NULL;
}

void qbid_corrections_begin(struct qbid_campaign_state *state)
{
    state->correction.memory = (struct qbid_correction_memory){0, 0};
    state->correction.step_lg = 0;
    state->correction.block_ns = 0;
}

double qbid_corrections_pace(const struct qbid_pacing_params *params,
                             const struct qbid_campaign_state *state)
{
    double pace = state->pacing.pace * exp2(state->correction.step_lg);
    return fmin(fmax(pace, params->pace_min), params->pace_max);
}

static void block_begin(struct qbid_corrections *corrections, struct qbid_campaign_state *state,
                        uint64_t now_ns)
{
    struct qbid_campaign_correction *c = &state->correction;
    double alpha_lg = log2(state->pacing.pace);
    if (c->blocks == 0)
        c->alpha_lg = alpha_lg;
    c->alpha_lg += (alpha_lg - c->alpha_lg) / ALPHA_MEMORY;
    c->share = qbid_guard_share(&corrections->guard);
    c->corrected = qbid_guard_draw(&corrections->guard, qbid_random_next(&corrections->random));
    c->block_ns = now_ns;
    c->bids = state->flight.bids;
    c->predicted_nanos = state->flight.predicted_nanos;
    c->billed_nanos = state->flight.billed_nanos;
    c->rho_nanos = state->pacing.rho_nanos;
    c->blocks++;
}

/* The block's reward goes to the guard as its distance from what is usual for this campaign. */
static void block_end(struct qbid_corrections *corrections, struct qbid_campaign_state *state)
{
    struct qbid_campaign_correction *c = &state->correction;
    double bids = (double)state->flight.bids - (double)c->bids;
    double worth = state->flight.predicted_nanos - c->predicted_nanos;
    double cost = state->flight.billed_nanos - c->billed_nanos;
    if (!(bids >= BIDS_MIN) || !(c->rho_nanos > 0))
        return;
    double reward = (exp2(c->alpha_lg) * worth - cost) / (bids * c->rho_nanos);
    if (!isfinite(reward))
        return;
    if (c->blocks > USUAL_MIN)
        qbid_guard_post(&corrections->guard, c->corrected, c->share, reward - c->usual);
    double n = c->blocks;
    c->usual += (reward - c->usual) / (n < USUAL_MEMORY ? n : USUAL_MEMORY);
    corrections->dirty = true;
}

static double step_find(struct qbid_corrections *corrections,
                        const struct qbid_situation *situation, int64_t now_unix_s)
{
    double step;
    int err = qbid_correction_find(corrections->table, situation, now_unix_s, &step);
    if (!err)
        return step;
    corrections->faults++;
    corrections->dirty = true;
    if (err == QBID_ERR_STALE)
        qbid_guard_fault(&corrections->guard, QBID_GUARD_WHY_STALE);
    else if (err == QBID_ERR_CORRUPT)
        qbid_guard_fault(&corrections->guard, QBID_GUARD_WHY_FAULT);
    return 0;
}

void qbid_corrections_step(struct qbid_corrections *corrections, struct qbid_campaign_state *state,
                           const struct qbid_pacing_in *in, uint64_t period_ns, uint64_t now_ns,
                           int64_t now_unix_s)
{
    struct qbid_campaign_correction *c = &state->correction;
    struct qbid_situation situation;
    c->step_lg = 0;
    if (!corrections->table)
        return;
    uint64_t least = QBID_CORRECTIONS_BLOCK_PERIODS * period_ns;
    if (least < QBID_CORRECTIONS_BLOCK_NS)
        least = QBID_CORRECTIONS_BLOCK_NS;
    if (c->block_ns && now_ns - c->block_ns >= least) {
        block_end(corrections, state);
        c->block_ns = 0;
    }
    if (!c->block_ns)
        block_begin(corrections, state, now_ns);
    int err =
        qbid_correction_situation(in, &state->pacing, state->win_rate, &c->memory, &situation);
    uint32_t quiet = QBID_PACING_WHY_HELD | QBID_PACING_WHY_DECAYED | QBID_PACING_WHY_SPENT;
    if (!err && c->corrected && corrections->guard.phase != QBID_GUARD_OFF &&
        !(state->pacing.why & quiet))
        c->step_lg = step_find(corrections, &situation, now_unix_s);
}
