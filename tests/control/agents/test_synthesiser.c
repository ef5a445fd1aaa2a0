/* SPDX-License-Identifier: Apache-2.0 */
/* The synthesiser in a world of three exchanges whose effects are known: what it tells the library,
 * what it proposes, and that it keeps quiet where there is nothing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/agents/synthesiser.h"
#include "control/agents/synthesiser_cells.h"
#include "shm/clock.h"
#include "shm/error.h"
#include "shm/units.h"
#include "tests/control/models/rng.h"
#include "tests/control/store/scratch.h"

#define CAMPAIGNS 4 /* three of tenant 1, one of tenant 2 */
#define ITEMS (2 * CAMPAIGNS)
#define EXCHANGES 3
#define SLOTS 2
#define DEVICES 3
#define NOW_S INT64_C(1790000000)
#define NOW_NS (UINT64_C(90000) * QBID_NS_PER_S)
#define WORTH 20.0
#define DAYS 10 /* of totals, of which the last is in the window */

static int worlds = 6; /* the first argument */

static const char *const slots[SLOTS] = {"banner:300x250", "native"};
static const char *const devices[DEVICES] = {"2/windows", "4/android", "4/ios"};

struct world {
    struct qbid_account account;
    struct qbid_campaign_def campaigns[CAMPAIGNS];
    struct qbid_line_item_def items[ITEMS];
    struct qbid_snapshot *snapshot;
    struct qbid_dictionary *dictionary;
    struct scratch *scratch;
    struct qbid_gains_agent *synthesiser;
    struct rng rng;
    int64_t unix_s;
    /* logs of conversions a click: of native everywhere, of ios by exchange */
    double native, ios[EXCHANGES];
    struct qbid_proposal proposal[ITEMS * 4];
    int proposals;
    double share[ITEMS][EXCHANGES]; /* of a line item's spend, on native */
};

/* Totals of one context, and its spend of the last day. */
static void context_fill(struct world *w, int i, int e, int s, int d, struct qbid_stats *sum)
{
    uint64_t context = 0;
    context = qbid_dim_pack(context, QBID_DIM_EXCHANGE, (uint32_t)e + 1);
    context = qbid_dim_pack(context, QBID_DIM_SLOT, (uint32_t)s + 1);
    context = qbid_dim_pack(context, QBID_DIM_DEVICE, (uint32_t)d + 1);
    double cvr =
        0.06 * (1 + 0.5 * i) / ITEMS * exp(s ? w->native : 0) * exp(d == 2 ? w->ios[e] : 0);
    double imps = (s ? 10000 : 40000) * rng_lognormal(&w->rng, 0, 0.3);
    struct qbid_stats all = {.imps = (uint64_t)imps};
    all.clicks = rng_binomial(&w->rng, (uint32_t)imps, 0.02);
    all.convs = rng_binomial(&w->rng, (uint32_t)all.clicks, cvr);
    all.value_nanos = (int64_t)((double)all.convs * WORTH * 1e9);
    all.spend_nanos = (int64_t)(imps * 2e6); /* 2 CPM */
    struct qbid_series_key key = {context, w->items[i].id, QBID_SERIES_CONTEXT};
    assert_int_equal(qbid_snapshot_restore(w->snapshot, key, &all), 0);
    sum->imps += all.imps, sum->clicks += all.clicks, sum->convs += all.convs;
    sum->value_nanos += all.value_nanos, sum->spend_nanos += all.spend_nanos;
    w->share[i][e] += s ? (double)all.spend_nanos : 0;
}

static void today_fill(struct world *w, int i)
{
    for (int c = 0; c < EXCHANGES * SLOTS * DEVICES; c++) {
        uint64_t context = 0;
        context = qbid_dim_pack(context, QBID_DIM_EXCHANGE, (uint32_t)(c % EXCHANGES) + 1);
        context = qbid_dim_pack(context, QBID_DIM_SLOT, (uint32_t)(c / EXCHANGES % SLOTS) + 1);
        context = qbid_dim_pack(context, QBID_DIM_DEVICE, (uint32_t)(c / EXCHANGES / SLOTS) + 1);
        struct qbid_series_key key = {context, w->items[i].id, QBID_SERIES_CONTEXT};
        struct qbid_stats all = qbid_snapshot_query(w->snapshot, key, QBID_WINDOW_ALL, NOW_NS);
        struct qbid_outcome bill = {.kind = QBID_EVENT_BILL,
                                    .line_item_id = w->items[i].id,
                                    .context = context,
                                    .time_ns = NOW_NS - QBID_NS_PER_S};
        qbid_snapshot_post(w->snapshot, &bill, w->items[i].campaign_id, all.spend_nanos / DAYS);
    }
}

static void items_fill(struct world *w)
{
    for (int i = 0; i < ITEMS; i++) {
        struct qbid_stats sum = {0};
        struct qbid_series_key key = {.id = w->items[i].id, .kind = QBID_SERIES_LINE_ITEM};
        memset(w->share[i], 0, sizeof w->share[i]);
        for (int c = 0; c < EXCHANGES * SLOTS * DEVICES; c++)
            context_fill(w, i, c % EXCHANGES, c / EXCHANGES % SLOTS, c / EXCHANGES / SLOTS, &sum);
        for (int e = 0; e < EXCHANGES; e++)
            w->share[i][e] /= (double)sum.spend_nanos;
        assert_int_equal(qbid_snapshot_restore(w->snapshot, key, &sum), 0);
        today_fill(w, i);
    }
}

static void world_new(struct world *w, uint64_t seed, double native, const double *ios)
{
    struct qbid_snapshot_params params = {4096, qbid_dim_mask(QBID_DIM_EXCHANGE) |
                                                    qbid_dim_mask(QBID_DIM_SLOT) |
                                                    qbid_dim_mask(QBID_DIM_DEVICE)};
    void *scratch = NULL;
    *w = (struct world){.rng = rng_init(seed), .unix_s = NOW_S, .native = native};
    memcpy(w->ios, ios, sizeof w->ios);
    assert_int_equal(scratch_setup(&scratch), 0);
    w->scratch = scratch;
    assert_int_equal(qbid_snapshot_new(&params, &w->snapshot), 0);
    assert_int_equal(qbid_dictionary_new(&w->dictionary), 0);
    for (int e = 0; e < EXCHANGES; e++) {
        char text[2] = {(char)('5' + e), 0};
        assert_int_equal(qbid_dictionary_add(w->dictionary, QBID_DIM_EXCHANGE, text), e + 1);
    }
    for (int s = 0; s < SLOTS; s++)
        assert_int_equal(qbid_dictionary_add(w->dictionary, QBID_DIM_SLOT, slots[s]), s + 1);
    for (int d = 0; d < DEVICES; d++)
        assert_int_equal(qbid_dictionary_add(w->dictionary, QBID_DIM_DEVICE, devices[d]), d + 1);
    for (uint32_t c = 0; c < CAMPAIGNS; c++)
        w->campaigns[c] = (struct qbid_campaign_def){.id = c + 1,
                                                     .tenant_id = c < 3 ? 1 : 2,
                                                     .start_unix_s = NOW_S - DAYS * 86400,
                                                     .end_unix_s = INT64_MAX,
                                                     .goal = QBID_GOAL_MAX_VALUE,
                                                     .budget_nanos = INT64_C(190000000000),
                                                     .period = QBID_BUDGET_DAILY,
                                                     .active = true};
    for (uint32_t i = 0; i < ITEMS; i++)
        w->items[i] = (struct qbid_line_item_def){
            .id = 100 + i, .campaign_id = i / 2 + 1, .active = true, .ceiling_micros = 1};
    w->account = (struct qbid_account){.campaigns = w->campaigns,
                                       .line_items = w->items,
                                       .campaign_cnt = CAMPAIGNS,
                                       .line_item_cnt = ITEMS};
    items_fill(w);
    struct qbid_gains_params synthesiser = {w->scratch->store, w->dictionary, 0.9, 3600, 1};
    assert_int_equal(qbid_gains_agent_new(&qbid_synthesiser_kind, &synthesiser, &w->synthesiser),
                     0);
}

static void world_free(struct world *w)
{
    void *scratch = w->scratch;
    qbid_gains_agent_free(w->synthesiser);
    qbid_snapshot_free(w->snapshot);
    qbid_dictionary_free(w->dictionary);
    assert_int_equal(scratch_teardown(&scratch), 0);
}

static int keep(void *context, const struct qbid_proposal *proposal)
{
    struct world *w = context;
    char why[QBID_PROPOSAL_WHY_MAX] = "";
    if (qbid_proposal_check(proposal, why))
        fail_msg("proposal: %s", why);
    assert_true(w->proposals < ITEMS * 4);
    w->proposal[w->proposals++] = *proposal;
    return 0;
}

static int run(struct world *w)
{
    struct qbid_agent agent = qbid_gains_agent_of(w->synthesiser);
    struct qbid_agent_inputs inputs = {&w->account, w->snapshot, NOW_NS, w->unix_s, NULL, 0};
    w->proposals = 0;
    assert_true(agent.period_ns == QBID_SYNTHESISER_PERIOD_NS);
    return agent.propose(agent.state, &inputs, keep, w);
}

static int pattern_keep(void *context, const struct qbid_pattern *pattern)
{
    *(struct qbid_pattern *)context = *pattern;
    return 0;
}

static struct qbid_pattern pattern_of(struct world *w, uint32_t tenant, const char *metric,
                                      const char *subject, const char *across)
{
    struct qbid_pattern_key key = {.tenant = tenant};
    struct qbid_pattern pattern = {.cnt = 0};
    snprintf(key.metric, sizeof key.metric, "%s", metric);
    snprintf(key.subject, sizeof key.subject, "%s", subject);
    snprintf(key.across, sizeof key.across, "%s", across);
    assert_int_equal(qbid_store_load_patterns(w->scratch->store, &key, 1, pattern_keep, &pattern),
                     0);
    return pattern;
}

static const double nothing[EXCHANGES] = {0, 0, 0};
static const double one_bad[EXCHANGES] = {0.2, -1.2, 0.2};

static void effects_are_split_into_universal_and_specific(void **state)
{
    (void)state;
    struct world w;
    world_new(&w, 1, -0.9, one_bad);
    assert_int_equal(run(&w), 0);
    struct qbid_pattern p = pattern_of(&w, 1, "return", "slot=native", "exchange");
    assert_int_equal(p.cnt, EXCHANGES);
    assert_int_equal(qbid_pattern_verdict(&p), QBID_PATTERN_BELOW);
    assert_true(fabs(p.mean + 0.9) < 3 * p.mean_sd && p.mean_sd < 0.3 && p.events > 500);
    assert_true(p.from_unix_s == NOW_S - DAYS * 86400 && p.to_unix_s == NOW_S);
    p = pattern_of(&w, 1, "cvr", "slot=native", "exchange");
    assert_int_equal(qbid_pattern_verdict(&p), QBID_PATTERN_BELOW);
    p = pattern_of(&w, 1, "ctr", "slot=native", "exchange");
    assert_true(fabs(p.mean) < 4 * p.mean_sd && fabs(p.mean) < 0.1); /* clicks are alike */
    p = pattern_of(&w, 1, "return", "device=4/ios", "exchange");
    assert_int_equal(qbid_pattern_verdict(&p), QBID_PATTERN_DIFFERENT);
    assert_true(p.i2 > 0.5 && p.tau > 0.2);
    /* what a new campaign may expect: by the campaigns of the tenant */
    p = pattern_of(&w, 1, "cvr", "slot=native", "campaign");
    assert_int_equal(p.cnt, 3);
    assert_true(fabs(p.next + 0.9) < 2 * p.next_sd && p.next_sd > p.mean_sd);
    assert_int_equal(pattern_of(&w, 2, "cvr", "slot=native", "campaign").cnt, 1);
    world_free(&w);
}

/* The value that a line item's day would gain by formula, with the true effects. */
static double gain_part(const struct world *w, int item)
{
    double on = 0, shares = 0;
    for (int e = 0; e < EXCHANGES; e++) {
        shares += w->share[item][e];
        on += w->share[item][e] * exp(w->native);
    }
    return pow(1 - shares, 0.2) / (1 - shares + on) - 1;
}

static void what_loses_everywhere_is_proposed_for_exclusion(void **state)
{
    (void)state;
    struct world w;
    world_new(&w, 2, -1.2, nothing);
    char *accepted[2] = {(char[]){"banner:300x250"}, (char[]){"native"}};
    char *refused[1] = {(char[]){"!video:any"}}, *out[1] = {(char[]){"!native"}};
    char *only[1] = {(char[]){"native"}};
    w.items[1].target[QBID_DIM_SLOT] = (struct qbid_target_def){accepted, 2};
    w.items[2].target[QBID_DIM_SLOT] = (struct qbid_target_def){refused, 1};
    w.items[3].target[QBID_DIM_SLOT] = (struct qbid_target_def){out, 1};
    w.items[4].target[QBID_DIM_SLOT] = (struct qbid_target_def){only, 1};
    w.items[5].active = false;
    w.campaigns[3].budget_nanos *= 2; /* has money left: less traffic would be less value */
    assert_int_equal(run(&w), 0);
    int inside = 0, seen = 0;
    for (int i = 0; i < w.proposals; i++) {
        const struct qbid_proposal *p = &w.proposal[i];
        int item = (int)p->item_id - 100;
        assert_true(p->type == QBID_PROPOSAL_TARGETING && p->item == QBID_ITEM_LINE_ITEM);
        assert_string_equal(p->field, "slot");
        assert_true(item < 3);
        assert_string_equal(p->recommended, item == 1   ? "banner:300x250"
                                            : item == 2 ? "!video:any,!native"
                                                        : "!native");
        struct qbid_series_key key = {.id = p->item_id, .kind = QBID_SERIES_LINE_ITEM};
        struct qbid_stats all = qbid_snapshot_query(w.snapshot, key, QBID_WINDOW_ALL, NOW_NS);
        double truth = (double)all.value_nanos / (DAYS + 1) * gain_part(&w, item);
        inside += (double)p->impact.low_nanos <= truth && truth <= (double)p->impact.high_nanos;
        seen++;
        assert_true(p->impact.mean_nanos > 0 && p->confidence >= 0.8);
        assert_non_null(strstr(p->reason, "on every one of 3 exchanges"));
    }
    print_message("synthesiser: %s\n", w.proposal[0].reason);
    assert_true(seen == 3 && inside >= 2);
    /* nobody acted: silence until again_s is over */
    w.unix_s += 900;
    assert_int_equal(run(&w), 0);
    assert_int_equal(w.proposals, 0);
    w.unix_s += 3600;
    assert_int_equal(run(&w), 0);
    assert_true(w.proposals >= seen - 1);
    world_free(&w);
}

/* Native is better everywhere: who takes banners only is told to take it, too. */
static void what_wins_everywhere_is_proposed_to_who_leaves_it_out(void **state)
{
    (void)state;
    struct world w;
    world_new(&w, 5, 1, nothing);
    char *only[1] = {(char[]){"banner:300x250"}}, *out[1] = {(char[]){"!native"}};
    w.items[1].target[QBID_DIM_SLOT] = (struct qbid_target_def){only, 1};
    w.items[2].target[QBID_DIM_SLOT] = (struct qbid_target_def){out, 1};
    for (int i = 1; i <= 2; i++) /* neither ever bought it */
        for (int c = 0; c < EXCHANGES * DEVICES; c++) {
            struct qbid_stats none = {0};
            uint64_t context = qbid_dim_pack(0, QBID_DIM_EXCHANGE, (uint32_t)(c % EXCHANGES) + 1);
            context = qbid_dim_pack(context, QBID_DIM_SLOT, 2);
            context = qbid_dim_pack(context, QBID_DIM_DEVICE, (uint32_t)(c / EXCHANGES) + 1);
            struct qbid_series_key key = {context, w.items[i].id, QBID_SERIES_CONTEXT};
            assert_int_equal(qbid_snapshot_restore(w.snapshot, key, &none), 0);
        }
    struct qbid_gains_params again = {w.scratch->store, w.dictionary, 0.9, 3600, 1};
    qbid_gains_agent_free(w.synthesiser);
    assert_int_equal(qbid_gains_agent_new(&qbid_synthesiser_kind, &again, &w.synthesiser), 0);
    assert_int_equal(run(&w), 0);
    int seen = 0;
    for (int i = 0; i < w.proposals; i++) {
        const struct qbid_proposal *p = &w.proposal[i];
        if (!strstr(p->reason, "leaves it out"))
            continue;
        seen++;
        assert_int_equal(p->item_id, 101); /* who excludes it has said so */
        assert_true(p->type == QBID_PROPOSAL_TARGETING && !p->auto_execute);
        assert_string_equal(p->recommended, "banner:300x250,native");
        assert_true(p->confidence >= 0.8 && p->impact.mean_nanos > 0);
        print_message("synthesiser: %s\n", p->reason);
    }
    assert_int_equal(seen, 1);
    world_free(&w);
}

static void alike_values_make_no_proposals(void **state)
{
    (void)state;
    int proposals = 0, universal = 0, patterns = 0;
    for (int k = 0; k < worlds; k++) {
        static const char *const subjects[] = {"slot=native", "slot=banner:300x250",
                                               "device=2/windows", "device=4/android",
                                               "device=4/ios"};
        static const char *const metrics[] = {"ctr", "cvr", "return"};
        struct world w;
        world_new(&w, 100 + (uint64_t)k, 0, nothing);
        assert_int_equal(run(&w), 0);
        proposals += w.proposals;
        for (int m = 0; m < 3; m++)
            for (int s = 0; s < 5; s++) {
                struct qbid_pattern p = pattern_of(&w, 1, metrics[m], subjects[s], "exchange");
                patterns += p.cnt > 0;
                universal += qbid_pattern_verdict(&p) != QBID_PATTERN_OPEN;
            }
        world_free(&w);
    }
    print_message("synthesiser: %d worlds without effects: %d of %d patterns given a verdict, %d "
                  "proposals\n",
                  worlds, universal, patterns, proposals);
    assert_true(patterns == 15 * worlds && universal <= 0.05 * patterns + 2);
    assert_true(proposals <= worlds / 2);
}

/* With true effects: universal claims that are false. */
static void universal_claims_hold(void **state)
{
    (void)state;
    struct rng rng = rng_init(77);
    int said = 0, wrong = 0;
    for (int k = 0; k < worlds; k++) {
        struct world w;
        double ios[EXCHANGES], mean = 0.3 * rng_normal(&rng);
        int above = 0;
        for (int e = 0; e < EXCHANGES; e++) {
            ios[e] = mean + 0.2 * rng_normal(&rng);
            above += ios[e] > 0;
        }
        world_new(&w, 200 + (uint64_t)k, 0, ios);
        assert_int_equal(run(&w), 0);
        struct qbid_pattern p = pattern_of(&w, 1, "cvr", "device=4/ios", "exchange");
        enum qbid_pattern_verdict verdict = qbid_pattern_verdict(&p);
        said += verdict == QBID_PATTERN_ABOVE || verdict == QBID_PATTERN_BELOW;
        wrong += (verdict == QBID_PATTERN_ABOVE && above != EXCHANGES) ||
                 (verdict == QBID_PATTERN_BELOW && above != 0);
        world_free(&w);
    }
    print_message("synthesiser: %d worlds with effects that differ: %d called universal, of which "
                  "%d are not\n",
                  worlds, said, wrong);
    assert_true(wrong <= 0.05 * said + 1);
}

static void nothing_is_no_error(void **state)
{
    (void)state;
    struct world w;
    world_new(&w, 3, 0, nothing);
    w.account.campaign_cnt = w.account.line_item_cnt = 0;
    assert_int_equal(run(&w), 0);
    assert_int_equal(w.proposals, 0);
    struct qbid_gains_agent *none;
    struct qbid_gains_params bad = {NULL, w.dictionary, 0.9, 3600, 1};
    assert_int_equal(qbid_gains_agent_new(&qbid_synthesiser_kind, &bad, &none), QBID_ERR_INVAL);
    bad = (struct qbid_gains_params){w.scratch->store, NULL, 0.9, 3600, 1};
    assert_int_equal(qbid_gains_agent_new(&qbid_synthesiser_kind, &bad, &none), QBID_ERR_INVAL);
    bad = (struct qbid_gains_params){w.scratch->store, w.dictionary, NAN, 3600, 1};
    assert_int_equal(qbid_gains_agent_new(&qbid_synthesiser_kind, &bad, &none), QBID_ERR_INVAL);
    world_free(&w);
}

/* Rows add up: what a stratum has with and without a value is all that it has. */
static void strata_add_up(void **state)
{
    (void)state;
    struct world w;
    struct qbid_synthesiser_cells cells;
    struct qbid_synthesiser_rows rows;
    world_new(&w, 4, -0.5, one_bad);
    assert_int_equal(qbid_synthesiser_cells_new(&w.account, w.snapshot, 0, &cells), 0);
    assert_int_equal(cells.cnt, ITEMS * EXCHANGES * SLOTS * DEVICES);
    assert_int_equal(qbid_synthesiser_rows_new(&cells, QBID_DIM_DEVICE, &rows), 0);
    assert_int_equal(rows.cnt, ITEMS * EXCHANGES * DEVICES);
    for (uint32_t i = 0; i < rows.cnt; i++) {
        double imps = 0, with = 0;
        for (uint32_t j = 0; j < cells.cnt; j++) {
            const struct qbid_synthesiser_cell *c = &cells.cell[j];
            if (c->line_item != rows.row[i].line_item || c->exchange != rows.row[i].exchange)
                continue;
            imps += c->count[QBID_SYNTHESISER_IMPS];
            if (qbid_dim_unpack(c->context, QBID_DIM_DEVICE) == rows.row[i].value)
                with += c->count[QBID_SYNTHESISER_IMPS];
        }
        assert_true(rows.row[i].on[QBID_SYNTHESISER_IMPS] == with);
        assert_true(rows.row[i].off[QBID_SYNTHESISER_IMPS] == imps - with);
    }
    qbid_synthesiser_rows_done(&rows);
    assert_int_equal(qbid_synthesiser_rows_new(&cells, QBID_DIM_SITE, &rows), 0);
    assert_int_equal(rows.cnt, 0); /* a dimension that no context has */
    qbid_synthesiser_rows_done(&rows);
    qbid_synthesiser_cells_done(&cells);
    world_free(&w);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(effects_are_split_into_universal_and_specific),
        cmocka_unit_test(what_loses_everywhere_is_proposed_for_exclusion),
        cmocka_unit_test(what_wins_everywhere_is_proposed_to_who_leaves_it_out),
        cmocka_unit_test(alike_values_make_no_proposals),
        cmocka_unit_test(universal_claims_hold),
        cmocka_unit_test(nothing_is_no_error),
        cmocka_unit_test(strata_add_up),
    };
    worlds = argc > 1 ? atoi(argv[1]) : worlds;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
