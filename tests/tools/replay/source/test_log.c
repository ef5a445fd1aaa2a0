/* SPDX-License-Identifier: Apache-2.0 */
/* Logs: which files are read, how clicks are joined, what an error names. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "shm/error.h"
#include "tests/tools/replay/source/rows.h"
#include "tools/replay/source/log.h"

#define IMP(id, paid) ROW_LINE(id, "20131021000000000", "1", "0", paid, "null") "\n"
#define CLK(id, paid) ROW_LINE(id, "20131021000000000", "2", "0", paid, "null") "\r\n"

static const char *const names[] = {"imp.a.txt", "clk.a.txt", "train.x.txt", "other.txt"};

static void assert_row(const struct qbid_replay_log *log, size_t idx, const char *id, bool click,
                       unsigned repeat)
{
    struct qbid_replay_row row;
    qbid_replay_log_load(log, idx, &row);
    assert_int_equal(row.bidid.len, strlen(id));
    assert_memory_equal(row.bidid.at, id, strlen(id));
    assert_int_equal(row.click, click);
    assert_int_equal(row.repeat, repeat);
}

static void clicks_mark_their_impression_and_others_are_rows(void **state)
{
    char folder[64], message[QBID_REPLAY_LOG_MESSAGE_BYTES];
    struct qbid_replay_log *log;
    (void)state;
    make_folder(folder);
    write_file(folder, "imp.a.txt", IMP("a", "1") IMP("b", "2") IMP("a", "3") IMP("c", "4"));
    /* b twice: marks one row; d twice: two rows; the last line has no line end */
    write_file(folder, "clk.a.txt",
               CLK("d", "5") CLK("b", "2") "\n" CLK("b", "2") CLK("a", "1")
                   ROW_LINE("d", "1", "2", "0", "6", "null"));
    write_file(folder, "other.txt", "not a log\n");
    const char *paths[] = {folder};
    assert_int_equal(qbid_replay_log_new(paths, 1, false, &log, message), 0);
    struct qbid_replay_log_facts facts = qbid_replay_log_query(log);
    assert_int_equal(facts.files, 2);
    assert_int_equal(facts.lines, 9);
    assert_int_equal(facts.rows, 6);
    assert_int_equal(facts.clicks, 4);
    assert_int_equal(facts.joined, 3);
    assert_int_equal(facts.repeated, 2);
    assert_int_equal(facts.damaged, 0);
    assert_row(log, 0, "a", true, 0);
    assert_row(log, 1, "b", true, 0);
    assert_row(log, 2, "a", false, 1);
    assert_row(log, 3, "c", false, 0);
    assert_row(log, 4, "d", true, 0);
    assert_row(log, 5, "d", true, 1);
    qbid_replay_log_free(log);

    /* Clicks named first are still joined. */
    char imp[128], clk[128];
    snprintf(imp, sizeof imp, "%s/imp.a.txt", folder);
    snprintf(clk, sizeof clk, "%s/clk.a.txt", folder);
    const char *swapped[] = {clk, imp};
    assert_int_equal(qbid_replay_log_new(swapped, 2, false, &log, message), 0);
    assert_int_equal(qbid_replay_log_query(log).rows, 6);
    qbid_replay_log_free(log);
    remove_folder(folder, names, 4);
}

static void a_damaged_line_names_file_and_line_or_is_counted(void **state)
{
    char folder[64], message[QBID_REPLAY_LOG_MESSAGE_BYTES], expected[128];
    struct qbid_replay_log *log = NULL;
    (void)state;
    make_folder(folder);
    write_file(folder, "imp.a.txt", IMP("a", "1") "\n" IMP("b", "x") IMP("c", "3") "half a row");
    const char *paths[] = {folder};
    assert_int_equal(qbid_replay_log_new(paths, 1, false, &log, message), QBID_ERR_PARSE);
    assert_null(log);
    snprintf(expected, sizeof expected, "%s/imp.a.txt:3: payprice", folder);
    assert_memory_equal(message, expected, strlen(expected));
    assert_int_equal(qbid_replay_log_new(paths, 1, true, &log, message), 0);
    assert_int_equal(qbid_replay_log_query(log).rows, 2);
    assert_int_equal(qbid_replay_log_query(log).damaged, 2);
    qbid_replay_log_free(log);
    remove_folder(folder, names, 4);
}

static void nothing_to_read_is_an_error_that_names_the_path(void **state)
{
    char folder[64], message[QBID_REPLAY_LOG_MESSAGE_BYTES], path[128];
    struct qbid_replay_log *log;
    (void)state;
    make_folder(folder);
    const char *paths[] = {folder};
    assert_int_equal(qbid_replay_log_new(paths, 1, false, &log, message), QBID_ERR_NOENT);
    assert_non_null(strstr(message, folder));
    write_file(folder, "imp.a.txt", "\n\n");
    assert_int_equal(qbid_replay_log_new(paths, 1, false, &log, message), QBID_ERR_NOENT);
    assert_non_null(strstr(message, "imp.a.txt"));
    snprintf(path, sizeof path, "%s/missing.txt", folder);
    paths[0] = path;
    assert_int_equal(qbid_replay_log_new(paths, 1, false, &log, message), QBID_ERR_SYS);
    assert_non_null(strstr(message, "missing.txt"));
    remove_folder(folder, names, 4);
}

static void training_files_are_found_in_folders(void **state)
{
    char folder[64], message[QBID_REPLAY_LOG_MESSAGE_BYTES];
    struct qbid_replay_log *log;
    (void)state;
    make_folder(folder);
    write_file(folder, "train.x.txt", "0\t1\t2\t" IMP("a", "1") "1\t1\t2\t" IMP("b", "2"));
    const char *paths[] = {folder};
    assert_int_equal(qbid_replay_log_new(paths, 1, false, &log, message), 0);
    assert_row(log, 0, "a", false, 0);
    assert_row(log, 1, "b", true, 0);
    qbid_replay_log_free(log);
    remove_folder(folder, names, 4);
}

/* Many rows: the index by bidid grows, and each repeat still gets its number. */
static void repeats_are_numbered_in_a_large_log(void **state)
{
    enum { ROWS = 20000, IDS = 7000 };
    char folder[64], path[128], message[QBID_REPLAY_LOG_MESSAGE_BYTES];
    struct qbid_replay_log *log;
    (void)state;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/imp.a.txt", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < ROWS; i++)
        fprintf(file, "id%d%s", i % IDS, IMP("", "1"));
    fclose(file);
    const char *paths[] = {path};
    assert_int_equal(qbid_replay_log_new(paths, 1, false, &log, message), 0);
    assert_int_equal(qbid_replay_log_query(log).rows, ROWS);
    assert_int_equal(qbid_replay_log_query(log).repeated, ROWS - IDS);
    for (int i = 0; i < ROWS; i++) {
        char id[16];
        snprintf(id, sizeof id, "id%d", i % IDS);
        assert_row(log, (size_t)i, id, false, (unsigned)(i / IDS));
    }
    qbid_replay_log_free(log);
    remove_folder(folder, names, 4);
}

static void the_recorded_log_has_its_known_counts(void **state)
{
    const char *paths[] = {"../shared/data/ipinyou/raw-2821"};
    char message[QBID_REPLAY_LOG_MESSAGE_BYTES];
    struct qbid_replay_log *log;
    (void)state;
    if (access(paths[0], R_OK) != 0) {
        print_message("SKIPPED: %s is not there\n", paths[0]);
        skip();
    }
    assert_int_equal(qbid_replay_log_new(paths, 1, false, &log, message), 0);
    struct qbid_replay_log_facts facts = qbid_replay_log_query(log);
    assert_int_equal(facts.lines, 10000 + 442);
    assert_int_equal(facts.joined, 3);
    assert_int_equal(facts.rows, 10000 + 442 - 3);
    assert_int_equal(facts.clicks, 442);
    assert_int_equal(facts.repeated, (10000 - 9960) + (442 - 433)); /* counted with sort -u */
    int64_t cost_micros = 0;
    for (size_t i = 0; i < facts.rows; i++) {
        struct qbid_replay_row row;
        qbid_replay_log_load(log, i, &row);
        cost_micros += row.market_micros;
    }
    /* awk: sum of column 21 over both files, the three joined lines left out */
    assert_true(cost_micros == INT64_C(925463) * 10000);
    qbid_replay_log_free(log);
}

static void the_recorded_training_log_has_its_known_counts(void **state)
{
    const char *paths[] = {"../shared/data/ipinyou/2259/train.log.txt"};
    char message[QBID_REPLAY_LOG_MESSAGE_BYTES];
    struct qbid_replay_log *log;
    (void)state;
    if (access(paths[0], R_OK) != 0) {
        print_message("SKIPPED: %s is not there\n", paths[0]);
        skip();
    }
    assert_int_equal(qbid_replay_log_new(paths, 1, false, &log, message), 0);
    assert_int_equal(qbid_replay_log_query(log).rows, 8355);
    assert_int_equal(qbid_replay_log_query(log).clicks, 5);
    qbid_replay_log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clicks_mark_their_impression_and_others_are_rows),
        cmocka_unit_test(a_damaged_line_names_file_and_line_or_is_counted),
        cmocka_unit_test(nothing_to_read_is_an_error_that_names_the_path),
        cmocka_unit_test(training_files_are_found_in_folders),
        cmocka_unit_test(repeats_are_numbered_in_a_large_log),
        cmocka_unit_test(the_recorded_log_has_its_known_counts),
        cmocka_unit_test(the_recorded_training_log_has_its_known_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
