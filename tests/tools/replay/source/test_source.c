/* SPDX-License-Identifier: Apache-2.0 */
/* Halves and orders of logs and of generated traffic. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "shm/error.h"
#include "tests/tools/replay/source/rows.h"
#include "tools/replay/source/source.h"

enum { ROWS = 2000 };
static const char *const names[] = {"imp.a.txt"};

/* Rows with shuffled, sometimes equal times; every tenth id is there twice. */
static struct qbid_replay_log *make_log(void)
{
    char folder[64], path[128], message[QBID_REPLAY_LOG_MESSAGE_BYTES];
    struct qbid_replay_log *log;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/imp.a.txt", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < ROWS; i++) {
        char line[1024];
        snprintf(line, sizeof line, "%s", ROW_LINE("%d", "%d", "1", "0", "%d", "null"));
        fprintf(file, line, i % 10 == 9 ? i - 1 : i, 20130000 + (i * 7919) % 500, i % 300);
        fputc('\n', file);
    }
    fclose(file);
    const char *paths[] = {path};
    assert_int_equal(qbid_replay_log_new(paths, 1, false, &log, message), 0);
    remove_folder(folder, names, 1);
    return log;
}

static void the_halves_of_a_log_are_disjoint_and_whole_and_keep_repeats_together(void **state)
{
    struct qbid_replay_log *log = make_log();
    int taken[ROWS] = {0};
    size_t sizes[2] = {0};
    (void)state;
    for (int half = 0; half < 2; half++) {
        struct qbid_replay_source_terms terms = {
            .split = {half ? QBID_REPLAY_HALF_B : QBID_REPLAY_HALF_A, 7}};
        struct qbid_replay_source source;
        uint64_t number;
        assert_int_equal(qbid_replay_source_init(&source, log, NULL, &terms), 0);
        while (qbid_replay_source_next(&source, &number)) {
            assert_int_equal(taken[number], 0);
            taken[number] = half + 1;
            sizes[half]++;
        }
        assert_int_equal(source.count, sizes[half]);
        qbid_replay_source_done(&source);
    }
    assert_int_equal(sizes[0] + sizes[1], ROWS);
    assert_in_range(sizes[0], ROWS / 2 - 150, ROWS / 2 + 150);
    for (int i = 9; i < ROWS; i += 10)
        assert_int_equal(taken[i], taken[i - 1]);
    qbid_replay_log_free(log);
}

static void time_order_is_by_timestamp_then_line_and_rewinds(void **state)
{
    struct qbid_replay_log *log = make_log();
    struct qbid_replay_source_terms terms = {.count_max = 0};
    struct qbid_replay_source source;
    struct qbid_replay_row row;
    uint64_t number, before = 0, last = 0, first = 0;
    (void)state;
    assert_int_equal(qbid_replay_source_init(&source, log, NULL, &terms), 0);
    for (int i = 0; i < ROWS; i++) {
        assert_true(qbid_replay_source_next(&source, &number));
        qbid_replay_source_load(&source, number, &row);
        assert_true(row.timestamp > before || (row.timestamp == before && number > last));
        before = row.timestamp;
        last = number;
        first = i == 0 ? number : first;
    }
    assert_false(qbid_replay_source_next(&source, &number));
    qbid_replay_source_rewind(&source);
    assert_true(qbid_replay_source_next(&source, &number));
    assert_int_equal(number, first);
    qbid_replay_source_done(&source);
    qbid_replay_log_free(log);
}

static void hash_order_is_a_shuffle_that_depends_on_its_seed(void **state)
{
    struct qbid_replay_log *log = make_log();
    uint64_t orders[3][ROWS];
    (void)state;
    for (uint64_t k = 0; k < 3; k++) {
        struct qbid_replay_source_terms terms = {.order = QBID_REPLAY_ORDER_HASH,
                                                 .order_seed = k == 2 ? 1 : k};
        struct qbid_replay_source source;
        bool seen[ROWS] = {false};
        assert_int_equal(qbid_replay_source_init(&source, log, NULL, &terms), 0);
        for (int i = 0; i < ROWS; i++) {
            assert_true(qbid_replay_source_next(&source, &orders[k][i]));
            assert_false(seen[orders[k][i]]);
            seen[orders[k][i]] = true;
        }
        qbid_replay_source_done(&source);
    }
    assert_memory_equal(orders[1], orders[2], sizeof orders[1]);
    assert_memory_not_equal(orders[0], orders[1], sizeof orders[0]);
    qbid_replay_log_free(log);
}

static void count_limits_a_log_and_an_empty_half_is_an_error(void **state)
{
    char folder[64], path[128], message[QBID_REPLAY_LOG_MESSAGE_BYTES];
    struct qbid_replay_log *log = make_log(), *single;
    struct qbid_replay_source_terms terms = {.count_max = 5};
    struct qbid_replay_source source;
    uint64_t number;
    int cnt = 0, empty = 0;
    (void)state;
    assert_int_equal(qbid_replay_source_init(&source, log, NULL, &terms), 0);
    while (qbid_replay_source_next(&source, &number))
        cnt++;
    assert_int_equal(cnt, 5);
    qbid_replay_source_done(&source);
    qbid_replay_log_free(log);

    make_folder(folder);
    write_file(folder, "imp.a.txt", ROW_LINE("a", "1", "1", "0", "5", "null"));
    snprintf(path, sizeof path, "%s/imp.a.txt", folder);
    const char *paths[] = {path};
    assert_int_equal(qbid_replay_log_new(paths, 1, false, &single, message), 0);
    for (int half = QBID_REPLAY_HALF_A; half <= QBID_REPLAY_HALF_B; half++) {
        terms.split = (struct qbid_replay_split){(enum qbid_replay_half)half, 1};
        int err = qbid_replay_source_init(&source, single, NULL, &terms);
        empty += err == QBID_ERR_NOENT;
        if (!err)
            qbid_replay_source_done(&source);
    }
    assert_int_equal(empty, 1);
    qbid_replay_log_free(single);
    remove_folder(folder, names, 1);
}

static void generated_halves_are_disjoint_and_end_at_count_or_never(void **state)
{
    struct qbid_replay_generator_terms generator_terms = {.seed = 1};
    struct qbid_replay_generator *generator;
    bool taken[ROWS] = {false};
    int cnt = 0;
    (void)state;
    assert_int_equal(qbid_replay_generator_new(&generator_terms, &generator), 0);
    for (int half = 0; half < 2; half++) {
        struct qbid_replay_source_terms terms = {
            .split = {half ? QBID_REPLAY_HALF_B : QBID_REPLAY_HALF_A, 3}};
        struct qbid_replay_source source;
        uint64_t number;
        assert_int_equal(qbid_replay_source_init(&source, NULL, generator, &terms), 0);
        assert_int_equal(source.count, 0);
        while (qbid_replay_source_next(&source, &number) && number < ROWS) {
            assert_false(taken[number]);
            taken[number] = true;
            cnt++;
        }
        qbid_replay_source_done(&source);
    }
    assert_int_equal(cnt, ROWS);

    struct qbid_replay_source_terms terms = {.count_max = 3};
    struct qbid_replay_source source;
    uint64_t number;
    assert_int_equal(qbid_replay_source_init(&source, NULL, generator, &terms), 0);
    for (uint64_t i = 0; i < 3; i++) {
        assert_true(qbid_replay_source_next(&source, &number));
        assert_int_equal(number, i);
    }
    assert_false(qbid_replay_source_next(&source, &number));
    qbid_replay_source_done(&source);
    terms.order = QBID_REPLAY_ORDER_HASH;
    assert_int_equal(qbid_replay_source_init(&source, NULL, generator, &terms), QBID_ERR_INVAL);
    qbid_replay_generator_free(generator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_halves_of_a_log_are_disjoint_and_whole_and_keep_repeats_together),
        cmocka_unit_test(time_order_is_by_timestamp_then_line_and_rewinds),
        cmocka_unit_test(hash_order_is_a_shuffle_that_depends_on_its_seed),
        cmocka_unit_test(count_limits_a_log_and_an_empty_half_is_an_error),
        cmocka_unit_test(generated_halves_are_disjoint_and_end_at_count_or_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
