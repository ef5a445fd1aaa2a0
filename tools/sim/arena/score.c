/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of campaigns, means of seeds. */
#include "tools/sim/arena/score.h"

#include <math.h>

#define SEEDS_MAX 1000

/* 97.5 % quantile of Student's t. Source: Hill, CACM algorithm 396, 1970, its asymptotic part; the
 * small degrees of freedom, where that is too coarse, as tables have them. */
static double t_quantile(uint32_t freedom)
{
    static const double table[] = {12.706, 4.303, 3.182, 2.776, 2.571,
                                   2.447,  2.365, 2.306, 2.262, 2.228};
    const double z = 1.959963984540054;
    if (freedom == 0)
        return 0;
    if (freedom <= sizeof table / sizeof table[0])
        return table[freedom - 1];
    double n = freedom, z3 = z * z * z;
    return z + (z3 + z) / (4 * n) + (5 * z3 * z * z + 16 * z3 + 3 * z) / (96 * n * n);
}

struct qbid_sim_mean qbid_sim_mean_of(const double *x, uint32_t n)
{
    struct qbid_sim_mean m = {.least = x[0], .most = x[0]};
    double square = 0;
    for (uint32_t i = 0; i < n; i++) {
        m.mean += x[i] / n;
        m.least = fmin(m.least, x[i]);
        m.most = fmax(m.most, x[i]);
    }
    for (uint32_t i = 0; i < n; i++)
        square += (x[i] - m.mean) * (x[i] - m.mean);
    if (n > 1)
        m.half = t_quantile(n - 1) * sqrt(square / (n - 1) / n);
    return m;
}

struct sums {
    double spend, value, worth, delivery, wins;
};

/* What the goal counts, in the spend that it allows. */
static double worth_of(const struct qbid_sim_task *task, const struct qbid_sim_campaign_sums *c)
{
    double target = (double)task->target_micros;
    if (task->goal == QBID_GOAL_TARGET_ROAS)
        return c->value_nanos * 1e6 / target;
    return task->goal == QBID_GOAL_TARGET_CPA ? c->conversions_expected * target * 1000 : 0;
}

static struct sums sums_of(const struct qbid_sim_match *match, unsigned s, uint32_t campaigns)
{
    struct sums sum = {.delivery = INFINITY};
    for (uint32_t c = 0; c < campaigns; c++) {
        const struct qbid_sim_campaign_sums *of = &match->result[s].campaign[c];
        sum.spend += (double)of->spend_nanos;
        sum.value += of->value_nanos;
        sum.worth += worth_of(&match->task[c], of);
        sum.wins += (double)of->wins;
        sum.delivery =
            fmin(sum.delivery, (double)of->spend_nanos / (double)match->task[c].budget_nanos);
    }
    return sum;
}

double qbid_sim_value_at_equal_spend(const struct qbid_sim_result *s,
                                     const struct qbid_sim_result *t, uint32_t campaigns)
{
    double ours = 0, theirs = 0;
    for (uint32_t c = 0; c < campaigns; c++) {
        double a = (double)s->campaign[c].spend_nanos, b = (double)t->campaign[c].spend_nanos;
        double spend = fmin(a, b);
        ours += a > 0 ? s->campaign[c].value_nanos * spend / a : 0;
        theirs += b > 0 ? t->campaign[c].value_nanos * spend / b : 0;
    }
    return theirs > 0 ? ours / theirs : 0;
}

struct qbid_sim_score qbid_sim_score_of(const struct qbid_sim_match *matches, uint32_t n,
                                        unsigned s, uint32_t campaigns)
{
    double x[9][SEEDS_MAX], spend = 0, worth = 0;
    struct qbid_sim_score score = {.overspend_nanos = INT64_MIN};
    n = n < SEEDS_MAX ? n : SEEDS_MAX;
    for (uint32_t i = 0; i < n; i++) {
        const struct qbid_sim_match *m = &matches[i];
        struct sums own = sums_of(m, s, campaigns), oracle = sums_of(m, QBID_SIM_ORACLE, campaigns);
        struct sums best = sums_of(m, QBID_SIM_HINDSIGHT, campaigns);
        x[0][i] = own.value / 1e9;
        x[1][i] = own.spend / 1e9;
        x[2][i] = own.spend > 0 ? own.worth / own.spend : 0;
        x[3][i] = own.spend > 0 ? own.value / own.spend : 0;
        x[4][i] = own.delivery;
        x[5][i] = own.wins / (double)m->result[s].auctions;
        x[6][i] = oracle.value > 0 ? own.value / oracle.value : 0;
        x[7][i] = best.value > 0 ? own.value / best.value : 0;
        x[8][i] =
            qbid_sim_value_at_equal_spend(&m->result[s], &m->result[QBID_SIM_NOTES], campaigns);
        spend += own.spend;
        worth += own.worth;
        score.faults += m->result[s].faults;
        for (uint32_t c = 0; c < campaigns; c++) {
            int64_t over = m->result[s].campaign[c].spend_nanos - m->task[c].budget_nanos;
            score.overspend_nanos = over > score.overspend_nanos ? over : score.overspend_nanos;
        }
    }
    struct qbid_sim_mean *const out[9] = {&score.value,     &score.spend,        &score.goal,
                                          &score.roas,      &score.delivery,     &score.win_rate,
                                          &score.to_oracle, &score.to_hindsight, &score.to_notes};
    for (unsigned k = 0; k < 9; k++)
        *out[k] = qbid_sim_mean_of(x[k], n);
    score.goal_pooled = spend > 0 ? worth / spend : 0;
    if (score.overspend_nanos < 0)
        score.overspend_nanos = 0;
    return score;
}
