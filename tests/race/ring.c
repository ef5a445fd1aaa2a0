/* SPDX-License-Identifier: Apache-2.0 */
/* The ring with a producer and a consumer at full speed, for ThreadSanitizer: every event arrives
 * once, whole and in order, or was counted as dropped. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#ifdef RACE_LOOSE /* negative control: the record is no longer released with head */
#define memory_order_release memory_order_relaxed
#endif
#include "shm/ring.h"
#ifdef RACE_LOOSE
#undef memory_order_release
#endif

#define SIZE 256
#define EVENTS 300000

struct shared {
    struct qbid_ring ring;
    struct qbid_event records[SIZE];
    _Atomic int finished;
};

static struct qbid_event event_of(uint64_t number)
{
    struct qbid_event event;
    memset(&event, (int)(number & 0xff), sizeof event);
    event.nonce = number;
    return event;
}

static void *produce(void *context)
{
    struct shared *s = context;
    for (uint64_t i = 0; i < EVENTS; i++) {
        struct qbid_event event = event_of(i);
        if (!qbid_ring_push(&s->ring, s->records, SIZE - 1, &event))
            sched_yield();
    }
    atomic_store_explicit(&s->finished, 1, memory_order_release);
    return NULL;
}

static void every_event_arrives_whole_and_in_order_or_is_counted(void **state)
{
    (void)state;
    static struct shared s;
    struct qbid_event out[32];
    uint64_t got = 0, next = 0, wrong = 0;
    pthread_t producer;
    assert_int_equal(pthread_create(&producer, NULL, produce, &s), 0);
    for (;;) {
        int finished = atomic_load_explicit(&s.finished, memory_order_acquire);
        int n = qbid_ring_pop(&s.ring, s.records, SIZE - 1, out, 32);
        assert_true(n >= 0);
        for (int i = 0; i < n; i++) {
            struct qbid_event want = event_of(out[i].nonce);
            wrong += out[i].nonce < next || memcmp(&out[i], &want, sizeof want) != 0;
            next = out[i].nonce + 1;
        }
        got += (uint64_t)n;
        if (n == 0 && finished)
            break;
        if (n == 0)
            sched_yield();
    }
    pthread_join(producer, NULL);
    assert_int_equal(wrong, 0);
    assert_int_equal(got + atomic_load(&s.ring.drops), EVENTS);
    assert_true(got > SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_arrives_whole_and_in_order_or_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
