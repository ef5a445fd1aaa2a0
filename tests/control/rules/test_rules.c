/* SPDX-License-Identifier: Apache-2.0 */
/* Rules over a store with a history: what fires and what it proposes, limits of a day, restarts,
 * rehearsals that agree with what happens, and no more false firings than are stated. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/rules/rule_history.h"
#include "control/rules/rules.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"
#include "tests/control/store/scratch.h"

#define HOUR_S INT64_C(3600)
#define DAY_S INT64_C(86400)
#define BEGIN_S (INT64_C(20000) * DAY_S)
#define CAMPAIGNS 4
#define NANOS 1000000000.0

struct world {
    struct scratch *scratch;
    struct qbid_account account;
    struct qbid_campaign_def campaign[CAMPAIGNS];
    struct qbid_snapshot *snapshot;
    struct qbid_stats all[CAMPAIGNS];
    struct qbid_rules *rules;
    struct rng rng;
    double viewable[CAMPAIGNS]; /* share of impressions; videos are played to the end as often */
    int64_t unix_s;
    int proposals;
    struct qbid_proposal last;
    int err; /* of who takes proposals */
};

static void world_init(struct world *w, struct scratch *scratch)
{
    struct qbid_snapshot_params params = {4, 0};
    *w = (struct world){.scratch = scratch, .unix_s = BEGIN_S, .rng = rng_init(5)};
    for (uint32_t i = 0; i < CAMPAIGNS; i++)
        w->campaign[i] = (struct qbid_campaign_def){.id = i + 1,
                                                    .tenant_id = 1 + i / 2,
                                                    .budget_nanos = INT64_C(100000000000),
                                                    .period = QBID_BUDGET_DAILY,
                                                    .start_unix_s = BEGIN_S - 9 * DAY_S,
                                                    .end_unix_s = INT64_MAX,
                                                    .goal = QBID_GOAL_TARGET_CPC,
                                                    .target_micros = 500000,
                                                    .active = true};
    w->account = (struct qbid_account){.campaigns = w->campaign, .campaign_cnt = CAMPAIGNS};
    assert_int_equal(qbid_snapshot_new(&params, &w->snapshot), 0);
    assert_int_equal(qbid_rules_new(&w->rules), 0);
}

static void world_done(struct world *w)
{
    qbid_rules_free(w->rules);
    qbid_snapshot_free(w->snapshot);
}

static double binomial_of(struct world *w, int n, double p)
{
    int k = 0;
    for (int i = 0; i < n; i++)
        k += rng_uniform(&w->rng) < p;
    return k;
}

/* An hour of each campaign: `imps` impressions by the time of day, clicks at rate[i] of them, 2 a
 * thousand of money; its end goes to the store. */
static void hour_pass(struct world *w, int imps, const double rate[CAMPAIGNS])
{
    double shape = 1 + 0.5 * sin(6.283185307 * (double)(w->unix_s % DAY_S) / (double)DAY_S);
    for (uint32_t i = 0; i < CAMPAIGNS; i++) {
        struct qbid_series_key key = {.kind = QBID_SERIES_CAMPAIGN, .id = i + 1};
        struct qbid_stats *all = &w->all[i];
        int n = (int)(imps * shape);
        all->imps += (uint64_t)n;
        all->clicks += (uint64_t)binomial_of(w, n, rate[i] * shape);
        all->views += (uint64_t)(n * w->viewable[i]);
        all->starts += (uint64_t)(n / 2);
        all->completes += (uint64_t)(n / 2 * w->viewable[i]);
        all->spend_nanos += (int64_t)(n * 0.002 * NANOS);
        assert_int_equal(qbid_snapshot_restore(w->snapshot, key, all), 0);
    }
    w->unix_s += HOUR_S;
    assert_true(qbid_store_save_series(w->scratch->store, w->snapshot, w->unix_s - 30) > 0);
}

static int take(void *context, const struct qbid_proposal *proposal)
{
    struct world *w = context;
    char why[QBID_PROPOSAL_WHY_MAX];
    if (qbid_proposal_check(proposal, why) != 0)
        fail_msg("%s", why);
    w->proposals += w->err == 0;
    w->last = *proposal;
    return w->err;
}

static int tick(struct world *w)
{
    return qbid_rules_tick(w->rules, &w->account, w->scratch->store, w->unix_s + 7, take, w);
}

static struct qbid_rule rule_of(const char *name, const char *on, const char *condition,
                                const char *then, const char *mode)
{
    char why[QBID_RULE_WHY_MAX] = "";
    struct qbid_rule rule;
    struct qbid_rule_text text = {name, on, NULL, condition, then, mode, 0.95};
    if (qbid_rule_parse(&text, &rule, why) != 0)
        fail_msg("%s", why);
    return rule;
}

static void rule_add(struct world *w, const struct qbid_rule *rule, const char *state)
{
    struct qbid_rule_words words;
    uint32_t version;
    qbid_rule_say(rule, &words);
    struct qbid_store_rule row = {.name = rule->name,
                                  .tenant = rule->tenant,
                                  .campaign = rule->campaign,
                                  .unix_ns = 1,
                                  .actor = "uid 7",
                                  .why = "",
                                  .every = words.when,
                                  .condition = words.condition,
                                  .action = words.then,
                                  .confidence = rule->confidence,
                                  .mode = words.mode,
                                  .state = state};
    assert_int_equal(qbid_store_add_rule(w->scratch->store, &row, &version), 0);
}

struct firings {
    int cnt;
    struct {
        int64_t unix_s;
        uint32_t campaign;
        double change;
        char outcome[16];
    } item[400];
};

static int firing_take(void *context, const struct qbid_store_firing *f)
{
    struct firings *all = context;
    assert_true(all->cnt < 400);
    all->item[all->cnt].unix_s = f->unix_s;
    all->item[all->cnt].campaign = f->campaign;
    all->item[all->cnt].change = f->change;
    snprintf(all->item[all->cnt++].outcome, 16, "%s", f->outcome);
    return 0;
}

static struct firings firings_of(struct world *w, const char *rule)
{
    struct firings all = {0};
    assert_int_equal(qbid_store_load_firings(w->scratch->store, rule, 0, 0, 400, firing_take, &all),
                     0);
    return all;
}

static const double even[CAMPAIGNS] = {0.02, 0.02, 0.02, 0.02};
static const double second_fell[CAMPAIGNS] = {0.02, 0.008, 0.02, 0.02};

/* Two good days, then the second campaign's clicks fall: its target goes down within the limit. */
static void a_fall_lowers_the_bid_as_far_as_its_day_allows(void **state)
{
    struct world w;
    world_init(&w, *state);
    struct qbid_rule rule =
        rule_of("low-ctr", NULL, "ctr < 0.8 x average", "bid -10%, at most -25% a day", "propose");
    rule_add(&w, &rule, "on");
    for (int hour = 0; hour < 36; hour++) {
        hour_pass(&w, 4000, even);
        assert_int_equal(tick(&w), 0);
    }
    int fired = 0;
    int64_t first = 0;
    for (int hour = 0; hour < 12; hour++) {
        hour_pass(&w, 4000, second_fell);
        int n = tick(&w);
        assert_true(n == 0 || n == 1);
        fired += n;
        if (n && first == 0) {
            first = w.unix_s;
            assert_int_equal(w.proposals, 1);
            assert_true(w.last.item == QBID_ITEM_CAMPAIGN && w.last.item_id == 2);
            assert_string_equal(w.last.field, "target");
            assert_string_equal(w.last.current, "0.5");
            assert_string_equal(w.last.recommended, "0.45");
            assert_string_equal(w.last.agent, "rule low-ctr");
            assert_true(w.last.confidence >= 1 - 0.05 / CAMPAIGNS && !w.last.auto_execute);
            assert_true(w.last.impact.mean_nanos > 0 && w.last.impact.loss_nanos > 0);
            assert_true(w.last.evidence_to_unix_s == w.unix_s);
            assert_non_null(strstr(w.last.reason, "ctr < 0.8 x average over 24h"));
        }
        assert_int_equal(tick(&w), 0); /* a step is judged once */
    }
    assert_true(first > 0 && first <= BEGIN_S + 42 * HOUR_S && fired >= 4);
    assert_int_equal(w.proposals, 3); /* -10, -10, -7.4 %: then the limit holds */
    struct firings all = firings_of(&w, "low-ctr");
    assert_int_equal(all.cnt, fired);
    assert_string_equal(all.item[all.cnt - 1].outcome, "proposed");
    assert_true(fabs(all.item[all.cnt - 3].change - (0.75 / 0.81 - 1)) < 1e-9);
    assert_string_equal(all.item[all.cnt - 4].outcome, "limited");
    /* a restart in the same step repeats nothing */
    qbid_rules_free(w.rules);
    assert_int_equal(qbid_rules_new(&w.rules), 0);
    scratch_reopen(w.scratch);
    assert_int_equal(tick(&w), 0);
    assert_int_equal(firings_of(&w, "low-ctr").cnt, fired);
    assert_int_equal(w.proposals, 3);
    world_done(&w);
}

struct rehearsed {
    int cnt, same;
    const struct firings *happened;
    char text[256];
};

static int rehearsed_take(void *context, const struct qbid_rules_firing *f)
{
    struct rehearsed *r = context;
    for (int i = 0; i < r->happened->cnt; i++)
        r->same += r->happened->item[i].unix_s == f->verdict.to_unix_s &&
                   r->happened->item[i].campaign == f->campaign->id &&
                   fabs(r->happened->item[i].change - f->change) < 1e-12;
    r->cnt++;
    snprintf(r->text, sizeof r->text, "%s", f->text);
    return 0;
}

/* What a rule did in dry runs over five days is what a rehearsal says of them afterwards. */
static void a_rehearsal_tells_what_happened(void **state)
{
    struct world w;
    uint64_t steps = 0;
    world_init(&w, *state);
    struct qbid_rule rule = rule_of("r", "tenant 1", "cpc > average + 25 %", "bid -10%", "dry_run");
    rule_add(&w, &rule, "on");
    for (int hour = 0; hour < 5 * 24; hour++) {
        hour_pass(&w, 1000, hour % 48 < 30 ? even : second_fell);
        assert_true(tick(&w) >= 0);
    }
    struct firings happened = firings_of(&w, "r");
    struct rehearsed r = {.happened = &happened};
    assert_int_equal(qbid_rules_rehearse(&rule, &w.account, w.scratch->store, BEGIN_S, w.unix_s,
                                         rehearsed_take, &r, &steps),
                     0);
    assert_int_equal(w.proposals, 0);
    assert_true(happened.cnt >= 4);
    assert_true(r.cnt == happened.cnt && r.same == r.cnt);
    assert_true(steps > 2 * 90 && steps <= 2 * 4 * 24);
    assert_non_null(strstr(r.text, "target 0.5 -> 0.45"));
    world_done(&w);
}

static void every_action_is_one_field(void **state)
{
    struct world w;
    world_init(&w, *state);
    struct qbid_rule_verdict v = {.fired = true,
                                  .from_unix_s = BEGIN_S,
                                  .to_unix_s = BEGIN_S + HOUR_S,
                                  .events = 10,
                                  .trials = 1000,
                                  .expected = 20,
                                  .ratio = 0.4,
                                  .low = 0.3,
                                  .high = 0.6,
                                  .won = 5,
                                  .confidence = 0.99,
                                  .day_spend_nanos = INT64_C(50000000000)};
    struct qbid_rule bid = rule_of("r", NULL, "ctr < 1%", "bid -10%", "execute");
    struct qbid_rule budget = rule_of("r", NULL, "ctr < 1%", "budget -5%", NULL);
    struct qbid_rule pause = rule_of("r", NULL, "ctr < 1%", "pause", NULL);
    struct qbid_rule tell = rule_of("r", NULL, "ctr < 1%", "tell", NULL);
    struct qbid_campaign_def c = w.campaign[0];
    struct qbid_proposal p;
    char why[QBID_RULE_WHY_MAX], text[QBID_PROPOSAL_VALUE_MAX];
    assert_int_equal(qbid_rule_act(&bid, &c, &v, -0.1, &p, why), 0);
    assert_true(p.auto_execute && p.type == QBID_PROPOSAL_BID);
    /* 10 % of 50 is moved, all of it misplaced; if it was chance (1 in 100), 5 is at stake */
    assert_true(p.impact.mean_nanos == INT64_C(5000000000));
    assert_true(fabs((double)p.impact.loss_nanos - 0.1 * 5e9) < 10);
    c.goal = QBID_GOAL_TARGET_ROAS, c.target_micros = 4000000;
    assert_int_equal(qbid_rule_act(&bid, &c, &v, -0.2, &p, why), 0);
    assert_string_equal(p.recommended, "5"); /* dearer money: lower bids */
    c.goal = QBID_GOAL_MAX_CLICKS;
    assert_int_equal(qbid_rule_act(&bid, &c, &v, -0.1, &p, why), 0);
    assert_string_equal(p.field, "override");
    assert_non_null(strstr(p.recommended, "x0.9 until "));
    assert_non_null(strstr(p.recommended, " by rule r: ctr < 1 %"));
    strcpy(text, p.recommended);
    c.override = text; /* its own is changed further */
    v.to_unix_s += HOUR_S;
    assert_int_equal(qbid_rule_act(&bid, &c, &v, -0.1, &p, why), 0);
    assert_non_null(strstr(p.recommended, "x0.81 until "));
    strcpy(text, "x2 until 2099-01-01T00:00:00Z by uid 7: mine");
    assert_int_equal(qbid_rule_act(&bid, &c, &v, -0.1, &p, why), QBID_ERR_INVAL);
    assert_non_null(strstr(why, "it is overridden: x2"));
    c.override = NULL;
    assert_int_equal(qbid_rule_act(&budget, &c, &v, -0.05, &p, why), 0);
    assert_string_equal(p.recommended, "95");
    assert_true(p.budget_nanos == -INT64_C(5000000000) && p.type == QBID_PROPOSAL_BUDGET);
    assert_int_equal(qbid_rule_act(&pause, &c, &v, 0, &p, why), 0);
    assert_string_equal(p.recommended, "false");
    assert_int_equal(qbid_rule_act(&tell, &c, &v, 0, &p, why), QBID_ERR_INVAL);
    world_done(&w);
}

/* 96 of 100 spent by noon: once that day; at the end of a day that is as it should be. */
static void a_budget_that_ends_early_is_told_once(void **state)
{
    struct world w;
    world_init(&w, *state);
    struct qbid_rule rule = rule_of("spent", "campaign 1", "budget > 95 %", "tell", NULL);
    rule_add(&w, &rule, "on");
    int fired[2] = {0, 0};
    for (int hour = 0; hour < 48; hour++) {
        int imps = hour < 24 ? 2000 : 4000; /* 4, then 8 an hour on average */
        hour_pass(&w, imps, even);
        fired[hour / 24] += tick(&w);
    }
    assert_true(fired[0] == 0 && fired[1] == 1);
    struct firings all = firings_of(&w, "spent");
    assert_string_equal(all.item[0].outcome, "told");
    assert_true(all.item[0].unix_s > BEGIN_S + 30 * HOUR_S &&
                all.item[0].unix_s < BEGIN_S + 42 * HOUR_S);
    world_done(&w);
}

/* Campaign 1 keeps its viewability, 2 loses a third of it, 3 and 4 have nobody who measures it. */
static void views_and_plays_are_judged_where_they_are_measured(void **state)
{
    static const char *const conditions[] = {"viewability < 50 %", "completion < 0.8 x average"};
    struct world w;
    world_init(&w, *state);
    for (int r = 0; r < 2; r++) {
        struct qbid_rule rule = rule_of(r == 0 ? "seen" : "played", r == 0 ? NULL : "tenant 1",
                                        conditions[r], "tell", "dry_run");
        rule_add(&w, &rule, "on");
    }
    w.viewable[0] = w.viewable[1] = 0.6;
    for (int hour = 0; hour < 24; hour++) {
        hour_pass(&w, 1000, even);
        assert_int_equal(tick(&w), 0);
    }
    w.viewable[1] = 0.4;
    for (int hour = 0; hour < 8; hour++) {
        hour_pass(&w, 1000, even);
        assert_true(tick(&w) >= 0);
    }
    for (int r = 0; r < 2; r++) {
        struct firings fired = firings_of(&w, r == 0 ? "seen" : "played");
        assert_true(fired.cnt > 0);
        for (int i = 0; i < fired.cnt; i++)
            assert_int_equal(fired.item[i].campaign, 2);
    }
    world_done(&w);
}

static void rules_that_are_off_or_refused_change_nothing(void **state)
{
    struct world w;
    world_init(&w, *state);
    struct qbid_rule off = rule_of("off", NULL, "ctr < 5 %", "pause", "execute");
    struct qbid_rule refused = rule_of("refused", "campaign 3", "ctr < 5 %", "bid -10%", "propose");
    rule_add(&w, &off, "off");
    rule_add(&w, &refused, "on");
    w.err = QBID_ERR_BUSY;
    for (int hour = 0; hour < 5; hour++) {
        hour_pass(&w, 2000, even);
        assert_true(tick(&w) >= 0);
    }
    assert_int_equal(firings_of(&w, "off").cnt, 0);
    struct firings all = firings_of(&w, "refused");
    assert_true(all.cnt > 0 && w.proposals == 0);
    assert_string_equal(all.item[0].outcome, "refused");
    assert_true(all.item[0].change == 0 && all.item[0].campaign == 3);
    world_done(&w);
}

/* A step of minutes: the same verdicts as from all of the history, of which it reads only what is
 * new; two rules of one step share that. Idle hours, a restart and midnights are in it. */
static void steps_of_minutes_read_what_is_new_and_judge_the_same(void **state)
{
    enum { STEP = 300, GAP = 100 };
    struct world w;
    struct qbid_rule_history *history;
    unsigned judged = 0, fired = 0;
    world_init(&w, *state);
    struct qbid_series_key key = {.kind = QBID_SERIES_CAMPAIGN, .id = 1};
    struct qbid_rule rule[2] = {rule_of("a", NULL, "ctr < 1 x average", "bid -1%", NULL),
                                rule_of("b", NULL, "cpc > target + 20 %", "bid -1%", NULL)};
    w.campaign[0].target_micros = 100000;
    assert_int_equal(qbid_rule_history_new(&history), 0);
    assert_int_equal(qbid_store_begin(w.scratch->store), 0);
    for (int64_t t = BEGIN_S + GAP; t <= BEGIN_S + 3 * DAY_S; t += GAP) {
        if ((t / HOUR_S) % 7 != 3) {
            w.all[0].imps += 90;
            w.all[0].clicks += (uint64_t)binomial_of(&w, 90, t > BEGIN_S + 2 * DAY_S ? 0.01 : 0.02);
            w.all[0].spend_nanos += (int64_t)(0.2 * NANOS);
            assert_int_equal(qbid_snapshot_restore(w.snapshot, key, &w.all[0]), 0);
            assert_true(qbid_store_save_series(w.scratch->store, w.snapshot, t - 30) > 0);
        }
        if (t % STEP != 0 || t < BEGIN_S + 45 * HOUR_S || t % (4 * STEP) != 0)
            continue;
        if (t == BEGIN_S + 60 * HOUR_S) {
            qbid_rule_history_free(history);
            assert_int_equal(qbid_rule_history_new(&history), 0);
        }
        for (int r = 0; r < 2; r++) {
            struct qbid_rule_points all = {0}, view;
            struct qbid_rule_verdict want, got;
            rule[r].every_s = STEP;
            assert_int_equal(qbid_rule_points_load(w.scratch->store, &rule[r], 1, t, &all), 0);
            uint64_t read = qbid_rule_history_read(history);
            assert_int_equal(
                qbid_rule_history_load(history, w.scratch->store, &rule[r], 1, t, &view), 0);
            read = qbid_rule_history_read(history) - read;
            if (judged > 1 && t != BEGIN_S + 60 * HOUR_S)
                assert_true(read <= (r == 0 ? 4 * STEP / GAP + 1 : 1));
            assert_true(view.cnt < 2 + 3 * DAY_S / STEP);
            bool judges = qbid_rule_judge(&rule[r], &w.campaign[0], &all, t, 0, 0.01, &want);
            assert_int_equal(qbid_rule_judge(&rule[r], &w.campaign[0], &view, t, 0, 0.01, &got),
                             judges);
            assert_true(!judges ||
                        (want.fired == got.fired && want.won <= got.won && want.won >= got.won &&
                         want.events <= got.events && want.events >= got.events &&
                         want.trials <= got.trials && want.trials >= got.trials &&
                         want.low <= got.low && want.low >= got.low &&
                         want.day_spend_nanos == got.day_spend_nanos));
            qbid_rule_points_done(&all);
            judged += judges;
            fired += judges && want.fired;
        }
    }
    assert_int_equal(qbid_store_end(w.scratch->store, 0), 0);
    assert_true(judged > 100 && fired > 10);
    qbid_rule_history_free(history);
    world_done(&w);
}

static int day_take(void *context, const struct qbid_rules_firing *f)
{
    unsigned char *fired = context;
    fired[(f->verdict.to_unix_s - 1 - BEGIN_S) / DAY_S] = 1;
    return 0;
}

#ifdef __SANITIZE_ADDRESS__
#define QUIET_DAYS 40
#else
#define QUIET_DAYS 300
#endif

/* Nothing changes for 300 days: on at most one day in 20 does any of the four campaigns fire. */
static void quiet_days_stay_quiet(void **state)
{
    static const struct {
        const char *condition;
    } cases[] = {{"ctr < 0.8 x average"}, {"ctr > 1.2 x average"},         {"cpc > average + 20 %"},
                 {"ctr < 1 x average"},   {"ctr < 0.8 x average over 7d"}, {"cpc > target + 20 %"}};
    struct world w;
    static unsigned char fired[QUIET_DAYS];
    world_init(&w, *state);
    for (uint32_t i = 0; i < CAMPAIGNS; i++) /* exactly what a click costs on average */
        w.campaign[i].target_micros = 100000;
    assert_int_equal(qbid_store_begin(w.scratch->store), 0);
    for (int hour = 0; hour < QUIET_DAYS * 24; hour++)
        hour_pass(&w, 1500, even);
    assert_int_equal(qbid_store_end(w.scratch->store, 0), 0);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qbid_rule rule = rule_of("r", NULL, cases[i].condition, "bid -1%", NULL);
        uint64_t steps;
        int days = 0;
        memset(fired, 0, sizeof fired);
        assert_int_equal(qbid_rules_rehearse(&rule, &w.account, w.scratch->store, BEGIN_S, w.unix_s,
                                             day_take, fired, &steps),
                         0);
        for (int d = 0; d < QUIET_DAYS; d++)
            days += fired[d];
        print_message("%s: fired on %d of %d days (bound 0.05), %llu judged\n", cases[i].condition,
                      days, QUIET_DAYS, (unsigned long long)steps);
        assert_true(days <= 0.05 * QUIET_DAYS + 3 * sqrt(0.05 * 0.95 * QUIET_DAYS));
        assert_true(steps > (uint64_t)(QUIET_DAYS - 2) * 24 * CAMPAIGNS);
    }
    world_done(&w);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_fall_lowers_the_bid_as_far_as_its_day_allows),
        TEST(a_rehearsal_tells_what_happened),
        TEST(every_action_is_one_field),
        TEST(a_budget_that_ends_early_is_told_once),
        TEST(views_and_plays_are_judged_where_they_are_measured),
        TEST(rules_that_are_off_or_refused_change_nothing),
        TEST(steps_of_minutes_read_what_is_new_and_judge_the_same),
        TEST(quiet_days_stay_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
