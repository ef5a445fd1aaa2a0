/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that bids on capped line items while qbidd takes its events, for ThreadSanitizer: what
 * the worker counts is never less than what it bid, so no user gets more than the cap. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/hash.h"
#include "tests/fastpath/stage.h"

#ifdef RACE_LOOSE /* negative control: words are stored like any other memory */
#define STORE_WORD(at, word) (*(uint64_t *)(void *)(at) = (word))
#else
#define STORE_WORD(at, word) atomic_store_explicit(at, word, memory_order_relaxed)
#endif

#define CAP 5
#define USERS 64
#define ASKS 40000

struct shared {
    struct stage stage;
    _Atomic int finished;
    uint64_t taken;
};

/* qbidd: every event is one more shown; the word, then the tail. */
static void *take_bids(void *context)
{
    struct shared *s = context;
    const struct qbid_frequency *t = &s->stage.live.frequency;
    struct qbid_page *page = &s->stage.page;
    struct qbid_event batch[16];
    for (;;) {
        int last = atomic_load_explicit(&s->finished, memory_order_acquire);
        int got = qbid_ring_peek(page->ring, page->events, page->event_mask, 0, batch, 16);
        for (int i = 0; i < got; i++) {
            uint64_t key = batch[i].u.expose.key, word = 0;
            _Atomic uint64_t *bucket = qbid_frequency_bucket(t, key), *at = bucket;
            for (unsigned w = 0; w < QBID_FREQUENCY_WAYS; w++) {
                word = atomic_load_explicit(&bucket[w], memory_order_relaxed);
                at = &bucket[w];
                if (word == 0 || word >> 32 == qbid_frequency_tag(key))
                    break;
            }
            struct qbid_frequency_entry e = qbid_frequency_unpack(word);
            e = (struct qbid_frequency_entry){
                qbid_frequency_tag(key), (uint16_t)(STAGE_MINUTE + 10), (uint8_t)(e.shown + 1), 0};
            STORE_WORD(at, qbid_frequency_pack(e));
            s->taken++;
        }
        qbid_ring_advance(page->ring, (uint64_t)(got > 0 ? got : 0));
        if (last && got == 0)
            return NULL;
    }
}

static void no_user_gets_more_than_the_cap_while_events_are_taken(void **state)
{
    static struct shared s;
    static unsigned bids[USERS];
    pthread_t thread;
    uint64_t total = 0;
    (void)state;
    stage_init(&s.stage);
    s.stage.counting = true;
    image_fixture_cap(
        &s.stage.f,
        stage_line_item(&s.stage, (struct qbid_line_item){.id = 70, .value_micros = 1e6f}), CAP, 0,
        NULL);
    stage_open(&s.stage);
    uint64_t salt = atomic_load(&s.stage.live.frequency.header->salt);
    assert_int_equal(pthread_create(&thread, NULL, take_bids, &s), 0);
    for (unsigned i = 0; i < ASKS; i++) {
        struct qbid_decision d;
        struct qbid_request q = stage_request();
        unsigned user = (unsigned)(qbid_mix64(i) % USERS);
        q.user_key = 1000 + user;
        if (stage_decide(&s.stage, &q, &d) != QBID_NOBID_NONE)
            continue;
        assert_true(++bids[user] <= CAP);
        total++;
        struct qbid_event event = {.kind = QBID_EVENT_EXPOSE,
                                   .u.expose.key = qbid_frequency_key(q.user_key, 70, salt)};
        if (qbid_page_push(&s.stage.page, &event))
            qbid_exposures_sent(s.stage.exposures, event.u.expose.key,
                                atomic_load(&s.stage.page.ring->head));
    }
    __atomic_store_n((int *)&s.finished, 1, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    assert_true(s.taken > 0);
    for (unsigned user = 0; user < USERS; user++)
        assert_int_equal(bids[user], CAP); /* and no fewer in the end */
    assert_int_equal(total, USERS * CAP);
    stage_done(&s.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_user_gets_more_than_the_cap_while_events_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
