/* SPDX-License-Identifier: Apache-2.0 */
/* The ring in forced orders: one side runs while the other stands at a named point. Broken versions
 * of the two sides (tests/race/broken/) are put in by RING_PUSH and RING_POP. */
#include "tests/race/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shm/ring.h"

#ifndef RING_PUSH
#define RING_PUSH qbid_ring_push
#endif
#ifndef RING_POP
#define RING_POP qbid_ring_pop
#endif

#define SIZE 64

struct fixture {
    struct qbid_ring ring;
    struct qbid_event records[SIZE];
    uint64_t pushed, dropped, popped; /* popped: also the nonce that must come next */
    uint64_t wrong;                   /* records that are not what was pushed in this place */
};

static struct qbid_event event_of(uint64_t number)
{
    struct qbid_event event;
    memset(&event, (int)(number * 29 + 1) & 0xff, sizeof event);
    event.nonce = number;
    return event;
}

static void push_one(void *context)
{
    struct fixture *f = context;
    struct qbid_event event = event_of(f->pushed);
    bool fits = RING_PUSH(&f->ring, f->records, SIZE - 1, &event);
    f->pushed += fits;
    f->dropped += !fits;
}

static void pop_all(void *context)
{
    struct fixture *f = context;
    struct qbid_event out[SIZE];
    int n = RING_POP(&f->ring, f->records, SIZE - 1, out, SIZE);
    for (int i = 0; i < n; i++) {
        struct qbid_event want = event_of(f->popped++);
        f->wrong += memcmp(&out[i], &want, sizeof want) != 0;
    }
}

/* The consumer runs between the producer's record and its head: it must not see the event yet. */
static void a_record_is_seen_only_after_it_was_written(void **state)
{
    (void)state;
    static struct fixture f;
    for (int i = 0; i < 200; i++) {
        race_hook_arm("ring:written", pop_all, &f, 1);
        push_one(&f);
        assert_int_equal(f.popped, f.pushed - 1);
        pop_all(&f);
        assert_int_equal(f.popped, f.pushed);
        assert_int_equal(f.wrong, 0);
    }
}

/* The producer runs on a full ring between the consumer's copy and its tail: it must find no place,
 * or what is being copied would be overwritten. */
static void a_place_is_free_only_after_it_was_copied(void **state)
{
    (void)state;
    static struct fixture f;
    for (int i = 0; i < 50; i++) {
        while (f.pushed - f.popped < SIZE)
            push_one(&f);
        uint64_t dropped = f.dropped;
        race_hook_arm("ring:copied", push_one, &f, 1);
        pop_all(&f);
        assert_int_equal(f.dropped, dropped + 1);
        assert_int_equal(f.wrong, 0);
        assert_int_equal(f.popped, f.pushed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_seen_only_after_it_was_written),
        cmocka_unit_test(a_place_is_free_only_after_it_was_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
