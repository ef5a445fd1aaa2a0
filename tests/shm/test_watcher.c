/* SPDX-License-Identifier: Apache-2.0 */
/* The watcher with a server in another process: adoption, workers, restarts, nothing left behind.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/error.h"
#include "tests/shm/process.h"
#include "tests/shm/watch.h"

static uint64_t sum_of(uint64_t first, uint64_t n)
{
    return n * first + n * (n - 1) / 2;
}

static void without_anything_the_table_is_empty_and_workers_can_count(void **state)
{
    (void)state;
    struct watch w;
    unsigned cookie;
    watch_init(&w, false);
    assert_int_equal(qbid_watcher_new(&w.options, &w.watcher), 0);
    const struct qbid_table *table = qbid_watcher_read_lock(w.watcher);
    assert_non_null(table);
    assert_null(table->image.header);
    assert_null(table->live.header);
    qbid_watcher_read_unlock(w.watcher);

    assert_int_equal(qbid_watcher_add_worker(w.watcher, 1000, &cookie), 0);
    assert_int_equal(watch_slot(&w, cookie), QBID_LIVE_SLOT_NONE);
    assert_true(watch_push(&w, cookie, 1, 1000));
    assert_int_equal(watch_slot(&w, cookie + 1), QBID_LIVE_SLOT_NONE);
    assert_null(watch_page(&w, cookie + 1).header);
    qbid_watcher_remove_worker(w.watcher, cookie);
    assert_null(watch_page(&w, cookie).header);
    watch_done(&w);
}

static void an_image_file_is_adopted_before_new_returns(void **state)
{
    (void)state;
    struct watch w;
    size_t bytes;
    void *base = server_image_build(77, &bytes);
    watch_init(&w, false);
    watch_write_file(&w, base, bytes, 0);
    assert_int_equal(qbid_watcher_new(&w.options, &w.watcher), 0);
    assert_int_equal(watch_gen(&w), 77);
    struct qbid_watcher_stats stats = watch_stats(&w);
    assert_true(stats.gen == 77 && stats.adopted == 1 && stats.refused == 0 && !stats.connected);
    assert_true(stats.adopted_ns != 0 && stats.adopt_cost_ns != 0);
    watch_done(&w);
    free(base);
}

static void a_table_comes_whole_from_the_server_and_follows_its_generations(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    assert_int_equal(watch_key(&w), 1);
    server_keys(&w.server, 2);
    WATCH_UNTIL(watch_key(&w) == 2);
    for (uint64_t gen = 2; gen < 10; gen++) {
        server_image(&w.server, gen, SERVER_GOOD);
        watch_expect(&w, QBID_MSG_ADOPTED, gen);
        watch_expect(&w, QBID_MSG_RELEASED, gen - 1);
        assert_int_equal(watch_gen(&w), gen);
        WATCH_UNTIL(process_maps() == w.maps + 2); /* image and live page */
    }
    struct qbid_watcher_stats stats = watch_stats(&w);
    assert_true(stats.gen == 9 && stats.adopted == 9 && stats.refused == 0 &&
                stats.reconnects == 0);
    watch_done(&w);
}

static void generations_do_not_go_back(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 5);
    server_image(&w.server, 4, SERVER_GOOD);
    watch_expect(&w, QBID_MSG_REFUSED, 4);
    assert_int_equal(watch_gen(&w), 5);
    assert_int_equal(watch_stats(&w).last_refusal, QBID_ERR_STALE);
    server_hangup(&w.server);
    server_serve(&w.server, 3);
    watch_expect(&w, QBID_MSG_REFUSED, 3);
    assert_int_equal(watch_gen(&w), 5);
    watch_done(&w);
}

static void an_image_that_is_here_already_is_not_adopted_again(void **state)
{
    (void)state;
    struct watch w;
    size_t bytes;
    void *base = server_image_build(5, &bytes);
    watch_init(&w, true);
    watch_write_file(&w, base, bytes, 0);
    watch_open(&w, 5);
    const void *header = qbid_watcher_read_lock(w.watcher)->image.header;
    qbid_watcher_read_unlock(w.watcher);
    server_image(&w.server, 5, SERVER_GOOD);
    watch_expect(&w, QBID_MSG_ADOPTED, 5);
    server_hangup(&w.server);
    server_serve(&w.server, 5);
    watch_expect(&w, QBID_MSG_ADOPTED, 5);
    assert_ptr_equal(qbid_watcher_read_lock(w.watcher)->image.header, header);
    qbid_watcher_read_unlock(w.watcher);
    assert_int_equal(watch_stats(&w).adopted, 1);
    server_image(&w.server, 6, SERVER_GOOD);
    watch_expect(&w, QBID_MSG_ADOPTED, 6);
    watch_expect(&w, QBID_MSG_RELEASED, 5);
    watch_done(&w);
    free(base);
}

static void past_its_deadline_an_image_gives_way_to_an_older_one(void **state)
{
    (void)state;
    struct watch w;
    size_t bytes;
    void *base = server_image_build(50, &bytes);
    struct qbid_image_header *header = base;
    header->valid_ns = 1;
    header->checksum = qbid_image_checksum(base, bytes);
    watch_init(&w, true);
    watch_write_file(&w, base, bytes, 0);
    watch_open(&w, 3);
    assert_int_equal(watch_gen(&w), 3);
    watch_done(&w);
    free(base);
}

static void a_worker_gets_page_slot_and_uid_and_its_events_arrive(void **state)
{
    (void)state;
    struct watch w;
    uint64_t sum;
    watch_init(&w, true);
    watch_open(&w, 1);
    unsigned cookie = watch_add_worker(&w, 3, 700);
    assert_int_equal(watch_uid(&w, cookie), 700);
    server_limit(&w.server, 3, 5, 123456789);
    assert_int_equal(watch_limit(&w, cookie, 5), 123456789);
    assert_true(watch_push(&w, cookie, 100, 200));
    assert_int_equal(server_drain(&w.server, cookie, &sum), 200);
    assert_int_equal(sum, sum_of(100, 200));

    unsigned second = watch_add_worker(&w, 4, 701);
    assert_int_not_equal(second, cookie);
    assert_int_equal(watch_slot(&w, cookie), 3);
    WATCH_UNTIL(process_maps() == w.maps + 4);
    qbid_watcher_remove_worker(w.watcher, cookie);
    watch_expect(&w, QBID_MSG_GONE, cookie);
    assert_int_equal(watch_slot(&w, cookie), QBID_LIVE_SLOT_NONE);
    assert_int_equal(watch_slot(&w, second), 4);
    WATCH_UNTIL(process_maps() == w.maps + 3);
    watch_done(&w);
}

/* Two workers, events not yet taken, the server killed: readers keep the old set until the new one
 * is complete, and no event is lost. */
static void after_a_restart_pages_are_handed_over_and_the_set_changes_as_a_whole(void **state)
{
    (void)state;
    struct watch w;
    uint64_t sum;
    watch_init(&w, true);
    watch_open(&w, 7);
    unsigned a = watch_add_worker(&w, 0, 10), b = watch_add_worker(&w, 1, 11);
    server_limit(&w.server, 0, 2, 111);
    assert_true(watch_push(&w, a, 1, 50));
    server_kill(&w.server);
    WATCH_UNTIL(!watch_stats(&w).connected);
    assert_true(watch_push(&w, a, 51, 30));
    assert_int_equal(watch_gen(&w), 7);
    assert_int_equal(watch_limit(&w, a, 2), 111);
    struct qbid_page page_a = watch_page(&w, a);

    server_start(&w.server, w.path);
    server_serve(&w.server, 8);
    for (int i = 0; i < 2; i++) {
        struct server_heard heard = server_hear(&w.server);
        assert_true(heard.type == QBID_MSG_WORKER && heard.with_fd);
    }
    assert_int_equal(server_drain(&w.server, a, &sum), 80);
    assert_int_equal(sum, sum_of(1, 80));
    server_limit(&w.server, 5, 2, 222);
    server_page(&w.server, a, 5, 20, 0, SERVER_GOOD);
    server_keys(&w.server, 9);
    for (int i = 0; i < 50; i++) { /* b is still without an answer */
        assert_int_equal(watch_gen(&w), 7);
        assert_int_equal(watch_slot(&w, a), 0);
        assert_int_equal(watch_limit(&w, a, 2), 111);
        assert_int_equal(watch_key(&w), 1);
        watch_sleep();
    }
    server_page(&w.server, b, 6, 21, 1, SERVER_GOOD);
    watch_expect(&w, QBID_MSG_ADOPTED, 8);
    watch_expect(&w, QBID_MSG_RELEASED, 7);
    assert_int_equal(watch_gen(&w), 8);
    assert_int_equal(watch_limit(&w, a, 2), 222);
    assert_true(watch_slot(&w, a) == 5 && watch_uid(&w, a) == 20);
    assert_true(watch_slot(&w, b) == 6 && watch_uid(&w, b) == 21);
    assert_int_equal(watch_key(&w), 9);
    assert_ptr_equal(watch_page(&w, a).header, page_a.header); /* went on with its own */
    assert_true(watch_push(&w, a, 81, 10));
    assert_int_equal(server_drain(&w.server, a, &sum), 10);
    assert_int_equal(watch_stats(&w).reconnects, 1);
    WATCH_UNTIL(process_maps() == w.maps + 4);
    watch_done(&w);
}

static void a_server_that_dies_while_gathering_changes_nothing(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 7);
    unsigned a = watch_add_worker(&w, 0, 10);
    unsigned maps = process_maps(), fds = process_fds();
    for (int i = 0; i < 5; i++) {
        server_kill(&w.server);
        server_start(&w.server, w.path);
        server_serve(&w.server, 8 + (uint64_t)i);
        assert_int_equal(server_hear(&w.server).type, QBID_MSG_WORKER);
    }
    server_hangup(&w.server);
    WATCH_UNTIL(!watch_stats(&w).connected);
    assert_int_equal(watch_gen(&w), 7);
    assert_int_equal(watch_slot(&w, a), 0);
    assert_int_equal(watch_stats(&w).adopted, 1);
    WATCH_UNTIL(process_maps() == maps);
    WATCH_UNTIL(process_fds() == fds - 1); /* the connection */
    watch_done(&w);
}

static void a_worker_without_an_answer_makes_the_others_wait_only_so_long(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    unsigned a = watch_add_worker(&w, 0, 10), b = watch_add_worker(&w, 1, 11);
    server_hangup(&w.server);
    server_serve(&w.server, 2);
    assert_int_equal(server_hear(&w.server).type, QBID_MSG_WORKER);
    assert_int_equal(server_hear(&w.server).type, QBID_MSG_WORKER);
    server_page(&w.server, a, 4, 12, 0, SERVER_GOOD);
    watch_expect(&w, QBID_MSG_ADOPTED, 2);
    assert_int_equal(watch_slot(&w, a), 4);
    assert_int_equal(watch_slot(&w, b), QBID_LIVE_SLOT_NONE);
    server_page(&w.server, b, 5, 13, 0, SERVER_GOOD); /* late */
    WATCH_UNTIL(watch_slot(&w, b) == 5);
    assert_int_equal(watch_slot(&w, a), 4);
    watch_done(&w);
}

static void a_worker_opened_without_an_answer_has_a_page_that_is_handed_over_later(void **state)
{
    (void)state;
    struct watch w;
    unsigned cookie;
    uint64_t sum;
    watch_init(&w, true);
    watch_open(&w, 1);
    assert_int_equal(qbid_watcher_add_worker(w.watcher, 20, &cookie), 0);
    assert_int_equal(watch_slot(&w, cookie), QBID_LIVE_SLOT_NONE);
    assert_true(watch_push(&w, cookie, 1, 300));

    server_serve(&w.server, 2); /* the watcher has come again */
    struct server_heard heard = server_hear(&w.server);
    assert_true(heard.type == QBID_MSG_WORKER && heard.with_fd && heard.a == cookie);
    assert_int_equal(server_drain(&w.server, cookie, &sum), 300);
    assert_int_equal(sum, sum_of(1, 300));
    server_page(&w.server, cookie, 2, 9, 1, SERVER_GOOD);
    WATCH_UNTIL(watch_slot(&w, cookie) == 2);
    assert_true(watch_push(&w, cookie, 1, 10));
    assert_int_equal(server_drain(&w.server, cookie, &sum), 10);
    watch_done(&w);
}

/* Between the server's look into the old page and the worker's change to the new one, events still
 * go into the old. */
static void events_written_while_the_page_changes_arrive_too(void **state)
{
    (void)state;
    struct watch w;
    uint64_t sum;
    watch_init(&w, true);
    watch_open(&w, 1);
    unsigned cookie = watch_add_worker(&w, 3, 30);
    assert_true(watch_push(&w, cookie, 1, 40));
    server_hangup(&w.server);
    server_serve(&w.server, 2);
    watch_expect(&w, QBID_MSG_WORKER, cookie);
    assert_int_equal(server_drain(&w.server, cookie, &sum), 40);
    assert_true(watch_push(&w, cookie, 41, 20));
    server_page(&w.server, cookie, 4, 31, 1, SERVER_GOOD);
    struct server_heard rest = server_hear(&w.server);
    assert_true(rest.type == QBID_MSG_WORKER && rest.with_fd && rest.a != cookie);
    watch_expect(&w, QBID_MSG_GONE, rest.a);
    assert_int_equal(server_drain(&w.server, rest.a, &sum), 20);
    assert_int_equal(sum, sum_of(41, 20));
    /* image, live page, both pages; what the former set used may take its time to go */
    WATCH_UNTIL(process_maps() == w.maps + 4);
    server_page(&w.server, rest.a, 5, 32, 0, SERVER_GOOD);
    WATCH_UNTIL(process_maps() == w.maps + 3);
    assert_true(watch_push(&w, cookie, 1, 5));
    assert_int_equal(server_drain(&w.server, cookie, &sum), 5);
    assert_int_equal(watch_slot(&w, cookie), 4);
    watch_done(&w);
}

static void a_stopped_server_delays_a_worker_by_its_time_out_only(void **state)
{
    (void)state;
    struct watch w;
    unsigned cookie;
    watch_init(&w, true);
    watch_open(&w, 1);
    kill(w.server.pid, SIGSTOP);
    assert_int_equal(qbid_watcher_add_worker(w.watcher, 20, &cookie), 0);
    assert_non_null(watch_page(&w, cookie).header);
    assert_int_equal(watch_gen(&w), 1);
    qbid_watcher_remove_worker(w.watcher, cookie);
    kill(w.server.pid, SIGCONT);
    watch_done(&w);
}

static void the_page_of_a_worker_that_left_while_no_server_was_there_still_arrives(void **state)
{
    (void)state;
    struct watch w;
    uint64_t sum;
    watch_init(&w, true);
    watch_open(&w, 1);
    unsigned cookie = watch_add_worker(&w, 3, 30);
    server_kill(&w.server);
    WATCH_UNTIL(!watch_stats(&w).connected);
    assert_true(watch_push(&w, cookie, 1, 40));
    qbid_watcher_remove_worker(w.watcher, cookie);

    server_start(&w.server, w.path);
    server_serve(&w.server, 2);
    struct server_heard heard = server_hear(&w.server);
    assert_true(heard.type == QBID_MSG_WORKER && heard.with_fd && heard.a == cookie);
    watch_expect(&w, QBID_MSG_GONE, cookie);
    assert_int_equal(server_drain(&w.server, cookie, &sum), 40);
    assert_int_equal(sum, sum_of(1, 40));
    watch_expect(&w, QBID_MSG_ADOPTED, 2); /* nobody has to wait for a worker that left */
    watch_expect(&w, QBID_MSG_RELEASED, 1);
    server_page(&w.server, cookie, 1, 31, 0, SERVER_GOOD);
    WATCH_UNTIL(process_maps() == w.maps + 2);
    unsigned again = watch_add_worker(&w, 2, 32);
    assert_int_equal(again, cookie);
    watch_done(&w);
}

static void there_are_as_many_workers_as_cookies_and_they_are_used_again(void **state)
{
    (void)state;
    struct watch w;
    unsigned cookie[QBID_HANDOVER_COOKIES_MAX], more;
    watch_init(&w, false);
    w.options.socket_path = w.path; /* nobody is there: pages of leavers are kept */
    assert_int_equal(qbid_watcher_new(&w.options, &w.watcher), 0);
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < QBID_HANDOVER_COOKIES_MAX; i++)
            assert_int_equal(qbid_watcher_add_worker(w.watcher, 0, &cookie[i]), 0);
        assert_int_equal(qbid_watcher_add_worker(w.watcher, 0, &more), QBID_ERR_FULL);
        for (unsigned i = 0; i < QBID_HANDOVER_COOKIES_MAX; i++) {
            assert_true(watch_push(&w, i, 1, 1));
            qbid_watcher_remove_worker(w.watcher, cookie[i]);
        }
    }
    qbid_watcher_remove_worker(w.watcher, 5); /* not open: nothing */
    qbid_watcher_remove_worker(w.watcher, 5000);
    watch_done(&w);
}

static void connections_leave_nothing_behind(void **state)
{
    (void)state;
    enum { CYCLES = 100 };
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    unsigned cookie = watch_add_worker(&w, 0, 1);
    unsigned fds = process_fds(), maps = process_maps();
    for (uint64_t i = 1; i <= CYCLES; i++) {
        server_hangup(&w.server);
        server_serve(&w.server, i + 1);
        watch_expect(&w, QBID_MSG_WORKER, cookie);
        server_page(&w.server, cookie, (uint16_t)(i % SERVER_WORKERS), 1, i % 2 == 0, SERVER_GOOD);
        watch_expect(&w, QBID_MSG_ADOPTED, i + 1);
        watch_expect(&w, QBID_MSG_RELEASED, i);
        assert_int_equal(watch_slot(&w, cookie), i % SERVER_WORKERS);
        WATCH_UNTIL(process_fds() == fds);
        WATCH_UNTIL(process_maps() == maps);
    }
    assert_int_equal(watch_stats(&w).reconnects, CYCLES);
    assert_int_equal(watch_stats(&w).adopted, CYCLES + 1);
    watch_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_anything_the_table_is_empty_and_workers_can_count),
        cmocka_unit_test(an_image_file_is_adopted_before_new_returns),
        cmocka_unit_test(a_table_comes_whole_from_the_server_and_follows_its_generations),
        cmocka_unit_test(generations_do_not_go_back),
        cmocka_unit_test(an_image_that_is_here_already_is_not_adopted_again),
        cmocka_unit_test(past_its_deadline_an_image_gives_way_to_an_older_one),
        cmocka_unit_test(a_worker_gets_page_slot_and_uid_and_its_events_arrive),
        cmocka_unit_test(after_a_restart_pages_are_handed_over_and_the_set_changes_as_a_whole),
        cmocka_unit_test(a_server_that_dies_while_gathering_changes_nothing),
        cmocka_unit_test(a_worker_without_an_answer_makes_the_others_wait_only_so_long),
        cmocka_unit_test(a_worker_opened_without_an_answer_has_a_page_that_is_handed_over_later),
        cmocka_unit_test(events_written_while_the_page_changes_arrive_too),
        cmocka_unit_test(a_stopped_server_delays_a_worker_by_its_time_out_only),
        cmocka_unit_test(the_page_of_a_worker_that_left_while_no_server_was_there_still_arrives),
        cmocka_unit_test(there_are_as_many_workers_as_cookies_and_they_are_used_again),
        cmocka_unit_test(connections_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
