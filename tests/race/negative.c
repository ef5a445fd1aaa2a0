/* SPDX-License-Identifier: Apache-2.0 */
/* The negative controls: each race test is run with one ordering broken, and must fail by that. A
 * test that cannot see the fault which it is there for would be found here.
 *
 * The broken programs lie beside this one, in ../race. Under ThreadSanitizer those run that it must
 * report, else those that a forced order makes fail in any build. */
#include <errno.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define OUTPUT_MAX (1 << 16)
#define TRIES 3 /* a race at full speed needs the two sides to meet */

extern char **environ;

/* Run one program to its end: wait status, and the first part of what it printed. */
static int run(const char *name, char output[OUTPUT_MAX])
{
    char path[4096], byte[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 100);
    assert_true(n > 0);
    path[n] = '\0';
    strcpy(strrchr(path, '/'), "/../race/");
    strcat(path, name);
    int ends[2], status;
    pid_t pid;
    char *args[] = {path, NULL};
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    assert_int_equal(posix_spawn(&pid, path, &actions, NULL, args, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    size_t len = 0;
    while ((n = read(ends[0], byte, sizeof byte)) > 0 || (n < 0 && errno == EINTR)) {
        size_t room = OUTPUT_MAX - 1 - len, part = n < 0 ? 0 : (size_t)n;
        memcpy(output + len, byte, part < room ? part : room);
        len += part < room ? part : room;
    }
    output[len] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* It fails, and by what it is there for: its output has both texts. */
static void expect_failure(const char *name, const char *because, const char *mentions)
{
    static char output[OUTPUT_MAX];
    setenv("TSAN_OPTIONS", "halt_on_error=1:exitcode=66", 1);
    setenv("ASAN_OPTIONS", "exitcode=66:detect_leaks=0", 1);
    for (int i = 0; i < TRIES; i++) {
        int status = run(name, output);
        if (status != 0 && strstr(output, because) != NULL && strstr(output, mentions) != NULL)
            return;
        print_message("%s: status %d\n%s\n", name, status, output);
    }
    fail_msg("%s did not fail: the test behind it is blind", name);
}

#ifdef __SANITIZE_THREAD__

#define RACE "WARNING: ThreadSanitizer: data race"

static void a_head_that_does_not_release_the_record_is_reported(void **state)
{
    (void)state;
    expect_failure("ring_relaxed", RACE, "qbid_ring_push");
}

static void a_live_page_written_without_atomics_is_reported(void **state)
{
    (void)state;
    expect_failure("live_plain", RACE, "write_words");
}

static void a_count_written_without_atomics_is_reported(void **state)
{
    (void)state;
    expect_failure("frequency_plain", RACE, "count_word");
}

static void a_swap_that_does_not_release_the_table_is_reported(void **state)
{
    (void)state;
    expect_failure("publish_relaxed", RACE, "qbid_bundle_table");
}

static void a_table_freed_without_a_grace_period_is_reported(void **state)
{
    (void)state;
    expect_failure("publish_no_grace", "ThreadSanitizer", "qbid_table_free");
}

static void and_so_it_is_among_readers_that_announce_quiescence(void **state)
{
    (void)state;
    expect_failure("publish_qsbr_no_grace", "ThreadSanitizer", "qbid_table_free");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_head_that_does_not_release_the_record_is_reported),
    cmocka_unit_test(a_live_page_written_without_atomics_is_reported),
    cmocka_unit_test(a_count_written_without_atomics_is_reported),
    cmocka_unit_test(a_swap_that_does_not_release_the_table_is_reported),
    cmocka_unit_test(a_table_freed_without_a_grace_period_is_reported),
    cmocka_unit_test(and_so_it_is_among_readers_that_announce_quiescence),
};

#else

static void a_head_moved_before_the_record_fails_the_forced_order(void **state)
{
    (void)state;
    expect_failure("ring_head_first", "[  FAILED  ] a_record_is_seen_only_after_it_was_written",
                   "ring_order.c");
}

static void a_tail_moved_before_the_copy_fails_the_forced_order(void **state)
{
    (void)state;
    expect_failure("ring_tail_first", "[  FAILED  ] a_place_is_free_only_after_it_was_copied",
                   "ring_order.c");
}

static void a_count_read_before_the_tail_fails_the_forced_order(void **state)
{
    (void)state;
    expect_failure("frequency_tail_last", "[  FAILED  ] a_bid_is_counted_at_every_moment",
                   "frequency_order.c");
}

static void unmapping_without_a_grace_period_fails_the_forced_order(void **state)
{
    (void)state;
    expect_failure("order_no_grace", "[  FAILED  ] what_a_reader_holds_stays_until_it_lets_go",
                   "publish_order.c");
}

static void a_table_loaded_outside_the_section_fails_the_forced_order(void **state)
{
    (void)state;
    expect_failure(
        "order_load_first",
        "[  FAILED  ] a_reader_that_is_overtaken_while_it_enters_gets_the_new_table_whole",
        "publish_order.c");
}

static void a_reservation_before_its_check_fails_the_forced_order(void **state)
{
    (void)state;
    expect_failure("allowance_commit_first",
                   "[  FAILED  ] a_tick_inside_a_reservation_sees_no_more_than_the_limit",
                   "allowance_order.c");
}

static void a_limit_raised_before_it_is_stored_fails_the_forced_order(void **state)
{
    (void)state;
    expect_failure("allowance_raise_first",
                   "[  FAILED  ] no_limit_is_raised_before_the_store_knows", "allowance_order.c");
}

static void and_so_it_does_with_a_reader_that_announces_quiescence(void **state)
{
    (void)state;
    expect_failure("order_qsbr_no_grace",
                   "[  FAILED  ] what_a_reader_holds_stays_until_it_is_quiescent",
                   "publish_order_qsbr.c");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_table_loaded_outside_the_section_fails_the_forced_order),
    cmocka_unit_test(a_reservation_before_its_check_fails_the_forced_order),
    cmocka_unit_test(a_limit_raised_before_it_is_stored_fails_the_forced_order),
    cmocka_unit_test(a_head_moved_before_the_record_fails_the_forced_order),
    cmocka_unit_test(a_tail_moved_before_the_copy_fails_the_forced_order),
    cmocka_unit_test(a_count_read_before_the_tail_fails_the_forced_order),
    cmocka_unit_test(unmapping_without_a_grace_period_fails_the_forced_order),
    cmocka_unit_test(and_so_it_does_with_a_reader_that_announces_quiescence),
};

#endif

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
