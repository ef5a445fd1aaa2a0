/* SPDX-License-Identifier: Apache-2.0 */
/* Means and intervals of the three arms on the same days. */
#include "tools/sim/train/gate.h"

#include <math.h>

#include "shm/error.h"

#define NORMAL_975 1.959964
#define SEED_APART 7000000 /* from the seeds of training */

static const struct qbid_gate_market markets[] = {
    {"as trained, 1,000 to 40,000 auctions", 1000, 40000, 0, 288, 256},
    {"2,000 auctions", 2000, 2000, 0, 288, 256},
    {"80,000 auctions, period of a minute", 80000, 80000, 0, 1440, 512},
    {"prices peak 12 hours later", 1000, 40000, 0.5, 288, 256},
};

const struct qbid_gate_market *qbid_gate_markets(uint32_t *ret_cnt)
{
    *ret_cnt = sizeof markets / sizeof *markets;
    return markets;
}

/* Running mean and spread. */
struct sums {
    double n, sum, square;
};

static void sums_add(struct sums *s, double x)
{
    s->n++;
    s->sum += x;
    s->square += x * x;
}

static struct qbid_gate_mean mean_of(const struct sums *s)
{
    double mean = s->sum / s->n;
    double var = s->n > 1 ? fmax(s->square / s->n - mean * mean, 0) * s->n / (s->n - 1) : 0;
    return (struct qbid_gate_mean){mean, NORMAL_975 * sqrt(var / s->n)};
}

int qbid_gate_judge(const struct qbid_gate_market *market, const struct qbid_dqn *dqn,
                    const struct qbid_correction_table *table, uint32_t days, uint64_t seed,
                    struct qbid_gate_result *ret_result)
{
    qbid_train_policy_fn *const step[QBID_GATE_ARMS] = {
        qbid_train_no_step, qbid_train_net_step, qbid_train_table_step, qbid_train_oracle_step};
    const void *const policy[QBID_GATE_ARMS] = {NULL, dqn, table, NULL};
    struct qbid_train_params law = {.auctions_min = market->auctions_min,
                                    .auctions_max = market->auctions_max,
                                    .periods = market->periods};
    struct qbid_random random = qbid_random_init(seed + SEED_APART);
    struct qbid_shade shade = qbid_day_shade();
    struct sums value[QBID_GATE_ARMS] = {{0}}, gain[QBID_GATE_ARMS] = {{0}};
    struct qbid_gate_result r = {
        .days = days, .delivered_min = {2, 2, 2, 2}, .met_min = {2, 2, 2, 2}};
    struct qbid_day day;
    if (qbid_day_init(&day, market->periods, (uint32_t)(QBID_TRAIN_ROOM * market->auctions_max)))
        return QBID_ERR_NOMEM;
    for (uint32_t n = 0; n < days; n++) {
        struct qbid_day_kind kind = qbid_train_kind(&law, &random);
        struct qbid_train_score score[QBID_GATE_ARMS];
        kind.phase += market->phase;
        qbid_day_draw(&day, &kind, &shade, &random);
        for (int a = 0; a < QBID_GATE_ARMS; a++) {
            score[a] = qbid_train_play(&day, &shade, market->samples, step[a], policy[a]);
            sums_add(&value[a], score[a].value);
            sums_add(&gain[a], score[a].value - score[QBID_GATE_PACER].value);
            r.delivered_min[a] = fmin(r.delivered_min[a], score[a].delivered);
            r.met_min[a] = fmin(r.met_min[a], score[a].met);
        }
    }
    for (int a = 0; a < QBID_GATE_ARMS; a++) {
        r.value[a] = mean_of(&value[a]);
        r.gain[a] = mean_of(&gain[a]);
    }
    qbid_day_done(&day);
    *ret_result = r;
    return 0;
}

int qbid_gate_passes(const struct qbid_gate_result *result, enum qbid_gate_arm arm)
{
    const struct qbid_gate_mean *pacer = &result->value[QBID_GATE_PACER];
    return result->value[arm].mean - result->value[arm].half > pacer->mean + pacer->half;
}
