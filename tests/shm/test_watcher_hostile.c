/* SPDX-License-Identifier: Apache-2.0 */
/* The watcher against servers, files and silences that are wrong: nothing crashes, the table stays,
 * refusals are counted and told, and nothing is left open. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/error.h"
#include "tests/shm/process.h"
#include "tests/shm/watch.h"

/* What an image with this fault must be refused with; 0 = the connection ends. */
static int image_refusal(enum server_fault fault)
{
    switch (fault) {
    case SERVER_UNSEALED:
    case SERVER_HALF_SEALED:
    case SERVER_PIPE:
    case SERVER_FILE:
        return QBID_ERR_SEAL;
    case SERVER_SPARSE:
        return QBID_ERR_LIMIT;
    case SERVER_MAGIC:
    case SERVER_VERSION:
        return QBID_ERR_VERSION;
    case SERVER_NO_FD:
    case SERVER_TWO_FDS:
        return 0;
    default:
        return QBID_ERR_CORRUPT;
    }
}

static void every_wrong_image_is_refused_and_the_old_one_stays(void **state)
{
    (void)state;
    struct watch w;
    uint64_t refused = 0;
    watch_init(&w, true);
    watch_open(&w, 1);
    unsigned fds = process_fds(), maps = process_maps();
    for (int fault = SERVER_UNSEALED; fault < SERVER_SLOT; fault++) {
        int want = image_refusal((enum server_fault)fault);
        server_image(&w.server, 100, (enum server_fault)fault);
        if (want != 0) {
            struct server_heard heard = server_hear(&w.server);
            assert_int_equal(heard.type, QBID_MSG_REFUSED);
            assert_int_equal(heard.a, 100 + (fault == SERVER_GEN));
            assert_int_equal(heard.b, -want);
            assert_int_equal(watch_stats(&w).refused, ++refused);
            assert_int_equal(watch_stats(&w).last_refusal, want);
        } else {
            assert_int_equal(server_hear(&w.server).type, 0);
            server_serve(&w.server, 1);
            watch_expect(&w, QBID_MSG_ADOPTED, 1);
        }
        assert_int_equal(watch_gen(&w), 1);
        WATCH_UNTIL(process_fds() == fds);
        WATCH_UNTIL(process_maps() == maps);
    }
    assert_int_equal(refused, 11);
    server_image(&w.server, 2, SERVER_GOOD);
    watch_expect(&w, QBID_MSG_ADOPTED, 2);
    assert_int_equal(watch_stats(&w).adopted, 2);
    watch_done(&w);
}

static void refusals_of_one_cause_are_logged_once_a_minute(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    for (int i = 0; i < 20; i++) {
        server_image(&w.server, 2, SERVER_BYTE);
        watch_expect(&w, QBID_MSG_REFUSED, 2);
    }
    qbid_watcher_free(w.watcher); /* the thread that logs has ended: the line can be read */
    w.watcher = NULL;
    assert_int_equal(w.lines, 1);
    assert_non_null(strstr(w.last, "image 2 refused"));
    assert_non_null(strstr(w.last, qbid_strerror(QBID_ERR_CORRUPT)));
    watch_done(&w);
}

static void a_wrong_live_page_ends_the_connection_and_the_old_set_stays(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    unsigned cookie = watch_add_worker(&w, 3, 30);
    unsigned maps = process_maps();
    server_limit(&w.server, 3, 0, 77);
    for (int fault = SERVER_UNSEALED; fault < SERVER_SLOT; fault++) {
        if (fault == SERVER_SPARSE || fault == SERVER_GEN)
            continue; /* a live page may have holes, and it has no generation */
        server_hangup(&w.server);
        assert_true(server_accept(&w.server) > 0);
        server_welcome(&w.server);
        watch_expect(&w, QBID_MSG_WORKER, cookie);
        server_live(&w.server, (enum server_fault)fault);
        assert_int_equal(server_hear(&w.server).type, 0);
        assert_int_equal(watch_gen(&w), 1);
        assert_int_equal(watch_slot(&w, cookie), 3);
        assert_int_equal(watch_limit(&w, cookie, 0), 77);
        WATCH_UNTIL(process_maps() == maps);
    }
    assert_true(watch_stats(&w).refused >= 9);
    server_serve(&w.server, 2);
    watch_expect(&w, QBID_MSG_WORKER, cookie);
    server_page(&w.server, cookie, 1, 31, 0, SERVER_GOOD);
    watch_expect(&w, QBID_MSG_ADOPTED, 2);
    watch_done(&w);
}

static void a_wrong_worker_page_ends_the_connection_and_the_old_page_stays(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    unsigned cookie = watch_add_worker(&w, 3, 30);
    const void *header = watch_page(&w, cookie).header;
    unsigned maps = process_maps(), fds = process_fds();
    for (int fault = SERVER_UNSEALED; fault < SERVER_FAULT_CNT; fault++) {
        if (fault == SERVER_SPARSE || fault == SERVER_GEN || fault == SERVER_SIZE ||
            fault == SERVER_NO_FD)
            continue; /* right without: no size is stated, and without a page one goes on */
        server_hangup(&w.server);
        server_serve(&w.server, 0);
        watch_expect(&w, QBID_MSG_WORKER, cookie);
        server_page(&w.server, cookie, 4, 40, 1, (enum server_fault)fault);
        assert_int_equal(server_hear(&w.server).type, 0);
        assert_int_equal(watch_slot(&w, cookie), 3);
        assert_ptr_equal(watch_page(&w, cookie).header, header);
        WATCH_UNTIL(process_maps() == maps);
    }
    server_serve(&w.server, 0);
    watch_expect(&w, QBID_MSG_WORKER, cookie);
    server_page(&w.server, cookie, 5, 50, 1, SERVER_GOOD);
    WATCH_UNTIL(watch_slot(&w, cookie) == 5);
    WATCH_UNTIL(process_fds() == fds);
    watch_done(&w);
}

static void go_on_with_yours_to_a_worker_without_a_page_ends_the_connection(void **state)
{
    (void)state;
    struct watch w;
    unsigned cookie;
    watch_init(&w, true);
    watch_open(&w, 1);
    server_page(&w.server, 0, 1, 1, 1, SERVER_GOOD); /* nobody asked */
    assert_int_equal(server_hear(&w.server).type, 0);
    server_serve(&w.server, 1);
    watch_expect(&w, QBID_MSG_ADOPTED, 1);
    assert_int_equal(qbid_watcher_add_worker(w.watcher, 30, &cookie), 0);
    watch_done(&w);
}

static void nonsense_ends_the_connection_and_the_watcher_comes_again(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    for (unsigned which = 0; which < 6; which++) {
        server_garbage(&w.server, which);
        assert_int_equal(server_hear(&w.server).type, 0);
        assert_int_equal(watch_gen(&w), 1);
        server_serve(&w.server, 1);
        watch_expect(&w, QBID_MSG_ADOPTED, 1);
    }
    server_welcome(&w.server); /* twice */
    assert_int_equal(server_hear(&w.server).type, 0);
    server_serve(&w.server, 1);
    watch_expect(&w, QBID_MSG_ADOPTED, 1);
    server_live(&w.server, SERVER_GOOD); /* twice */
    assert_int_equal(server_hear(&w.server).type, 0);
    assert_int_equal(watch_stats(&w).adopted, 1);
    watch_done(&w);
}

static void nothing_counts_before_the_welcome(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    for (int what = 0; what < 4; what++) {
        server_hangup(&w.server);
        assert_true(server_accept(&w.server) > 0);
        if (what == 0)
            server_image(&w.server, 9, SERVER_GOOD);
        else if (what == 1)
            server_live(&w.server, SERVER_GOOD);
        else if (what == 2)
            server_keys(&w.server, 9);
        else
            server_page(&w.server, 0, 0, 0, 1, SERVER_GOOD);
        assert_int_equal(server_hear(&w.server).type, 0);
        assert_true(watch_gen(&w) == 1 && watch_key(&w) == 1);
    }
    watch_done(&w);
}

static void a_server_that_accepts_and_says_nothing_is_left_again(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    server_hangup(&w.server);
    assert_true(server_accept(&w.server) > 0);
    assert_int_equal(server_hear(&w.server).type, 0);
    server_serve(&w.server, 2);
    watch_expect(&w, QBID_MSG_ADOPTED, 2);
    watch_done(&w);
}

/* The socket's buffer is filled with answers to a server that never reads. */
static void a_server_that_sends_and_never_reads_is_left_and_the_last_image_counts(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    server_images(&w.server, 2, 300);
    WATCH_UNTIL(!watch_stats(&w).connected || watch_gen(&w) == 301);
    assert_true(watch_gen(&w) > 1);
    watch_done(&w);
}

static void files_that_are_no_image_are_refused_and_the_watcher_starts_without(void **state)
{
    (void)state;
    size_t bytes;
    unsigned char *base = server_image_build(7, &bytes);
    static const char text[] = "this is not a table image, but it is longer than a header: "
                               "........................................................"
                               "........................................................"
                               "........................................................";
    for (int what = 0; what < 9; what++) {
        struct watch w;
        int want = QBID_ERR_CORRUPT;
        watch_init(&w, false);
        w.options.image_file = w.file;
        if (what == 0) {
            want = QBID_ERR_NOENT;
        } else if (what == 1) {
            watch_write_file(&w, text, sizeof text, 0);
            want = QBID_ERR_VERSION;
        } else if (what == 2) {
            watch_write_file(&w, base, bytes, 100);
        } else if (what == 3) {
            watch_write_file(&w, base, bytes, bytes - 1);
        } else if (what == 4) {
            base[bytes / 2] ^= 4;
            watch_write_file(&w, base, bytes, 0);
            base[bytes / 2] ^= 4;
        } else if (what == 5) {
            w.options.image_file = w.folder;
        } else if (what == 6) {
            assert_int_equal(mkfifo(w.file, 0600), 0);
        } else if (what == 7) {
            w.options.image_file = "/dev/zero";
        } else {
            base[8] ^= 1;
            watch_write_file(&w, base, bytes, 0);
            base[8] ^= 1;
            want = QBID_ERR_VERSION;
        }
        assert_int_equal(qbid_watcher_new(&w.options, &w.watcher), 0);
        assert_int_equal(watch_gen(&w), 0);
        assert_int_equal(watch_stats(&w).refused, 1);
        assert_int_equal(watch_stats(&w).last_refusal, want);
        assert_int_equal(w.lines, 1);
        watch_done(&w);
    }
    free(base);
}

static void a_watcher_may_be_freed_at_any_moment(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    for (unsigned i = 0; i < 20; i++) {
        server_serve_soon(&w.server, 1 + i);
        assert_int_equal(qbid_watcher_new(&w.options, &w.watcher), 0);
        if (i % 3 == 0)
            server_served(&w.server);
        qbid_watcher_free(w.watcher);
        w.watcher = NULL;
        if (i % 3 != 0)
            server_served(&w.server);
    }
    watch_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wrong_image_is_refused_and_the_old_one_stays),
        cmocka_unit_test(refusals_of_one_cause_are_logged_once_a_minute),
        cmocka_unit_test(a_wrong_live_page_ends_the_connection_and_the_old_set_stays),
        cmocka_unit_test(a_wrong_worker_page_ends_the_connection_and_the_old_page_stays),
        cmocka_unit_test(go_on_with_yours_to_a_worker_without_a_page_ends_the_connection),
        cmocka_unit_test(nonsense_ends_the_connection_and_the_watcher_comes_again),
        cmocka_unit_test(nothing_counts_before_the_welcome),
        cmocka_unit_test(a_server_that_accepts_and_says_nothing_is_left_again),
        cmocka_unit_test(a_server_that_sends_and_never_reads_is_left_and_the_last_image_counts),
        cmocka_unit_test(files_that_are_no_image_are_refused_and_the_watcher_starts_without),
        cmocka_unit_test(a_watcher_may_be_freed_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
