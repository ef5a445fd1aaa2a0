/* SPDX-License-Identifier: Apache-2.0 */
/* The event ring against a queue kept beside it; a hostile head is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"
#include "shm/ring.h"
#include "tests/control/models/rng.h"

#define SIZE 64
#define MASK (SIZE - 1)

struct fixture {
    struct qbid_ring ring;
    struct qbid_event records[SIZE];
};

static struct qbid_event event_of(uint64_t number)
{
    struct qbid_event event;
    memset(&event, (int)(number * 37 & 0xff), sizeof event);
    event.nonce = number;
    return event;
}

static void start_at(struct fixture *f, uint64_t position)
{
    memset(f, 0, sizeof *f);
    f->ring.head = f->ring.tail = f->ring.cached_tail = position;
}

/* Random pushes and pops; the queue is two counters, since event i is event_of(i). */
static void what_comes_out_is_what_went_in_in_order_from_any_position(void **state)
{
    (void)state;
    const uint64_t starts[] = {0, UINT64_MAX - 1000, (uint64_t)UINT32_MAX - 500};
    struct rng r = rng_init(21);
    for (size_t s = 0; s < 3; s++) {
        struct fixture f;
        start_at(&f, starts[s]);
        uint64_t pushed = 0, popped = 0, drops = 0;
        for (int step = 0; step < 20000; step++) {
            for (uint32_t n = rng_below(&r, 40); n > 0; n--) {
                struct qbid_event event = event_of(pushed);
                bool fits = pushed - popped < SIZE;
                assert_int_equal(qbid_ring_push(&f.ring, f.records, MASK, &event), fits);
                pushed += fits;
                drops += !fits;
            }
            struct qbid_event out[50];
            int max = (int)rng_below(&r, 51);
            uint64_t waiting = pushed - popped;
            int n = qbid_ring_pop(&f.ring, f.records, MASK, out, max);
            assert_int_equal(n, waiting < (uint64_t)max ? (int)waiting : max);
            for (int i = 0; i < n; i++) {
                struct qbid_event want = event_of(popped++);
                assert_memory_equal(&out[i], &want, sizeof want);
            }
        }
        assert_true(pushed > 100000 && drops > 1000);
        assert_true(f.ring.drops == drops);
    }
}

static void an_empty_ring_gives_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct qbid_event out;
    start_at(&f, 5);
    assert_int_equal(qbid_ring_pop(&f.ring, f.records, MASK, &out, 1), 0);
    assert_true(qbid_ring_push(&f.ring, f.records, MASK, &(struct qbid_event){0}));
    assert_int_equal(qbid_ring_pop(&f.ring, f.records, MASK, &out, 0), 0);
    assert_int_equal(qbid_ring_pop(&f.ring, f.records, MASK, &out, -1), 0);
    assert_int_equal(qbid_ring_pop(&f.ring, f.records, MASK, &out, 1), 1);
}

static void a_head_that_no_producer_could_reach_is_corrupt(void **state)
{
    (void)state;
    const uint64_t ahead[] = {SIZE + 1, SIZE + 2, UINT64_MAX, UINT64_MAX - SIZE, UINT64_C(1) << 63};
    struct fixture f;
    struct qbid_event out[2];
    for (size_t i = 0; i < sizeof ahead / sizeof *ahead; i++) {
        start_at(&f, 1000);
        f.ring.head = 1000 + ahead[i];
        assert_int_equal(qbid_ring_pop(&f.ring, f.records, MASK, out, 2), QBID_ERR_CORRUPT);
        assert_int_equal(f.ring.tail, 1000);
    }
    start_at(&f, 1000);
    f.ring.head = 1000 + SIZE;
    assert_int_equal(qbid_ring_pop(&f.ring, f.records, MASK, out, 2), 2);
}

static void a_dead_consumer_costs_drops_and_keeps_the_first_events(void **state)
{
    (void)state;
    struct fixture f;
    struct qbid_event out[SIZE + 1];
    start_at(&f, 0);
    for (uint64_t i = 0; i < 1000; i++) {
        struct qbid_event event = event_of(i);
        assert_int_equal(qbid_ring_push(&f.ring, f.records, MASK, &event), i < SIZE);
    }
    assert_int_equal(f.ring.drops, 1000 - SIZE);
    assert_int_equal(qbid_ring_pop(&f.ring, f.records, MASK, out, SIZE + 1), SIZE);
    for (uint64_t i = 0; i < SIZE; i++)
        assert_true(out[i].nonce == i);
}

static void what_is_peeked_stays_until_it_is_let_go(void **state)
{
    (void)state;
    struct fixture f;
    start_at(&f, UINT64_MAX - 3);
    for (uint64_t i = 0; i < 10; i++) {
        struct qbid_event event = event_of(i);
        assert_true(qbid_ring_push(&f.ring, f.records, MASK, &event));
    }
    struct qbid_event out[SIZE];
    for (int again = 0; again < 2; again++) {
        assert_int_equal(qbid_ring_peek(&f.ring, f.records, MASK, 0, out, 4), 4);
        assert_int_equal(out[3].nonce, 3);
        assert_int_equal(qbid_ring_peek(&f.ring, f.records, MASK, 4, out, SIZE), 6);
        assert_int_equal(out[0].nonce, 4);
        assert_int_equal(qbid_ring_peek(&f.ring, f.records, MASK, 10, out, SIZE), 0);
    }
    qbid_ring_advance(&f.ring, 7);
    assert_int_equal(qbid_ring_peek(&f.ring, f.records, MASK, 0, out, SIZE), 3);
    assert_int_equal(out[0].nonce, 7);
    qbid_ring_advance(&f.ring, 100); /* no more than there are */
    assert_int_equal(qbid_ring_peek(&f.ring, f.records, MASK, 0, out, SIZE), 0);
    f.ring.head += UINT64_C(1) << 40;
    assert_int_equal(qbid_ring_peek(&f.ring, f.records, MASK, 0, out, SIZE), QBID_ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_peeked_stays_until_it_is_let_go),
        cmocka_unit_test(what_comes_out_is_what_went_in_in_order_from_any_position),
        cmocka_unit_test(an_empty_ring_gives_nothing),
        cmocka_unit_test(a_head_that_no_producer_could_reach_is_corrupt),
        cmocka_unit_test(a_dead_consumer_costs_drops_and_keeps_the_first_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
