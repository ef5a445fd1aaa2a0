/* SPDX-License-Identifier: Apache-2.0 */
/* The limit on the speed of spend: by hand, and with the ledger, greedy workers and control that is
 * away for a while: no window of any second has more than it may. */
#include "control/ledger/speed.h"
#include "tests/control/ledger/ledger_rig.h"
#include "tests/control/models/rng.h"

#define WINDOW_S 120
#define MOST 100000
#define SECONDS 6000
#define BID 500
#define OPEN_MAX 4096

static void authority_is_what_was_spent_a_window_ago_and_the_most(void **state)
{
    (void)state;
    struct qbid_speed s = {.window_s = 60, .most_nanos = 100};
    assert_true(qbid_speed_due(&s, 1000));
    qbid_speed_note(&s, (struct qbid_speed_sample){1000, 7});
    assert_int_equal(qbid_speed_authority(&s, 1000), 107);
    assert_int_equal(qbid_speed_authority(&s, 5000), 107);
    assert_false(qbid_speed_due(&s, 1000));
    assert_true(qbid_speed_due(&s, 1001));
    for (int64_t t = 1001; t <= 1300; t++)
        qbid_speed_note(&s, (struct qbid_speed_sample){t, 7 + t - 1000});
    for (int64_t t = 1300; t < 1360; t++)
        assert_int_equal(qbid_speed_authority(&s, t), 7 + t - 1060 + 100);
    assert_int_equal(qbid_speed_authority(&s, 9000), 7 + 300 + 100);
    qbid_speed_note(&s, (struct qbid_speed_sample){900, 5}); /* the clock was set back */
    assert_int_equal(qbid_speed_authority(&s, 1359), 7 + 1359 - 1060 + 100);
}

/* Two workers that spend what they are let; bids are billed within eight seconds. */
struct world {
    struct rig *rig;
    struct rng rng;
    struct qbid_speed speed;
    struct qbid_speed_sample kept[SECONDS]; /* what the store has */
    uint32_t kept_cnt;
    struct {
        uint64_t bid_time_ns;
        int bill_at;
    } open[OPEN_MAX];
    uint32_t open_cnt;
    int64_t committed[SECONDS + 1]; /* cumulative, by second */
    uint32_t outages;
};

static int64_t committed_now(const struct world *w)
{
    return atomic_load(&w->rig->page[0].committed[1]) + atomic_load(&w->rig->page[1].committed[1]);
}

static void workers_bid(struct world *w)
{
    for (int slot = 0; slot < 2; slot++) {
        while (lease(w->rig, slot) > w->rig->now_ns && w->open_cnt < OPEN_MAX &&
               atomic_load(&w->rig->page[slot].committed[1]) + BID <= limit(w->rig, slot)) {
            commit(w->rig, slot, BID);
            w->open[w->open_cnt].bid_time_ns = w->rig->now_ns;
            w->open[w->open_cnt++].bill_at = (int)(w->rig->now_ns / S) + (int)rng_below(&w->rng, 9);
        }
    }
}

static void control_posts(struct world *w)
{
    for (uint32_t i = 0; i < w->open_cnt;) {
        if (w->open[i].bill_at > (int)(w->rig->now_ns / S)) {
            i++;
            continue;
        }
        post(w->rig, QBID_EVENT_BILL, 0, BID, BID, w->open[i].bid_time_ns);
        w->open[i] = w->open[--w->open_cnt];
    }
}

static void control_ticks(struct world *w, int64_t now_s, bool limited)
{
    if (limited && qbid_speed_due(&w->speed, now_s)) {
        struct qbid_speed_sample now = {now_s, qbid_ledger_spent(w->rig->ledger, 1)};
        qbid_speed_note(&w->speed, now);
        if (rng_below(&w->rng, 10)) /* the store may refuse */
            w->kept[w->kept_cnt++] = now;
    }
    int64_t most = limited ? qbid_speed_authority(&w->speed, now_s) : INT64_C(1000000000);
    assert_int_equal(qbid_ledger_set_budget(w->rig->ledger, 1, most), 0);
    (void)tick(w->rig, 0);
}

/* A new life knows what the store has. */
static void control_restarts(struct world *w)
{
    w->speed.first = w->speed.cnt = 0;
    for (uint32_t i = 0; i < w->kept_cnt; i++)
        qbid_speed_note(&w->speed, w->kept[i]);
    w->outages++;
}

/* Most that any window had, and the mean of all. */
static int64_t run(void **state, bool limited, double *ret_mean, uint32_t *ret_outages)
{
    static struct world w;
    memset(&w, 0, sizeof w);
    w.rig = *state;
    w.rng = rng_init(11);
    w.speed.window_s = WINDOW_S;
    w.speed.most_nanos = MOST;
    attach(w.rig, 0, UID);
    attach(w.rig, 1, UID + 1);
    int away = 0;
    for (int t = 0; t < SECONDS; t++) {
        int64_t now_s = (int64_t)(w.rig->now_ns / S);
        if (away > 0 && --away == 0)
            control_restarts(&w);
        else if (away == 0 && rng_below(&w.rng, 200) == 0)
            away = 1 + (int)rng_below(&w.rng, 400);
        if (away == 0) {
            control_posts(&w);
            control_ticks(&w, now_s, limited);
        }
        workers_bid(&w);
        w.committed[t + 1] = committed_now(&w);
        w.rig->now_ns += S;
    }
    int64_t worst = 0;
    for (int t = WINDOW_S; t <= SECONDS; t++) {
        int64_t in_window = w.committed[t] - w.committed[t - WINDOW_S];
        worst = in_window > worst ? in_window : worst;
    }
    *ret_mean = (double)w.committed[SECONDS] * WINDOW_S / SECONDS;
    *ret_outages = w.outages;
    return worst;
}

static void no_window_passes_the_limit_whenever_control_is_away(void **state)
{
    double mean;
    uint32_t outages;
    int64_t worst = run(state, true, &mean, &outages);
    print_message("worst window %.4f of the limit, mean %.3f, %u outages\n", (double)worst / MOST,
                  mean / MOST, outages);
    assert_true(worst <= MOST);
    assert_true(outages > 10);
    assert_true(mean > 0.3 * MOST); /* control was away half of the time */
    assert_true(worst > MOST * 9 / 10);
}

/* The control of the test above. */
static void without_the_limit_windows_pass_it(void **state)
{
    double mean;
    uint32_t outages;
    assert_true(run(state, false, &mean, &outages) > 2 * (int64_t)MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authority_is_what_was_spent_a_window_ago_and_the_most),
        RULE(no_window_passes_the_limit_whenever_control_is_away),
        RULE(without_the_limit_windows_pass_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
