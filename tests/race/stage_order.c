/* SPDX-License-Identifier: Apache-2.0 */
/* Images sent ahead, in forced orders: what comes while the stager verifies, and in between. */
#include "tests/race/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shm/error.h"
#include "tests/shm/process.h"
#include "tests/shm/watch.h"

#define PATIENCE_MS 50

/* The stager stands here until it may go on. */
static _Atomic int arrived, open_gate;

static void stand(void *context)
{
    (void)context;
    atomic_store(&arrived, 1);
    while (!atomic_load(&open_gate))
        watch_sleep();
}

static void gate_close(void)
{
    atomic_store(&arrived, 0);
    atomic_store(&open_gate, 0);
    race_hook_arm("watcher:staging", stand, NULL, 1);
}

static void gate_open(void)
{
    atomic_store(&open_gate, 1);
}

static void stays_at(struct watch *w, uint64_t gen)
{
    for (int i = 0; i < PATIENCE_MS; i++) {
        assert_int_equal(watch_gen(w), gen);
        watch_sleep();
    }
}

/* A generation that the stager has begun with and not verified. */
static void stage_slowly(struct watch *w, uint64_t gen)
{
    gate_close();
    server_stage(&w->server, gen);
    WATCH_UNTIL(atomic_load(&arrived));
}

static void a_verified_image_is_used_from_the_commit_on(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    server_stage(&w.server, 2);
    watch_expect(&w, QBID_MSG_READY, 2);
    unsigned maps = process_maps();
    stays_at(&w, 1);
    server_commit(&w.server, 2);
    watch_expect(&w, QBID_MSG_ADOPTED, 2);
    watch_expect(&w, QBID_MSG_RELEASED, 1);
    assert_int_equal(watch_gen(&w), 2);
    assert_int_equal(process_maps(), maps - 1);
    struct qbid_watcher_stats stats = watch_stats(&w);
    assert_true(stats.adopted == 2 && stats.stage_cost_ns > 0 && stats.adopt_cost_ns > 0);
    server_commit(&w.server, 2); /* again: nothing */
    stays_at(&w, 2);
    assert_true(watch_stats(&w).connected);
    watch_done(&w);
}

static void a_commit_before_ready_counts_as_soon_as_it_is_verified(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    stage_slowly(&w, 2);
    server_commit(&w.server, 2);
    stays_at(&w, 1);
    gate_open();
    watch_expect(&w, QBID_MSG_ADOPTED, 2);
    watch_expect(&w, QBID_MSG_RELEASED, 1);
    assert_int_equal(watch_gen(&w), 2);
    watch_done(&w);
}

static void workers_and_keys_do_not_wait_for_the_stager(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    stage_slowly(&w, 2);
    server_commit(&w.server, 2);
    unsigned cookie = watch_add_worker(&w, 3, 30);
    server_keys(&w.server, 9);
    WATCH_UNTIL(watch_key(&w) == 9);
    qbid_watcher_remove_worker(w.watcher, cookie);
    watch_expect(&w, QBID_MSG_GONE, cookie);
    assert_int_equal(watch_gen(&w), 1);
    assert_int_equal(atomic_load(&open_gate), 0); /* it stood there all the time */
    gate_open();
    watch_expect(&w, QBID_MSG_ADOPTED, 2);
    watch_done(&w);
}

static void a_newer_stage_takes_the_place_of_a_verified_one(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    unsigned fds = process_fds(), maps = process_maps();
    server_stage(&w.server, 2);
    server_stage(&w.server, 3);
    watch_expect(&w, QBID_MSG_RELEASED, 2);
    server_stage(&w.server, 4);
    watch_expect(&w, QBID_MSG_RELEASED, 3);
    stays_at(&w, 1);
    assert_int_equal(process_maps(), maps + 1);
    server_commit(&w.server, 4);
    watch_expect(&w, QBID_MSG_ADOPTED, 4);
    watch_expect(&w, QBID_MSG_RELEASED, 1);
    assert_int_equal(watch_stats(&w).adopted, 2);
    WATCH_UNTIL(process_fds() == fds && process_maps() == maps);
    watch_done(&w);
}

static void a_newer_stage_takes_the_place_of_one_in_work(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    unsigned fds = process_fds(), maps = process_maps();
    stage_slowly(&w, 2);
    server_stage(&w.server, 3);
    server_stage(&w.server, 4);
    watch_expect(&w, QBID_MSG_RELEASED, 3); /* it had not begun */
    gate_open();
    watch_expect(&w, QBID_MSG_RELEASED, 2);
    server_commit(&w.server, 4);
    watch_expect(&w, QBID_MSG_ADOPTED, 4);
    watch_expect(&w, QBID_MSG_RELEASED, 1);
    WATCH_UNTIL(process_fds() == fds && process_maps() == maps);
    watch_done(&w);
}

static void of_many_that_were_committed_meanwhile_the_newest_counts(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    unsigned fds = process_fds(), maps = process_maps();
    stage_slowly(&w, 2);
    server_commit(&w.server, 2);
    server_images(&w.server, 3, 2); /* staged and committed: 3, 4 */
    watch_expect(&w, QBID_MSG_RELEASED, 3);
    server_stage(&w.server, 5);
    stays_at(&w, 1);
    gate_open();
    watch_expect(&w, QBID_MSG_ADOPTED, 2);
    watch_expect(&w, QBID_MSG_RELEASED, 1);
    watch_expect(&w, QBID_MSG_ADOPTED, 4);
    watch_expect(&w, QBID_MSG_RELEASED, 2);
    stays_at(&w, 4);
    server_commit(&w.server, 5);
    watch_expect(&w, QBID_MSG_ADOPTED, 5);
    watch_expect(&w, QBID_MSG_RELEASED, 4);
    WATCH_UNTIL(process_fds() == fds && process_maps() == maps);
    watch_done(&w);
}

static void a_hang_up_before_the_commit_leaves_the_old_table(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    unsigned fds = process_fds(), maps = process_maps();
    for (int slow = 0; slow < 2; slow++) {
        if (slow) {
            stage_slowly(&w, 2);
        } else {
            server_stage(&w.server, 2);
            watch_expect(&w, QBID_MSG_READY, 2);
        }
        server_hangup(&w.server);
        WATCH_UNTIL(!watch_stats(&w).connected);
        if (slow)
            gate_open();
        assert_int_equal(watch_gen(&w), 1);
        server_serve(&w.server, 1); /* soon: it is back already, and does not wait for ever */
        watch_expect(&w, QBID_MSG_ADOPTED, 1); /* and nothing of 2 */
        stays_at(&w, 1);
        WATCH_UNTIL(process_fds() == fds && process_maps() == maps);
    }
    server_image(&w.server, 2, SERVER_GOOD);
    watch_expect(&w, QBID_MSG_ADOPTED, 2);
    watch_expect(&w, QBID_MSG_RELEASED, 1);
    watch_done(&w);
}

/* A generation that is in work for a connection that is gone, while the next one begins. */
static void what_a_former_connection_began_is_not_said_to_the_next_one(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    stage_slowly(&w, 2);
    server_hangup(&w.server);
    WATCH_UNTIL(!watch_stats(&w).connected);
    server_serve(&w.server, 1);
    gate_open();
    watch_expect(&w, QBID_MSG_ADOPTED, 1);
    server_stage(&w.server, 3);
    watch_expect(&w, QBID_MSG_READY, 3);
    watch_done(&w);
}

static void a_commit_of_anything_but_the_last_stage_ends_the_connection(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    static const uint64_t wrong[] = {0, 1, 2, 4, UINT64_MAX};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        server_stage(&w.server, 2);
        server_stage(&w.server, 3);
        watch_expect(&w, QBID_MSG_RELEASED, 2);
        server_commit(&w.server, wrong[i]);
        assert_int_equal(server_hear(&w.server).type, 0);
        assert_int_equal(watch_gen(&w), 1);
        server_serve(&w.server, 1);
        watch_expect(&w, QBID_MSG_ADOPTED, 1);
    }
    watch_done(&w);
}

/* The set of a new qbidd is not taken into use with the old image while the new one is verified. */
static void after_a_restart_the_set_waits_for_its_image(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    unsigned cookie = watch_add_worker(&w, 0, 10);
    server_limit(&w.server, 0, 0, 111);
    server_kill(&w.server);
    server_start(&w.server, w.path);
    server_limit(&w.server, 5, 0, 222);
    gate_close();
    server_serve(&w.server, 2);
    watch_expect(&w, QBID_MSG_WORKER, cookie);
    server_page(&w.server, cookie, 5, 20, 0, SERVER_GOOD);
    WATCH_UNTIL(atomic_load(&arrived));
    for (int i = 0; i < 2500; i++) { /* also beyond the time within which a qbidd must answer */
        assert_true(watch_gen(&w) == 1 && watch_slot(&w, cookie) == 0);
        assert_int_equal(watch_limit(&w, cookie, 0), 111);
        watch_sleep();
    }
    gate_open();
    watch_expect(&w, QBID_MSG_ADOPTED, 2);
    assert_true(watch_gen(&w) == 2 && watch_slot(&w, cookie) == 5);
    assert_int_equal(watch_limit(&w, cookie, 0), 222);
    watch_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verified_image_is_used_from_the_commit_on),
        cmocka_unit_test(a_commit_before_ready_counts_as_soon_as_it_is_verified),
        cmocka_unit_test(workers_and_keys_do_not_wait_for_the_stager),
        cmocka_unit_test(a_newer_stage_takes_the_place_of_a_verified_one),
        cmocka_unit_test(a_newer_stage_takes_the_place_of_one_in_work),
        cmocka_unit_test(of_many_that_were_committed_meanwhile_the_newest_counts),
        cmocka_unit_test(a_hang_up_before_the_commit_leaves_the_old_table),
        cmocka_unit_test(what_a_former_connection_began_is_not_said_to_the_next_one),
        cmocka_unit_test(a_commit_of_anything_but_the_last_stage_ends_the_connection),
        cmocka_unit_test(after_a_restart_the_set_waits_for_its_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
