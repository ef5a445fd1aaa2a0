/* SPDX-License-Identifier: Apache-2.0 */
/* Truth, traffic and the learner's own order of doing things. */
#include "tests/control/learn/values/learned_world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BASE_RATE 0.02

static double effect(struct rng *r, double sd)
{
    return rng_lognormal(r, -sd * sd / 2, sd);
}

static void rates_draw(struct learned_world *w, enum learned_world_kind kind)
{
    static const double slope[3] = {1.3, 0.7, -0.5};
    double exchange[WORLD_EXCHANGES], device[WORLD_DEVICES], site[WORLD_SITES], grade[WORLD_SITES];
    for (unsigned i = 0; i < WORLD_EXCHANGES; i++)
        exchange[i] = effect(&w->rng, 0.25);
    for (unsigned i = 0; i < WORLD_DEVICES; i++)
        device[i] = effect(&w->rng, 0.3);
    for (unsigned i = 0; i < WORLD_SITES; i++) {
        site[i] = effect(&w->rng, 0.4);
        grade[i] = rng_normal(&w->rng);
    }
    uint32_t n = 0;
    for (uint32_t e = 0; e < WORLD_EXCHANGES; e++) {
        for (uint32_t d = 0; d < WORLD_DEVICES; d++) {
            for (uint32_t s = 0; s < WORLD_SITES; s++, n++) {
                double rate = exchange[e] * (kind == LEARNED_WORLD_MULTIPLICATIVE
                                                 ? device[d] * site[s]
                                                 : exp(slope[(d + e) % 3] * grade[s] - 0.3));
                w->context[n] = learn_context(e + 1, d + 1, s + 1);
                w->rate[n] = fmin(BASE_RATE * rate, 0.5);
            }
        }
    }
}

static void fit(struct learned_world *world)
{
    struct qbid_values_in in = {
        .account = &world->account.account, .cells = &world->cells, .now_s = world->now_s};
    assert_int_equal(qbid_values_fit(&world->values, &in), 0);
}

void learned_world_init(struct learned_world *world, enum learned_world_kind kind, uint64_t seed,
                        bool trees)
{
    *world = (struct learned_world){.rng = rng_init(seed)};
    learn_fixture_init(&world->account);
    uint64_t device = qbid_dim_mask(QBID_DIM_DEVICE), site = qbid_dim_mask(QBID_DIM_SITE);
    world->mask[0] = qbid_dim_mask(QBID_DIM_EXCHANGE) | device | site;
    world->mask[1] = qbid_dim_mask(QBID_DIM_EXCHANGE) | site;
    world->mask[2] = site;
    rates_draw(world, kind);
    double sum = 0;
    for (uint32_t i = 0; i < WORLD_CONTEXTS; i++)
        sum += world->share[i] = rng_lognormal(&world->rng, 0, 1);
    for (uint32_t i = 0; i < WORLD_CONTEXTS; i++)
        world->share[i] /= sum;
    struct qbid_learned_params params = {.ftrl = true,
                                         .trees = trees,
                                         .ftrl_lg = 16,
                                         .tree = qbid_trees_defaults(),
                                         .mask = world->mask[0]};
    params.tree.rounds = 20;
    params.tree.depth = 4;
    assert_int_equal(qbid_learned_new(&params, &world->learned), 0);
    assert_int_equal(qbid_cells_init(&world->cells, 2 * WORLD_CONTEXTS), 0);
    qbid_values_init(&world->values, world->mask);
    fit(world);
}

void learned_world_done(struct learned_world *world)
{
    qbid_learned_free(world->learned);
    qbid_values_done(&world->values);
    qbid_cells_done(&world->cells);
}

void learned_world_period(struct learned_world *world, double impressions)
{
    world->now_s += 3600;
    for (uint32_t i = 0; i < WORLD_CONTEXTS; i++) {
        double mean = impressions * world->share[i];
        uint32_t trials = (uint32_t)(mean + rng_uniform(&world->rng));
        uint32_t clicks = rng_binomial(&world->rng, trials, world->rate[i]);
        if (trials == 0)
            continue;
        struct qbid_cell *cell =
            qbid_cells_touch(&world->cells, 0, world->context[i], world->now_s);
        assert_non_null(cell);
        cell->bids += trials;
        cell->imps += trials;
        cell->clicks += clicks;
        qbid_learned_post(world->learned, 0, world->context[i], trials, clicks, 0,
                          qbid_values_rates(&world->values, 0, world->context[i], 0));
    }
    assert_int_equal(qbid_learned_step(world->learned, &world->account.account, &world->cells,
                                       &world->values, world->now_s),
                     0);
    fit(world);
}

double learned_world_rate(const struct learned_world *world, enum qbid_learned_model model,
                          uint32_t context)
{
    double rate = qbid_values_rates(&world->values, 0, world->context[context], 0).ctr;
    return qbid_learned_rate(world->learned, QBID_LEARNED_CTR, model, 0, world->context[context],
                             rate);
}

double learned_world_excess(const struct learned_world *world, enum qbid_learned_model model)
{
    double excess = 0;
    for (uint32_t i = 0; i < WORLD_CONTEXTS; i++) {
        double p = world->rate[i], q = learned_world_rate(world, model, i);
        excess += world->share[i] * (p * log(p / q) + (1 - p) * log((1 - p) / (1 - q)));
    }
    return excess;
}

struct qbid_learned_view learned_world_view(const struct learned_world *world)
{
    struct qbid_learned_view view = {0};
    (void)qbid_learned_view(world->learned, 10, QBID_LEARNED_CTR, &view);
    return view;
}
