/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing in forced orders to a reader that announces quiescence: what it holds stays until it
 * does, or says that it is away. */
#include "tests/race/hook.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/shm/process.h"
#include "tests/shm/watch.h"

/* Long enough for a watcher that does not wait to go on. */
#define PATIENCE_MS 100

static _Atomic int swapped, waited;

static void note(void *context)
{
    atomic_fetch_add((_Atomic int *)context, 1);
}

static void arm(void)
{
    atomic_store(&swapped, 0);
    atomic_store(&waited, 0);
    race_hook_arm("watcher:swapped", note, (void *)&swapped, 1000);
    race_hook_arm("watcher:waited", note, (void *)&waited, 1000);
}

static void let_the_watcher_go_as_far_as_it_goes(void)
{
    WATCH_UNTIL(atomic_load(&swapped) == 1);
    for (int i = 0; i < PATIENCE_MS && atomic_load(&waited) == 0; i++)
        watch_sleep();
}

/* Another registered thread, which is told what to do. */
struct reader {
    struct watch *w;
    _Atomic int step, done;
    uint64_t held_gen, wrong;
    void (*act)(void);
};

static void await(_Atomic int *word, int value)
{
    while (atomic_load(word) < value)
        watch_sleep();
}

static void *read_and_hold(void *context)
{
    struct reader *r = context;
    qbid_watcher_thread_register(QBID_RCU_QSBR);
    const struct qbid_table *held = qbid_watcher_read_lock(r->w->watcher);
    atomic_store(&r->done, 1);
    await(&r->step, 1);
    r->held_gen = held->image.header->gen;
    r->wrong += !server_image_is_whole(&held->image);
    const struct qbid_table *fresh = qbid_watcher_read_lock(r->w->watcher); /* nested */
    r->wrong += fresh->image.header->gen != 2 || !server_image_is_whole(&fresh->image);
    qbid_watcher_read_unlock(r->w->watcher);
    qbid_watcher_read_unlock(r->w->watcher);
    atomic_store(&r->done, 2);
    await(&r->step, 2);
    r->act();
    atomic_store(&r->done, 3);
    await(&r->step, 3);
    qbid_watcher_thread_unregister(QBID_RCU_QSBR);
    return NULL;
}

static void hold_until(void (*act)(void))
{
    struct watch w;
    struct reader r = {.w = &w, .act = act};
    pthread_t thread;
    watch_init_as(&w, true, QBID_RCU_QSBR);
    watch_open(&w, 1);
    unsigned maps = process_maps();
    assert_int_equal(pthread_create(&thread, NULL, read_and_hold, &r), 0);
    await(&r.done, 1);
    arm();
    server_image(&w.server, 2, SERVER_GOOD);
    let_the_watcher_go_as_far_as_it_goes();
    assert_int_equal(atomic_load(&waited), 0);
    atomic_store(&r.step, 1);
    await(&r.done, 2); /* out of its read section, and quiet about it */
    let_the_watcher_go_as_far_as_it_goes();
    assert_int_equal(atomic_load(&waited), 0);
    atomic_store(&r.step, 2);
    await(&r.done, 3);
    WATCH_UNTIL(atomic_load(&waited) == 1);
    watch_expect(&w, QBID_MSG_ADOPTED, 2);
    watch_expect(&w, QBID_MSG_RELEASED, 1);
    atomic_store(&r.step, 3);
    pthread_join(thread, NULL);
    assert_int_equal(r.held_gen, 1);
    assert_int_equal(r.wrong, 0);
    WATCH_UNTIL(process_maps() <= maps);
    watch_done(&w);
}

static void what_a_reader_holds_stays_until_it_is_quiescent(void **state)
{
    (void)state;
    hold_until(qbid_watcher_thread_quiescent);
}

static void going_away_is_as_good(void **state)
{
    (void)state;
    hold_until(qbid_watcher_thread_idle);
}

/* While the watcher waits for a quiescent reader with its lock taken, that reader comes to open a
 * worker: neither may wait for the other. */
static void *open_worker(void *context)
{
    struct reader *r = context;
    unsigned cookie = 99;
    qbid_watcher_thread_register(QBID_RCU_QSBR);
    atomic_store(&r->done, 1);
    await(&r->step, 1);
    r->wrong += qbid_watcher_add_worker(r->w->watcher, 50, &cookie) != 0;
    qbid_watcher_remove_worker(r->w->watcher, cookie);
    atomic_store(&r->done, 2);
    qbid_watcher_thread_unregister(QBID_RCU_QSBR);
    return NULL;
}

static void opening_a_worker_does_not_wait_for_itself(void **state)
{
    (void)state;
    struct watch w;
    struct reader r = {.w = &w};
    pthread_t thread;
    watch_init_as(&w, true, QBID_RCU_QSBR);
    watch_open(&w, 1);
    assert_int_equal(pthread_create(&thread, NULL, open_worker, &r), 0);
    await(&r.done, 1);
    arm();
    server_image(&w.server, 2, SERVER_GOOD);
    let_the_watcher_go_as_far_as_it_goes();
    assert_int_equal(atomic_load(&waited), 0);
    atomic_store(&r.step, 1);
    WATCH_UNTIL(atomic_load(&r.done) == 2);
    pthread_join(thread, NULL);
    assert_int_equal(r.wrong, 0);
    assert_int_equal(watch_gen(&w), 2);
    watch_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_reader_holds_stays_until_it_is_quiescent),
        cmocka_unit_test(going_away_is_as_good),
        cmocka_unit_test(opening_a_worker_does_not_wait_for_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
