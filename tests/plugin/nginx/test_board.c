/* SPDX-License-Identifier: Apache-2.0 */
/* The status board never shows half a text, and the log mailbox neither loses nor doubles a line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "plugin/nginx/board.h"
#include "plugin/nginx/lines.h"

#ifdef __SANITIZE_THREAD__
#define ROUNDS 4000 /* a race is told at its first occurrence */
#else
#define ROUNDS 20000
#endif

static struct qbid_ngx_slot *slot;
static char got[QBID_NGX_BOARD_METRICS_MAX];

static int fresh_slot(void **state)
{
    (void)state;
    slot = aligned_alloc(64, sizeof(*slot));
    if (slot == NULL)
        return 1;
    memset(slot, 0, sizeof(*slot)); /* as fresh shared memory is */
    return 0;
}

static int free_slot(void **state)
{
    (void)state;
    free(slot);
    return 0;
}

static void store(uint64_t pid, uint64_t now_ns, const char *json, size_t json_bytes,
                  const char *metrics, size_t metrics_bytes)
{
    const struct qbid_ngx_board_piece piece[QBID_NGX_BOARD_TEXTS] = {
        {json, json_bytes}, {metrics, metrics_bytes}, {json, json_bytes}};

    qbid_ngx_slot_store(slot, pid, now_ns, piece);
}

static size_t load(enum qbid_ngx_board_text which, uint64_t now_ns)
{
    uint64_t pid, age_ns;

    return qbid_ngx_slot_load(slot, which, now_ns, got, &pid, &age_ns);
}

static void a_slot_that_nobody_wrote_shows_nothing(void **state)
{
    (void)state;
    assert_int_equal(load(QBID_NGX_BOARD_JSON, 1), 0);
    assert_int_equal(load(QBID_NGX_BOARD_METRICS, 1), 0);
}

static void all_texts_come_back_as_they_were_with_pid_and_age(void **state)
{
    uint64_t pid = 0, age_ns = 0;

    (void)state;
    for (size_t n = 1; n < 40; n++) {
        store(42, 1000, "abcdefghijklmnopqrstuvwxyz0123456789ABCD", n,
              "0123456789ABCDabcdefghijklmnopqrstuvwxyz", 40 - n);
        assert_int_equal(qbid_ngx_slot_load(slot, QBID_NGX_BOARD_JSON, 1500, got, &pid, &age_ns),
                         n);
        assert_memory_equal(got, "abcdefghijklmnopqrstuvwxyz0123456789ABCD", n);
        assert_int_equal(pid, 42);
        assert_int_equal(age_ns, 500);
        assert_int_equal(load(QBID_NGX_BOARD_METRICS, 1500), 40 - n);
        assert_memory_equal(got, "0123456789ABCDabcdefghijklmnopqrstuvwxyz", 40 - n);
        assert_int_equal(load(QBID_NGX_BOARD_LATENCY, 1500), n);
        assert_memory_equal(got, "abcdefghijklmnopqrstuvwxyz0123456789ABCD", n);
    }
}

static void a_text_of_the_maximum_fits_and_one_byte_more_is_left_out(void **state)
{
    static char text[QBID_NGX_BOARD_METRICS_MAX + 1];

    (void)state;
    memset(text, 'x', sizeof(text));
    store(1, 1, text, QBID_NGX_BOARD_JSON_MAX, text, QBID_NGX_BOARD_METRICS_MAX);
    assert_int_equal(load(QBID_NGX_BOARD_JSON, 1), QBID_NGX_BOARD_JSON_MAX);
    assert_int_equal(load(QBID_NGX_BOARD_METRICS, 1), QBID_NGX_BOARD_METRICS_MAX);
    assert_memory_equal(got, text, QBID_NGX_BOARD_METRICS_MAX);
    store(1, 1, text, QBID_NGX_BOARD_JSON_MAX + 1, text, QBID_NGX_BOARD_METRICS_MAX + 1);
    assert_int_equal(load(QBID_NGX_BOARD_JSON, 1), 0);
    assert_int_equal(load(QBID_NGX_BOARD_METRICS, 1), 0);
    store(1, 1, text, QBID_NGX_BOARD_LATENCY_MAX, text, 1);
    assert_int_equal(load(QBID_NGX_BOARD_LATENCY, 1), QBID_NGX_BOARD_LATENCY_MAX);
    store(1, 1, text, QBID_NGX_BOARD_LATENCY_MAX + 1, text, 1);
    assert_int_equal(load(QBID_NGX_BOARD_LATENCY, 1), 0);
}

static void a_text_is_shown_until_it_is_stale_or_cleared(void **state)
{
    (void)state;
    store(1, 1000, "a", 1, "b", 1);
    assert_int_equal(load(QBID_NGX_BOARD_JSON, 1000 + QBID_NGX_BOARD_STALE_NS), 1);
    assert_int_equal(load(QBID_NGX_BOARD_JSON, 1001 + QBID_NGX_BOARD_STALE_NS), 0);
    assert_int_equal(load(QBID_NGX_BOARD_JSON, 10), 1); /* a clock read before the writer's */
    qbid_ngx_slot_clear(slot);
    assert_int_equal(load(QBID_NGX_BOARD_JSON, 1000), 0);
}

static void a_writer_that_died_in_the_middle_hides_its_slot_until_the_next_one_writes(void **state)
{
    (void)state;
    store(1, 1000, "old", 3, "old", 3);
    atomic_fetch_add(&slot->seq, 1);
    assert_int_equal(load(QBID_NGX_BOARD_JSON, 1000), 0);
    store(2, 2000, "new", 3, "new", 3);
    assert_int_equal(load(QBID_NGX_BOARD_JSON, 2000), 3);
    assert_memory_equal(got, "new", 3);
    assert_int_equal(atomic_load(&slot->seq) % 2, 0);
}

static _Atomic bool writing;

/* Texts of one letter each, with lengths that tell the letter. */
static void *write_letters(void *arg)
{
    char text[QBID_NGX_BOARD_JSON_MAX];

    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t n = sizeof(text) - i % 26;

        memset(text, 'a' + (int)(i % 26), n);
        store(1, 1, text, n, text, n);
        if (i % 16 == 0)
            usleep(1); /* the real one writes once a second */
    }
    atomic_store(&writing, false);
    return arg;
}

static bool whole(const char *text, size_t n)
{
    char letter = (char)('a' + (int)(QBID_NGX_BOARD_JSON_MAX - n));

    for (size_t i = 0; i < n; i++) {
        if (text[i] != letter)
            return false;
    }
    return true;
}

/* What a reader without the sequence would see: the negative control. */
static bool torn(const struct qbid_ngx_slot *s)
{
    size_t n = atomic_load(&s->bytes[QBID_NGX_BOARD_JSON]);
    static char text[QBID_NGX_BOARD_JSON_MAX];

    for (size_t i = 0; i < n / 8; i++) {
        uint64_t word = atomic_load_explicit(&s->json[i], memory_order_relaxed);

        memcpy(text + i * 8, &word, 8);
    }
    for (size_t i = 0; i < n - n % 8; i++) {
        if (text[i] != text[0])
            return true;
    }
    return false;
}

static void a_reader_beside_a_writer_sees_whole_texts_only(void **state)
{
    unsigned seen = 0, tears = 0;
    pthread_t thread;

    (void)state;
    atomic_store(&writing, true);
    assert_int_equal(pthread_create(&thread, NULL, write_letters, NULL), 0);
    while (atomic_load(&writing)) {
        size_t n = load(QBID_NGX_BOARD_JSON, 1);

        if (n > 0) {
            assert_true(whole(got, n));
            seen++;
        }
        tears += torn(slot);
    }
    pthread_join(thread, NULL);
    assert_true(load(QBID_NGX_BOARD_JSON, 1) > 0);
    print_message("%u whole texts; without the sequence %u would have been torn\n", seen, tears);
    assert_true(seen > 0);
    assert_true(tears > 0);
}

static struct qbid_ngx_lines lines;

static void *put_numbers(void *arg)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        char text[32];

        snprintf(text, sizeof(text), "%u", i);
        qbid_ngx_lines_put(&lines, text);
    }
    atomic_store(&writing, false);
    return arg;
}

static void lines_arrive_in_order_and_what_is_missing_was_counted(void **state)
{
    char line[QBID_NGX_LINE_BYTES];
    unsigned taken = 0;
    long last = -1;
    pthread_t thread;
    bool more = true;

    (void)state;
    atomic_store(&writing, true);
    assert_int_equal(pthread_create(&thread, NULL, put_numbers, NULL), 0);
    while (more) {
        more = atomic_load(&writing);
        while (qbid_ngx_lines_take(&lines, line)) {
            long number = strtol(line, NULL, 10);

            assert_true(number > last);
            last = number;
            taken++;
        }
    }
    pthread_join(thread, NULL);
    assert_int_equal(taken + atomic_load(&lines.lost), ROUNDS);
}

static void a_long_line_is_cut(void **state)
{
    static struct qbid_ngx_lines own;
    char text[2 * QBID_NGX_LINE_BYTES], line[QBID_NGX_LINE_BYTES];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    qbid_ngx_lines_put(&own, text);
    assert_true(qbid_ngx_lines_take(&own, line));
    assert_int_equal(strlen(line), QBID_NGX_LINE_BYTES - 1);
    assert_false(qbid_ngx_lines_take(&own, line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_slot_that_nobody_wrote_shows_nothing, fresh_slot,
                                        free_slot),
        cmocka_unit_test_setup_teardown(all_texts_come_back_as_they_were_with_pid_and_age,
                                        fresh_slot, free_slot),
        cmocka_unit_test_setup_teardown(a_text_of_the_maximum_fits_and_one_byte_more_is_left_out,
                                        fresh_slot, free_slot),
        cmocka_unit_test_setup_teardown(a_text_is_shown_until_it_is_stale_or_cleared, fresh_slot,
                                        free_slot),
        cmocka_unit_test_setup_teardown(
            a_writer_that_died_in_the_middle_hides_its_slot_until_the_next_one_writes, fresh_slot,
            free_slot),
        cmocka_unit_test_setup_teardown(a_reader_beside_a_writer_sees_whole_texts_only, fresh_slot,
                                        free_slot),
        cmocka_unit_test(lines_arrive_in_order_and_what_is_missing_was_counted),
        cmocka_unit_test(a_long_line_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
