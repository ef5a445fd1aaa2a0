/* SPDX-License-Identifier: Apache-2.0 */
/* Hierarchical empirical-Bayes rates: evidence up the tree, strengths by likelihood, rates down. */
#include "control/models/rates/rates.h"

#include <math.h>
#include <stddef.h>

#include "control/models/golden.h"
#include "shm/error.h"

#define FIT_PASSES 3
#define FIT_GRID 17
#define FIT_GOLDEN 14
#define FIT_WARM 0.3 /* of log strength, how far a fit goes from the last one's */
#define FIT_WARM_GOLDEN 6
#define FIT_SUCCESSES_MIN 5.0 /* below this a level says nothing on its spread */
#define FIT_LOG_SD 3.0        /* of the prior on log strength: a factor of 20 */

#define AHEAD 8 /* cells whose parents are fetched while one is looked at */

static double count_clean(double x)
{
    return x > 0 && isfinite(x) ? fmin(x, QBID_RATES_TRIALS_MAX) : 0;
}

static double rate_clean(double x)
{
    return fmin(fmax(x, QBID_RATES_RATE_MIN), 1 - QBID_RATES_RATE_MIN);
}

double qbid_rates_posterior(struct qbid_rates_prior prior, double trials, double successes)
{
    return (prior.mean * prior.strength + successes) / (prior.strength + trials);
}

static int tree_check(const struct qbid_rates_level *levels, uint32_t level_cnt,
                      struct qbid_rates_prior prior)
{
    if (level_cnt < 1 || level_cnt > QBID_RATES_LEVELS_MAX)
        return QBID_ERR_INVAL;
    if (!(prior.mean > 0 && prior.mean < 1 && prior.strength > 0 && isfinite(prior.strength)))
        return QBID_ERR_INVAL;
    for (uint32_t l = 0; l < level_cnt; l++) {
        if (levels[l].cell_cnt > QBID_RATES_CELLS_MAX || (levels[l].cell_cnt && !levels[l].cells))
            return QBID_ERR_INVAL;
        for (uint32_t i = 0; l > 0 && i < levels[l].cell_cnt; i++)
            if (levels[l].cells[i].parent >= levels[l - 1].cell_cnt)
                return QBID_ERR_INVAL;
    }
    return 0;
}

/* Parents lie anywhere in their level, which need not fit in a cache. */
static void parent_prefetch(const struct qbid_rates_level *levels, uint32_t l, uint32_t i)
{
    if (levels[l].cell_cnt - i > AHEAD)
        __builtin_prefetch(&levels[l - 1].cells[levels[l].cells[i + AHEAD].parent].rate, 1);
}

/* Of a level, as a fit needs to know them. */
struct sums {
    double successes, failures;
    uint32_t seen; /* cells with trials */
};

static void sums_add(struct sums *sums, const struct qbid_rates_cell *cell)
{
    sums->successes += cell->successes;
    sums->failures += cell->trials - cell->successes;
    sums->seen += cell->trials > 0;
}

/* What each cell saw outside its listed children; at the last level, all that it saw. */
static void rest_collect(struct qbid_rates_level *levels, uint32_t level_cnt, struct sums *ret_sums)
{
    for (uint32_t l = 0; l < level_cnt; l++) {
        for (uint32_t i = 0; i < levels[l].cell_cnt; i++) {
            struct qbid_rates_cell *cell = &levels[l].cells[i];
            cell->trials = count_clean(cell->trials);
            cell->successes = fmin(count_clean(cell->successes), cell->trials);
            cell->rest_trials = cell->trials;
            cell->rest_successes = cell->successes;
            cell->seen_trials = cell->trials;
            cell->seen_successes = cell->successes;
            cell->child_cnt = 0;
            sums_add(&ret_sums[l], cell);
            if (l == 0)
                continue;
            parent_prefetch(levels, l, i);
            struct qbid_rates_cell *parent = &levels[l - 1].cells[cell->parent];
            parent->child_cnt++;
            parent->rest_trials -= cell->trials;
            parent->rest_successes -= cell->successes;
        }
    }
    for (uint32_t l = 0; l + 1 < level_cnt; l++) { /* below the last nothing was taken away */
        for (uint32_t i = 0; i < levels[l].cell_cnt; i++) {
            struct qbid_rates_cell *cell = &levels[l].cells[i];
            cell->rest_trials = fmax(cell->rest_trials, 0);
            cell->rest_successes = fmin(fmax(cell->rest_successes, 0), cell->rest_trials);
        }
    }
}

/* Trials of the parent's own that n trials of a child are worth: equal variance of the mean. */
static double trials_up(double n, double strength)
{
    return fmin(n, n * (strength + 1) / (strength + n));
}

static void evidence_add(struct qbid_rates_cell *cell, double trials, double successes,
                         double strength)
{
    if (!(trials > 0))
        return;
    double up = trials_up(trials, strength);
    cell->seen_trials += up;
    cell->seen_successes += up * successes / trials;
}

/* Evidence about each cell's own rate. Trials outside the listed children come from siblings that
 * nobody names: they count as one more child. */
static void evidence_collect(struct qbid_rates_level *levels, uint32_t level_cnt)
{
    for (uint32_t l = level_cnt - 1; l-- > 0;) {
        double below = levels[l + 1].strength;
        for (uint32_t i = 0; i < levels[l].cell_cnt; i++) {
            struct qbid_rates_cell *cell = &levels[l].cells[i];
            cell->seen_trials = cell->child_cnt ? 0 : cell->trials;
            cell->seen_successes = cell->child_cnt ? 0 : cell->successes;
            if (cell->child_cnt)
                evidence_add(cell, cell->rest_trials, cell->rest_successes, below);
        }
        for (uint32_t i = 0; i < levels[l + 1].cell_cnt; i++) {
            parent_prefetch(levels, l + 1, i);
            const struct qbid_rates_cell *child = &levels[l + 1].cells[i];
            evidence_add(&levels[l].cells[child->parent], child->seen_trials, child->seen_successes,
                         below);
        }
    }
}

/* The parent's posterior without what this child told it. */
static struct qbid_rates_prior parent_without(const struct qbid_rates_cell *parent,
                                              const struct qbid_rates_cell *child, double strength)
{
    double mass = parent->rate * parent->strength;
    double total = parent->strength;
    if (child->seen_trials > 0) {
        double up = trials_up(child->seen_trials, strength);
        total = fmax(total - up, 1e-9 * total);
        mass -= up * child->seen_successes / child->seen_trials;
    }
    return (struct qbid_rates_prior){rate_clean(mass / total), total};
}

/* Strength of a child's prior: spread of the level and doubt about the parent, as one beta. */
static double strength_join(double strength, double parent_strength)
{
    return strength * parent_strength / (strength + parent_strength + 1);
}

static void cell_update(struct qbid_rates_cell *cell, struct qbid_rates_prior prior)
{
    cell->rate = rate_clean(qbid_rates_posterior(prior, cell->seen_trials, cell->seen_successes));
    cell->strength = prior.strength + cell->seen_trials;
}

static void rates_down(struct qbid_rates_level *levels, uint32_t level_cnt,
                       struct qbid_rates_prior prior)
{
    for (uint32_t i = 0; i < levels[0].cell_cnt; i++)
        cell_update(&levels[0].cells[i], prior);
    for (uint32_t l = 1; l < level_cnt; l++) {
        double s = levels[l].strength;
        for (uint32_t i = 0; i < levels[l].cell_cnt; i++) {
            parent_prefetch(levels, l, i);
            struct qbid_rates_cell *cell = &levels[l].cells[i];
            struct qbid_rates_prior p = parent_without(&levels[l - 1].cells[cell->parent], cell, s);
            p.strength = strength_join(s, p.strength);
            cell_update(cell, p);
        }
    }
}

static double log_gamma(double x)
{
    int sign; /* the reentrant form: lgamma() writes a global */
    return lgamma_r(x, &sign);
}

/* log of the beta-binomial probability of one cell, up to what does not depend on the prior. */
static double log_predictive(double n, double c, double mean, double strength)
{
    double a = mean * strength;
    double b = strength - a;
    return log_gamma(c + a) - log_gamma(a) + log_gamma(n - c + b) - log_gamma(b) -
           log_gamma(n + strength) + log_gamma(strength);
}

struct fit {
    const struct qbid_rates_level *level;
    const struct qbid_rates_cell *parents;
    double strength_now; /* with which the evidence was collected */
    double log_start;
    uint32_t stride;
};

static double fit_score(const void *context, double log_strength)
{
    const struct fit *fit = context;
    double s = exp(log_strength);
    double z = (log_strength - fit->log_start) / FIT_LOG_SD;
    double score = -0.5 * z * z;
    for (uint32_t i = 0; i < fit->level->cell_cnt; i += fit->stride) {
        const struct qbid_rates_cell *cell = &fit->level->cells[i];
        if (!(cell->seen_trials > 0))
            continue;
        struct qbid_rates_prior p =
            parent_without(&fit->parents[cell->parent], cell, fit->strength_now);
        score += log_predictive(cell->seen_trials, cell->seen_successes, p.mean,
                                strength_join(s, p.strength));
    }
    return score;
}

/* Best log strength: a grid finds the hill, golden section its top. From the last fit's strength it
 * is not far. */
static double fit_search(const struct fit *fit, int warm)
{
    const double low = log(QBID_RATES_STRENGTH_MIN), high = log(QBID_RATES_STRENGTH_MAX);
    const double step = (high - low) / (FIT_GRID - 1);
    if (warm)
        return qbid_golden_max(fit_score, fit, fmax(fit->log_start - FIT_WARM, low),
                               fmin(fit->log_start + FIT_WARM, high), FIT_WARM_GOLDEN);
    double best = low, best_score = -INFINITY;
    for (int i = 0; i < FIT_GRID; i++) {
        double score = fit_score(fit, low + i * step);
        if (score > best_score) {
            best_score = score;
            best = low + i * step;
        }
    }
    return qbid_golden_max(fit_score, fit, fmax(best - step, low), fmin(best + step, high),
                           FIT_GOLDEN);
}

static void level_fit(struct qbid_rates_level *level, const struct qbid_rates_level *above,
                      const struct sums *sums, double log_start, int warm)
{
    if (level->fixed || sums->seen < 2 || fmin(sums->successes, sums->failures) < FIT_SUCCESSES_MIN)
        return;
    struct fit fit = {.level = level, .parents = above->cells, .strength_now = level->strength};
    fit.log_start = log_start;
    fit.stride = 1 + (level->cell_cnt - 1) / QBID_RATES_FIT_CELLS;
    level->strength = exp(fit_search(&fit, warm));
}

int qbid_rates_fit(struct qbid_rates_level *levels, uint32_t level_cnt,
                   struct qbid_rates_prior prior)
{
    int err = tree_check(levels, level_cnt, prior);
    if (err)
        return err;
    double log_start[QBID_RATES_LEVELS_MAX];
    int warm = 1;
    for (uint32_t l = 0; l < level_cnt; l++) {
        double s = levels[l].strength;
        if (!(s > 0 && isfinite(s))) {
            s = 4 / prior.mean; /* rates that vary by half of their mean */
            warm = warm && l == 0;
        }
        s = fmin(fmax(s, QBID_RATES_STRENGTH_MIN), QBID_RATES_STRENGTH_MAX);
        levels[l].strength = s;
        log_start[l] = log(s);
    }
    struct sums sums[QBID_RATES_LEVELS_MAX] = {{0}};
    rest_collect(levels, level_cnt, sums);
    for (int pass = 0; pass < (warm ? 1 : FIT_PASSES); pass++) {
        evidence_collect(levels, level_cnt);
        rates_down(levels, level_cnt - 1, prior); /* a fit asks for the rates above it */
        for (uint32_t l = 1; l < level_cnt; l++)
            level_fit(&levels[l], &levels[l - 1], &sums[l], log_start[l], warm);
    }
    evidence_collect(levels, level_cnt);
    rates_down(levels, level_cnt, prior);
    return 0;
}
