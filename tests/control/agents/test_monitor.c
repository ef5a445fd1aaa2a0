/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor over a real store: weeks of generated hours, a fall, restarts, campaigns that come.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/agents/monitor.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"
#include "tests/control/store/scratch.h"

#define HOUR_S 3600
#define START_HOUR INT64_C(470000)
#define CAMPAIGNS 2

struct world {
    struct qbid_campaign_def campaign[CAMPAIGNS];
    struct qbid_account account;
    struct qbid_snapshot *snapshot;
    struct qbid_stats all[CAMPAIGNS];
    struct rng rng;
    double viewable; /* share of impressions of the last campaign */
    int64_t hour;
};

static void world_init(struct world *w)
{
    struct qbid_snapshot_params params = {10, 0};
    *w = (struct world){.rng = rng_init(3), .viewable = 0.6, .hour = START_HOUR};
    for (uint32_t i = 0; i < CAMPAIGNS; i++)
        w->campaign[i] = (struct qbid_campaign_def){.id = 10 + i, .active = true};
    w->account = (struct qbid_account){.campaigns = w->campaign, .campaign_cnt = CAMPAIGNS};
    assert_int_equal(qbid_snapshot_new(&params, &w->snapshot), 0);
}

/* About `mean` of something, scattered as counts are. */
static uint64_t about(struct world *w, double mean)
{
    return (uint64_t)fmax(0, round(mean + sqrt(mean) * rng_normal(&w->rng)));
}

/* An hour of all campaigns, saved twice in it; the first one at a level of its usual traffic. */
static void hour_pass(struct world *w, struct qbid_store *store, double level)
{
    for (int half = 0; half < 2; half++) {
        for (uint32_t i = 0; i < CAMPAIGNS; i++) {
            double wave = 1 + 0.4 * sin(6.283185 * (double)(w->hour % 24) / 24);
            double mean = 500 * wave * (i == 0 ? level : 1);
            struct qbid_stats *s = &w->all[i];
            s->bids += about(w, 2 * mean);
            s->wins += about(w, mean);
            s->imps = s->bills = s->wins;
            s->clicks += about(w, mean / 10);
            if (i == CAMPAIGNS - 1) {
                s->views = (uint64_t)((double)s->views + w->viewable * mean);
                s->completes += 20;
            }
            struct qbid_series_key key = {.id = w->campaign[i].id, .kind = QBID_SERIES_CAMPAIGN};
            assert_int_equal(qbid_snapshot_restore(w->snapshot, key, s), 0);
        }
        assert_true(qbid_store_save_series(store, w->snapshot,
                                           w->hour * HOUR_S + (half + 1) * HOUR_S / 2) > 0);
    }
    w->hour++;
}

static int tick(struct qbid_monitor *monitor, struct world *w, struct qbid_store *store)
{
    return qbid_monitor_tick(monitor, &w->account, store, w->hour * HOUR_S + QBID_MONITOR_LATE_S);
}

static void a_fall_is_told_within_hours(void **state)
{
    struct scratch *s = *state;
    struct world w;
    struct qbid_monitor *monitor;
    char text[QBID_MONITOR_TEXT_MAX];
    world_init(&w);
    assert_int_equal(qbid_monitor_new(&monitor), 0);
    for (int i = 0; i < 336; i++)
        hour_pass(&w, s->store, 1);
    assert_int_equal(tick(monitor, &w, s->store), 0);
    struct qbid_monitor_status status = qbid_monitor_status(monitor);
    assert_true(status.watched == 0 && status.learning == CAMPAIGNS);
    int raised = 0;
    for (int i = 0; i < 14 * 24; i++) {
        hour_pass(&w, s->store, 1);
        raised += tick(monitor, &w, s->store);
    }
    status = qbid_monitor_status(monitor);
    assert_int_equal(status.watched, CAMPAIGNS);
    assert_true(raised <= 4 && status.alarms == (uint64_t)raised);
    assert_true(status.hours >= 2 * 300);
    int hours = 0;
    for (raised = 0; raised < 2 && hours < 12; hours++) {
        hour_pass(&w, s->store, 0.6);
        raised += tick(monitor, &w, s->store);
    }
    const struct qbid_monitor_alarm *alarm = qbid_monitor_alarm(monitor, 0);
    assert_non_null(alarm);
    qbid_monitor_say(alarm, text);
    print_message("after %d hours: %s\n", hours, text);
    assert_true(hours <= 3);
    assert_int_equal(alarm->campaign_id, 10);
    assert_int_equal(alarm->verdict.finding, QBID_COUNTS_FALLS);
    assert_int_equal(alarm->to_unix_s, w.hour * HOUR_S);
    assert_true(alarm->from_unix_s < alarm->to_unix_s && alarm->seen < 0.75 * alarm->expected);
    assert_non_null(strstr(text, "campaign 10: "));
    w.viewable = 0.3; /* bids, wins and clicks go on as they were */
    for (raised = hours = 0; raised == 0 && hours < 6; hours++) {
        hour_pass(&w, s->store, 1);
        raised = tick(monitor, &w, s->store);
    }
    alarm = qbid_monitor_alarm(monitor, 0);
    qbid_monitor_say(alarm, text);
    assert_true(alarm->campaign_id == 11 && alarm->metric == QBID_MONITOR_VIEWS);
    assert_non_null(strstr(text, "campaign 11: views fell"));
    qbid_monitor_free(monitor);
    qbid_snapshot_free(w.snapshot);
}

/* A new monitor over the same store knows the same: it learns from the history, judges the last
 * day again, and goes on. */
static void a_restart_loses_nothing(void **state)
{
    struct scratch *s = *state;
    struct world w;
    struct qbid_monitor *monitor;
    world_init(&w);
    for (int i = 0; i < 28 * 24; i++)
        hour_pass(&w, s->store, 1);
    for (int i = 0; i < 5; i++)
        hour_pass(&w, s->store, 0.5);
    scratch_reopen(s);
    assert_int_equal(qbid_monitor_new(&monitor), 0);
    int raised = tick(monitor, &w, s->store); /* one campaign is learned a tick */
    assert_true(raised >= 2);
    assert_int_equal(qbid_monitor_status(monitor).watched, 1);
    raised = tick(monitor, &w, s->store);
    assert_true(raised <= 1);
    assert_int_equal(qbid_monitor_status(monitor).watched, 2);
    uint64_t hours = qbid_monitor_status(monitor).hours;
    assert_int_equal(tick(monitor, &w, s->store), 0); /* the same hour: nothing to do */
    assert_int_equal(qbid_monitor_status(monitor).hours, hours);
    hour_pass(&w, s->store, 0.5);
    assert_true(tick(monitor, &w, s->store) >= 0);
    assert_int_equal(qbid_monitor_status(monitor).hours, hours + 2);
    assert_null(qbid_monitor_alarm(monitor, QBID_MONITOR_ALARMS_MAX));
    qbid_monitor_free(monitor);
    qbid_snapshot_free(w.snapshot);
}

static void campaigns_come_and_go(void **state)
{
    struct scratch *s = *state;
    struct world w;
    struct qbid_monitor *monitor;
    world_init(&w);
    for (int i = 0; i < 28 * 24; i++)
        hour_pass(&w, s->store, 1);
    assert_int_equal(qbid_monitor_new(&monitor), 0);
    w.account.campaign_cnt = 1;
    assert_true(tick(monitor, &w, s->store) >= 0);
    assert_int_equal(qbid_monitor_status(monitor).watched, 1);
    w.account.campaign_cnt = 2;
    assert_true(tick(monitor, &w, s->store) >= 0);
    assert_int_equal(qbid_monitor_status(monitor).watched, 2);
    w.account.campaigns = w.campaign + 1;
    w.account.campaign_cnt = 1;
    assert_true(tick(monitor, &w, s->store) >= 0);
    assert_int_equal(qbid_monitor_status(monitor).watched, 1);
    w.account.campaign_cnt = 0;
    assert_int_equal(tick(monitor, &w, s->store), 0);
    qbid_monitor_free(monitor);
    qbid_snapshot_free(w.snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_fall_is_told_within_hours, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_restart_loses_nothing, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(campaigns_come_and_go, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
