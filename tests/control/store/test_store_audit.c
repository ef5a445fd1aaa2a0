/* SPDX-License-Identifier: Apache-2.0 */
/* The audit: whatever is done to it behind the program's back is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/store/store_db.h"
#include "shm/error.h"
#include "tests/control/store/scratch.h"

#define RECORDS 8

static void fill(struct qbid_store *store)
{
    for (unsigned i = 1; i <= RECORDS; i++) {
        char after[16];
        struct qbid_store_cause cause = {1000 + i, "uid 1", "because"};
        snprintf(after, sizeof after, "v%u", i);
        assert_int_equal(qbid_store_audit(store, &cause, "thing", i > 1 ? "v" : NULL, after), 0);
    }
}

static void sql(struct qbid_store *store, const char *text)
{
    assert_int_equal(sqlite3_exec(store->db, text, NULL, NULL, NULL), SQLITE_OK);
}

static int collect(void *context, const struct qbid_store_record *r)
{
    uint64_t *last = context;
    assert_true(*last == 0 || r->id == *last - 1);
    assert_int_equal(r->unix_ns, 1000 + r->id);
    *last = r->id;
    return 0;
}

static void an_untouched_chain_is_verified_and_read_latest_first(void **state)
{
    struct scratch *s = *state;
    uint64_t id = 99, last = 0;
    assert_int_equal(qbid_store_verify_audit(s->store, &id), 0);
    assert_int_equal(id, 0);
    fill(s->store);
    scratch_reopen(s);
    assert_int_equal(qbid_store_verify_audit(s->store, &id), 0);
    assert_int_equal(id, RECORDS);
    assert_int_equal(qbid_store_load_audit(s->store, 3, collect, &last), 0);
    assert_int_equal(last, RECORDS - 2);
}

static void the_file_itself_refuses_edits_and_deletions(void **state)
{
    struct scratch *s = *state;
    fill(s->store);
    assert_int_not_equal(
        sqlite3_exec(s->store->db, "UPDATE audit SET actor = 'x'", NULL, NULL, NULL), SQLITE_OK);
    assert_int_not_equal(sqlite3_exec(s->store->db, "DELETE FROM audit", NULL, NULL, NULL),
                         SQLITE_OK);
}

static void every_edit_of_every_record_is_found(void **state)
{
    struct scratch *s = *state;
    static const char *const columns[] = {"unix_ns = unix_ns + 1",  "actor = actor || 'x'",
                                          "what = what || 'x'",     "why = why || 'x'",
                                          "before = before || 'x'", "after = after || 'x'",
                                          "hash = zeroblob(32)",    "prev_hash = zeroblob(31)"};
    fill(s->store);
    sql(s->store, "DROP TRIGGER audit_is_final");
    for (unsigned id = 1; id <= RECORDS; id++) {
        for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
            char text[160];
            uint64_t found = 0;
            snprintf(text, sizeof text, "SAVEPOINT e; UPDATE audit SET %s WHERE id = %u",
                     columns[c], id);
            sql(s->store, text);
            assert_int_equal(qbid_store_verify_audit(s->store, &found), QBID_ERR_CORRUPT);
            assert_int_equal(found, id);
            sql(s->store, "ROLLBACK TO e; RELEASE e");
            assert_int_equal(qbid_store_verify_audit(s->store, &found), 0);
        }
    }
}

static void a_deleted_record_is_found_even_the_last(void **state)
{
    struct scratch *s = *state;
    fill(s->store);
    sql(s->store, "DROP TRIGGER audit_is_kept");
    for (unsigned id = 1; id <= RECORDS; id++) {
        char text[96];
        uint64_t found = 0;
        snprintf(text, sizeof text, "SAVEPOINT e; DELETE FROM audit WHERE id = %u", id);
        sql(s->store, text);
        assert_int_equal(qbid_store_verify_audit(s->store, &found), QBID_ERR_CORRUPT);
        assert_int_equal(found, id);
        sql(s->store, "ROLLBACK TO e; RELEASE e");
    }
    sql(s->store, "DELETE FROM audit");
    uint64_t found;
    assert_int_equal(qbid_store_verify_audit(s->store, &found), QBID_ERR_CORRUPT);
}

static void reordered_and_inserted_records_are_found(void **state)
{
    struct scratch *s = *state;
    uint64_t found;
    fill(s->store);
    sql(s->store, "DROP TRIGGER audit_is_final; SAVEPOINT e;"
                  "UPDATE audit SET id = 100 WHERE id = 3; UPDATE audit SET id = 3 WHERE id = 4;"
                  "UPDATE audit SET id = 4 WHERE id = 100");
    assert_int_equal(qbid_store_verify_audit(s->store, &found), QBID_ERR_CORRUPT);
    assert_int_equal(found, 3);
    sql(s->store, "ROLLBACK TO e; RELEASE e; SAVEPOINT e;"
                  "INSERT INTO audit SELECT 9, unix_ns, actor, what, why, before, after, "
                  "prev_hash, hash FROM audit WHERE id = 8");
    assert_int_equal(qbid_store_verify_audit(s->store, &found), QBID_ERR_CORRUPT);
    assert_int_equal(found, 9);
    sql(s->store, "ROLLBACK TO e; RELEASE e");
}

static void fields_cannot_flow_into_each_other(void **state)
{
    struct scratch *s = *state;
    struct qbid_store_cause cause = {5, "ab", "c"};
    uint64_t found;
    assert_int_equal(qbid_store_audit(s->store, &cause, "x", "", ""), 0);
    sql(s->store, "DROP TRIGGER audit_is_final; UPDATE audit SET actor = 'a', what = 'bx'");
    assert_int_equal(qbid_store_verify_audit(s->store, &found), QBID_ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_untouched_chain_is_verified_and_read_latest_first,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(the_file_itself_refuses_edits_and_deletions, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(every_edit_of_every_record_is_found, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_deleted_record_is_found_even_the_last, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(reordered_and_inserted_records_are_found, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(fields_cannot_flow_into_each_other, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
