/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that bids on capped line items while qbidd takes its events, for ThreadSanitizer: what
 * the worker counts is never less than what it bid, so no user gets more than the cap. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
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
    uint64_t salt;
    _Atomic int finished;
    /* The hand-over of the second part. Relaxed on purpose: no edge but those of the code under
     * test may stand between a worker's read and qbidd's store, or a plain store would pass for
     * ordered. */
    _Atomic unsigned asked;
    uint64_t taken, shown;
};

static uint64_t key_of(const struct shared *s, unsigned user)
{
    return qbid_frequency_key(1000 + user, 70, s->salt);
}

/* qbidd: one more pending bid of a key, or one that was pending is shown. */
static void count_word(struct shared *s, uint64_t key, int pending, int shown)
{
    _Atomic uint64_t *at = qbid_frequency_bucket(&s->stage.live.frequency, key);
    uint64_t word = atomic_load_explicit(at, memory_order_relaxed);
    for (unsigned w = 1; w < QBID_FREQUENCY_WAYS; w++) {
        if (word == 0 || word >> 32 == qbid_frequency_tag(key))
            break;
        word = atomic_load_explicit(++at, memory_order_relaxed);
    }
    struct qbid_frequency_entry e = qbid_frequency_unpack(word);
    e = (struct qbid_frequency_entry){qbid_frequency_tag(key), (uint16_t)(STAGE_MINUTE + 10),
                                      (uint8_t)(e.shown + shown), (uint8_t)(e.pending + pending)};
    STORE_WORD(at, qbid_frequency_pack(e));
}

/* The word of every bid, then the tail. */
static void take_bids(struct shared *s)
{
    struct qbid_page *page = &s->stage.page;
    struct qbid_event batch[16];
    for (;;) {
        int last = atomic_load_explicit(&s->finished, memory_order_acquire);
        int got = qbid_ring_peek(page->ring, page->events, page->event_mask, 0, batch, 16);
        for (int i = 0; i < got; i++)
            count_word(s, batch[i].u.expose.key, 1, 0);
        s->taken += (uint64_t)(got > 0 ? got : 0);
        qbid_ring_advance(page->ring, (uint64_t)(got > 0 ? got : 0));
        if (last && got == 0)
            return;
    }
}

/* Every bid is shown: the word of a user is stored after the worker has counted it, with nothing
 * that orders the two. */
static void show_bids(struct shared *s)
{
    for (unsigned i = 0; i < USERS * CAP; i++) {
        while (atomic_load_explicit(&s->asked, memory_order_relaxed) <= i)
            sched_yield();
        count_word(s, key_of(s, i % USERS), -1, 1);
        s->shown++;
    }
}

static void *control(void *context)
{
    take_bids(context);
    show_bids(context);
    return NULL;
}

/* One ask of a user; whether it was a bid. */
static bool ask(struct shared *s, unsigned user)
{
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    q.user_key = 1000 + user;
    if (stage_decide(&s->stage, &q, &d) != QBID_NOBID_NONE) {
        assert_int_equal(d.nobid, QBID_NOBID_FREQUENCY);
        return false;
    }
    struct qbid_event event = {.kind = QBID_EVENT_EXPOSE, .u.expose.key = key_of(s, user)};
    while (!qbid_page_push(&s->stage.page, &event)) /* the ring is short: none may be lost here */
        sched_yield();
    qbid_exposures_sent(s->stage.exposures, event.u.expose.key,
                        atomic_load(&s->stage.page.ring->head));
    return true;
}

static void no_user_gets_more_than_the_cap_while_events_are_taken_and_shown(void **state)
{
    static struct shared s;
    static unsigned bids[USERS];
    pthread_t thread;
    (void)state;
    stage_init(&s.stage);
    s.stage.counting = true;
    image_fixture_cap(
        &s.stage.f,
        stage_line_item(&s.stage, (struct qbid_line_item){.id = 70, .value_micros = 1e6f}), CAP, 0,
        NULL);
    stage_open(&s.stage);
    s.salt = atomic_load(&s.stage.live.frequency.header->salt);
    assert_int_equal(pthread_create(&thread, NULL, control, &s), 0);
    for (unsigned i = 0; i < ASKS; i++) {
        unsigned user = (unsigned)(qbid_mix64(i) % USERS);
        if (ask(&s, user))
            assert_true(++bids[user] <= CAP);
    }
    for (unsigned user = 0; user < USERS; user++)
        assert_int_equal(bids[user], CAP); /* and no fewer in the end */
    atomic_store_explicit(&s.finished, 1, memory_order_release);
    for (unsigned i = 0; i < USERS * CAP; i++) {
        assert_false(ask(&s, i % USERS));
        atomic_store_explicit(&s.asked, i + 1, memory_order_relaxed);
    }
    pthread_join(thread, NULL);
    assert_int_equal(s.taken, USERS * CAP);
    assert_int_equal(s.shown, USERS * CAP);
    for (unsigned user = 0; user < USERS; user++)
        assert_int_equal(
            qbid_frequency_count(&s.stage.live.frequency, key_of(&s, user), STAGE_MINUTE), CAP);
    stage_done(&s.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_user_gets_more_than_the_cap_while_events_are_taken_and_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
