/* SPDX-License-Identifier: Apache-2.0 */
/* Nobody stands still while there is money: a bid that an allowance did not hold is granted for by
 * the next tick. Workers reserve by fastpath/reserve.h. */
#include "fastpath/reserve.h"
#include "tests/control/ledger/ledger_rig.h"
#include "tests/control/models/rng.h"

static bool bid(struct rig *r, int slot, int64_t nanos)
{
    const struct qbid_view view = {
        .live = &r->live, .page = &r->page[slot], .slot = (uint16_t)slot, .uid = UID};
    return qbid_allowance_reserve(&view, 1, nanos, true);
}

static int64_t unused(const struct rig *r, int slot)
{
    return limit(r, slot) - atomic_load(&r->page[slot].committed[1]);
}

static int64_t free_nanos(const struct rig *r)
{
    return qbid_ledger_budget(r->ledger, 1) - qbid_ledger_spent(r->ledger, 1) -
           qbid_ledger_exposure(r->ledger, 1);
}

static void a_bid_above_the_least_grant_is_granted_for(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    assert_int_equal(limit(r, 0), 5000);
    assert_false(bid(r, 0, 6000));
    tick(r, S / 10);
    assert_true(bid(r, 0, 6000));
}

static void more_than_half_but_less_than_a_bid_is_granted_for(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    while (unused(r, 0) > 2600) {
        assert_true(bid(r, 0, 100));
        tick(r, S / 10);
    }
    assert_int_equal(limit(r, 0), 5000); /* it has at least half of what it should */
    assert_false(bid(r, 0, 4000));
    tick(r, S / 10);
    assert_true(bid(r, 0, 4000));
    for (int i = 0; i < 100; i++)
        tick(r, S / 10);
    assert_true(unused(r, 0) >= 4000); /* and the next one like it need not be refused first */
}

/* The oracle: a worker lacks what its last refused bid is above what it holds; the workers in
 * order, who can be paid from what was free is paid. */
static void what_is_refused_is_made_after_the_next_tick_until_the_money_ends(void **state)
{
    struct rig *r = *state;
    struct rng rng = rng_init(41);
    int64_t last[3] = {0};
    int made = 0, ended = 0;
    assert_int_equal(qbid_ledger_set_budget(r->ledger, 1, 3 * BUDGET), 0);
    for (uint16_t i = 0; i < 3; i++)
        attach(r, i, (uint16_t)(UID + i));
    tick(r, S / 10);
    for (int t = 0; t < 600; t++) {
        bool refused[3] = {false}, paid[3];
        for (int i = 0; i < 3; i++) {
            int64_t nanos = 1 + (int64_t)rng_below(&rng, t % 50 ? 6000 : 40000);
            refused[i] = !bid(r, i, nanos);
            last[i] = refused[i] ? nanos : last[i];
        }
        int64_t left = free_nanos(r);
        for (int i = 0; i < 3; i++) {
            int64_t lacks = last[i] - unused(r, i);
            paid[i] = lacks <= left;
            left -= paid[i] && lacks > 0 ? lacks : 0;
        }
        tick(r, S / 100); /* 6 s in all: no reservation runs out */
        for (int i = 0; i < 3; i++) {
            if (!refused[i])
                continue;
            assert_int_equal(bid(r, i, last[i]), paid[i]);
            made += paid[i], ended += !paid[i];
        }
        assert_true(limit(r, 0) + limit(r, 1) + limit(r, 2) <= 3 * BUDGET);
    }
    assert_true(made > 20 && ended > 20);
    print_message("%d refusals made good, %d past the money; stranded %lld\n", made, ended,
                  (long long)(unused(r, 0) + unused(r, 1) + unused(r, 2) + free_nanos(r)));
}

static void near_the_end_no_worker_gets_a_part_of_a_bid(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    attach(r, 1, UID + 1);
    tick(r, S / 10);
    assert_int_equal(qbid_ledger_set_budget(r->ledger, 1, 12000), 0); /* 2000 are free */
    assert_false(bid(r, 0, 7500));
    assert_true(bid(r, 1, 5000));
    assert_false(bid(r, 1, 1800));
    tick(r, S / 10);
    assert_int_equal(unused(r, 0), 5000); /* it lacks 2500 */
    assert_true(bid(r, 1, 1800));
    int64_t rest = free_nanos(r);
    assert_in_range(rest, 1, 200);
    assert_false(bid(r, 0, 5000 + rest)); /* it lacks all that is left */
    tick(r, S / 10);
    assert_true(bid(r, 0, 5000 + rest));
    assert_int_equal(free_nanos(r), 0);
}

/* Two workers bid and two do not: what stays is less than a bid at each of the first and what the
 * others were given to begin with, and what is free would pay for nobody's bid. */
static void at_the_end_less_than_a_bid_stays_with_each_worker(void **state)
{
    struct rig *r = *state;
    const int64_t nanos = 30011; /* six times the least grant */
    for (uint16_t i = 0; i < SLOTS; i++)
        attach(r, i, (uint16_t)(UID + i));
    tick(r, S / 100);
    for (int t = 0; t < 500; t++) {
        bid(r, t % 2, nanos);
        tick(r, S / 100);
    }
    int64_t left = free_nanos(r);
    for (int i = 0; i < 2; i++)
        assert_true(unused(r, i) < nanos && left < nanos - unused(r, i));
    for (int i = 2; i < SLOTS; i++)
        assert_in_range(unused(r, i), 1, 5000);
    assert_true(atomic_load(&r->page[0].committed[1]) + atomic_load(&r->page[1].committed[1]) >
                BUDGET - 2 * nanos - 2 * 5000);
}

static void a_senseless_refusal_is_none(void **state)
{
    struct rig *r = *state;
    attach(r, 0, UID);
    tick(r, S / 10);
    const int64_t words[] = {-1, INT64_MIN, INT64_MAX, QBID_PRICE_MICROS_MAX + 1};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        atomic_store(&r->page[0].refused[1], words[i]);
        assert_int_equal(tick(r, S / 10), 0);
        assert_int_equal(limit(r, 0), 5000);
    }
    commit(r, 0, 3000);
    tick(r, S / 10);
    assert_true(limit(r, 0) > 5000); /* it goes on as without */
    int64_t before = limit(r, 0);
    atomic_store(&r->page[0].refused[1], BUDGET + 1); /* more than there ever was */
    tick(r, S / 10);
    assert_int_equal(limit(r, 0), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_bid_above_the_least_grant_is_granted_for),
        RULE(more_than_half_but_less_than_a_bid_is_granted_for),
        RULE(what_is_refused_is_made_after_the_next_tick_until_the_money_ends),
        RULE(near_the_end_no_worker_gets_a_part_of_a_bid),
        RULE(at_the_end_less_than_a_bid_stays_with_each_worker),
        RULE(a_senseless_refusal_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
