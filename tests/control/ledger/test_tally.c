/* SPDX-License-Identifier: Apache-2.0 */
/* The tally against a list of single reservations, and the sizes of grants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/ledger/grant.h"
#include "control/ledger/tally.h"
#include "shm/error.h"

static uint64_t roll_state;

static uint32_t below(uint32_t n)
{
    uint64_t z = roll_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % n);
}

static void reservations_are_counted_once_whether_noted_or_expired(void **state)
{
    (void)state;
    struct qbid_tally t;
    assert_int_equal(qbid_tally_init(&t, 16, 100), 0);
    qbid_tally_give(&t, 1000);
    assert_int_equal(qbid_tally_exposure(&t), 1000);
    qbid_tally_use(&t, 101, 300); /* three bids of 100, made in 100, 101, 101, seen in 101 */
    assert_int_equal(qbid_tally_exposure(&t), 1000);
    assert_int_equal(qbid_tally_note(&t, 100, 100), 0);
    assert_int_equal(qbid_tally_note(&t, 101, 100), 0);
    assert_int_equal(qbid_tally_exposure(&t), 800);
    qbid_tally_expire(&t, 101); /* nothing was seen in 100: its note is carried on */
    assert_int_equal(qbid_tally_exposure(&t), 800);
    qbid_tally_expire(&t, 102); /* all three are resolved now, each once */
    assert_int_equal(qbid_tally_exposure(&t), 700);
    assert_int_equal(qbid_tally_note(&t, 101, 100), QBID_ERR_STALE);
    assert_int_equal(qbid_tally_note(&t, 102 + 16, 100), QBID_ERR_INVAL);
    assert_int_equal(qbid_tally_exposure(&t), 700);
    qbid_tally_done(&t);
}

static void notices_beyond_what_was_committed_are_not_believed(void **state)
{
    (void)state;
    struct qbid_tally t;
    assert_int_equal(qbid_tally_init(&t, 16, 0), 0);
    qbid_tally_give(&t, 500);
    qbid_tally_use(&t, 1, 200);
    assert_int_equal(qbid_tally_note(&t, 1, 450), 0);
    assert_int_equal(qbid_tally_trim(&t), 250);
    assert_int_equal(qbid_tally_exposure(&t), 300);
    assert_int_equal(qbid_tally_note(&t, 2, 900), 0);
    assert_true(qbid_tally_exposure(&t) >= 0);
    assert_true(qbid_tally_trim(&t) > 0);
    assert_int_equal(qbid_tally_exposure(&t), 300);
    qbid_tally_expire(&t, 10); /* what was forged is forgotten with its buckets */
    qbid_tally_use(&t, 11, 300);
    qbid_tally_expire(&t, 20);
    assert_int_equal(qbid_tally_exposure(&t), 0);
    qbid_tally_done(&t);
}

#define BIDS 400

/* Each bid: made at time t, seen at the next sample, maybe noted at some time; the truth of what
 * may still be billed is kept bid by bid. */
static void the_tally_is_never_below_the_truth_and_meets_it_at_the_end(void **state)
{
    (void)state;
    for (int run = 0; run < 2000; run++) {
        struct {
            int64_t nanos;
            uint32_t made, note;
            bool seen, noted;
        } bid[BIDS];
        roll_state = (uint64_t)run * 7919 + 1;
        struct qbid_tally t;
        assert_int_equal(qbid_tally_init(&t, 64, 0), 0);
        const uint32_t ttl = 1 + below(20);
        uint32_t cnt = 0;
        int64_t given = 0, used = 0, before = 0;
        for (uint32_t now = 0; now < 120; now++) {
            for (uint32_t i = below(8); now < 60 && i > 0 && cnt < BIDS; i--, cnt++) {
                bid[cnt].nanos = 1 + below(100);
                bid[cnt].made = now;
                bid[cnt].note = below(3) ? now + below(ttl + 1) : UINT32_MAX;
                bid[cnt].seen = bid[cnt].noted = false;
                used += bid[cnt].nanos;
            }
            if (used > given) {
                qbid_tally_give(&t, used - given);
                given = used;
                before = INT64_MAX;
            }
            for (uint32_t i = 0; i < cnt; i++) {
                if (bid[i].note == now && !bid[i].noted) {
                    assert_int_equal(qbid_tally_note(&t, bid[i].made, bid[i].nanos), 0);
                    bid[i].noted = true;
                }
            }
            if (below(3) == 0) { /* a tick */
                for (uint32_t i = 0; i < cnt; i++) {
                    if (!bid[i].seen)
                        qbid_tally_use(&t, now, bid[i].nanos);
                    bid[i].seen = true;
                }
                assert_int_equal(qbid_tally_trim(&t), 0);
                qbid_tally_expire(&t, now > ttl ? now - ttl : 0);
            }
            int64_t truth = 0;
            for (uint32_t i = 0; i < cnt; i++)
                if (!bid[i].noted && now <= bid[i].made + ttl)
                    truth += bid[i].nanos;
            int64_t exposure = qbid_tally_exposure(&t);
            assert_true(exposure >= truth);
            assert_true(exposure <= before);
            before = exposure;
        }
        qbid_tally_expire(&t, 200);
        assert_int_equal(qbid_tally_exposure(&t), 0);
        qbid_tally_done(&t);
    }
}

static void a_grant_never_takes_more_than_its_part_of_what_is_free(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100000; i++) {
        struct qbid_grant g = {.budget_nanos = 1 + below(1000000000),
                               .min_nanos = below(100000),
                               .share_ppm = below(10000),
                               .unused_nanos = below(1000000),
                               .per_tick_nanos = below(1000000),
                               .workers = 1 + below(16)};
        g.free_nanos = (int64_t)below((uint32_t)g.budget_nanos) - 1000;
        int64_t size = qbid_grant_size(&g);
        assert_true(size >= 0);
        assert_true(size == 0 || size <= g.free_nanos / 2 / g.workers);
    }
}

static void an_idle_worker_gets_a_share_and_a_busy_one_a_few_ticks(void **state)
{
    (void)state;
    struct qbid_grant g = {.budget_nanos = 1000000000,
                           .free_nanos = 1000000000,
                           .min_nanos = 1000,
                           .share_ppm = 1000,
                           .workers = 2};
    assert_int_equal(qbid_grant_size(&g), 1000000); /* 0.1 % */
    g.share_ppm = 100000;
    assert_int_equal(qbid_grant_size(&g), 1000000000 / 400 / 2);
    g.per_tick_nanos = 5000000;
    assert_int_equal(qbid_grant_size(&g), 20000000);
    g.unused_nanos = 9999999;
    assert_int_equal(qbid_grant_size(&g), 20000000 - 9999999);
    g.unused_nanos = 10000000; /* half is enough */
    assert_int_equal(qbid_grant_size(&g), 0);
    g.unused_nanos = 0;
    g.free_nanos = 0;
    assert_int_equal(qbid_grant_size(&g), 0);
}

static void a_tally_of_impossible_size_is_refused(void **state)
{
    (void)state;
    struct qbid_tally t;
    assert_int_equal(qbid_tally_init(&t, 0, 0), QBID_ERR_INVAL);
    assert_int_equal(qbid_tally_init(&t, 12, 0), QBID_ERR_INVAL);
    assert_int_equal(qbid_tally_init(&t, 2 * QBID_TALLY_BUCKETS_MAX, 0), QBID_ERR_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reservations_are_counted_once_whether_noted_or_expired),
        cmocka_unit_test(notices_beyond_what_was_committed_are_not_believed),
        cmocka_unit_test(the_tally_is_never_below_the_truth_and_meets_it_at_the_end),
        cmocka_unit_test(a_grant_never_takes_more_than_its_part_of_what_is_free),
        cmocka_unit_test(an_idle_worker_gets_a_share_and_a_busy_one_a_few_ticks),
        cmocka_unit_test(a_tally_of_impossible_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
