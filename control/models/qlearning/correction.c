/* SPDX-License-Identifier: Apache-2.0 */
/* Situations from the pacer's numbers, and the table's checks and look-up. */
#include "control/models/qlearning/correction.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "shm/error.h"
#include "shm/hash.h"

#define MAGIC UINT64_C(0x31524f4344494251) /* "QBIDCOR1" */
#define VERSION 1
#define MEMORY_PRIOR 0.01 /* of the plan, that the first multiplier counts for */
#define STEP_ROUNDING 1e-6

static double clamp(double x)
{
    return fmin(fmax(x, -1), 1);
}

/* log2 of a ratio, held to [-1, 1]; 0 where either side is unknown. */
static double ratio_lg(double a, double b)
{
    return a >= 0 && b > 0 ? clamp(log2(fmax(a / b, 1e-6))) : 0;
}

static double trend_of(const struct qbid_pacing_in *in, const struct qbid_pacing_state *state,
                       struct qbid_correction_memory *memory)
{
    double now = log2(state->alpha_budget);
    double weight = fmax(in->plan_step, 0);
    if (!(memory->weight > 0)) {
        memory->weight = MEMORY_PRIOR;
        memory->alpha_lg = MEMORY_PRIOR * now;
    }
    double mean = memory->alpha_lg / memory->weight;
    memory->weight += weight;
    memory->alpha_lg += weight * now;
    return clamp(2 * (now - mean));
}

int qbid_correction_situation(const struct qbid_pacing_in *in,
                              const struct qbid_pacing_state *state, double win_rate,
                              struct qbid_correction_memory *memory,
                              struct qbid_situation *ret_situation)
{
    *ret_situation = (struct qbid_situation){{0}};
    if (!isfinite(memory->alpha_lg) || !isfinite(memory->weight))
        *memory = (struct qbid_correction_memory){0, 0};
    if (!(in->plan_done >= 0 && in->plan_done <= 1) || !(in->plan_step >= 0) ||
        !(in->budget_nanos > 0 && isfinite(in->budget_nanos)) ||
        !(in->spent_nanos >= 0 && isfinite(in->spent_nanos)) ||
        !(state->alpha_budget > 0 && isfinite(state->alpha_budget)) ||
        !(win_rate >= 0 && win_rate <= 1))
        return QBID_ERR_INVAL;
    double plan_left = fmax(1 - in->plan_done, fmax(in->plan_step, 1e-6));
    double budget_left = fmax(1 - in->spent_nanos / in->budget_nanos, 0);
    double *x = ret_situation->x;
    x[QBID_CORRECTION_TIME] = 1 - 2 * in->plan_done;
    x[QBID_CORRECTION_BUDGET] = ratio_lg(budget_left, plan_left);
    x[QBID_CORRECTION_SPEND] =
        state->window_auctions > 0
            ? ratio_lg(state->window_observed_nanos / state->window_auctions, state->rho_nanos)
            : 0;
    x[QBID_CORRECTION_GOAL] =
        in->has_cap ? ratio_lg(in->worth_realised_nanos, in->worth_spent_nanos) : 0;
    x[QBID_CORRECTION_WINS] = 2 * win_rate - 1;
    x[QBID_CORRECTION_TREND] = trend_of(in, state, memory);
    for (int i = 0; i < QBID_CORRECTION_FEATURES; i++)
        if (!isfinite(x[i]))
            x[i] = 0;
    return 0;
}

double qbid_correction_step(uint32_t action)
{
    return 0.1 * ((double)action - QBID_CORRECTION_NEUTRAL);
}

static uint64_t checksum_of(const struct qbid_correction_table *table)
{
    const size_t head = offsetof(struct qbid_correction_table, checksum);
    const size_t body = offsetof(struct qbid_correction_table, edge_cnt);
    return XXH3_64bits_withSeed((const char *)table + body, sizeof *table - body,
                                XXH3_64bits(table, head));
}

/* States of the edges; 0 when they are too many. */
static uint32_t states_of(const struct qbid_correction_table *table)
{
    uint32_t n = 1;
    for (int f = 0; f < QBID_CORRECTION_FEATURES; f++) {
        if (table->edge_cnt[f] > QBID_CORRECTION_EDGES_MAX)
            return 0;
        n *= table->edge_cnt[f] + 1; /* at most 8^6 */
    }
    return n <= QBID_CORRECTION_STATES_MAX ? n : 0;
}

void qbid_correction_init(struct qbid_correction_table *table)
{
    memset(table, 0, sizeof *table);
}

void qbid_correction_seal(struct qbid_correction_table *table, int64_t trained_unix_s,
                          int64_t valid_until_unix_s)
{
    table->magic = MAGIC;
    table->version = VERSION;
    table->state_cnt = states_of(table);
    table->trained_unix_s = trained_unix_s;
    table->valid_until_unix_s = valid_until_unix_s;
    table->checksum = checksum_of(table);
}

static int step_valid(float step)
{
    return fabs((double)step) <= QBID_CORRECTION_STEP_MAX + STEP_ROUNDING; /* false for NaN */
}

int qbid_correction_check(const struct qbid_correction_table *table, int64_t now_unix_s)
{
    if (table->magic != MAGIC || table->version != VERSION)
        return QBID_ERR_VERSION;
    if (table->checksum != checksum_of(table) || table->state_cnt == 0 ||
        table->state_cnt != states_of(table))
        return QBID_ERR_CORRUPT;
    for (int f = 0; f < QBID_CORRECTION_FEATURES; f++)
        for (uint32_t i = 0; i < table->edge_cnt[f]; i++)
            if (!isfinite(table->edge[f][i]) ||
                (i > 0 && table->edge[f][i] < table->edge[f][i - 1]))
                return QBID_ERR_CORRUPT;
    for (uint32_t s = 0; s < table->state_cnt; s++)
        if (!step_valid(table->step_lg[s]))
            return QBID_ERR_CORRUPT;
    return now_unix_s < table->valid_until_unix_s ? 0 : QBID_ERR_STALE;
}

uint32_t qbid_correction_state(const struct qbid_correction_table *table,
                               const struct qbid_situation *situation)
{
    uint32_t state = 0;
    for (int f = 0; f < QBID_CORRECTION_FEATURES; f++) {
        uint32_t n = table->edge_cnt[f] <= QBID_CORRECTION_EDGES_MAX ? table->edge_cnt[f] : 0;
        uint32_t bucket = 0;
        for (uint32_t i = 0; i < n; i++)
            bucket += situation->x[f] >= (double)table->edge[f][i];
        state = state * (n + 1) + bucket;
    }
    return state < QBID_CORRECTION_STATES_MAX ? state : 0;
}

int qbid_correction_find(const struct qbid_correction_table *table,
                         const struct qbid_situation *situation, int64_t now_unix_s,
                         double *ret_step_lg)
{
    *ret_step_lg = 0;
    if (now_unix_s >= table->valid_until_unix_s)
        return QBID_ERR_STALE;
    for (int f = 0; f < QBID_CORRECTION_FEATURES; f++)
        if (!(fabs(situation->x[f]) <= 1))
            return QBID_ERR_INVAL;
    float step = table->step_lg[qbid_correction_state(table, situation)];
    if (!step_valid(step))
        return QBID_ERR_CORRUPT;
    *ret_step_lg = (double)step;
    return 0;
}
