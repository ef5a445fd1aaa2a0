/* SPDX-License-Identifier: Apache-2.0 */
/* Iterative proportional fitting with gamma priors; negative-binomial strengths by golden section.
 */
#include "control/models/rates/effects.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "control/models/golden.h"
#include "shm/error.h"

#define STRENGTH_SWEEPS 3
#define STRENGTH_GRID 10
#define STRENGTH_GOLDEN 10
#define STRENGTH_START 10.0 /* ratios that vary by a third */
#define USUAL_LOG_SD 1.5    /* of a strength around the usual one: twice the sd, or half of it */
#define COUNT_MAX 1e15      /* more in one cell is taken as this, less than its inverse as 0 */
#define RATIO_MAX 1e12

static double count_clean(double x)
{
    return x >= 1 / COUNT_MAX && isfinite(x) ? fmin(x, COUNT_MAX) : 0;
}

double qbid_effects_multiplier(double strength, double expected, double successes)
{
    return isfinite(strength) ? (strength + successes) / (strength + expected) : 1;
}

static double log_gamma(double x)
{
    int sign; /* the reentrant form: lgamma() writes a global */
    return lgamma_r(x, &sign);
}

struct counts {
    const double *expected;
    const double *successes;
    uint32_t cnt;
    uint32_t stride;
    double usual_log_k; /* where a prior holds log k; NAN = there is none */
};

/* Log-likelihood of the counts, up to what does not depend on k, and log of its prior. */
static double counts_score(const void *context, double log_k)
{
    const struct counts *counts = context;
    double k = exp(log_k), log_gamma_k = log_gamma(k), score = 0;
    double z = (log_k - counts->usual_log_k) / USUAL_LOG_SD;
    if (!isnan(z))
        score -= 0.5 * z * z;
    for (uint32_t i = 0; i < counts->cnt; i += counts->stride) {
        double e = counts->expected[i], c = counts->successes[i];
        if (!(e > 0))
            continue;
        score -= k * log1p(e / k);
        if (c > 0)
            score += log_gamma(k + c) - log_gamma_k - c * log(k + e);
    }
    return score;
}

/* A grid finds the hill, golden section its top. */
static double counts_search(const struct counts *counts)
{
    const double low = log(QBID_EFFECTS_STRENGTH_MIN), high = log(QBID_EFFECTS_STRENGTH_MAX);
    const double step = (high - low) / (STRENGTH_GRID - 1);
    double best = high, best_score = -INFINITY;
    for (int i = STRENGTH_GRID - 1; i >= 0; i--) {
        double score = counts_score(counts, low + i * step);
        if (score > best_score) {
            best_score = score;
            best = low + i * step;
        }
    }
    return qbid_golden_max(counts_score, counts, fmax(best - step, low), fmin(best + step, high),
                           STRENGTH_GOLDEN);
}

static double strength_fit(const double *expected, const double *successes, uint32_t cnt,
                           uint32_t max, double usual_sd)
{
    struct counts counts = {expected, successes, cnt, 1 + (cnt ? cnt - 1 : 0) / max, NAN};
    double seen = 0;
    uint32_t exposed = 0;
    for (uint32_t i = 0; i < cnt; i += counts.stride) {
        seen += expected[i] > 0 ? successes[i] : 0;
        exposed += expected[i] > 0 ? counts.stride : 0;
    }
    if (!(seen > 1))
        return INFINITY;
    if (usual_sd > 0 && exposed <= QBID_EFFECTS_FEW)
        counts.usual_log_k = -2 * log(usual_sd);
    double k = exp(counts_search(&counts));
    return k < 0.9 * QBID_EFFECTS_STRENGTH_MAX ? k : INFINITY;
}

double qbid_effects_strength(const double *expected, const double *successes, uint32_t cnt)
{
    return strength_fit(expected, successes, cnt, QBID_EFFECTS_FIT_CELLS, 0);
}

static int table_check(const struct qbid_effects_table *table, const struct qbid_effects_dim *dims)
{
    if (table->dim_cnt > QBID_EFFECTS_DIMS_MAX)
        return QBID_ERR_INVAL;
    if (table->cell_cnt && (!table->exposed || !table->successes || !table->fitted))
        return QBID_ERR_INVAL;
    for (uint32_t d = 0; d < table->dim_cnt; d++) {
        const struct qbid_effects_dim *dim = &dims[d];
        if (dim->value_cnt == 0 || !dim->ratio || !dim->successes || !dim->exposed)
            return QBID_ERR_INVAL;
        for (uint32_t i = 0; i < table->cell_cnt; i++)
            if (table->index[d][i] >= dim->value_cnt)
                return QBID_ERR_INVAL;
    }
    return 0;
}

static void dim_begin(const struct qbid_effects_table *table, struct qbid_effects_dim *dim,
                      const uint32_t *index)
{
    if (!(dim->strength > 0))
        dim->strength = STRENGTH_START;
    for (uint32_t v = 0; v < dim->value_cnt; v++) {
        dim->successes[v] = 0;
        if (!(dim->ratio[v] >= 1 / RATIO_MAX && dim->ratio[v] <= RATIO_MAX))
            dim->ratio[v] = 1;
    }
    for (uint32_t i = 0; i < table->cell_cnt; i++)
        if (count_clean(table->exposed[i]) > 0)
            dim->successes[index[i]] += count_clean(table->successes[i]);
}

/* Start of the fitted counts; returns the base, which makes their sum right and is not in them. */
static double table_begin(const struct qbid_effects_table *table, struct qbid_effects_dim *dims)
{
    double successes = 0, expected = 0;
    for (uint32_t d = 0; d < table->dim_cnt; d++)
        dim_begin(table, &dims[d], table->index[d]);
    for (uint32_t i = 0; i < table->cell_cnt; i++) {
        double fitted = count_clean(table->exposed[i]);
        for (uint32_t d = 0; d < table->dim_cnt; d++)
            fitted *= dims[d].ratio[table->index[d][i]];
        table->fitted[i] = fitted;
        expected += fitted;
        if (fitted > 0)
            successes += count_clean(table->successes[i]);
    }
    return expected > 0 ? successes / expected : 0;
}

/* Sums of what is fitted, by value; `fitted` first takes the change of the dimension before, or
 * what the base is multiplied with, so that each dimension goes over the cells once. */
struct change {
    const double *by_value; /* NULL = there is none */
    const uint32_t *index;
    double all;
};

static void dim_sum(const struct qbid_effects_table *table, struct change change,
                    struct qbid_effects_dim *dim, const uint32_t *index)
{
    double *fitted = table->fitted, *sum = dim->exposed;
    for (uint32_t v = 0; v < dim->value_cnt; v++)
        sum[v] = 0;
    if (change.by_value) {
        for (uint32_t i = 0; i < table->cell_cnt; i++) {
            fitted[i] *= change.by_value[change.index[i]];
            sum[index[i]] += fitted[i];
        }
        return;
    }
    for (uint32_t i = 0; i < table->cell_cnt; i++) {
        fitted[i] *= change.all;
        sum[index[i]] += fitted[i];
    }
}

/* What each value is exposed to but for its own ratio. */
static void dim_expose(const struct qbid_effects_table *table, struct change change,
                       struct qbid_effects_dim *dim, const uint32_t *index)
{
    dim_sum(table, change, dim, index);
    for (uint32_t v = 0; v < dim->value_cnt; v++)
        dim->exposed[v] = dim->ratio[v] > 0 ? dim->exposed[v] / dim->ratio[v] : 0;
}

/* New ratios; `exposed` then holds by how much each changed. Returns the largest log change. */
static double dim_update(struct qbid_effects_dim *dim)
{
    double most = 0;
    for (uint32_t v = 0; v < dim->value_cnt; v++) {
        double before = dim->ratio[v], e = dim->exposed[v], after = before;
        if (!dim->exact)
            after = qbid_effects_multiplier(dim->strength, e, dim->successes[v]);
        else if (e > 0)
            after = fmin(dim->successes[v] / e, RATIO_MAX);
        double change = before > 0 ? after / before : 1;
        dim->ratio[v] = after;
        dim->exposed[v] = change;
        if (change > 0)
            most = fmax(most, fabs(log(change)));
    }
    return most;
}

/* Bring the last dimension's change to `fitted`. Shrunk ratios need not add up: by how much the
 * base takes the difference is returned, and not brought there. */
static double base_change(const struct qbid_effects_table *table, struct change change,
                          double successes)
{
    double expected = 0;
    for (uint32_t i = 0; i < table->cell_cnt; i++) {
        table->fitted[i] *= change.by_value ? change.by_value[change.index[i]] : change.all;
        expected += table->fitted[i];
    }
    return expected > 0 ? successes / expected : 1;
}

/* Of all cells that are exposed. */
static double successes_sum(const struct qbid_effects_table *table)
{
    double successes = 0;
    for (uint32_t i = 0; i < table->cell_cnt; i++)
        successes += count_clean(table->exposed[i]) > 0 ? count_clean(table->successes[i]) : 0;
    return successes;
}

int qbid_effects_fit(const struct qbid_effects_table *table, struct qbid_effects_dim *dims,
                     uint32_t sweeps_max, double tolerance, double *ret_base)
{
    int err = table_check(table, dims);
    if (err)
        return err;
    bool known[QBID_EFFECTS_DIMS_MAX];
    for (uint32_t d = 0; d < table->dim_cnt; d++)
        known[d] = dims[d].strength > 0;
    double base = table_begin(table, dims), successes = successes_sum(table);
    struct change change = {.all = base};
    for (uint32_t sweep = 0; sweep < sweeps_max; sweep++) {
        double most = 0;
        for (uint32_t d = 0; d < table->dim_cnt; d++) {
            struct qbid_effects_dim *dim = &dims[d];
            bool fit = !dim->exact && sweep < (known[d] ? 1 : STRENGTH_SWEEPS);
            if (!dim->exact && !fit && isinf(dim->strength))
                continue; /* its ratios are 1 */
            dim_expose(table, change, dim, table->index[d]);
            if (fit)
                dim->strength = strength_fit(dim->exposed, dim->successes, dim->value_cnt,
                                             dim->fit_max ? dim->fit_max : QBID_EFFECTS_FIT_CELLS,
                                             dim->usual_sd);
            most = fmax(most, dim_update(dim));
            change = (struct change){.by_value = dim->exposed, .index = table->index[d]};
        }
        change = (struct change){.all = base_change(table, change, successes)};
        base *= change.all;
        if (most <= tolerance)
            break;
    }
    for (uint32_t i = 0; i < table->cell_cnt; i++)
        table->fitted[i] *= change.all;
    *ret_base = base;
    return 0;
}
