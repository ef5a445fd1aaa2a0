/* SPDX-License-Identifier: Apache-2.0 */
/* The two ways to a rate: each wins where the world is its own, judged on what comes next. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "control/learn/values/values.h"
#include "tests/control/learn/fixture.h"
#include "tests/control/models/rng.h"
#include "tests/rounds.h"

#define DEVICES 8
#define SITES 60
#define EXCHANGES 5
#define ROUNDS 20
#define VALUES ((uint32_t)rounds(500000, 200000, 50000)) /* of a seed */
#define SEEDS ((uint64_t)rounds(5, 2, 1))

struct world {
    struct learn_fixture f;
    struct qbid_cells cells;
    struct qbid_values values;
    double device[DEVICES + 1], site[SITES + 1], exchange[EXCHANGES + 1], item[3];
    double own[3][DEVICES + 1][SITES + 1]; /* of a pair: no product of effects */
    struct rng r;
};

static void world_init(struct world *w, uint64_t seed, double effects_sd, double pairs_sd)
{
    uint64_t masks[QBID_LEVEL_MAX] = {0};
    masks[1] = qbid_dim_mask(QBID_DIM_DEVICE) | qbid_dim_mask(QBID_DIM_SITE);
    masks[0] = masks[1] | qbid_dim_mask(QBID_DIM_EXCHANGE);
    learn_fixture_init(&w->f);
    assert_int_equal(qbid_cells_init(&w->cells, 100000), 0);
    qbid_values_init(&w->values, masks);
    w->r = rng_init(seed);
    for (int i = 0; i <= DEVICES; i++)
        w->device[i] = exp(effects_sd * rng_normal(&w->r));
    for (int i = 0; i <= SITES; i++)
        w->site[i] = exp(effects_sd * rng_normal(&w->r));
    for (int i = 0; i <= EXCHANGES; i++)
        w->exchange[i] = exp(0.5 * effects_sd * rng_normal(&w->r));
    for (int li = 0; li < 3; li++) {
        w->item[li] = exp(0.3 * rng_normal(&w->r));
        for (int d = 0; d <= DEVICES; d++)
            for (int s = 0; s <= SITES; s++)
                w->own[li][d][s] = exp(pairs_sd * rng_normal(&w->r));
    }
}

static void world_done(struct world *w)
{
    qbid_values_done(&w->values);
    qbid_cells_done(&w->cells);
}

static double truth(const struct world *w, uint32_t li, uint32_t e, uint32_t d, uint32_t s)
{
    return fmin(0.01 * w->item[li] * w->exchange[e] * w->device[d] * w->site[s] * w->own[li][d][s],
                0.9);
}

/* Some traffic of every line item, then a fit, as at a learn tick. */
static void world_round(struct world *w, int draws, int trials)
{
    struct qbid_values_in in = {.account = &w->f.account, .cells = &w->cells};
    for (int i = 0; i < draws; i++) {
        uint32_t li = rng_below(&w->r, 3), e = 1 + rng_below(&w->r, EXCHANGES);
        uint32_t d = 1 + rng_below(&w->r, DEVICES), s = 1 + rng_below(&w->r, SITES);
        struct qbid_cell *cell = qbid_cells_touch(&w->cells, li, learn_context(e, d, s), 0);
        cell->bids += trials;
        cell->imps += trials;
        cell->clicks += rng_binomial(&w->r, (uint32_t)trials, truth(w, li, e, d, s));
    }
    assert_int_equal(qbid_values_fit(&w->values, &in), 0);
}

/* Expected log-loss over the truth's of all contexts, seen or not, by one way; 1e-4 a trial. */
static double excess(struct world *w, int way)
{
    double loss = 0, cnt = 0;
    uint8_t kept[3];
    memcpy(kept, w->values.way[QBID_VALUES_CTR], sizeof kept);
    if (way >= 0)
        memset(w->values.way[QBID_VALUES_CTR], way, sizeof kept);
    qbid_values_settle(&w->values);
    for (uint32_t li = 0; li < 3; li++)
        for (uint32_t e = 1; e <= EXCHANGES; e++)
            for (uint32_t d = 1; d <= DEVICES; d++)
                for (uint32_t s = 1; s <= SITES; s++) {
                    double p = truth(w, li, e, d, s);
                    double q = qbid_values_rates(&w->values, li, learn_context(e, d, s), 0).ctr;
                    loss += p * log(p / q) + (1 - p) * log((1 - p) / (1 - q));
                    cnt++;
                }
    memcpy(w->values.way[QBID_VALUES_CTR], kept, sizeof kept);
    qbid_values_settle(&w->values);
    return loss / cnt * 1e4;
}

static void where_effects_multiply_they_are_chosen_and_predict_better(void **state)
{
    (void)state;
    static struct world w;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        world_init(&w, seed, 0.5, 0.1);
        for (int round = 0; round < ROUNDS; round++)
            world_round(&w, 500, 10);
        double tree = excess(&w, QBID_CONTEST_TREE), effects = excess(&w, QBID_CONTEST_EFFECTS);
        print_message("effects that multiply: excess log-loss tree %.2f, effects %.2f, chosen "
                      "%.2f\n",
                      tree, effects, excess(&w, -1));
        for (int li = 0; li < 3; li++)
            assert_int_equal(w.values.way[QBID_VALUES_CTR][li], QBID_CONTEST_EFFECTS);
        assert_true(effects < 0.5 * tree);
        world_done(&w);
    }
}

static void where_pairs_have_their_own_rates_the_chosen_way_is_the_better(void **state)
{
    (void)state;
    static struct world w;
    double chosen = 0, best = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        world_init(&w, seed, 0, 0.8);
        for (int round = 0; round < ROUNDS; round++)
            world_round(&w, 500, 30);
        double tree = excess(&w, QBID_CONTEST_TREE), effects = excess(&w, QBID_CONTEST_EFFECTS);
        print_message("pairs of their own: excess log-loss tree %.2f, effects %.2f, chosen %.2f\n",
                      tree, effects, excess(&w, -1));
        chosen += excess(&w, -1);
        best += fmin(tree, effects);
        world_done(&w);
    }
    assert_true(chosen <= 1.05 * best);
}

static void a_quiet_account_stays_with_the_tree(void **state)
{
    (void)state;
    static struct world w;
    world_init(&w, 1, 0.5, 0);
    world_round(&w, 20, 1);
    world_round(&w, 20, 1);
    for (int li = 0; li < 3; li++)
        assert_int_equal(w.values.way[QBID_VALUES_CTR][li], QBID_CONTEST_TREE);
    world_done(&w);
}

/* Rates of a world that came in pieces, a line item changing its campaign on the way, against those
 * of the same counts at once. */
static void a_tree_that_grew_is_the_tree_made_at_once(void **state)
{
    (void)state;
    static struct world w;
    struct qbid_values fresh;
    struct qbid_values_in in = {.account = &w.f.account, .cells = &w.cells};
    world_init(&w, 7, 0.5, 0.2);
    for (int round = 0; round < 12; round++) {
        if (round == 6)
            w.f.line_item[1].campaign_id = 20;
        if (round == 9)
            w.f.account.line_item_cnt = 2; /* the third goes, its cells stay */
        if (round == 10)
            w.f.account.line_item_cnt = 3;
        world_round(&w, 300, 20);
    }
    qbid_values_init(&fresh, w.values.tree.level_mask);
    for (int i = 0; i < 40; i++) { /* to the same strengths */
        assert_int_equal(qbid_values_fit(&fresh, &in), 0);
        assert_int_equal(qbid_values_fit(&w.values, &in), 0);
    }
    for (uint32_t d = 0; d < fresh.tree.depth_cnt; d++) {
        assert_int_equal(fresh.tree.depth[d].cnt, w.values.tree.depth[d].cnt);
        double trials = 0;
        for (uint32_t i = 0; i < w.values.rate[QBID_VALUES_CTR].level[d].cell_cnt; i++)
            trials += w.values.rate[QBID_VALUES_CTR].level[d].cells[i].trials;
        assert_true(fabs(trials - 12 * 300 * 20) < 1e-6);
    }
    double most = 0;
    for (int way = 0; way < QBID_CONTEST_WAYS; way++) {
        memset(fresh.way[QBID_VALUES_CTR], way, 3);
        memset(w.values.way[QBID_VALUES_CTR], way, 3);
        qbid_values_settle(&fresh);
        qbid_values_settle(&w.values);
        for (uint32_t i = 0; i < 200; i++) {
            uint32_t idx = i % 3;
            uint64_t context = learn_context(1 + i % EXCHANGES, 1 + i % DEVICES, 1 + i % SITES);
            double a = qbid_values_rates(&fresh, idx, context, i % 3).ctr;
            double b = qbid_values_rates(&w.values, idx, context, i % 3).ctr;
            most = fmax(most, fabs(a / b - 1));
        }
    }
    print_message("rates grown against rates at once: largest relative difference %.4f\n", most);
    assert_true(most < 0.02);
    qbid_values_done(&fresh);
    world_done(&w);
}

/* What a start of few data said of the spread does not hold when ten times as many came. */
static void strengths_of_few_data_are_left_at_the_next_fit(void **state)
{
    (void)state;
    static struct world w;
    double most = 0;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct qbid_values fresh;
        struct qbid_values_in in = {.account = &w.f.account, .cells = &w.cells};
        world_init(&w, seed, 0, 1.0);
        for (int round = 0; round < 3; round++)
            world_round(&w, 60, 10);
        world_round(&w, 1500, 50);
        qbid_values_init(&fresh, w.values.tree.level_mask);
        assert_int_equal(qbid_values_fit(&fresh, &in), 0);
        for (uint32_t d = 1; d < fresh.tree.depth_cnt; d++) {
            double grown = w.values.rate[QBID_VALUES_CTR].strength[d];
            most = fmax(most, fabs(log(grown / fresh.rate[QBID_VALUES_CTR].strength[d])));
        }
        qbid_values_done(&fresh);
        world_done(&w);
    }
    print_message("strengths after a start of few data: largest difference of logs %.3f\n", most);
    assert_true(most < 0.02);
}

static void a_row_of_values_is_each_line_items_value(void **state)
{
    (void)state;
    static struct world w;
    world_init(&w, 3, 0.5, 0.2);
    for (int round = 0; round < 4; round++)
        world_round(&w, 400, 20);
    for (int way = 0; way < QBID_CONTEST_WAYS; way++) {
        memset(w.values.way[QBID_VALUES_CTR], way, 3);
        qbid_values_settle(&w.values);
        for (unsigned level = 0; level <= QBID_LEVEL_DEFAULT; level++) {
            const uint32_t idx[3] = {0, 1, 2};
            double row[3];
            struct qbid_values_base base[3];
            uint64_t context = learn_context(2, 3, 4);
            qbid_values_bases(&w.values, context, level, false, idx, 3, base);
            qbid_values_row(&w.values, context, level, idx, NULL, base, 3, row);
            for (uint32_t i = 0; i < 3; i++) {
                struct qbid_rate_pair pair = qbid_values_rates(&w.values, i, context, level);
                double value = qbid_value_impression(&w.values.goal[i], pair.ctr, pair.cvr,
                                                     (int64_t)w.values.order_value[i]);
                assert_true(value > 0 && fabs(row[i] / value - 1) < 1e-6);
                assert_true(row[i] == qbid_values_impression(&w.values, i, context, level));
            }
        }
    }
    world_done(&w);
}

/* Bases above one context serve every other of its level that is the same above. */
static void contexts_share_what_lies_above_them(void **state)
{
    (void)state;
    static struct world w;
    world_init(&w, 3, 0.5, 0.2);
    for (int round = 0; round < 4; round++)
        world_round(&w, 400, 20);
    const struct qbid_tree *tree = &w.values.tree;
    uint32_t depth = qbid_tree_depth_of(tree, 0), none = 0;
    for (int way = 0; way < QBID_CONTEST_WAYS; way++) {
        memset(w.values.way[QBID_VALUES_CTR], way, 3);
        qbid_values_settle(&w.values);
        for (uint32_t i = 0; i < tree->depth[depth].cnt; i++) {
            const uint32_t idx[3] = {0, 1, 2};
            uint32_t known[3];
            uint64_t context = tree->depth[depth].context[i];
            uint64_t other = context ^ (tree->level_mask[0] & ~tree->level_mask[1]);
            struct qbid_values_base base[3];
            double row[3];
            for (uint32_t k = 0; k < 3; k++) {
                known[k] = qbid_tree_find(tree, depth, context, k);
                none += known[k] == QBID_TREE_NONE;
            }
            qbid_values_bases(&w.values, other, 0, true, idx, 3, base);
            qbid_values_row(&w.values, context, 0, idx, known, base, 3, row);
            for (uint32_t k = 0; k < 3; k++)
                assert_true(row[k] == qbid_values_impression(&w.values, k, context, 0));
        }
    }
    assert_true(none > 0);
    world_done(&w);
}

/* A rate by its definition, in doubles. */
static double rate_exact(const struct qbid_values *v, unsigned kind, uint32_t li, uint64_t context)
{
    const struct qbid_estimate *e = &v->rate[kind];
    const struct qbid_tree *tree = &v->tree;
    double ratios = qbid_estimate_ratios(e, tree, context, tree->level_mask[0]) *
                    qbid_estimate_interactions(e, tree, li, context, tree->level_mask[0]);
    int way = v->way[kind][li];
    for (unsigned level = 0; level < tree->context_levels; level++) {
        uint32_t depth = qbid_tree_depth_of(tree, level);
        uint32_t node = qbid_tree_find(tree, depth, context & tree->level_mask[level], li);
        uint32_t place = node == QBID_TREE_NONE ? node : e->place[depth][node];
        if (place == QBID_TREE_NONE)
            continue;
        if (way == QBID_CONTEST_TREE)
            return e->level[depth].cells[place].rate * v->factor[kind][li];
        double mean = level == 0 ? e->node[depth][place].mean : e->own[li] * ratios;
        return mean * e->node[depth][place].factor * v->factor[kind][li];
    }
    uint32_t node = qbid_tree_find(tree, QBID_TREE_LINE_ITEM, 0, li);
    double rate = e->level[QBID_TREE_LINE_ITEM].cells[e->place[QBID_TREE_LINE_ITEM][node]].rate;
    return (way == QBID_CONTEST_TREE ? rate : e->own[li] * ratios) * v->factor[kind][li];
}

static void values_of_contexts_are_the_models(void **state)
{
    (void)state;
    static struct world w;
    double most = 0;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        world_init(&w, seed, 0.6, 0.3);
        for (int round = 0; round < 10; round++)
            world_round(&w, 200, 20);
        memset(w.values.way[QBID_VALUES_CTR], seed == 1 ? QBID_CONTEST_TREE : QBID_CONTEST_EFFECTS,
               3);
        memset(w.values.way[QBID_VALUES_CVR], seed == 1 ? QBID_CONTEST_EFFECTS : QBID_CONTEST_TREE,
               3);
        qbid_values_settle(&w.values);
        for (uint32_t i = 0; i < VALUES; i++) {
            uint32_t li = rng_below(&w.r, 3);
            uint64_t context =
                learn_context(rng_below(&w.r, EXCHANGES + 3), rng_below(&w.r, DEVICES + 3),
                              rng_below(&w.r, SITES + 20));
            double value = qbid_value_impression(
                &w.values.goal[li], fmin(rate_exact(&w.values, QBID_VALUES_CTR, li, context), 1),
                fmin(rate_exact(&w.values, QBID_VALUES_CVR, li, context), 1),
                (int64_t)w.values.order_value[li]);
            float in_table = (float)qbid_values_impression(&w.values, li, context, 0);
            most = fmax(most, fabs((double)in_table / value - 1));
        }
        world_done(&w);
    }
    print_message("values of contexts against the model in doubles: largest relative error %.2e\n",
                  most);
    assert_true(most <= 1e-6); /* the image's float; the guide allows 0.25 % */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_effects_multiply_they_are_chosen_and_predict_better),
        cmocka_unit_test(where_pairs_have_their_own_rates_the_chosen_way_is_the_better),
        cmocka_unit_test(a_quiet_account_stays_with_the_tree),
        cmocka_unit_test(a_tree_that_grew_is_the_tree_made_at_once),
        cmocka_unit_test(strengths_of_few_data_are_left_at_the_next_fit),
        cmocka_unit_test(a_row_of_values_is_each_line_items_value),
        cmocka_unit_test(contexts_share_what_lies_above_them),
        cmocka_unit_test(values_of_contexts_are_the_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
