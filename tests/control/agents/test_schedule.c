/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule agent in worlds whose hours are known: it finds those that bring less, says what a
 * line item gains without them, and keeps quiet where hours are alike. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/agents/schedule.h"
#include "shm/error.h"
#include "shm/units.h"
#include "tests/control/models/rng.h"
#include "tests/control/store/scratch.h"

#define CAMPAIGNS 2
#define ITEMS 4
#define EXCHANGES 2
#define WEEK 168
#define NOW_S INT64_C(1790000000)
#define NOW_NS (UINT64_C(90000) * QBID_NS_PER_S)
#define DAYS 14
#define WORTH 5.0

struct world {
    struct scratch *scratch;
    struct qbid_account account;
    struct qbid_campaign_def campaigns[CAMPAIGNS];
    struct qbid_line_item_def items[ITEMS];
    struct qbid_snapshot *snapshot;
    struct qbid_dictionary *dictionary;
    struct rng rng;
    double hour[CAMPAIGNS][24]; /* logs of events by money */
    double share[ITEMS][24];    /* of a line item's spend */
    double value[ITEMS];        /* a day */
    struct qbid_proposal proposal[ITEMS];
    int proposals;
};

static void post(struct world *w, int item, uint64_t context, double spend)
{
    struct qbid_outcome bill = {.kind = QBID_EVENT_BILL,
                                .line_item_id = w->items[item].id,
                                .context = context,
                                .time_ns = NOW_NS - QBID_NS_PER_S};
    qbid_snapshot_post(w->snapshot, &bill, w->items[item].campaign_id, (int64_t)(spend * 1e9));
}

/* Nights have a third of the traffic, and dearer exchanges are used at other hours. */
static void item_fill(struct world *w, int i)
{
    struct qbid_stats sum = {0};
    int c = i / 2;
    double spend = 0;
    for (int k = 0; k < EXCHANGES * WEEK; k++) {
        int e = k / WEEK, h = k % 24;
        double imps = (h < 8 ? 300 : 900) * (e == h % EXCHANGES ? 1.5 : 0.5);
        double cpm = e ? 3 : 1.5, rate = (e ? 0.05 : 0.02) * exp(w->hour[c][h]);
        struct qbid_stats all = {.imps = (uint64_t)imps,
                                 .spend_nanos = (int64_t)(imps * cpm * 1e6)};
        uint64_t context = qbid_dim_pack(0, QBID_DIM_EXCHANGE, (uint32_t)e + 1);
        context = qbid_dim_pack(context, QBID_DIM_HOUR, (uint32_t)(k % WEEK) + 1);
        all.clicks = rng_binomial(&w->rng, (uint32_t)all.imps, c ? 0.2 : rate);
        all.convs = c ? rng_binomial(&w->rng, (uint32_t)all.clicks, rate) : 0;
        all.value_nanos = (int64_t)((double)all.convs * WORTH * 1e9);
        struct qbid_series_key key = {context, w->items[i].id, QBID_SERIES_CONTEXT};
        assert_int_equal(qbid_snapshot_restore(w->snapshot, key, &all), 0);
        sum.spend_nanos += all.spend_nanos, sum.value_nanos += all.value_nanos;
        w->share[i][h] += imps * cpm, spend += imps * cpm;
    }
    for (int h = 0; h < 24; h++)
        w->share[i][h] /= spend;
    struct qbid_series_key item = {.id = w->items[i].id, .kind = QBID_SERIES_LINE_ITEM};
    assert_int_equal(qbid_snapshot_restore(w->snapshot, item, &sum), 0);
    post(w, i, 0, (double)sum.spend_nanos / 1e9 / DAYS);
    w->value[i] = (double)(c ? sum.value_nanos : sum.spend_nanos) / 1e9 / DAYS;
}

static void world_new(struct world *w, struct scratch *scratch, uint64_t seed)
{
    struct qbid_snapshot_params params = {4096, qbid_dim_mask(QBID_DIM_EXCHANGE) |
                                                    qbid_dim_mask(QBID_DIM_HOUR)};
    *w = (struct world){.scratch = scratch, .rng = rng_init(seed)};
    assert_int_equal(qbid_snapshot_new(&params, &w->snapshot), 0);
    assert_int_equal(qbid_dictionary_new(&w->dictionary), 0);
    for (int h = 0; h < WEEK; h++) {
        char text[16];
        snprintf(text, sizeof text, "%d", h);
        assert_int_equal(qbid_dictionary_add(w->dictionary, QBID_DIM_HOUR, text), h + 1);
    }
    for (uint32_t c = 0; c < CAMPAIGNS; c++)
        w->campaigns[c] =
            (struct qbid_campaign_def){.id = c + 1,
                                       .tenant_id = 1,
                                       .start_unix_s = NOW_S - DAYS * 86400,
                                       .end_unix_s = INT64_MAX,
                                       .goal = c ? QBID_GOAL_MAX_VALUE : QBID_GOAL_MAX_CLICKS,
                                       .budget_nanos = 1,
                                       .period = QBID_BUDGET_DAILY,
                                       .active = true};
    for (uint32_t i = 0; i < ITEMS; i++)
        w->items[i] =
            (struct qbid_line_item_def){.id = 100 + i, .campaign_id = i / 2 + 1, .active = true};
    w->account = (struct qbid_account){.campaigns = w->campaigns,
                                       .line_items = w->items,
                                       .campaign_cnt = CAMPAIGNS,
                                       .line_item_cnt = ITEMS};
}

static void world_fill(struct world *w)
{
    for (int i = 0; i < ITEMS; i++)
        item_fill(w, i);
}

static void world_free(struct world *w)
{
    qbid_snapshot_free(w->snapshot);
    qbid_dictionary_free(w->dictionary);
}

static int keep(void *context, const struct qbid_proposal *proposal)
{
    struct world *w = context;
    char why[QBID_PROPOSAL_WHY_MAX] = "";
    if (qbid_proposal_check(proposal, why))
        fail_msg("proposal: %s", why);
    assert_true(w->proposals < ITEMS && proposal->type == QBID_PROPOSAL_SCHEDULE);
    assert_true(!proposal->auto_execute && proposal->confidence >= QBID_GAINS_SURE);
    w->proposal[w->proposals++] = *proposal;
    return 0;
}

static void find(struct world *w, uint32_t campaign)
{
    struct qbid_agent_inputs inputs = {&w->account, w->snapshot, NOW_NS, NOW_S, NULL, 0};
    struct qbid_random random = qbid_random_init(1);
    struct qbid_gains_search search = {.inputs = &inputs,
                                       .store = w->scratch->store,
                                       .dictionary = w->dictionary,
                                       .random = &random,
                                       .campaign_id = campaign,
                                       .give = keep,
                                       .give_context = w};
    w->proposals = 0;
    assert_int_equal(qbid_schedule_find(&search), 0);
}

/* Whether a proposal takes an hour of the day from a line item that had them all. */
static bool excludes(const struct qbid_proposal *p, int hour)
{
    char text[QBID_PROPOSAL_VALUE_MAX + 2], word[16];
    int days = 0;
    snprintf(text, sizeof text, "%s,", p->recommended);
    for (int day = 0; day < 7; day++) {
        snprintf(word, sizeof word, "!%d,", day * 24 + hour);
        const char *at = strstr(text, word);
        days += at && (at == text || at[-1] == ',');
    }
    assert_true(days <= 1 || days == 7);
    return days == 7;
}

static double truth_of(const struct world *w, const struct qbid_proposal *p)
{
    int i = (int)p->item_id - 100;
    double total = 0, kept = 0, bad = 0;
    for (int h = 0; h < 24; h++) {
        double part = w->share[i][h] * exp(w->hour[i / 2][h]);
        total += part;
        kept += excludes(p, h) ? 0 : part;
        bad += excludes(p, h) ? w->share[i][h] : 0;
    }
    return w->value[i] * (kept * pow(1 - bad, -0.8) / total - 1);
}

static void hours_that_bring_less_are_left_out(void **state)
{
    static struct world w;
    world_new(&w, *state, 1);
    w.hour[0][2] = w.hour[0][3] = w.hour[1][14] = w.hour[1][15] = -1.2;
    w.hour[1][3] = 0.4;
    char *night[1] = {(char[]){"!5"}};
    w.items[1].target[QBID_DIM_HOUR] = (struct qbid_target_def){night, 1};
    w.items[2].active = false;
    world_fill(&w);
    find(&w, 0);
    assert_int_equal(w.proposals, 3);
    print_message("schedule: %s\n", w.proposal[2].reason);
    for (int k = 0; k < w.proposals; k++) {
        const struct qbid_proposal *p = &w.proposal[k];
        double truth = truth_of(&w, p);
        int c = ((int)p->item_id - 100) / 2;
        assert_true(p->item == QBID_ITEM_LINE_ITEM && p->item_id != 102);
        assert_string_equal(p->field, "hour");
        int others = 0; /* one in ten may be found by chance */
        for (int h = 0; h < 24; h++) {
            assert_true(excludes(p, h) || w.hour[c][h] >= 0);
            others += excludes(p, h) && w.hour[c][h] >= 0;
        }
        assert_true(others <= 1);
        assert_true((double)p->impact.low_nanos <= truth * 1e9 &&
                    truth * 1e9 <= (double)p->impact.high_nanos);
        assert_true(p->evidence_from_unix_s == NOW_S - DAYS * 86400);
        /* some hours of one of two line items */
        assert_true(p->touched > 0.01 && p->touched < 0.1);
        assert_non_null(
            strstr(p->reason,
                   c ? "bring less conversions by money spent than the other hours of campaign 2"
                     : "Hours 2, 3 on users' clocks bring less clicks by money"));
    }
    assert_string_equal(w.proposal[1].current, "!5");
    assert_true(strncmp(w.proposal[1].recommended, "!5,!2,!3,!26,", 13) == 0);

    find(&w, 2);
    assert_int_equal(w.proposals, 1);
    w.campaigns[1].budget_nanos = INT64_C(900000000000000); /* has money left */
    find(&w, 2);
    assert_int_equal(w.proposals, 0);
    world_free(&w);
}

static void hours_that_are_alike_are_left_alone(void **state)
{
    int said = 0;
    for (uint64_t seed = 0; seed < 8; seed++) {
        static struct world w;
        world_new(&w, *state, 50 + seed);
        world_fill(&w);
        find(&w, 0);
        said += w.proposals > 0;
        world_free(&w);
    }
    print_message("schedule: proposals in %d of 8 worlds without effects\n", said);
    assert_true(said <= 2);
}

/* Effects of any size: of the hours that are left out nine in ten bring less than the mean. */
static void what_is_left_out_does_bring_less(void **state)
{
    int wrong = 0, said = 0, inside = 0, proposals = 0;
    for (uint64_t seed = 0; seed < 8; seed++) {
        static struct world w;
        world_new(&w, *state, 100 + seed);
        for (int k = 0; k < CAMPAIGNS * 24; k++)
            w.hour[k / 24][k % 24] = 0.3 * rng_normal(&w.rng);
        world_fill(&w);
        find(&w, 0);
        for (int k = 0; k < w.proposals; k++) {
            const struct qbid_proposal *p = &w.proposal[k];
            int i = (int)p->item_id - 100;
            double mean = 0, truth = truth_of(&w, p) * 1e9;
            for (int h = 0; h < 24; h++)
                mean += w.share[i][h] * exp(w.hour[i / 2][h]);
            for (int h = 0; h < 24; h++)
                if (excludes(p, h)) {
                    said++;
                    wrong += exp(w.hour[i / 2][h]) > mean;
                }
            inside += (double)p->impact.low_nanos <= truth && truth <= (double)p->impact.high_nanos;
            proposals++;
        }
        world_free(&w);
    }
    print_message(
        "schedule: of %d hours left out %d bring more; %d of %d intervals hold the gain\n", said,
        wrong, inside, proposals);
    assert_true(said > 20 && wrong <= 0.1 * said);
    assert_true(inside >= 0.75 * proposals);
}

static void the_agent_does_not_repeat_itself(void **state)
{
    static struct world w;
    struct qbid_gains_agent *schedule;
    world_new(&w, *state, 3);
    w.hour[0][2] = w.hour[0][3] = -1.5;
    world_fill(&w);
    struct qbid_gains_params params = {w.scratch->store, NULL, 0.9, 3600, 1};
    assert_int_equal(qbid_gains_agent_new(&qbid_schedule_kind, &params, &schedule), QBID_ERR_INVAL);
    params.dictionary = w.dictionary;
    assert_int_equal(qbid_gains_agent_new(&qbid_schedule_kind, &params, &schedule), 0);
    struct qbid_agent agent = qbid_gains_agent_of(schedule);
    uint32_t held[1] = {1};
    struct qbid_agent_inputs inputs = {&w.account, w.snapshot, NOW_NS, NOW_S, held, 1};
    w.proposals = 0;
    assert_int_equal(agent.propose(agent.state, &inputs, keep, &w), 0);
    assert_int_equal(w.proposals, 0);
    inputs.held_cnt = 0;
    assert_int_equal(agent.propose(agent.state, &inputs, keep, &w), 0);
    assert_int_equal(w.proposals, 2);
    inputs.unix_s += 3599;
    assert_int_equal(agent.propose(agent.state, &inputs, keep, &w), 0);
    assert_int_equal(w.proposals, 2);
    inputs.unix_s++;
    assert_int_equal(agent.propose(agent.state, &inputs, keep, &w), 0);
    assert_int_equal(w.proposals, 4);
    qbid_gains_agent_free(schedule);
    world_free(&w);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(hours_that_bring_less_are_left_out),
        TEST(hours_that_are_alike_are_left_alone),
        TEST(what_is_left_out_does_bring_less),
        TEST(the_agent_does_not_repeat_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
