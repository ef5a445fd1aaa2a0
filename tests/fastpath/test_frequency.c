/* SPDX-License-Identifier: Apache-2.0 */
/* Frequency caps in the decision: who is passed over, what r(k) does to price and order, what a
 * worker counts of its own, and the order against brute force; with each instruction set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/hash.h"
#include "tests/fastpath/stage.h"
#include "tests/rounds.h"

#define USER UINT64_C(0x1234567890abcdef)

static const float thirds[] = {1.0f, 0.5f, 0.25f};

/* Two line items of 2 and 1 units; the better one capped at 3 with r = 1, 0.5, 0.25. */
static void open_pair(struct stage *s)
{
    stage_init(s);
    s->counting = true;
    uint32_t best = stage_line_item(s, (struct qbid_line_item){.id = 70, .value_micros = 2e6f});
    stage_line_item(s, (struct qbid_line_item){.id = 71, .value_micros = 0.8e6f});
    image_fixture_cap(&s->f, best, 3, 3, thirds);
    stage_open(s);
}

static struct qbid_request from(uint64_t user_key)
{
    struct qbid_request q = stage_request();
    q.user_key = user_key;
    return q;
}

/* Put a count into the table, as qbidd does. */
static void seen(struct stage *s, uint64_t user_key, uint32_t line_item_id, uint8_t shown,
                 uint8_t pending)
{
    const struct qbid_frequency *t = &s->live.frequency;
    uint64_t key = qbid_frequency_key(user_key, line_item_id, atomic_load(&t->header->salt));
    struct qbid_frequency_entry e = {.tag = qbid_frequency_tag(key),
                                     .end = (uint16_t)(STAGE_MINUTE + 10),
                                     .shown = shown,
                                     .pending = pending};
    _Atomic uint64_t *bucket = qbid_frequency_bucket(t, key);
    for (unsigned i = 0; i < QBID_FREQUENCY_WAYS; i++) {
        uint64_t word = atomic_load(&bucket[i]);
        if (word == 0 || word >> 32 == e.tag) {
            atomic_store(&bucket[i], qbid_frequency_pack(e));
            return;
        }
    }
    fail_msg("no place");
}

/* Pretend that the ring took the bid's event, and that qbidd read so many. */
static void sent(struct stage *s, uint64_t user_key, uint32_t line_item_id)
{
    uint64_t salt = atomic_load(&s->live.frequency.header->salt);
    struct qbid_event event = {.kind = QBID_EVENT_EXPOSE};
    assert_true(qbid_page_push(&s->page, &event));
    qbid_exposures_sent(s->exposures, qbid_frequency_key(user_key, line_item_id, salt),
                        atomic_load(&s->page.ring->head));
}

static void a_user_sees_a_line_item_as_often_as_its_cap_says(void **state)
{
    struct stage s;
    struct qbid_decision d;
    (void)state;
    open_pair(&s);
    struct qbid_request q = from(USER);
    const int64_t price[] = {2000000, 1000000};
    for (unsigned k = 0; k < 2; k++) { /* the third time it is worth 0.5, less than the other */
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
        assert_int_equal(d.line_item_id, 70);
        assert_int_equal(d.bid_micros, price[k]);
        assert_true(d.value_micros == (float)price[k]);
        assert_int_equal(d.exposures, k);
        assert_int_equal(d.counted, 1);
        assert_int_equal(d.skipped, 0);
        sent(&s, USER, 70);
    }
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.line_item_id, 71);
    assert_int_equal(d.counted, 0);
    q.floor_micros = 400000;
    seen(&s, USER, 70, 3, 0);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.line_item_id, 71);
    assert_int_equal(d.skipped, 1);
    stage_done(&s);
}

static void when_all_that_match_were_seen_enough_the_reason_says_so(void **state)
{
    struct stage s;
    struct qbid_decision d;
    struct qbid_trace trace;
    (void)state;
    stage_init(&s);
    s.counting = true;
    image_fixture_cap(&s.f,
                      stage_line_item(&s, (struct qbid_line_item){.id = 70, .value_micros = 2e6f}),
                      1, 0, NULL);
    stage_open(&s);
    struct qbid_request q = from(USER);
    seen(&s, USER, 70, 1, 0);
    assert_int_equal(qbid_decide_one(&s.view, &q, STAGE_NOW_NS, &d, &trace), QBID_NOBID_FREQUENCY);
    assert_int_equal(trace.cnt, 1);
    assert_int_equal(trace.candidate[0].rejected, QBID_NOBID_FREQUENCY);
    assert_int_equal(stage_committed(&s, 0), 0);
    q = from(USER + 1); /* another user */
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    q = from(0); /* nobody that could be counted */
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.counted, 0);
    stage_done(&s);
}

static void a_cap_that_cannot_be_counted_is_reached(void **state)
{
    struct stage s;
    struct qbid_decision d;
    (void)state;
    open_pair(&s);
    struct qbid_request q = from(USER);
    assert_non_null(s.live.frequency.header);
    s.live.frequency.header = NULL;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.line_item_id, 71);
    stage_done(&s);

    /* eight bids of one user that qbidd has not read fill its bucket */
    stage_init(&s);
    s.counting = true;
    image_fixture_cap(&s.f,
                      stage_line_item(&s, (struct qbid_line_item){.id = 70, .value_micros = 2e6f}),
                      100, 0, NULL);
    stage_open(&s);
    for (unsigned k = 0; k < QBID_EXPOSURE_WAYS; k++)
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_FREQUENCY);
    /* those whose event the ring did not take are let go of after two minutes */
    atomic_store(&s.live.frequency.header->minute, STAGE_MINUTE + 1);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_FREQUENCY);
    atomic_store(&s.live.frequency.header->minute, STAGE_MINUTE + 2);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    stage_done(&s);
}

static void an_own_bid_counts_until_qbidd_has_read_it_and_the_table_counts_it(void **state)
{
    struct stage s;
    struct qbid_decision d;
    (void)state;
    open_pair(&s);
    struct qbid_request q = from(USER);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    sent(&s, USER, 70);
    seen(&s, USER, 70, 0, 1); /* the table counts it before the tail moves: twice for a moment */
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.line_item_id, 71);
    atomic_store(&s.page.ring->tail, 1);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.line_item_id, 70);
    assert_int_equal(d.exposures, 1);
    stage_done(&s);
}

static void test_requests_are_capped_but_do_not_count(void **state)
{
    struct stage s;
    struct qbid_decision d;
    (void)state;
    open_pair(&s);
    struct qbid_request q = from(USER);
    q.flags = QBID_REQUEST_TEST;
    for (unsigned k = 0; k < 5; k++) {
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
        assert_int_equal(d.line_item_id, 70);
        assert_int_equal(d.counted, 0);
    }
    seen(&s, USER, 70, 3, 0);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.line_item_id, 71);
    stage_done(&s);
}

static void impressions_of_one_batch_see_each_other(void **state)
{
    struct stage s;
    struct qbid_decision d[4];
    struct qbid_request q[4];
    (void)state;
    open_pair(&s);
    for (unsigned i = 0; i < 4; i++) {
        q[i] = from(USER);
        q[i].id_hash = 10 + i;
    }
    qbid_decide_many(&s.view, q, 4, STAGE_NOW_NS, d);
    assert_int_equal(d[0].line_item_id, 70);
    assert_int_equal(d[1].line_item_id, 70);
    assert_int_equal(d[1].exposures, 1);
    assert_int_equal(d[2].line_item_id, 71);
    assert_int_equal(d[3].line_item_id, 71);
    stage_done(&s);
}

static void given_exposures_replay_a_decision_without_any_table(void **state)
{
    struct stage s;
    struct qbid_decision d;
    const uint8_t assumed[2] = {1, 0};
    (void)state;
    open_pair(&s);
    struct qbid_request q = from(0);
    s.live.frequency.header = NULL;
    s.view.exposures = NULL;
    s.view.assumed = assumed;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.bid_micros, 1000000);
    assert_int_equal(d.exposures, 1);
    assert_int_equal(d.counted, 0);
    stage_done(&s);
}

/* --- the order against brute force: weigh all, take the best that passes */

#define ITEMS 60 /* fewer than are tried at the very most: exact */
#define MANY 300 /* enough for the longest vectors */
#define ROUNDS ((unsigned)rounds(4000, 4000, 2000))

struct world {
    struct stage s;
    float value[MANY];
    uint8_t cap[MANY], shown[MANY], cnt[MANY];
    float r[MANY][QBID_FREQUENCY_VALUES_MAX];
    int64_t floor[MANY];
};

static uint64_t rng(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return qbid_mix64(*state);
}

/* One of `free_in` line items has no cap. */
static void open_world(struct world *w, uint64_t *seed, uint32_t items, unsigned free_in)
{
    stage_init(&w->s);
    w->s.counting = true;
    for (uint32_t i = 0; i < items; i++) {
        w->value[i] = (float)(1 + rng(seed) % 50) * 1e5f; /* ties are frequent */
        w->floor[i] = rng(seed) % 3 ? 0 : (int64_t)(rng(seed) % 5000000);
        w->cap[i] = (uint8_t)(rng(seed) % free_in ? 1 + rng(seed) % 4 : 0);
        w->cnt[i] = (uint8_t)(w->cap[i] ? rng(seed) % 5 : 0);
        w->shown[i] = (uint8_t)(rng(seed) % 5);
        uint32_t idx = stage_line_item(&w->s, (struct qbid_line_item){.id = 100 + i,
                                                                      .value_micros = w->value[i],
                                                                      .floor_micros = w->floor[i]});
        float r = 1;
        for (unsigned k = 0; k < w->cnt[i]; k++)
            w->r[i][k] = r = rng(seed) % 4 ? r * (float)(rng(seed) % 5) / 4 : r;
        if (w->cap[i])
            image_fixture_cap(&w->s.f, idx, w->cap[i], w->cnt[i], w->r[i]);
    }
    stage_open(&w->s);
    for (uint32_t i = 0; i < items; i++)
        seen(&w->s, USER, 100 + i, w->shown[i], 0);
}

/* Index of the line item that must win, -1 = none. */
static int expected(const struct world *w, uint32_t items, float *ret_price)
{
    int best = -1;
    *ret_price = 0;
    for (uint32_t i = 0; i < items; i++) {
        float price = w->value[i];
        if (w->cap[i] && w->shown[i] >= w->cap[i])
            continue;
        if (w->cnt[i])
            price *= w->r[i][w->shown[i] < w->cnt[i] ? w->shown[i] : w->cnt[i] - 1];
        if (price > *ret_price && (int64_t)(price + 0.5f) >= w->floor[i]) {
            *ret_price = price;
            best = (int)i;
        }
    }
    return best;
}

static void expect_best(const struct world *w, uint32_t items, const struct qbid_decision *d,
                        unsigned *none, unsigned *moved)
{
    float price;
    int best = expected(w, items, &price);
    if (best < 0) {
        assert_int_not_equal(d->nobid, QBID_NOBID_NONE);
        ++*none;
        return;
    }
    assert_int_equal(d->nobid, QBID_NOBID_NONE);
    assert_int_equal(d->line_item_id, 100 + best);
    assert_true(d->bid_micros == (int64_t)(price + 0.5f));
    *moved += price < w->value[best];
}

static void the_order_is_that_of_all_weighed_prices(void **state)
{
    static struct world w;
    uint64_t seed = 7;
    unsigned none = 0, moved = 0;
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct qbid_decision d;
        uint32_t items = 1 + (uint32_t)(rng(&seed) % ITEMS);
        open_world(&w, &seed, items, 3);
        struct qbid_request q = from(USER);
        (void)stage_decide(&w.s, &q, &d);
        expect_best(&w, items, &d, &none, &moved);
        stage_done(&w.s);
    }
    assert_true(none > ROUNDS / 400 && moved > ROUNDS / 80); /* the run met what it is about */
}

/* The best of all is among the dearest before weighing here, as it must be to win. */
static void so_it_is_among_many(void **state)
{
    static struct world w;
    uint64_t seed = 8;
    unsigned none = 0, moved = 0, skipped = 0;
    (void)state;
    for (unsigned round = 0; round < ROUNDS / 10; round++) {
        struct qbid_decision d;
        open_world(&w, &seed, MANY, 1000);
        struct qbid_request q = from(USER);
        (void)stage_decide(&w.s, &q, &d);
        expect_best(&w, MANY, &d, &none, &moved);
        skipped += d.skipped;
        stage_done(&w.s);
    }
    assert_int_equal(none, 0);
    assert_true(skipped > ROUNDS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_sees_a_line_item_as_often_as_its_cap_says),
        cmocka_unit_test(when_all_that_match_were_seen_enough_the_reason_says_so),
        cmocka_unit_test(a_cap_that_cannot_be_counted_is_reached),
        cmocka_unit_test(an_own_bid_counts_until_qbidd_has_read_it_and_the_table_counts_it),
        cmocka_unit_test(test_requests_are_capped_but_do_not_count),
        cmocka_unit_test(impressions_of_one_batch_see_each_other),
        cmocka_unit_test(given_exposures_replay_a_decision_without_any_table),
        cmocka_unit_test(the_order_is_that_of_all_weighed_prices),
        cmocka_unit_test(so_it_is_among_many),
    };
    int failed = 0;
    for (unsigned isa = 0; isa <= qbid_isa_best(); isa++) {
        stage_use_isa(isa);
        failed += cmocka_run_group_tests_name(qbid_isa_name(isa), tests, NULL, NULL);
    }
    return failed;
}
