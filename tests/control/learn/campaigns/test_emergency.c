/* SPDX-License-Identifier: Apache-2.0 */
/* Emergency adjustments: how often they fire for nothing, how soon for something, and what the pace
 * then does. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/learn/campaigns/emergency.h"
#include "shm/units.h"
#include "tests/control/models/rng.h"

#define DAY_S 86400
#define PERIOD_NS QBID_NS_PER_S
#define STEP_LG 0.1

#ifdef __SANITIZE_ADDRESS__
#define DAYS 200
#else
#define DAYS 2000
#endif

static struct qbid_campaign_def campaign(char *triggers)
{
    return (struct qbid_campaign_def){
        .id = 7, .goal = QBID_GOAL_TARGET_CPC, .target_micros = 1000000, .triggers = triggers};
}

/* The bound, at exactly the expected rate: 5,000 looks a day, clicks as coins and as they lump. */
static void false_alarms_are_as_rare_as_stated(void **state)
{
    (void)state;
    struct rng r = rng_init(5);
    static const double ratios[] = {0.5, 0.8, 1 / 1.2};
    const double false_a_day = 0.1;
    for (int k = 0; k < 3; k++) {
        struct qbid_alarm a = {0};
        unsigned alarms = 0;
        for (int day = 0; day < DAYS; day++)
            for (int i = 0; i < 5000; i++) {
                qbid_alarm_post(&a, ratios[k], 0.01, rng_uniform(&r) < 0.01, day * DAY_S + i);
                if (!qbid_alarm_fired(&a, false_a_day))
                    continue;
                alarms++;
                a.evidence = 0;
            }
        double most = false_a_day * DAYS;
        print_message("ratio %.2f: %u false alarms in %d days, at most %.0f are stated\n",
                      ratios[k], alarms, DAYS, most);
        assert_true(alarms <= most + 3 * sqrt(most));
    }
}

/* A small campaign: 100,000 auctions a day, of which 30 % are won, 300 clicks that cost 0.95 of the
 * target; after two days the cost, the clicks or the wins go wrong. Returns the days until it is
 * found. */
static double found_after(enum qbid_trigger_kind kind, struct rng *r)
{
    struct qbid_emergency t = {0};
    char text[8]; /* a lack of clicks would show in their cost, too */
    snprintf(text, sizeof text, "%s", qbid_trigger_word(kind));
    struct qbid_campaign_def c = campaign(text);
    struct qbid_emergency_news news;
    const int a_day = 100000;
    for (int i = 0; i < 4 * a_day; i++) {
        bool wrong = i >= 2 * a_day;
        int64_t now_s = (int64_t)i * DAY_S / a_day;
        double win = wrong && kind == QBID_TRIGGER_WIN ? 0.1 : 0.3;
        double ctr = wrong && kind == QBID_TRIGGER_CTR ? 0.006 : 0.01;
        int64_t price =
            wrong && kind == QBID_TRIGGER_CPC ? 15000000 : 9500000; /* of a click's 1e9 */
        bool won = rng_uniform(r) < win;
        struct qbid_outcome o = {.kind = won ? QBID_EVENT_BILL : QBID_EVENT_LOSS, .first_win = won};
        qbid_emergency_post(&t, &c, &o, won ? price : 0, now_s);
        o = (struct qbid_outcome){.kind = QBID_EVENT_CLICK};
        if (won && rng_uniform(r) < ctr)
            qbid_emergency_post(&t, &c, &o, 0, now_s);
        if (qbid_emergency_step(&t, &c, false, STEP_LG, PERIOD_NS,
                                (uint64_t)(now_s + 1) * QBID_NS_PER_S, &news)) {
            assert_true(wrong && news.began);
            assert_int_equal(news.kind, kind);
            return (double)(i - 2 * a_day) / a_day;
        }
    }
    return 9;
}

static void what_goes_wrong_is_found_within_hours(void **state)
{
    (void)state;
    struct rng r = rng_init(6);
    for (unsigned kind = 0; kind < QBID_TRIGGER_CNT; kind++) {
        double worst = 0;
        for (int run = 0; run < 20; run++)
            worst = fmax(worst, found_after((enum qbid_trigger_kind)kind, &r));
        print_message("%s: found within %.2f hours in 20 runs\n",
                      qbid_trigger_word((enum qbid_trigger_kind)kind), worst * 24);
        assert_true(worst * 24 < (kind == QBID_TRIGGER_WIN ? 1 : 48));
    }
}

/* Clicks cease: the factor goes down by steps, holds, and comes back by steps. */
static void the_factor_moves_by_steps_and_has_an_end(void **state)
{
    (void)state;
    struct qbid_emergency t = {0};
    char text[] = "cpc=0.5";
    struct qbid_campaign_def c = campaign(text);
    struct qbid_emergency_news news;
    struct qbid_outcome bill = {.kind = QBID_EVENT_BILL, .first_win = true};
    uint64_t now_ns = 1000 * QBID_NS_PER_S, began_ns = 0;
    for (int i = 0; i < 1000; i++)
        qbid_emergency_post(&t, &c, &bill, 1000000000, 0); /* a click's worth each, and none */
    unsigned began = 0, ended = 0;
    double last = 1, least = 1;
    for (int k = 0; k < QBID_EMERGENCY_HOLD_S + 60; k++, now_ns += PERIOD_NS) {
        if (qbid_emergency_step(&t, &c, false, STEP_LG, PERIOD_NS, now_ns, &news)) {
            began += news.began;
            ended += !news.began;
            began_ns = news.began ? now_ns : began_ns;
            assert_true(news.factor == (news.began ? 0.5 : 1));
        }
        double factor = qbid_emergency_factor(&t);
        assert_true(fabs(log2(factor / last)) <= STEP_LG + 1e-12);
        uint64_t until_ns = qbid_emergency_until(&t, STEP_LG, PERIOD_NS);
        if (factor !=
            1) /* a page that is never written again forgets it, and not before its time */
            assert_true(until_ns > now_ns &&
                        until_ns <= began_ns + (QBID_EMERGENCY_HOLD_S + 20) * QBID_NS_PER_S);
        last = factor;
        least = fmin(least, factor);
    }
    assert_true(began == 1 && ended == 1 && least == 0.5 && last == 1);
    assert_int_equal(qbid_emergency_until(&t, STEP_LG, PERIOD_NS), 0);
    assert_true(t.alarm[QBID_TRIGGER_CPC].evidence == 0);
}

static void it_can_be_switched_off_and_an_override_ends_it(void **state)
{
    (void)state;
    char on[] = "cpc", off[] = "";
    for (int way = 0; way < 2; way++) {
        struct qbid_emergency t = {0};
        struct qbid_campaign_def c = campaign(on);
        struct qbid_emergency_news news;
        struct qbid_outcome bill = {.kind = QBID_EVENT_BILL, .first_win = true};
        uint64_t now_ns = 1000 * QBID_NS_PER_S;
        for (int i = 0; i < 1000; i++)
            qbid_emergency_post(&t, &c, &bill, 1000000000, 0);
        for (int k = 0; k < 10; k++, now_ns += PERIOD_NS)
            (void)qbid_emergency_step(&t, &c, false, STEP_LG, PERIOD_NS, now_ns, &news);
        assert_true(t.holds && fabs(qbid_emergency_factor(&t) - 0.8) < 1e-12);
        c.triggers = way ? on : off;
        for (int k = 0; k < 10; k++, now_ns += PERIOD_NS)
            (void)qbid_emergency_step(&t, &c, way == 1, STEP_LG, PERIOD_NS, now_ns, &news);
        assert_true(!t.holds && qbid_emergency_factor(&t) == 1);
    }
    struct qbid_emergency t = {0};
    struct qbid_campaign_def c = campaign(off);
    struct qbid_outcome bill = {.kind = QBID_EVENT_BILL, .first_win = true};
    for (int i = 0; i < 1000; i++)
        qbid_emergency_post(&t, &c, &bill, 1000000000, 0);
    assert_true(t.alarm[QBID_TRIGGER_CPC].evidence == 0);
}

static void texts_are_read_or_refused_with_the_reason(void **state)
{
    (void)state;
    struct qbid_triggers t;
    assert_null(qbid_triggers_parse("cpc, ctr=0.7,win=1.5", &t));
    assert_true(t.factor[QBID_TRIGGER_CPC] == 0.8 && t.factor[QBID_TRIGGER_CTR] == 0.7 &&
                t.factor[QBID_TRIGGER_WIN] == 1.5);
    assert_null(qbid_triggers_parse("", &t));
    assert_true(t.factor[QBID_TRIGGER_CPC] == 0);
    static const char *const wrong[][2] = {{"cpm", "list of cpc"},    {"cpc ctr", "list of cpc"},
                                           {"cpc=", "no number"},     {"cpc=x", "no number"},
                                           {"cpc=0.4", "0.5 to 2"},   {"win=2.1", "0.5 to 2"},
                                           {"cpc=1x", "list of cpc"}, {",cpc", "list of cpc"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *said = qbid_triggers_parse(wrong[i][0], &t);
        if (!said || !strstr(said, wrong[i][1]))
            fail_msg("'%s': %s", wrong[i][0], said ? said : "was taken");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(false_alarms_are_as_rare_as_stated),
        cmocka_unit_test(what_goes_wrong_is_found_within_hours),
        cmocka_unit_test(the_factor_moves_by_steps_and_has_an_end),
        cmocka_unit_test(it_can_be_switched_off_and_an_override_ends_it),
        cmocka_unit_test(texts_are_read_or_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
