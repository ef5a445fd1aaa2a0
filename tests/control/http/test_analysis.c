/* SPDX-License-Identifier: Apache-2.0 */
/* The analysis against what the formulas say by hand, and in worlds whose best answer is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/account/dictionary.h"
#include "control/account/written/money.h"
#include "control/http/analysis.h"
#include "shm/error.h"
#include "shm/units.h"
#include "tests/control/store/scratch.h"

#define UNIT QBID_NANOS_PER_UNIT
#define NOW INT64_C(1795982400)

struct fixture {
    struct qbid_account account;
    struct qbid_snapshot *snapshot;
    struct qbid_analyze_request request;
    struct qbid_analysis_input input;
    struct qbid_analysis analysis;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct qbid_snapshot_params params = {1024, 0};
    *state = f;
    for (uint32_t id = 1; id <= 2; id++) {
        struct qbid_campaign_def *c = qbid_account_add_campaign(&f->account, id);
        c->tenant_id = 1;
        c->budget_nanos = 100 * UNIT;
        c->start_unix_s = NOW - 10 * 86400;
        c->end_unix_s = NOW + 20 * 86400;
        c->goal = QBID_GOAL_MAX_VALUE;
        c->period = QBID_BUDGET_DAILY;
        c->pacing = QBID_PACING_EVEN;
        c->active = true;
    }
    struct qbid_line_item_def *li = qbid_account_add_line_item(&f->account, 70);
    li->campaign_id = 1;
    li->ceiling_micros = 3000000;
    li->order_value_micros = 40000000;
    li->prior_ctr = 0.01;
    li->prior_cvr = 0.02;
    qbid_account_sort(&f->account);
    if (qbid_snapshot_new(&params, &f->snapshot) != 0)
        return -1;
    f->request = (struct qbid_analyze_request){.campaign_id = 1,
                                               .metrics = {.impressions = 100000,
                                                           .clicks = 1000,
                                                           .conversions = 40,
                                                           .spend_nanos = 100 * UNIT,
                                                           .revenue_nanos = 1600 * UNIT,
                                                           .days = 1},
                                               .total_budget_nanos = 1000 * UNIT,
                                               .avg_order_value_nanos = 40 * UNIT,
                                               .bid_context.hour_of_day = -1};
    f->input = (struct qbid_analysis_input){.request = &f->request,
                                            .account = &f->account,
                                            .campaign = &f->account.campaigns[0],
                                            .snapshot = f->snapshot,
                                            .agent = {.change_min = 0.01, .confidence = 0.9},
                                            .item_change = 0.2,
                                            .day_change = 0.5,
                                            .risk = 0.02,
                                            .four_eyes_nanos = 100 * UNIT,
                                            .now_ns = UINT64_C(1000000000000000),
                                            .unix_s = NOW,
                                            .seed = 7};
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    qbid_snapshot_free(f->snapshot);
    qbid_account_done(&f->account);
    free(f);
    return 0;
}

static const struct qbid_advice *find(struct fixture *f, enum qbid_proposal_type type)
{
    char why[QBID_PROPOSAL_WHY_MAX];
    assert_int_equal(qbid_analyze(&f->input, &f->analysis), 0);
    for (uint32_t i = 0; i < f->analysis.cnt; i++) {
        const struct qbid_proposal *p = &f->analysis.advice[i].proposal;
        if (qbid_proposal_check(p, why) != 0)
            fail_msg("%s", why);
        if (p->type == type)
            return &f->analysis.advice[i];
    }
    return NULL;
}

static double money(const char *text)
{
    int64_t nanos;
    assert_int_equal(qbid_money_parse(text, strlen(text), &nanos), 0);
    return (double)nanos / 1e9;
}

/* 16 of revenue for each unit: far above 1 at the margin, so as far up as one step goes. */
static void money_goes_where_it_returns_as_far_as_a_step(void **state)
{
    struct fixture *f = *state;
    const struct qbid_advice *a = find(f, QBID_PROPOSAL_BUDGET);
    assert_non_null(a);
    assert_string_equal(a->proposal.current, "100");
    assert_string_equal(a->proposal.recommended, "120");
    assert_true(a->proposal.confidence > 0.99);
    assert_true(a->proposal.auto_execute);
    /* the power law by hand: the value of 100 a day is near 1,600, so 120 adds 1,600 (1.2^0.8 - 1)
     */
    assert_true(fabs((double)a->revenue_nanos / 1e9 - 1600 * (pow(1.2, 0.8) - 1)) < 60);
    assert_true(a->roas < 0); /* less for each unit, as curves bend */
    assert_int_equal(a->moved_nanos, 20 * UNIT);
    assert_non_null(strstr(a->proposal.reason, "the metrics given"));
    /* the same request finds the same */
    struct qbid_analysis again;
    assert_int_equal(qbid_analyze(&f->input, &again), 0);
    assert_memory_equal(&again, &f->analysis, sizeof again);
}

static void limits_of_money_bound_the_step(void **state)
{
    struct fixture *f = *state;
    f->request.total_budget_nanos = 107 * UNIT;
    assert_string_equal(find(f, QBID_PROPOSAL_BUDGET)->proposal.recommended, "107");
    f->request.total_budget_nanos = 1000 * UNIT;
    f->input.day_change = 0.02; /* of 200: 4 */
    assert_string_equal(find(f, QBID_PROPOSAL_BUDGET)->proposal.recommended, "104");
    f->input.four_eyes_nanos = 3 * UNIT; /* a person has to look at it */
    assert_false(find(f, QBID_PROPOSAL_BUDGET)->proposal.auto_execute);
}

static void money_is_taken_from_what_returns_less_than_it_costs(void **state)
{
    struct fixture *f = *state;
    f->request.metrics.revenue_nanos = 60 * UNIT; /* 0.6 a unit, 0.48 at the margin */
    f->request.metrics.conversions = 60;
    f->request.avg_order_value_nanos = UNIT;
    const struct qbid_advice *a = find(f, QBID_PROPOSAL_BUDGET);
    assert_string_equal(a->proposal.recommended, "80");
    assert_true(a->revenue_nanos < 0 && a->net_nanos > 0 && a->roas > 0);
    /* the campaign's own target decides what is enough: 4 a unit are too few for a ROAS of 5 */
    f->request.metrics.revenue_nanos = 400 * UNIT;
    f->input.campaign = &f->account.campaigns[0];
    f->account.campaigns[0].goal = QBID_GOAL_TARGET_ROAS;
    f->account.campaigns[0].target_micros = 5000000;
    a = find(f, QBID_PROPOSAL_BUDGET);
    assert_non_null(a);
    assert_string_equal(a->proposal.recommended, "80");
}

static void of_what_nobody_knows_nothing_is_advised_and_it_is_said(void **state)
{
    struct fixture *f = *state;
    f->request.metrics.revenue_nanos = f->request.avg_order_value_nanos = 0;
    f->request.metrics.conversions = 0;
    f->account.line_items[0].order_value_micros = 0;
    assert_null(find(f, QBID_PROPOSAL_BUDGET));
    assert_int_equal(f->analysis.cnt, 0);
    assert_int_equal(f->analysis.note_cnt, 2);
    assert_non_null(strstr(f->analysis.note[0], "no revenue"));
    assert_non_null(strstr(f->analysis.note[1], "ad_set_id"));
}

/* What qbid counted of the line item: bids at `bid` CPM of which a share is won. */
static void auctions(struct fixture *f, uint64_t bids, double share, double bid, double ctr,
                     double cvr)
{
    uint64_t wins = (uint64_t)((double)bids * share), clicks = (uint64_t)((double)wins * ctr);
    struct qbid_stats s = {.bids = bids,
                           .wins = wins,
                           .losses = bids - wins,
                           .bills = wins,
                           .imps = wins,
                           .clicks = clicks,
                           .convs = (uint64_t)((double)clicks * cvr),
                           .spend_nanos = (int64_t)((double)wins * bid * 1e6),
                           .bid_nanos = (int64_t)((double)bids * bid * 1e6)};
    struct qbid_series_key li = {.kind = QBID_SERIES_LINE_ITEM, .id = 70};
    struct qbid_series_key campaign = {.kind = QBID_SERIES_CAMPAIGN, .id = 1};
    assert_int_equal(qbid_snapshot_restore(f->snapshot, li, &s), 0);
    assert_int_equal(qbid_snapshot_restore(f->snapshot, campaign, &s), 0);
    f->input.line_item = &f->account.line_items[0];
}

/* The best price of a first-price auction with a log-logistic win curve, by a fine search. */
static double best_factor(double value, double bid, double share, double slope, double step)
{
    double half = bid * pow((1 - share) / share, 1 / slope), best = 1, most = -1e9;
    for (double r = 1 - step; r <= 1 + step + 1e-9; r += step / 2000) {
        double gain = (value - bid * r) / (1 + pow(half / (bid * r), slope));
        if (gain > most) {
            most = gain;
            best = r;
        }
    }
    return best;
}

static void the_ceiling_moves_toward_what_an_impression_is_worth(void **state)
{
    struct fixture *f = *state;
    /* worth 1000 x 0.01 x 0.02 x 40 = 8 CPM, bid at 3: more */
    auctions(f, 1000000, 0.3, 3, 0.01, 0.02);
    const struct qbid_advice *a = find(f, QBID_PROPOSAL_BID);
    assert_non_null(a);
    assert_true(a->proposal.item == QBID_ITEM_LINE_ITEM && a->proposal.item_id == 70);
    assert_string_equal(a->proposal.field, "ceiling");
    assert_string_equal(a->proposal.current, "3");
    assert_true(fabs(money(a->proposal.recommended) - 3 * best_factor(8, 3, 0.3, 2, 0.2)) < 0.04);
    assert_true(a->revenue_nanos > 0 && a->net_nanos > 0);
    /* worth 2.4 of which 3 is paid: less */
    qbid_snapshot_free(f->snapshot);
    struct qbid_snapshot_params params = {1024, 0};
    assert_int_equal(qbid_snapshot_new(&params, &f->snapshot), 0);
    f->input.snapshot = f->snapshot;
    f->request.metrics.impressions = 0;
    f->request.avg_order_value_nanos = 12 * UNIT;
    auctions(f, 1000000, 0.3, 3, 0.01, 0.02);
    a = find(f, QBID_PROPOSAL_BID);
    assert_non_null(a);
    assert_true(fabs(money(a->proposal.recommended) - 2.4) < 0.011);
    assert_true(a->proposal.confidence > 0.95 && a->net_nanos > 0 && a->revenue_nanos < 0);
}

/* --- a part of the contexts */

#define DEVICES 2

struct parts {
    struct qbid_dictionary *dictionary;
    struct qbid_snapshot *snapshot;
};

/* A line item whose phones are worth 8 CPM and whose computers 1.6, at each hour of the week. */
static struct parts parts_make(struct fixture *f)
{
    static const char *const devices[DEVICES] = {"4/ios", "2/windows"};
    struct parts p;
    struct qbid_snapshot_params params = {1024, qbid_dim_mask(QBID_DIM_DEVICE) |
                                                    qbid_dim_mask(QBID_DIM_HOUR)};
    assert_int_equal(qbid_snapshot_new(&params, &p.snapshot), 0);
    assert_int_equal(qbid_dictionary_new(&p.dictionary), 0);
    for (int d = 0; d < DEVICES; d++)
        assert_int_equal(qbid_dictionary_add(p.dictionary, QBID_DIM_DEVICE, devices[d]), d + 1);
    for (int k = 0; k < DEVICES * 168; k++) {
        char text[16];
        uint64_t context = qbid_dim_pack(0, QBID_DIM_DEVICE, (uint32_t)(k / 168) + 1);
        snprintf(text, sizeof text, "%d", k % 168);
        uint32_t hour = qbid_dictionary_add(p.dictionary, QBID_DIM_HOUR, text);
        uint64_t bids = k % 24 == 3 ? 12 : 6000, wins = bids * 3 / 10, clicks = wins / 100;
        uint64_t convs = k % 2 && clicks && (k < 168 || k % 5 == 0);
        struct qbid_stats s = {.bids = bids,
                               .wins = wins,
                               .losses = bids - wins,
                               .bills = wins,
                               .imps = wins,
                               .clicks = k < 168 ? clicks : clicks / 5,
                               .convs = convs,
                               .spend_nanos = (int64_t)wins * 3000000,
                               .bid_nanos = (int64_t)bids * 3000000};
        struct qbid_series_key key = {.kind = QBID_SERIES_CONTEXT,
                                      .id = 70,
                                      .context = qbid_dim_pack(context, QBID_DIM_HOUR, hour)};
        assert_int_equal(qbid_snapshot_restore(p.snapshot, key, &s), 0);
    }
    qbid_snapshot_free(f->snapshot);
    f->snapshot = p.snapshot;
    f->input.snapshot = p.snapshot;
    f->input.dictionary = p.dictionary;
    f->request.metrics.impressions = 0;
    auctions(f, 2000000, 0.3, 3, 0.006, 0.02);
    return p;
}

static bool noted(const struct fixture *f, const char *words)
{
    for (uint32_t i = 0; i < f->analysis.note_cnt; i++)
        if (strstr(f->analysis.note[i], words))
            return true;
    return false;
}

static void the_part_that_is_asked_for_is_what_is_judged(void **state)
{
    struct fixture *f = *state;
    struct parts p = parts_make(f);
    const struct qbid_advice *a = find(f, QBID_PROPOSAL_BID);
    assert_non_null(a);
    assert_null(strstr(a->proposal.reason, "alone"));
    strcpy(f->request.bid_context.device_type, "Mobile");
    a = find(f, QBID_PROPOSAL_BID);
    assert_non_null(a);
    assert_true(money(a->proposal.recommended) > 3.2 && !a->proposal.auto_execute);
    assert_non_null(strstr(a->proposal.reason, "device_type Mobile alone, 48 % of"));
    strcpy(f->request.bid_context.device_type, "2/windows");
    f->request.bid_context.hour_of_day = 14;
    a = find(f, QBID_PROPOSAL_BID);
    assert_non_null(a);
    assert_true(money(a->proposal.recommended) < 2.9);
    assert_non_null(strstr(a->proposal.reason, "2/windows, hour_of_day 14 alone, 2 % of"));
    /* the night has too few bids; what nobody has seen and what is not told apart is said */
    f->request.bid_context.hour_of_day = 3;
    strcpy(f->request.platform, "search");
    strcpy(f->request.bid_context.placement, "feed");
    a = find(f, QBID_PROPOSAL_BID);
    assert_true(a && !strstr(a->proposal.reason, "alone"));
    assert_true(noted(f, "hour_of_day 3 84 bids are known; 100 are needed"));
    assert_true(noted(f, "platform 'search' is not used: contexts do not tell exchange apart"));
    assert_true(noted(f, "placement 'feed' is not used"));
    strcpy(f->request.bid_context.device_type, "fridge");
    (void)find(f, QBID_PROPOSAL_BID);
    assert_true(noted(f, "device_type 'fridge' is not used: qbid has seen no device of that name"));
    qbid_dictionary_free(p.dictionary);
}

/* What agents find in the campaign is in the answer. */
static void hours_that_bring_less_are_among_the_advice(void **state)
{
    struct fixture *f = *state;
    struct parts p = parts_make(f);
    void *scratch = NULL;
    assert_int_equal(scratch_setup(&scratch), 0);
    f->input.agent.store = ((struct scratch *)scratch)->store;
    f->account.campaigns[0].goal = QBID_GOAL_MAX_CLICKS;
    f->account.campaigns[0].budget_nanos = UNIT;
    f->account.line_items[0].active = true;
    for (uint32_t h = 1; h <= 168; h++) { /* hours 10 and 11 cost more */
        uint64_t context = qbid_dim_pack(qbid_dim_pack(0, QBID_DIM_DEVICE, 1), QBID_DIM_HOUR, h);
        uint32_t hour = (h - 1) % 24;
        struct qbid_outcome bill = {.kind = QBID_EVENT_BILL,
                                    .line_item_id = 70,
                                    .context = context,
                                    .time_ns = f->input.now_ns - 1};
        qbid_snapshot_post(f->snapshot, &bill, 1,
                           (hour == 10 || hour == 11 ? 8 : 1) * INT64_C(5400000000));
    }
    const struct qbid_advice *a = find(f, QBID_PROPOSAL_SCHEDULE);
    assert_non_null(a);
    assert_string_equal(a->proposal.agent, QBID_HTTP_AGENT);
    assert_string_equal(a->proposal.field, "hour");
    assert_non_null(strstr(a->proposal.recommended, "!10,!11,!34,!35"));
    assert_true(!a->proposal.auto_execute && a->revenue_nanos == a->proposal.impact.mean_nanos);
    assert_int_equal(a->moved_nanos, UNIT);
    f->input.agent.store = NULL;
    assert_int_equal(scratch_teardown(&scratch), 0);
    qbid_dictionary_free(p.dictionary);
}

static void a_ceiling_that_holds_nothing_is_left_alone(void **state)
{
    struct fixture *f = *state;
    auctions(f, 1000000, 0.3, 1, 0.01, 0.02);
    assert_null(find(f, QBID_PROPOSAL_BID));
    assert_non_null(strstr(f->analysis.note[0], "does not hold it"));
    auctions(f, 99, 0.3, 3, 0.01, 0.02);
    assert_null(find(f, QBID_PROPOSAL_BID));
    assert_non_null(strstr(f->analysis.note[0], "100 are needed"));
}

/* Extremes of every number: advice that passes its own check, or none. */
static void no_extreme_breaks_it(void **state)
{
    struct fixture *f = *state;
    static const uint64_t counts[] = {0, 1, 1000000000000000};
    static const int64_t amounts[] = {0, 1, INT64_C(1000000000) * UNIT};
    auctions(f, 1000, 0.5, 3, 0.01, 0.02);
    for (int i = 0; i < 3 * 3 * 3 * 3; i++) {
        f->request.metrics.conversions = counts[i % 3];
        f->request.metrics.clicks = counts[i % 3];
        f->request.metrics.impressions = counts[2];
        f->request.metrics.spend_nanos = amounts[i / 3 % 3];
        f->request.metrics.revenue_nanos = amounts[i / 9 % 3];
        f->request.avg_order_value_nanos = amounts[i / 27 % 3];
        f->request.total_budget_nanos = i % 2 ? 1 : amounts[2];
        f->request.metrics.days = i % 2 ? 1.0 / 24 : 3660;
        (void)find(f, QBID_PROPOSAL_SCHEDULE);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(money_goes_where_it_returns_as_far_as_a_step),
        TEST(limits_of_money_bound_the_step),
        TEST(money_is_taken_from_what_returns_less_than_it_costs),
        TEST(of_what_nobody_knows_nothing_is_advised_and_it_is_said),
        TEST(the_ceiling_moves_toward_what_an_impression_is_worth),
        TEST(the_part_that_is_asked_for_is_what_is_judged),
        TEST(hours_that_bring_less_are_among_the_advice),
        TEST(a_ceiling_that_holds_nothing_is_left_alone),
        TEST(no_extreme_breaks_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
