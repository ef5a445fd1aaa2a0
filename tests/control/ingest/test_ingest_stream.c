/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest against an oracle: random traffic of two workers, repeated, reordered, contradictory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/ingest/ingest.h"
#include "shm/hash.h"
#include "shm/units.h"
#include "tests/control/learn/fixture.h"

#define TTL_NS (60 * QBID_NS_PER_S)
#define START_NS (1000 * QBID_NS_PER_S)
#define ROUND_NS (50 * QBID_NS_PER_MS)
#define BIDS 3000
#define ROUNDS 400
#define KINDS (QBID_EVENT_CONV + 1)

/* One bid: what was sent for it and what came out. */
struct life {
    uint32_t sent[KINDS]; /* copies */
    uint32_t got[KINDS];
    uint32_t expired, unjoined;
};

struct stage {
    struct learn_fixture account;
    struct qbid_dictionary *dictionary;
    struct qbid_ingest *ingest;
    void *memory[2];
    struct qbid_page page[2];
    struct life life[BIDS];
    uint64_t rng;
};

static uint32_t below(struct stage *s, uint32_t n)
{
    return (uint32_t)(qbid_mix64(s->rng += UINT64_C(0x9e3779b97f4a7c15)) % n);
}

static void collect(void *context, const struct qbid_outcome *outcome)
{
    struct stage *s = context;
    struct life *life = &s->life[outcome->nonce & 0xffffff];
    if (outcome->kind == QBID_OUTCOME_EXPIRED)
        life->expired++;
    else
        life->got[outcome->kind]++;
    life->unjoined += !outcome->joined;
    if (outcome->joined)
        assert_true(outcome->value_micros == 2500000.0f);
}

static void stage_open(struct stage *s, uint64_t seed, uint32_t pending_max, uint32_t seen_max)
{
    memset(s, 0, sizeof *s);
    s->rng = seed;
    learn_fixture_init(&s->account);
    assert_int_equal(qbid_dictionary_new(&s->dictionary), 0);
    struct qbid_ingest_params params = {pending_max, seen_max, TTL_NS, 3600 * QBID_NS_PER_S};
    assert_int_equal(qbid_ingest_new(&params, &s->ingest), 0);
    for (unsigned i = 0; i < 2; i++) {
        size_t bytes = (size_t)qbid_page_footprint(4, 14);
        s->memory[i] = aligned_alloc(QBID_CACHE_LINE, (bytes + 63) & ~(size_t)63);
        assert_non_null(s->memory[i]);
        memset(s->memory[i], 0, bytes);
        assert_int_equal(qbid_page_format(s->memory[i], 4, 14, &s->page[i]), 0);
    }
}

static void stage_close(struct stage *s)
{
    qbid_ingest_free(s->ingest);
    qbid_dictionary_free(s->dictionary);
    free(s->memory[0]);
    free(s->memory[1]);
}

static void push_bid(struct stage *s, uint32_t n, uint64_t now_ns)
{
    struct qbid_event e = {
        .time_ns = now_ns, .nonce = (uint64_t)(7 + n % 2) << 48 | n, .kind = QBID_EVENT_BID};
    e.u.bid.bid_nanos = 2000000;
    e.u.bid.line_item_id = 100;
    e.u.bid.creative_id = 1001;
    e.u.bid.value_micros = 2500000.0f;
    e.u.bid.pace = 1.0f;
    assert_true(qbid_page_push(&s->page[n % 2], &e));
    s->life[n].sent[QBID_EVENT_BID]++;
}

static void push_notice(struct stage *s, uint32_t n, uint8_t kind, uint64_t bid_ns, uint64_t now_ns)
{
    struct qbid_event e = {
        .time_ns = now_ns, .nonce = (uint64_t)(7 + n % 2) << 48 | n, .kind = kind};
    e.u.notice.bid_nanos = 2000000;
    e.u.notice.line_item_id = 100;
    e.u.notice.creative_id = 1001;
    e.u.notice.price_nanos = kind == QBID_EVENT_BILL ? 1500000 : 0;
    e.u.notice.bid_time_ns = bid_ns;
    assert_true(qbid_page_push(&s->page[below(s, 2)], &e));
    s->life[n].sent[kind]++;
}

static void drain(struct stage *s, unsigned which, uint64_t now_ns)
{
    int n = qbid_ingest_drain(s->ingest, &s->account.account, s->dictionary, &s->page[which],
                              (uint16_t)which, (uint16_t)(7 + which), now_ns, 1 << 20, collect, s);
    assert_true(n >= 0);
    qbid_ring_advance(s->page[which].ring, (uint64_t)n);
}

/* A round of qbidd: both rings, in either order, now and then only one of them. */
static void round_take(struct stage *s, uint64_t now_ns)
{
    unsigned first = below(s, 2);
    drain(s, first, now_ns);
    if (below(s, 4))
        drain(s, 1 - first, now_ns);
    qbid_ingest_tick(s->ingest, now_ns, 1 << 20, collect, s);
}

static bool sent_money(const struct life *life)
{
    return life->sent[QBID_EVENT_WIN] || life->sent[QBID_EVENT_LOSS] || life->sent[QBID_EVENT_BILL];
}

/* Send each bid and the kinds that `choose` gives it, in copies, over the rounds. */
static void traffic_run(struct stage *s, uint32_t (*choose)(struct stage *s))
{
    static uint64_t made[BIDS];
    static uint32_t kinds[BIDS];
    uint32_t bids = 0;
    uint64_t now_ns = START_NS;
    for (uint32_t r = 0; r < ROUNDS; r++, now_ns += ROUND_NS) {
        for (uint32_t i = 0; bids < BIDS && i < 10; i++, bids++) {
            made[bids] = now_ns;
            kinds[bids] = choose(s);
            push_bid(s, bids, now_ns);
        }
        for (uint32_t i = 0; i < 200; i++) { /* of a bid of this or of the last rounds */
            uint32_t n = bids - 1 - below(s, bids < 300 ? bids : 300);
            uint32_t kind = QBID_EVENT_WIN + below(s, KINDS - QBID_EVENT_WIN);
            if (kinds[n] >> kind & 1)
                push_notice(s, n, (uint8_t)kind, made[n], now_ns);
        }
        round_take(s, now_ns);
    }
    for (uint32_t r = 0; r < 40; r++, now_ns += 2 * QBID_NS_PER_S)
        round_take(s, now_ns);
}

static uint32_t choose_consistent(struct stage *s)
{
    uint32_t kind = below(s, 3);
    if (kind == 0)
        return 0;
    if (kind == 1)
        return 1u << QBID_EVENT_LOSS;
    return 1u << QBID_EVENT_BILL | below(s, 2) << QBID_EVENT_WIN | 1u << QBID_EVENT_IMP |
           below(s, 2) << QBID_EVENT_CLICK | below(s, 2) << QBID_EVENT_CONV;
}

static void each_notice_comes_out_once_with_its_bid_whatever_the_order(void **state)
{
    (void)state;
    static struct stage s;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        uint64_t copies = 0, distinct = 0, unjoined = 0, bills = 0;
        stage_open(&s, seed, 10000, 20000);
        traffic_run(&s, choose_consistent);
        for (uint32_t n = 0; n < BIDS; n++) {
            const struct life *life = &s.life[n];
            for (int kind = QBID_EVENT_BID; kind < KINDS; kind++) {
                assert_int_equal(life->got[kind], life->sent[kind] > 0);
                copies += life->sent[kind];
                distinct += life->sent[kind] > 0;
            }
            assert_int_equal(life->expired, !sent_money(life));
            /* only a bill does not wait for a bid that it overtook */
            assert_true(life->unjoined <= life->got[QBID_EVENT_BILL]);
            unjoined += life->unjoined;
            bills += life->got[QBID_EVENT_BILL];
        }
        struct qbid_ingest_counters c = qbid_ingest_counters_load(s.ingest);
        assert_int_equal(c.duplicates, copies - distinct);
        assert_int_equal(c.invalid + c.evicted + c.drops + c.unknown, 0);
        assert_int_equal(c.unjoined, unjoined);
        assert_true(copies > distinct + 1000 && bills > 500);
        assert_true(unjoined < bills / 5);
        stage_close(&s);
    }
}

static uint32_t choose_contrary(struct stage *s)
{
    return (1u + below(s, 7)) << QBID_EVENT_WIN; /* of WIN, LOSS and BILL */
}

static void assert_one_word_stands(const struct stage *s)
{
    uint64_t both = 0;
    for (uint32_t n = 0; n < BIDS; n++) {
        const struct life *life = &s->life[n];
        bool lost = life->got[QBID_EVENT_LOSS];
        bool won = life->got[QBID_EVENT_WIN] || life->got[QBID_EVENT_BILL];
        assert_false(lost && won);
        for (int kind = QBID_EVENT_WIN; kind <= QBID_EVENT_BILL; kind++)
            assert_true(life->got[kind] <= 1);
        if (sent_money(life))
            assert_true(lost || won);
        both += life->sent[QBID_EVENT_LOSS] &&
                (life->sent[QBID_EVENT_WIN] || life->sent[QBID_EVENT_BILL]);
    }
    assert_true(both > 300);
}

static void a_bid_is_never_both_lost_and_billed(void **state)
{
    (void)state;
    static struct stage s;
    for (uint64_t seed = 11; seed <= 15; seed++) {
        stage_open(&s, seed, 10000, 20000);
        traffic_run(&s, choose_contrary);
        assert_one_word_stands(&s);
        assert_true(qbid_ingest_counters_load(s.ingest).invalid > 100);
        stage_close(&s);
    }
}

static void without_room_for_bids_money_still_counts_once(void **state)
{
    (void)state;
    static struct stage s;
    for (uint64_t seed = 21; seed <= 25; seed++) {
        stage_open(&s, seed, 50, 20000); /* bids are forgotten while their notices still come */
        traffic_run(&s, choose_contrary);
        assert_one_word_stands(&s);
        struct qbid_ingest_counters c = qbid_ingest_counters_load(s.ingest);
        assert_true(c.evicted > BIDS / 2);
        assert_true(c.unjoined > 100);
        stage_close(&s);
    }
}

static void a_click_is_known_for_longer_than_a_bill(void **state)
{
    (void)state;
    static struct stage s;
    stage_open(&s, 1, 100, 100);
    uint64_t now_ns = START_NS;
    push_notice(&s, 1, QBID_EVENT_CLICK, START_NS, now_ns);
    drain(&s, 0, now_ns), drain(&s, 1, now_ns);
    for (uint32_t n = 2; n < 40; n++, now_ns += 60 * QBID_NS_PER_S) { /* 38 minutes */
        push_notice(&s, n, QBID_EVENT_BILL, now_ns, now_ns);
        push_notice(&s, 1, QBID_EVENT_CLICK, START_NS, now_ns);
        drain(&s, 0, now_ns), drain(&s, 1, now_ns);
        qbid_ingest_tick(s.ingest, now_ns, 100, collect, &s);
    }
    assert_int_equal(s.life[1].got[QBID_EVENT_CLICK], 1);
    assert_int_equal(qbid_ingest_counters_load(s.ingest).duplicates, 38);
    stage_close(&s);
}

static void numbers_outside_their_range_are_refused(void **state)
{
    (void)state;
    static struct stage s;
    stage_open(&s, 1, 100, 100);
    for (int kind = 0; kind < 13; kind++) {
        struct qbid_event e = {
            .time_ns = START_NS, .nonce = UINT64_C(7) << 48 | 5, .kind = QBID_EVENT_BID};
        e.u.bid.bid_nanos = kind == 0 ? QBID_PRICE_MICROS_MAX + 1 : 1000;
        e.u.bid.line_item_id = 100;
        e.u.bid.value_micros = kind == 1 ? 1e13f : 1.0f;
        e.u.bid.pace = kind == 2 ? 1e9f : 1.0f;
        e.u.bid.q_state = kind == 3 ? QBID_QSTATES : 0;
        if (kind == 4)
            e.u.bid.bid_nanos = 0;
        e.u.bid.context = kind == 5 ? UINT64_C(1) << QBID_DIM_SHIFT_END : 0;
        e.level = kind == 6 ? QBID_LEVEL_DEFAULT + 1 : 0;
        e.action = kind == 7 ? QBID_QROW_ACTIONS : 0;
        e.privacy = kind == 12 ? QBID_PRIVACY_NO_BID : 0;
        if (kind == 8)
            e.nonce = 5; /* no worker has uid 0 */
        if (kind > 8 && kind < 12) {
            e.kind = kind == 11 ? QBID_EVENT_CONV : QBID_EVENT_WIN;
            e.u.notice.price_nanos = kind == 11 ? INT64_MAX : QBID_PRICE_MICROS_MAX + 1;
            e.u.notice.bid_time_ns = kind == 10 ? UINT64_MAX : START_NS;
        }
        assert_true(qbid_page_push(&s.page[0], &e));
    }
    drain(&s, 0, START_NS);
    qbid_ingest_tick(s.ingest, START_NS + QBID_NS_PER_S, 100, collect, &s);
    struct qbid_ingest_counters c = qbid_ingest_counters_load(s.ingest);
    assert_int_equal(c.invalid, 13);
    assert_int_equal(c.events, 13);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_notice_comes_out_once_with_its_bid_whatever_the_order),
        cmocka_unit_test(a_bid_is_never_both_lost_and_billed),
        cmocka_unit_test(without_room_for_bids_money_still_counts_once),
        cmocka_unit_test(a_click_is_known_for_longer_than_a_bill),
        cmocka_unit_test(numbers_outside_their_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
