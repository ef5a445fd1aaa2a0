/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, transactions, numbers, and what a full disk does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/store/store_db.h"
#include "shm/error.h"
#include "tests/control/store/scratch.h"

static void numbers_never_go_back(void **state)
{
    struct scratch *s = *state;
    uint64_t first, again;
    assert_int_equal(qbid_store_take(s->store, "generation", 1, 1, &first), 0);
    assert_int_equal(first, 1);
    assert_int_equal(qbid_store_take(s->store, "generation", 1, 10, &first), 0);
    assert_int_equal(first, 2);
    scratch_reopen(s);
    assert_int_equal(qbid_store_take(s->store, "generation", 1, 1, &again), 0);
    assert_int_equal(again, 12);
    assert_int_equal(qbid_store_take(s->store, "generation", 100, 1, &again), 0);
    assert_int_equal(again, 100);
    assert_int_equal(qbid_store_take(s->store, "worker_uid", 1, 1, &again), 0);
    assert_int_equal(again, 1);
}

static void a_value_is_kept_or_has_a_preset(void **state)
{
    struct scratch *s = *state;
    uint64_t v;
    assert_int_equal(qbid_store_get(s->store, "learning", 7, &v), 0);
    assert_int_equal(v, 7);
    assert_int_equal(qbid_store_set(s->store, "learning", UINT64_MAX), 0);
    scratch_reopen(s);
    assert_int_equal(qbid_store_get(s->store, "learning", 7, &v), 0);
    assert_true(v == UINT64_MAX);
}

static void an_error_inside_takes_the_whole_transaction_back(void **state)
{
    struct scratch *s = *state;
    uint64_t v;
    assert_int_equal(qbid_store_begin(s->store), 0);
    assert_int_equal(qbid_store_set(s->store, "a", 1), 0);
    assert_int_equal(qbid_store_begin(s->store), 0);
    assert_int_equal(qbid_store_set(s->store, "b", 1), 0);
    assert_int_equal(qbid_store_end(s->store, QBID_ERR_LIMIT), QBID_ERR_LIMIT);
    assert_int_equal(qbid_store_end(s->store, 0), QBID_ERR_LIMIT);
    assert_int_equal(qbid_store_get(s->store, "a", 0, &v), 0);
    assert_int_equal(v, 0);
    assert_int_equal(qbid_store_begin(s->store), 0);
    assert_int_equal(qbid_store_set(s->store, "a", 2), 0);
    assert_int_equal(qbid_store_end(s->store, 0), 0);
    assert_int_equal(qbid_store_get(s->store, "a", 0, &v), 0);
    assert_int_equal(v, 2);
}

static void a_newer_or_foreign_file_is_refused(void **state)
{
    struct scratch *s = *state;
    struct qbid_store_params params = {.path = s->path};
    struct qbid_store *other = NULL;
    char why[QBID_STORE_WHY_MAX];
    assert_int_equal(sqlite3_exec(s->store->db, "PRAGMA user_version = 99", NULL, NULL, NULL), 0);
    assert_int_equal(qbid_store_new(&params, &other, why), QBID_ERR_VERSION);
    assert_non_null(strstr(why, "newer"));
    char back[40];
    snprintf(back, sizeof back, "PRAGMA user_version = %d", QBID_STORE_SCHEMA);
    assert_int_equal(sqlite3_exec(s->store->db, back, NULL, NULL, NULL), 0);

    char path[80];
    snprintf(path, sizeof path, "%s/foreign", s->folder);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database\n", f);
    fclose(f);
    params.path = path;
    assert_int_equal(qbid_store_new(&params, &other, why), QBID_ERR_CORRUPT);
    unlink(path);
    params.path = "/nonexistent/folder/state.db";
    assert_int_equal(qbid_store_new(&params, &other, why), QBID_ERR_STORE);
    assert_null(other);
}

static void a_full_disk_refuses_changes_and_keeps_what_was(void **state)
{
    struct scratch *s = *state;
    char text[65536];
    uint64_t v, id;
    struct qbid_store_cause cause = {1, "test", "fill"};
    assert_int_equal(qbid_store_set(s->store, "kept", 5), 0);
    /* SQLite's own limit gives the same error as a disk without room */
    assert_int_equal(sqlite3_exec(s->store->db, "PRAGMA max_page_count = 60", NULL, NULL, NULL), 0);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    int err = 0, written = 0;
    while (!err && written < 100) {
        err = qbid_store_audit(s->store, &cause, "filler", text, "");
        written += !err;
    }
    assert_int_equal(err, QBID_ERR_STORE);
    assert_non_null(strstr(qbid_store_why(s->store), "full"));
    assert_int_equal(qbid_store_get(s->store, "kept", 0, &v), 0);
    assert_int_equal(v, 5);
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), 0);
    assert_int_equal(id, written);
    /* room again: changes go on */
    assert_int_equal(sqlite3_exec(s->store->db, "PRAGMA max_page_count = 100000", NULL, NULL, NULL),
                     0);
    assert_int_equal(qbid_store_audit(s->store, &cause, "after", NULL, NULL), 0);
}

static void strict_durability_waits_for_the_disk(void **state)
{
    struct scratch *s = *state;
    struct qbid_store_params params = {.path = s->path, .strict = true};
    struct qbid_store *strict;
    char why[QBID_STORE_WHY_MAX];
    assert_int_equal(qbid_store_new(&params, &strict, why), 0);
    struct qbid_store *const stores[] = {s->store, strict};
    static const int wanted[] = {1, 2}; /* NORMAL, FULL */
    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *q;
        assert_int_equal(sqlite3_prepare_v2(stores[i]->db, "PRAGMA synchronous", -1, &q, NULL), 0);
        assert_int_equal(sqlite3_step(q), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(q, 0), wanted[i]);
        sqlite3_finalize(q);
    }
    qbid_store_free(strict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_never_go_back, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_value_is_kept_or_has_a_preset, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(an_error_inside_takes_the_whole_transaction_back,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_newer_or_foreign_file_is_refused, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_refuses_changes_and_keeps_what_was,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(strict_durability_waits_for_the_disk, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
