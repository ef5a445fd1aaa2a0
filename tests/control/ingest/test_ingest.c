/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest through real worker pages: joins, repeats, reorders, expiry, lies, bounds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "control/ingest/ingest.h"
#include "shm/error.h"
#include "shm/hash.h"
#include "shm/units.h"
#include "tests/control/learn/fixture.h"

#define OUTCOMES_MAX 4096
#define TTL_NS (60 * QBID_NS_PER_S)
#define NOW_NS (1000 * QBID_NS_PER_S)
#define UID_A 7
#define UID_B 9

struct bench {
    struct learn_fixture account;
    struct qbid_dictionary *dictionary;
    struct qbid_ingest *ingest;
    void *memory[2];
    struct qbid_page page[2];
    struct qbid_outcome out[OUTCOMES_MAX];
    unsigned cnt;
};

static void collect(void *context, const struct qbid_outcome *outcome)
{
    struct bench *b = context;
    assert_true(b->cnt < OUTCOMES_MAX);
    b->out[b->cnt++] = *outcome;
}

static void bench_open(struct bench *b, uint32_t pending_max, uint32_t seen_max)
{
    memset(b, 0, sizeof *b);
    learn_fixture_init(&b->account);
    assert_int_equal(qbid_dictionary_new(&b->dictionary), 0);
    struct qbid_ingest_params params = {pending_max, seen_max, TTL_NS, 3600 * QBID_NS_PER_S};
    assert_int_equal(qbid_ingest_new(&params, &b->ingest), 0);
    for (unsigned i = 0; i < 2; i++) {
        int64_t bytes = qbid_page_footprint(4, 12);
        assert_true(bytes > 0);
        b->memory[i] = aligned_alloc(QBID_CACHE_LINE, ((size_t)bytes + 63) & ~(size_t)63);
        assert_non_null(b->memory[i]);
        memset(b->memory[i], 0, (size_t)bytes);
        assert_int_equal(qbid_page_format(b->memory[i], 4, 12, &b->page[i]), 0);
    }
}

static void bench_close(struct bench *b)
{
    qbid_ingest_free(b->ingest);
    qbid_dictionary_free(b->dictionary);
    free(b->memory[0]);
    free(b->memory[1]);
}

static int drain(struct bench *b, unsigned which, uint64_t now_ns)
{
    int n = qbid_ingest_drain(b->ingest, &b->account.account, b->dictionary, &b->page[which],
                              (uint16_t)which, which ? UID_B : UID_A, now_ns, 100000, collect, b);
    if (n > 0)
        qbid_ring_advance(b->page[which].ring, (uint64_t)n);
    return n;
}

static void tick(struct bench *b, uint64_t now_ns)
{
    qbid_ingest_tick(b->ingest, now_ns, 100000, collect, b);
}

static struct qbid_event bid_event(uint64_t seq)
{
    struct qbid_event e = {.time_ns = NOW_NS,
                           .nonce = (uint64_t)UID_A << 48 | seq,
                           .gen = 5,
                           .kind = QBID_EVENT_BID,
                           .level = 1};
    e.u.bid.context = learn_context(1, 2, 3);
    e.u.bid.bid_nanos = 2000000;
    e.u.bid.line_item_id = 100;
    e.u.bid.creative_id = 1001;
    e.u.bid.value_micros = 2500000.0f;
    e.u.bid.pace = 0.5f;
    e.u.bid.q_propensity_q32 = UINT32_MAX / 2;
    return e;
}

static struct qbid_event notice_event(int kind, uint64_t seq, int64_t price_nanos)
{
    struct qbid_event bid = bid_event(seq), e = bid;
    memset(&e.u, 0, sizeof e.u);
    e.kind = (uint8_t)kind;
    e.time_ns = NOW_NS + QBID_NS_PER_MS;
    e.u.notice.context = bid.u.bid.context;
    e.u.notice.bid_nanos = bid.u.bid.bid_nanos;
    e.u.notice.line_item_id = 100;
    e.u.notice.creative_id = 1001;
    e.u.notice.price_nanos = price_nanos;
    if (kind == QBID_EVENT_LOSS)
        e.u.notice.detail = qbid_event_detail(price_nanos, QBID_LOSS_UNKNOWN);
    e.u.notice.bid_time_ns = bid.time_ns;
    return e;
}

static void push(struct bench *b, unsigned which, struct qbid_event event)
{
    assert_true(qbid_page_push(&b->page[which], &event));
}

static struct qbid_ingest_counters counters(const struct bench *b)
{
    return qbid_ingest_counters_load(b->ingest);
}

static void a_bid_carries_its_creatives_share_and_whom_it_counts_for(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 100, 100);
    struct qbid_event expose = {
        .time_ns = NOW_NS, .nonce = (uint64_t)UID_A << 48 | 1, .kind = QBID_EVENT_EXPOSE};
    expose.u.expose.key = 77;
    expose.u.expose.line_item_id = 100;
    expose.u.expose.counted = 3;
    struct qbid_event bid = bid_event(1), other = bid_event(2);
    bid.u.bid.creative_share_q16 = qbid_event_share(UINT32_MAX / 4);
    other.u.bid.creative_share_q16 = qbid_event_share(UINT32_MAX);
    push(&b, 0, expose);
    push(&b, 0, bid);
    push(&b, 0, other);
    push(&b, 0, notice_event(QBID_EVENT_IMP, 1, 0));
    drain(&b, 0, NOW_NS + QBID_NS_PER_MS);
    assert_int_equal(b.cnt, 4);
    assert_true(b.out[1].exposure_key == 77 && b.out[1].exposures == 3);
    assert_float_equal(b.out[1].creative_share, 0.25, 1e-4);
    assert_true(b.out[2].exposure_key == 0 && b.out[2].exposures == 0);
    assert_true(b.out[2].creative_share == 1.0f);
    assert_true(b.out[3].kind == QBID_EVENT_IMP && b.out[3].exposure_key == 77);
    assert_true(b.out[3].exposures == 3 && b.out[3].creative_share == b.out[1].creative_share);
    bench_close(&b);
}

static void a_bid_and_its_notices_come_out_joined(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 100, 100);
    push(&b, 0, bid_event(1));
    push(&b, 0, notice_event(QBID_EVENT_WIN, 1, 1500000));
    push(&b, 0, notice_event(QBID_EVENT_BILL, 1, 1500000));
    push(&b, 0, notice_event(QBID_EVENT_IMP, 1, 0));
    push(&b, 0, notice_event(QBID_EVENT_CLICK, 1, 0));
    assert_int_equal(drain(&b, 0, NOW_NS + 2 * QBID_NS_PER_MS), 5);
    assert_int_equal(b.cnt, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_true(b.out[i].joined);
        assert_int_equal(b.out[i].line_item_idx, 0);
        assert_true(b.out[i].value_micros == 2500000.0f && b.out[i].pace == 0.5f);
        assert_true(fabs((double)b.out[i].propensity - 0.5) < 1e-6);
    }
    assert_int_equal(b.out[2].kind, QBID_EVENT_BILL);
    assert_int_equal(b.out[2].price_nanos, 1500000);
    assert_true(b.out[1].first_win && !b.out[2].first_win && !b.out[3].first_win);
    bench_close(&b);
}

static void a_repeated_notice_counts_once(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 100, 100);
    push(&b, 0, bid_event(1));
    const int kinds[] = {QBID_EVENT_WIN, QBID_EVENT_BILL, QBID_EVENT_IMP, QBID_EVENT_CLICK,
                         QBID_EVENT_CONV};
    for (unsigned k = 0; k < 5; k++)
        for (unsigned n = 0; n < 5; n++)
            push(&b, n % 2, notice_event(kinds[k], 1, 1000));
    drain(&b, 0, NOW_NS + 2 * QBID_NS_PER_MS);
    drain(&b, 1, NOW_NS + 2 * QBID_NS_PER_MS);
    assert_int_equal(b.cnt, 6);
    assert_int_equal(counters(&b).duplicates, 20);
    bench_close(&b);
}

static void a_notice_that_overtakes_its_bid_is_joined_when_the_bid_comes(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 100, 100);
    push(&b, 1, notice_event(QBID_EVENT_WIN, 1, 1000));
    push(&b, 1, notice_event(QBID_EVENT_WIN, 1, 1000));
    drain(&b, 1, NOW_NS + 2 * QBID_NS_PER_MS);
    tick(&b, NOW_NS + 3 * QBID_NS_PER_MS);
    assert_int_equal(b.cnt, 0);
    push(&b, 0, bid_event(1));
    drain(&b, 0, NOW_NS + 4 * QBID_NS_PER_MS);
    tick(&b, NOW_NS + 5 * QBID_NS_PER_MS);
    assert_int_equal(b.cnt, 2);
    assert_int_equal(b.out[1].kind, QBID_EVENT_WIN);
    assert_true(b.out[1].joined);
    assert_int_equal(counters(&b).duplicates, 1);
    bench_close(&b);
}

static void a_bill_that_overtakes_its_bid_is_charged_at_once_and_once(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 100, 100);
    push(&b, 1, notice_event(QBID_EVENT_BILL, 1, 1000));
    drain(&b, 1, NOW_NS + 2 * QBID_NS_PER_MS);
    assert_int_equal(b.cnt, 1);
    assert_false(b.out[0].joined);
    push(&b, 0, bid_event(1));
    push(&b, 0, notice_event(QBID_EVENT_BILL, 1, 1000));
    push(&b, 0, notice_event(QBID_EVENT_LOSS, 1, 0));
    drain(&b, 0, NOW_NS + 3 * QBID_NS_PER_MS);
    tick(&b, NOW_NS + TTL_NS + QBID_NS_PER_S);
    assert_int_equal(b.cnt, 2); /* the bid; no second bill, no loss, no expiry */
    assert_int_equal(counters(&b).duplicates, 1);
    assert_int_equal(counters(&b).invalid, 1);
    bench_close(&b);
}

static void bids_taken_first_meet_notices_of_other_rings_and_are_not_taken_again(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 10000, 100);
    for (unsigned round = 0; round < 3; round++) {
        b.cnt = 0;
        for (uint64_t i = 1; i <= 1000; i++) { /* more than one batch, both rings mixed */
            uint64_t seq = round * 1000 + i;
            push(&b, 0, bid_event(seq));
            push(&b, 1, notice_event(QBID_EVENT_BILL, seq, 1000));
            if (i % 3 == 0)
                push(&b, 0, notice_event(QBID_EVENT_IMP, seq, 0));
        }
        uint64_t now_ns = NOW_NS + 2 * QBID_NS_PER_MS;
        for (unsigned again = 0; again < 2; again++)
            for (unsigned which = 0; which < 2; which++)
                assert_int_equal(qbid_ingest_bids(b.ingest, &b.account.account, &b.page[which],
                                                  (uint16_t)which, which ? UID_B : UID_A, now_ns,
                                                  collect, &b),
                                 0);
        assert_int_equal(b.cnt, 1000);
        assert_int_equal(drain(&b, 1, now_ns), 1000);
        assert_int_equal(drain(&b, 0, now_ns), 1333);
        assert_int_equal(b.cnt, 2333);
        for (unsigned i = 1000; i < 2333; i++)
            assert_true(b.out[i].joined && b.out[i].kind != QBID_EVENT_BID);
    }
    assert_int_equal(counters(&b).unjoined, 0);
    assert_int_equal(counters(&b).invalid, 0);
    assert_int_equal(counters(&b).events, 3 * 2333);
    bench_close(&b);
}

static void a_notice_whose_bid_never_comes_goes_on_unjoined_after_its_wait(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 100, 100);
    push(&b, 1, notice_event(QBID_EVENT_WIN, 1, 1000));
    push(&b, 1, notice_event(QBID_EVENT_WIN, 1, 1000));
    drain(&b, 1, NOW_NS + 2 * QBID_NS_PER_MS);
    assert_int_equal(b.cnt, 0);
    tick(&b, NOW_NS + QBID_NS_PER_S);
    assert_int_equal(b.cnt, 1);
    assert_false(b.out[0].joined);
    assert_int_equal(b.out[0].bid_nanos, 2000000);
    assert_int_equal(counters(&b).unjoined, 1);
    assert_int_equal(counters(&b).duplicates, 1);
    bench_close(&b);
}

static void a_bid_without_an_outcome_expires_once(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 100, 100);
    push(&b, 0, bid_event(1));
    push(&b, 0, bid_event(2));
    push(&b, 0, notice_event(QBID_EVENT_LOSS, 2, 2500000));
    drain(&b, 0, NOW_NS + 2 * QBID_NS_PER_MS);
    tick(&b, NOW_NS + TTL_NS);
    assert_int_equal(b.cnt, 3);
    tick(&b, NOW_NS + TTL_NS + QBID_NS_PER_S);
    tick(&b, NOW_NS + TTL_NS + 2 * QBID_NS_PER_S);
    assert_int_equal(b.cnt, 4);
    assert_int_equal(b.out[3].kind, QBID_OUTCOME_EXPIRED);
    assert_int_equal(b.out[3].nonce & 0xffff, 1);
    assert_int_equal(counters(&b).expired, 1);
    bench_close(&b);
}

static void a_bid_is_lost_or_won_and_the_first_word_stands(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 100, 100);
    push(&b, 0, bid_event(1));
    push(&b, 0, notice_event(QBID_EVENT_BILL, 1, 1000));
    push(&b, 0, notice_event(QBID_EVENT_LOSS, 1, 0));
    push(&b, 0, bid_event(2));
    push(&b, 0, notice_event(QBID_EVENT_LOSS, 2, 0));
    push(&b, 0, notice_event(QBID_EVENT_BILL, 2, 1000));
    drain(&b, 0, NOW_NS + 2 * QBID_NS_PER_MS);
    assert_int_equal(b.cnt, 4);
    assert_int_equal(b.out[1].kind, QBID_EVENT_BILL);
    assert_int_equal(b.out[3].kind, QBID_EVENT_LOSS);
    assert_int_equal(counters(&b).invalid, 2);
    bench_close(&b);
}

static void a_loss_keeps_its_reason_and_video_events_count_once_each(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 100, 100);
    struct qbid_event loss = notice_event(QBID_EVENT_LOSS, 1, 0);
    loss.u.notice.detail = qbid_event_detail(2500000, 555);
    push(&b, 0, bid_event(1));
    for (unsigned i = 0; i < 5; i++)
        push(&b, 0, loss);
    push(&b, 0, bid_event(2));
    for (unsigned i = 0; i < 10; i++) {
        struct qbid_event video = notice_event(QBID_EVENT_VIDEO, 2, 0);
        video.u.notice.detail =
            qbid_event_detail(0, i % 2 ? QBID_VIDEO_START : QBID_VIDEO_COMPLETE);
        push(&b, 0, video);
    }
    drain(&b, 0, NOW_NS + 2 * QBID_NS_PER_MS);
    assert_int_equal(b.cnt, 5);
    assert_int_equal(b.out[1].kind, QBID_EVENT_LOSS);
    assert_int_equal(b.out[1].code, 555);
    assert_int_equal(b.out[1].price_nanos, 2500000);
    assert_int_equal(b.out[3].code, QBID_VIDEO_COMPLETE);
    assert_int_equal(b.out[4].code, QBID_VIDEO_START);
    assert_int_equal(counters(&b).duplicates, 4 + 8);
    const struct qbid_reasons *reasons = qbid_ingest_reasons(b.ingest);
    assert_int_equal(reasons->other[0].code, 555);
    assert_int_equal(reasons->other[0].cnt, 1);
    assert_int_equal(reasons->video[QBID_VIDEO_START], 1);
    assert_int_equal(reasons->video[QBID_VIDEO_COMPLETE], 1);
    bench_close(&b);
}

static void a_late_bill_is_never_charged(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 100, 100);
    struct qbid_event late = notice_event(QBID_EVENT_BILL, 1, 1000);
    late.time_ns = NOW_NS + TTL_NS + 1;
    push(&b, 0, bid_event(1));
    push(&b, 0, late);
    drain(&b, 0, late.time_ns);
    assert_int_equal(b.cnt, 1);
    assert_int_equal(counters(&b).invalid, 1);
    bench_close(&b);
}

static void test_traffic_leaves_no_trace(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 100, 100);
    struct qbid_event bid = bid_event(1), bill = notice_event(QBID_EVENT_BILL, 1, 1000);
    bid.flags = bill.flags = QBID_EVENT_TEST;
    push(&b, 0, bid);
    push(&b, 0, bill);
    drain(&b, 0, NOW_NS + 2 * QBID_NS_PER_MS);
    assert_int_equal(b.cnt, 0);
    assert_int_equal(counters(&b).tests, 2);
    bench_close(&b);
}

static void a_fixed_price_comes_as_it_was_bid(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 100, 100);
    struct qbid_event e = bid_event(100);
    e.u.bid.pace = -2500000.0f;
    push(&b, 0, e);
    drain(&b, 0, NOW_NS + 2 * QBID_NS_PER_MS);
    assert_int_equal(b.cnt, 1);
    assert_true(b.out[0].pace == -2500000.0f);
    bench_close(&b);
}

static void what_no_honest_worker_writes_is_refused_and_counted(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 100, 100);
    struct qbid_event e[12];
    for (unsigned i = 0; i < 12; i++)
        e[i] = bid_event(100 + i);
    e[0].u.bid.value_micros = NAN;
    e[1].u.bid.pace = -2e12f; /* a fixed price over the highest */
    e[2].u.bid.bid_nanos = 0;
    e[3].u.bid.bid_nanos = -5;
    e[4].u.bid.bid_nanos = INT64_MAX;
    e[5].nonce = (uint64_t)UID_B << 48 | 1;
    e[6].time_ns = NOW_NS + 3600 * QBID_NS_PER_S;
    e[7].kind = 77;
    e[8] = notice_event(QBID_EVENT_BILL, 100, -1);
    e[9] = notice_event(QBID_EVENT_WIN, 100, 1);
    e[9].u.notice.bid_time_ns = NOW_NS + QBID_NS_PER_S;
    e[10] = notice_event(QBID_EVENT_BILL, 100, 2000001); /* above the bid and not flagged so */
    e[11].u.bid.value_micros = INFINITY;
    for (unsigned i = 0; i < 12; i++)
        push(&b, 0, e[i]);
    drain(&b, 0, NOW_NS + 2 * QBID_NS_PER_MS);
    tick(&b, NOW_NS + QBID_NS_PER_S);
    assert_int_equal(b.cnt, 0);
    assert_int_equal(counters(&b).invalid, 12);
    struct qbid_event foreign = bid_event(200);
    foreign.u.bid.line_item_id = 4711;
    push(&b, 0, foreign);
    drain(&b, 0, NOW_NS + 2 * QBID_NS_PER_MS);
    assert_int_equal(counters(&b).unknown, 1);
    assert_int_equal(counters(&b).convs_refused, 0);
    struct qbid_event conversion = notice_event(QBID_EVENT_CONV, 100, 1);
    conversion.u.notice.line_item_id = 4711;
    push(&b, 0, conversion);
    drain(&b, 0, NOW_NS + 3 * QBID_NS_PER_MS);
    assert_true(counters(&b).unknown == 2 && counters(&b).convs_refused == 1);
    bench_close(&b);
}

static void a_notice_that_disagrees_with_its_bid_is_refused(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 100, 100);
    push(&b, 0, bid_event(1));
    struct qbid_event bill = notice_event(QBID_EVENT_BILL, 1, 1000);
    bill.u.notice.bid_nanos += 1;
    push(&b, 0, bill);
    drain(&b, 0, NOW_NS + 2 * QBID_NS_PER_MS);
    assert_int_equal(b.cnt, 1);
    assert_int_equal(counters(&b).invalid, 1);
    bench_close(&b);
}

static void an_impossible_ring_ends_the_drain(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 100, 100);
    atomic_store_explicit(&b.page[0].ring->head, UINT64_C(1) << 40, memory_order_release);
    assert_int_equal(drain(&b, 0, NOW_NS), QBID_ERR_CORRUPT);
    bench_close(&b);
}

static void lost_events_are_counted_exactly(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 10000, 100);
    unsigned lost = 0;
    for (uint64_t i = 0; i < 5000; i++) {
        struct qbid_event e = bid_event(i);
        lost += !qbid_page_push(&b.page[0], &e);
    }
    assert_int_equal(lost, 5000 - 4096);
    drain(&b, 0, NOW_NS);
    assert_int_equal(counters(&b).drops, lost);
    drain(&b, 0, NOW_NS);
    assert_int_equal(counters(&b).drops, lost);
    assert_int_equal(b.cnt, 4096);
    bench_close(&b);
}

static void the_oldest_bid_leaves_when_there_is_no_room(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 10, 100);
    for (uint64_t i = 1; i <= 25; i++)
        push(&b, 0, bid_event(i));
    drain(&b, 0, NOW_NS + QBID_NS_PER_MS);
    assert_int_equal(counters(&b).evicted, 15);
    assert_int_equal(counters(&b).expired, 15);
    push(&b, 0, notice_event(QBID_EVENT_BILL, 25, 5));
    b.cnt = 0;
    drain(&b, 0, NOW_NS + 2 * QBID_NS_PER_MS);
    assert_int_equal(b.cnt, 1);
    assert_true(b.out[0].joined);
    bench_close(&b);
}

static void raw_values_reach_the_dictionary_when_their_hash_fits(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 10, 10);
    struct qbid_event e = {.kind = QBID_EVENT_SEEN};
    memcpy(e.u.seen.text, "news.example", 12);
    e.u.seen.len = 12;
    e.u.seen.dim = QBID_DIM_SITE;
    e.u.seen.hash = qbid_hash_dim(QBID_DIM_SITE, "news.example", 12);
    push(&b, 0, e);
    e.u.seen.hash++;
    push(&b, 0, e);
    e.u.seen.dim = QBID_DIM_CNT;
    push(&b, 0, e);
    drain(&b, 0, NOW_NS);
    assert_int_equal(qbid_dictionary_dim_cnt(b.dictionary, QBID_DIM_SITE), 1);
    assert_string_equal(qbid_dictionary_text(b.dictionary, QBID_DIM_SITE, 1), "news.example");
    assert_int_equal(counters(&b).invalid, 2);
    bench_close(&b);
}

static void ignore(void *context, const struct qbid_outcome *outcome)
{
    (void)outcome;
    ++*(uint64_t *)context;
}

static void many_events_a_second_are_taken(void **state)
{
    (void)state;
    enum { ROUNDS = 60, BATCH = 1000 };
    struct bench b;
    bench_open(&b, 1 << 17, 1000);
    struct timespec from, to;
    uint64_t outcomes = 0, events = 0;
    double seconds = 0;
    for (uint64_t r = 0; r < ROUNDS; r++) {
        for (uint64_t i = 0; i < BATCH; i++) {
            push(&b, 0, bid_event(r * BATCH + i));
            push(&b, 0, notice_event(QBID_EVENT_WIN, r * BATCH + i, 5));
            push(&b, 0, notice_event(QBID_EVENT_BILL, r * BATCH + i, 5));
        }
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
        int got = qbid_ingest_drain(b.ingest, &b.account.account, b.dictionary, &b.page[0], 0,
                                    UID_A, NOW_NS + QBID_NS_PER_MS, 100000, ignore, &outcomes);
        qbid_ring_advance(b.page[0].ring, (uint64_t)got);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
        seconds += (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
        events += (uint64_t)got;
    }
    print_message("ingest: %.2f million events a second on this run\n",
                  (double)events / seconds / 1e6);
    assert_int_equal(events, ROUNDS * BATCH * 3);
    assert_int_equal(outcomes, events);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bid_carries_its_creatives_share_and_whom_it_counts_for),
        cmocka_unit_test(a_bid_and_its_notices_come_out_joined),
        cmocka_unit_test(a_repeated_notice_counts_once),
        cmocka_unit_test(a_notice_that_overtakes_its_bid_is_joined_when_the_bid_comes),
        cmocka_unit_test(a_bill_that_overtakes_its_bid_is_charged_at_once_and_once),
        cmocka_unit_test(bids_taken_first_meet_notices_of_other_rings_and_are_not_taken_again),
        cmocka_unit_test(a_notice_whose_bid_never_comes_goes_on_unjoined_after_its_wait),
        cmocka_unit_test(a_bid_without_an_outcome_expires_once),
        cmocka_unit_test(a_bid_is_lost_or_won_and_the_first_word_stands),
        cmocka_unit_test(a_late_bill_is_never_charged),
        cmocka_unit_test(test_traffic_leaves_no_trace),
        cmocka_unit_test(a_fixed_price_comes_as_it_was_bid),
        cmocka_unit_test(what_no_honest_worker_writes_is_refused_and_counted),
        cmocka_unit_test(a_notice_that_disagrees_with_its_bid_is_refused),
        cmocka_unit_test(an_impossible_ring_ends_the_drain),
        cmocka_unit_test(lost_events_are_counted_exactly),
        cmocka_unit_test(the_oldest_bid_leaves_when_there_is_no_room),
        cmocka_unit_test(raw_values_reach_the_dictionary_when_their_hash_fits),
        cmocka_unit_test(a_loss_keeps_its_reason_and_video_events_count_once_each),
        cmocka_unit_test(many_events_a_second_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
