/* SPDX-License-Identifier: Apache-2.0 */
/* Main effects against a GLM of two other makes, and against known truth on sparse cells. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/rates/effects.h"
#include "control/models/rates/rates.h"
#include "shm/error.h"
#include "tests/control/models/rates/effects_glm.h"
#include "tests/control/models/rng.h"

#define CELLS_MAX 21600 /* 24 hours, 3 devices, 6 placements, 50 geos */
#define DIMS_MAX 4
#define VALUES_MAX 64
#define PARAMS_MAX (1 + DIMS_MAX * VALUES_MAX)

struct world {
    struct qbid_effects_table table;
    struct qbid_effects_dim dim[DIMS_MAX];
    uint32_t index[DIMS_MAX][CELLS_MAX];
    double trials[CELLS_MAX], successes[CELLS_MAX], fitted[CELLS_MAX], truth[CELLS_MAX];
    double ratio[DIMS_MAX][VALUES_MAX], seen[DIMS_MAX][VALUES_MAX], exposed[DIMS_MAX][VALUES_MAX];
};

static void world_shape(struct world *w, uint32_t dims, const uint32_t *size, int exact)
{
    memset(w, 0, sizeof *w);
    w->table = (struct qbid_effects_table){.dim_cnt = dims,
                                           .cell_cnt = 1,
                                           .exposed = w->trials,
                                           .successes = w->successes,
                                           .fitted = w->fitted};
    for (uint32_t d = 0; d < dims; d++) {
        w->table.cell_cnt *= size[d];
        w->table.index[d] = w->index[d];
        w->dim[d] = (struct qbid_effects_dim){.value_cnt = size[d],
                                              .exact = exact,
                                              .ratio = w->ratio[d],
                                              .successes = w->seen[d],
                                              .exposed = w->exposed[d]};
    }
    for (uint32_t i = 0; i < w->table.cell_cnt; i++) {
        uint32_t rest = i;
        for (uint32_t d = dims; d-- > 0; rest /= size[d])
            w->index[d][i] = rest % size[d];
    }
}

/* Coefficients against each dimension's value 0, as a GLM gives them. */
static uint32_t coefficients_of(const struct world *w, double base, double *ret)
{
    uint32_t n = 1;
    ret[0] = log(base);
    for (uint32_t d = 0; d < w->table.dim_cnt; d++) {
        ret[0] += log(w->ratio[d][0]);
        for (uint32_t v = 1; v < w->dim[d].value_cnt; v++)
            ret[n++] = log(w->ratio[d][v] / w->ratio[d][0]);
    }
    return n;
}

static void exact_fit_gives_the_coefficients_of_statsmodels(void **state)
{
    (void)state;
    static struct world w;
    double at[PARAMS_MAX], base, most = 0;
    world_shape(&w, 3, (const uint32_t[]){6, 3, 5}, 1);
    memcpy(w.trials, effects_glm_trials, sizeof effects_glm_trials);
    memcpy(w.successes, effects_glm_successes, sizeof effects_glm_successes);
    assert_int_equal(qbid_effects_fit(&w.table, w.dim, 10000, 1e-13, &base), 0);
    uint32_t n = coefficients_of(&w, base, at);
    assert_int_equal(n, sizeof effects_glm_coefficient / sizeof *effects_glm_coefficient);
    for (uint32_t i = 0; i < n; i++)
        most = fmax(most, fabs(at[i] - effects_glm_coefficient[i]));
    print_message("coefficients against statsmodels: largest difference %.2e\n", most);
    assert_true(most < 1e-8);
}

/* Design row of a cell: which parameters are 1. */
static uint32_t design(const struct world *w, uint32_t cell, uint32_t *ret)
{
    uint32_t cnt = 1, first = 1;
    ret[0] = 0;
    for (uint32_t d = 0; d < w->table.dim_cnt; d++) {
        if (w->index[d][cell])
            ret[cnt++] = first + w->index[d][cell] - 1;
        first += w->dim[d].value_cnt - 1;
    }
    return cnt;
}

static void solve(double *a, double *b, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        uint32_t pivot = k;
        for (uint32_t i = k + 1; i < n; i++)
            if (fabs(a[i * n + k]) > fabs(a[pivot * n + k]))
                pivot = i;
        for (uint32_t j = 0; j < n; j++) {
            double swap = a[k * n + j];
            a[k * n + j] = a[pivot * n + j];
            a[pivot * n + j] = swap;
        }
        double swap = b[k];
        b[k] = b[pivot];
        b[pivot] = swap;
        for (uint32_t i = k + 1; i < n; i++) {
            double f = a[i * n + k] / a[k * n + k];
            for (uint32_t j = k; j < n; j++)
                a[i * n + j] -= f * a[k * n + j];
            b[i] -= f * b[k];
        }
    }
    for (uint32_t k = n; k-- > 0;) {
        for (uint32_t j = k + 1; j < n; j++)
            b[k] -= a[k * n + j] * b[j];
        b[k] /= a[k * n + k];
    }
}

/* The GLM by Newton's method: iteratively reweighted least squares. */
static void glm_newton(const struct world *w, double *beta, uint32_t n)
{
    static double a[PARAMS_MAX * PARAMS_MAX], b[PARAMS_MAX];
    double successes = 0, trials = 0;
    for (uint32_t i = 0; i < w->table.cell_cnt; i++)
        successes += w->successes[i], trials += w->trials[i];
    memset(beta, 0, n * sizeof *beta);
    beta[0] = log(successes / trials);
    for (int step = 0; step < 50; step++) {
        memset(a, 0, sizeof a);
        memset(b, 0, sizeof b);
        for (uint32_t i = 0; i < w->table.cell_cnt; i++) {
            uint32_t on[DIMS_MAX + 1], cnt = design(w, i, on);
            double mu = w->trials[i], eta = 0;
            for (uint32_t k = 0; k < cnt; k++)
                eta += beta[on[k]];
            mu *= exp(eta);
            for (uint32_t k = 0; k < cnt; k++) {
                b[on[k]] += w->successes[i] - mu;
                for (uint32_t j = 0; j < cnt; j++)
                    a[on[k] * n + on[j]] += mu;
            }
        }
        solve(a, b, n);
        for (uint32_t k = 0; k < n; k++)
            beta[k] += b[k];
    }
}

/* Full tables and ones with holes, up to four dimensions. */
static void exact_fit_gives_the_coefficients_of_newtons_method(void **state)
{
    (void)state;
    static struct world w;
    double most = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rng r = rng_init(seed);
        uint32_t dims = 1 + rng_below(&r, 4), size[DIMS_MAX];
        for (uint32_t d = 0; d < dims; d++)
            size[d] = 2 + rng_below(&r, 5);
        world_shape(&w, dims, size, 1);
        for (uint32_t i = 0; i < w.table.cell_cnt; i++) {
            double rate = 0.05;
            for (uint32_t d = 0; d < dims; d++)
                rate *= 1 + 0.2 * w.index[d][i];
            if (dims > 2 && rng_below(&r, 4) == 0)
                continue;
            w.trials[i] = 100 + rng_below(&r, 400);
            w.successes[i] = rng_binomial(&r, (uint32_t)w.trials[i], fmin(rate, 1));
        }
        double base, ours[PARAMS_MAX], theirs[PARAMS_MAX];
        assert_int_equal(qbid_effects_fit(&w.table, w.dim, 10000, 1e-13, &base), 0);
        uint32_t n = coefficients_of(&w, base, ours);
        glm_newton(&w, theirs, n);
        for (uint32_t k = 0; k < n; k++)
            most = fmax(most, fabs(ours[k] - theirs[k]));
    }
    print_message("coefficients against Newton's method: largest difference %.2e\n", most);
    assert_true(most < 1e-8);
}

/* A prior of 2 % that is worth 100 trials: 3 of 50 is 5 of 150, whichever pair is conjugate. */
static void three_of_fifty_is_five_of_150(void **state)
{
    (void)state;
    assert_true(fabs(0.02 * qbid_effects_multiplier(2, 0.02 * 50, 3) - 5.0 / 150) < 1e-15);
    assert_true(qbid_effects_multiplier(INFINITY, 1, 30) == 1);
}

#define MEAN 0.02  /* rate; every effect has mean 1 */
#define SPREAD 1.5 /* log-sd of a cell's trials, whose median is 40 */

static double effect_draw(struct rng *r, double sd)
{
    return sd * rng_normal(r) - 0.5 * sd * sd;
}

/* The generator of ALGORITHMS 2.1. It leaves the mean rate and the spread of trials open: with
 * these, what does not depend on our code (raw rates, main effects alone) scores as it says. */
static void world_draw(struct world *w, struct rng *r, double interaction)
{
    static const uint32_t size[DIMS_MAX] = {24, 3, 6, 50};
    static const double sd[DIMS_MAX] = {0.25, 0.3, 0.3, 0.4};
    double effect[DIMS_MAX][VALUES_MAX];
    world_shape(w, DIMS_MAX, size, 0);
    for (uint32_t d = 0; d < DIMS_MAX; d++)
        for (uint32_t v = 0; v < size[d]; v++)
            effect[d][v] = effect_draw(r, sd[d]);
    for (uint32_t i = 0; i < w->table.cell_cnt; i++) {
        double lg = log(MEAN) + effect_draw(r, interaction);
        for (uint32_t d = 0; d < DIMS_MAX; d++)
            lg += effect[d][w->index[d][i]];
        w->truth[i] = fmin(exp(lg), 0.99);
        w->trials[i] = ceil(rng_lognormal(r, log(40), SPREAD));
        w->successes[i] = rng_binomial(r, (uint32_t)w->trials[i], w->truth[i]);
    }
}

struct score {
    double loss; /* excess over the truth, 1e-4 nats a trial */
    double rmse; /* relative, by trials */
};

static struct score score_of(const struct world *w, const double *rate)
{
    double loss = 0, square = 0, trials = 0;
    for (uint32_t i = 0; i < w->table.cell_cnt; i++) {
        double p = w->truth[i], q = fmin(fmax(rate[i], 1e-6), 1 - 1e-6), n = w->trials[i];
        loss += n * (p * log(p / q) + (1 - p) * log((1 - p) / (1 - q)));
        square += n * (rate[i] / p - 1) * (rate[i] / p - 1);
        trials += n;
    }
    return (struct score){loss / trials * 1e4, sqrt(square / trials)};
}

enum way { RAW, GLOBAL, BETA, MAIN, OURS, WAYS };
static const char *const way_name[WAYS] = {"raw", "global mean", "one beta-binomial", "IPF",
                                           "IPF and cells"};

static void beta_rates(const struct world *w, double mean, double *rate)
{
    static struct qbid_rates_cell leaf[CELLS_MAX];
    struct qbid_rates_cell root = {0};
    for (uint32_t i = 0; i < w->table.cell_cnt; i++) {
        leaf[i] = (struct qbid_rates_cell){.trials = w->trials[i], .successes = w->successes[i]};
        root.trials += w->trials[i];
        root.successes += w->successes[i];
    }
    struct qbid_rates_level level[2] = {{&root, 1, 0, 0}, {leaf, w->table.cell_cnt, 0, 0}};
    assert_int_equal(qbid_rates_fit(level, 2, (struct qbid_rates_prior){mean, 10}), 0);
    for (uint32_t i = 0; i < w->table.cell_cnt; i++)
        rate[i] = leaf[i].rate;
}

static double ways_score(struct world *w, struct score score[WAYS])
{
    static double rate[CELLS_MAX];
    uint32_t n = w->table.cell_cnt;
    double trials = 0, successes = 0, base;
    for (uint32_t i = 0; i < n; i++) {
        trials += w->trials[i];
        successes += w->successes[i];
        rate[i] = w->successes[i] / w->trials[i];
    }
    score[RAW] = score_of(w, rate);
    for (uint32_t i = 0; i < n; i++)
        rate[i] = successes / trials;
    score[GLOBAL] = score_of(w, rate);
    beta_rates(w, successes / trials, rate);
    score[BETA] = score_of(w, rate);
    assert_int_equal(qbid_effects_fit(&w->table, w->dim, 30, 1e-6, &base), 0);
    for (uint32_t i = 0; i < n; i++)
        rate[i] = w->fitted[i] / w->trials[i];
    score[MAIN] = score_of(w, rate);
    double k = qbid_effects_strength(w->fitted, w->successes, n);
    for (uint32_t i = 0; i < n; i++)
        rate[i] *= qbid_effects_multiplier(k, w->fitted[i], w->successes[i]);
    score[OURS] = score_of(w, rate);
    return k;
}

static void ways_run(double interaction, uint64_t seeds, struct score mean[WAYS], double *ret_k)
{
    static struct world w;
    memset(mean, 0, WAYS * sizeof *mean);
    *ret_k = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct rng r = rng_init(seed);
        struct score score[WAYS];
        world_draw(&w, &r, interaction);
        *ret_k += 1 / ways_score(&w, score) / (double)seeds;
        for (int way = 0; way < WAYS; way++) {
            mean[way].loss += score[way].loss / (double)seeds;
            mean[way].rmse += score[way].rmse / (double)seeds;
        }
    }
    for (int way = 0; way < WAYS; way++)
        print_message("interaction sd %.1f, %s: excess log-loss %.2f, relative RMSE %.3f\n",
                      interaction, way_name[way], mean[way].loss, mean[way].rmse);
}

static void sparse_cells_reach_the_guides_excess_log_loss(void **state)
{
    (void)state;
    struct score mean[WAYS];
    double k;
    ways_run(0.3, 10, mean, &k);
    print_message("variance of the cells' multipliers: %.4f (truth %.4f)\n", k, exp(0.09) - 1);
    assert_true(mean[OURS].loss <= 5.21 * 1.1);
    assert_true(mean[OURS].rmse <= 0.251 * 1.1);
    assert_true(mean[OURS].loss < mean[MAIN].loss && mean[OURS].loss < mean[BETA].loss);
    assert_true(mean[MAIN].loss < mean[GLOBAL].loss && mean[GLOBAL].loss < mean[RAW].loss);
}

static void without_interactions_cells_cost_nothing(void **state)
{
    (void)state;
    struct score mean[WAYS];
    double k;
    ways_run(0, 10, mean, &k);
    assert_true(mean[OURS].loss <= mean[MAIN].loss * 1.01);
    assert_true(mean[OURS].loss <= 0.17 * 1.1);
}

static void odd_counts_give_finite_ratios(void **state)
{
    (void)state;
    static struct world w;
    const double odd[] = {NAN, -1, INFINITY, 0, 1, 1e300, 1e-300, 50};
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct rng r = rng_init(seed);
        double base = -1;
        world_shape(&w, 3, (const uint32_t[]){5, 4, 3}, seed % 2 == 0);
        for (uint32_t i = 0; i < w.table.cell_cnt; i++) {
            w.trials[i] = seed % 7 == 0 ? 0 : odd[rng_below(&r, 8)];
            w.successes[i] = seed % 5 == 0 ? 0 : odd[rng_below(&r, 8)];
        }
        for (uint32_t v = 0; v < 3; v++)
            w.ratio[2][v] = odd[rng_below(&r, 8)];
        w.dim[1].strength = odd[rng_below(&r, 8)];
        assert_int_equal(qbid_effects_fit(&w.table, w.dim, 20, 1e-9, &base), 0);
        assert_true(base >= 0 && isfinite(base));
        for (uint32_t d = 0; d < 3; d++)
            for (uint32_t v = 0; v < w.dim[d].value_cnt; v++)
                assert_true(w.ratio[d][v] >= 0 && isfinite(w.ratio[d][v]));
        for (uint32_t i = 0; i < w.table.cell_cnt; i++)
            assert_true(w.fitted[i] >= 0 && isfinite(w.fitted[i]));
        assert_true(qbid_effects_strength(w.fitted, w.successes, w.table.cell_cnt) > 0);
    }
}

/* Worlds of one dimension of three values: mean squared error of log rates, and in how many the fit
 * saw no differences. */
static double few_values_error(double usual_sd, unsigned *ret_flat)
{
    enum { WORLDS = 400, VALUES = 3 };
    static struct world w;
    struct rng r = rng_init(11);
    double base, square = 0;
    *ret_flat = 0;
    for (unsigned n = 0; n < WORLDS; n++) {
        world_shape(&w, 1, (const uint32_t[]){VALUES}, 0);
        w.dim[0].usual_sd = usual_sd;
        for (uint32_t v = 0; v < VALUES; v++) {
            w.truth[v] = MEAN * exp(effect_draw(&r, 0.2));
            w.trials[v] = 60 / MEAN;
            w.successes[v] = rng_binomial(&r, (uint32_t)w.trials[v], w.truth[v]);
        }
        assert_int_equal(qbid_effects_fit(&w.table, w.dim, 30, 1e-6, &base), 0);
        *ret_flat += isinf(w.dim[0].strength) != 0;
        for (uint32_t v = 0; v < VALUES; v++) {
            double error = log(base * w.ratio[0][v] / w.truth[v]);
            square += error * error / (WORLDS * VALUES);
        }
    }
    return square;
}

static void few_values_differ_as_usual_until_they_tell(void **state)
{
    (void)state;
    unsigned flat, held;
    double free_error = few_values_error(0, &flat), held_error = few_values_error(0.15, &held);
    print_message(
        "three values, log-sd 0.2: squared error %.5f by likelihood alone (%u of 400 worlds "
        "flat), %.5f with a usual sd (%u)\n",
        free_error, flat, held_error, held);
    assert_true(flat > 40 && held == 0);
    assert_true(held_error < 0.95 * free_error);
}

/* More values than that tell by themselves: what is usual does not count, though the strength is
 * fitted on a part of them. */
static void many_values_are_not_held(void **state)
{
    (void)state;
    static double work[3][QBID_EFFECTS_FEW + 1], counts[3][QBID_EFFECTS_FEW + 1];
    static uint32_t index[QBID_EFFECTS_FEW + 1];
    double base, strength[2][2];
    struct qbid_effects_table table = {.dim_cnt = 1,
                                       .index = {index},
                                       .exposed = counts[0],
                                       .successes = counts[1],
                                       .fitted = counts[2]};
    for (uint32_t i = 0; i <= QBID_EFFECTS_FEW; i++) {
        index[i] = i;
        counts[0][i] = 1000;
        counts[1][i] = 10 + 4 * (i / 2 % 2);
    }
    for (unsigned more = 0; more < 2; more++) {
        table.cell_cnt = QBID_EFFECTS_FEW + more;
        for (unsigned held = 0; held < 2; held++) {
            struct qbid_effects_dim dim = {.value_cnt = table.cell_cnt,
                                           .fit_max = 512,
                                           .usual_sd = held ? 0.5 : 0,
                                           .ratio = work[0],
                                           .successes = work[1],
                                           .exposed = work[2]};
            for (uint32_t v = 0; v < table.cell_cnt; v++)
                work[0][v] = 1;
            assert_int_equal(qbid_effects_fit(&table, &dim, 3, 0, &base), 0);
            strength[more][held] = dim.strength;
        }
    }
    assert_true(strength[0][0] != strength[0][1]);
    assert_true(strength[1][0] == strength[1][1]);
}

static void a_value_nothing_is_known_of_has_ratio_one(void **state)
{
    (void)state;
    static struct world w;
    double base;
    for (int exact = 0; exact <= 1; exact++) {
        world_shape(&w, 2, (const uint32_t[]){3, 2}, exact);
        for (uint32_t i = 0; i < 4; i++) { /* value 2 of the first dimension stays empty */
            w.trials[i] = 1000;
            w.successes[i] = 10 + 10 * i;
        }
        assert_int_equal(qbid_effects_fit(&w.table, w.dim, 1000, 1e-12, &base), 0);
        assert_true(w.ratio[0][2] == 1);
        assert_true(w.ratio[0][0] < w.ratio[0][1]);
    }
    world_shape(&w, 1, (const uint32_t[]){3}, 0);
    assert_int_equal(qbid_effects_fit(&w.table, w.dim, 9, 1e-9, &base), 0);
    assert_true(base == 0 && w.ratio[0][0] == 1);
}

static void arguments_out_of_range_are_refused(void **state)
{
    (void)state;
    static struct world w;
    double base = 7;
    world_shape(&w, 2, (const uint32_t[]){3, 2}, 0);
    w.index[1][5] = 2;
    assert_int_equal(qbid_effects_fit(&w.table, w.dim, 1, 0, &base), QBID_ERR_INVAL);
    w.index[1][5] = 1;
    w.dim[0].exposed = NULL;
    assert_int_equal(qbid_effects_fit(&w.table, w.dim, 1, 0, &base), QBID_ERR_INVAL);
    w.dim[0].exposed = w.exposed[0];
    w.table.dim_cnt = QBID_EFFECTS_DIMS_MAX + 1;
    assert_int_equal(qbid_effects_fit(&w.table, w.dim, 1, 0, &base), QBID_ERR_INVAL);
    w.table.dim_cnt = 2;
    w.table.fitted = NULL;
    assert_int_equal(qbid_effects_fit(&w.table, w.dim, 1, 0, &base), QBID_ERR_INVAL);
    assert_true(base == 7);
    w.table.fitted = w.fitted;
    assert_int_equal(qbid_effects_fit(&w.table, w.dim, 1, 0, &base), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_fit_gives_the_coefficients_of_statsmodels),
        cmocka_unit_test(exact_fit_gives_the_coefficients_of_newtons_method),
        cmocka_unit_test(three_of_fifty_is_five_of_150),
        cmocka_unit_test(sparse_cells_reach_the_guides_excess_log_loss),
        cmocka_unit_test(without_interactions_cells_cost_nothing),
        cmocka_unit_test(odd_counts_give_finite_ratios),
        cmocka_unit_test(few_values_differ_as_usual_until_they_tell),
        cmocka_unit_test(many_values_are_not_held),
        cmocka_unit_test(a_value_nothing_is_known_of_has_ratio_one),
        cmocka_unit_test(arguments_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
