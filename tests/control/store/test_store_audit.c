/* SPDX-License-Identifier: Apache-2.0 */
/* The audit: whatever is done to it behind the program's back is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

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

static int count_record(void *context, const struct qbid_store_record *r)
{
    (void)r;
    ++*(uint64_t *)context;
    return 0;
}

static void an_untouched_chain_is_verified_and_read_latest_first(void **state)
{
    struct scratch *s = *state;
    uint64_t id = 99, last = 0;
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), 0);
    assert_int_equal(id, 0);
    fill(s->store);
    scratch_reopen(s);
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), 0);
    assert_int_equal(id, RECORDS);
    assert_int_equal(qbid_store_load_audit(s->store, 3, collect, &last), 0);
    assert_int_equal(last, RECORDS - 2);
}

/* What they did, latest first. */
static int append_what(void *context, const struct qbid_store_record *r)
{
    strcat(context, r->what);
    strcat(context, " ");
    return 0;
}

static void changes_are_found_behind_any_number_of_generations(void **state)
{
    struct scratch *s = *state;
    struct qbid_store_cause cause = {5, "uid 1", "because"};
    char what[100] = "";
    assert_int_equal(qbid_store_audit(s->store, &cause, "first", "", ""), 0);
    assert_int_equal(qbid_store_audit(s->store, &cause, "second", "", ""), 0);
    for (int i = 0; i < 2000; i++)
        assert_int_equal(qbid_store_audit(s->store, &cause, "publish", "", ""), 0);
    assert_int_equal(qbid_store_audit_of(s->store, 7, &cause, "its", "", ""), 0);
    assert_int_equal(qbid_store_load_audit_changes(s->store, 2, append_what, what), 0);
    assert_string_equal(what, "its second ");
    qbid_store_scope(s->store, 7);
    *what = '\0';
    assert_int_equal(qbid_store_load_audit_changes(s->store, 100, append_what, what), 0);
    assert_string_equal(what, "its ");
    qbid_store_scope(s->store, 0);
    *what = '\0';
    assert_int_equal(qbid_store_load_audit_changes(s->store, 100, append_what, what), 0);
    assert_string_equal(what, "its second first ");
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

/* One tampering inside a savepoint: found, at that record, and nothing is left of it. */
static void check_found(struct qbid_store *store, const char *text, uint64_t first)
{
    uint64_t found = 0;
    sql(store, "SAVEPOINT e");
    sql(store, text);
    if (qbid_store_verify_audit(store, NULL, &found) != QBID_ERR_CORRUPT || found != first)
        fail_msg("%s: found at %llu, not at %llu", text, (unsigned long long)found,
                 (unsigned long long)first);
    sql(store, "ROLLBACK TO e; RELEASE e");
    assert_int_equal(qbid_store_verify_audit(store, NULL, &found), 0);
}

/* Other values, other types with the same bytes, text behind the end of a text. */
static void every_edit_of_every_field_of_every_record_is_found(void **state)
{
    struct scratch *s = *state;
    static const char *const texts[] = {"actor", "what", "why", "before", "after"};
    static const char *const text_edits[] = {"%s || 'x'", "'x' || %s", "%s || char(0) || 'x'",
                                             "CAST(%s AS BLOB)", "'other'"};
    static const char *const edits[] = {"unix_ns = unix_ns + 1",
                                        "unix_ns = unix_ns - 1",
                                        "unix_ns = unix_ns + 0.5",
                                        "unix_ns = -unix_ns",
                                        "unix_ns = 'x'",
                                        "tenant = tenant + 1",
                                        "tenant = tenant + 4294967296",
                                        "tenant = 'x'",
                                        "hash = zeroblob(32)",
                                        "hash = CAST(hash || x'00' AS BLOB)",
                                        "hash = substr(hash, 1, 31)",
                                        "hash = prev_hash",
                                        "prev_hash = zeroblob(31)",
                                        "prev_hash = hash",
                                        "prev_hash = CAST(hash AS TEXT)"};
    char text[192], edit[64];
    fill(s->store);
    sql(s->store, "DROP TRIGGER audit_is_final");
    for (unsigned id = 1; id <= RECORDS; id++) {
        for (size_t e = 0; e < sizeof edits / sizeof edits[0]; e++) {
            snprintf(text, sizeof text, "UPDATE audit SET %s WHERE id = %u", edits[e], id);
            check_found(s->store, text, id);
        }
        for (size_t t = 0; t < 25; t++) {
            const char *column = texts[t / 5];
            snprintf(edit, sizeof edit, text_edits[t % 5], column);
            snprintf(text, sizeof text, "UPDATE audit SET %s = %s WHERE id = %u", column, edit, id);
            check_found(s->store, text, id);
        }
        for (size_t t = 0; t < 25; t++) { /* one field's value in the place of another's */
            if (t / 5 == t % 5)
                continue;
            snprintf(text, sizeof text, "UPDATE audit SET %s = %s || '.' WHERE id = %u",
                     texts[t / 5], texts[t % 5], id);
            check_found(s->store, text, id);
        }
    }
}

static void every_byte_of_every_hash_counts(void **state)
{
    struct scratch *s = *state;
    char text[224];
    fill(s->store);
    sql(s->store, "DROP TRIGGER audit_is_final");
    for (unsigned id = 1; id <= RECORDS; id++)
        for (unsigned byte = 1; byte <= 32; byte++) {
            snprintf(text, sizeof text,
                     "UPDATE audit SET hash = CAST(substr(hash, 1, %u) || "
                     "CASE substr(hash, %u, 1) WHEN x'5a' THEN x'a5' ELSE x'5a' END || "
                     "substr(hash, %u) AS BLOB) WHERE id = %u",
                     byte - 1, byte, byte + 1, id);
            check_found(s->store, text, id);
        }
}

static void every_deleted_record_is_found_even_the_last(void **state)
{
    struct scratch *s = *state;
    char text[96];
    fill(s->store);
    sql(s->store, "DROP TRIGGER audit_is_kept");
    for (unsigned id = 1; id <= RECORDS; id++) {
        snprintf(text, sizeof text, "DELETE FROM audit WHERE id = %u", id);
        check_found(s->store, text, id);
        snprintf(text, sizeof text, "DELETE FROM audit WHERE id >= %u", id);
        check_found(s->store, text, id);
    }
    check_found(s->store, "DELETE FROM audit_head", RECORDS + 1);
    check_found(s->store, "UPDATE audit_head SET id = id + 1", RECORDS + 1);
    check_found(s->store, "UPDATE audit_head SET hash = zeroblob(32)", RECORDS + 1);
}

static void every_swap_move_and_insertion_is_found(void **state)
{
    struct scratch *s = *state;
    char text[320];
    fill(s->store);
    sql(s->store, "DROP TRIGGER audit_is_final");
    for (unsigned a = 1; a <= RECORDS; a++) {
        for (unsigned b = a + 1; b <= RECORDS; b++) {
            snprintf(text, sizeof text,
                     "UPDATE audit SET id = 100 WHERE id = %u; UPDATE audit SET id = %u WHERE id = "
                     "%u; UPDATE audit SET id = %u WHERE id = 100",
                     a, a, b, b);
            check_found(s->store, text, a);
        }
        snprintf(text, sizeof text, "UPDATE audit SET id = 50 WHERE id = %u", a);
        check_found(s->store, text, a);
        for (int at = -1; at <= 0; at++) {
            snprintf(text, sizeof text,
                     "INSERT INTO audit SELECT %d, unix_ns, actor, what, why, before, after, "
                     "prev_hash, hash, tenant FROM audit WHERE id = %u",
                     at, a);
            check_found(s->store, text, 1);
        }
        snprintf(
            text, sizeof text,
            "INSERT INTO audit SELECT %u, unix_ns, actor, what, why, before, after, prev_hash, "
            "hash, tenant FROM audit WHERE id = %u",
            RECORDS + 1, a);
        check_found(s->store, text, RECORDS + 1);
    }
}

static void a_record_of_a_tenant_is_seen_in_its_scope_alone(void **state)
{
    struct scratch *s = *state;
    struct qbid_store_cause cause = {5, "uid 1", "because"};
    uint64_t seen = 0;
    fill(s->store);
    assert_int_equal(qbid_store_audit_of(s->store, 7, &cause, "its", "", ""), 0);
    qbid_store_scope(s->store, 8);
    assert_int_equal(qbid_store_load_audit(s->store, 100, count_record, &seen), 0);
    assert_int_equal(seen, 0);
    qbid_store_scope(s->store, 7);
    assert_int_equal(qbid_store_load_audit(s->store, 100, count_record, &seen), 0);
    assert_int_equal(seen, 1);
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &seen), 0);
    assert_int_equal(seen, RECORDS + 1); /* the chain is one */
}

static void fields_cannot_flow_into_each_other(void **state)
{
    struct scratch *s = *state;
    struct qbid_store_cause cause = {5, "ab", "c"};
    uint64_t found;
    assert_int_equal(qbid_store_audit(s->store, &cause, "x", "", ""), 0);
    sql(s->store, "DROP TRIGGER audit_is_final; UPDATE audit SET actor = 'a', what = 'bx'");
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &found), QBID_ERR_CORRUPT);
}

/* --- with a key */

static void key_set(struct qbid_store *store, uint8_t seed, uint64_t from)
{
    struct qbid_audit_key key;
    qbid_audit_key_derive((const uint8_t[QBID_AUDIT_SEED_BYTES]){seed}, from, &key);
    assert_int_equal(qbid_store_audit_key(store, &key, 999), 0);
}

static int keyed_setup(void **state)
{
    int err = scratch_setup(state);
    if (!err)
        key_set(((struct scratch *)*state)->store, 1, 1);
    return err;
}

/* The whole chain anew, as one could who has the file and this program but not the key: `key` is
 * none or another. Written by a second connection, as the first one goes on. */
static void chain_rebuild(struct scratch *s, const char *after, uint8_t seed, unsigned records)
{
    struct qbid_store_params params = {.path = s->path};
    struct qbid_store *forger;
    char why[QBID_STORE_WHY_MAX];
    assert_int_equal(qbid_store_new(&params, &forger, why), 0);
    sql(forger, "DROP TRIGGER IF EXISTS audit_is_kept; DELETE FROM audit; DELETE FROM audit_head");
    if (seed)
        key_set(forger, seed, 1);
    for (unsigned i = 1; i <= records; i++) {
        struct qbid_store_cause cause = {1000 + i, "uid 1", "because"};
        assert_int_equal(qbid_store_audit(forger, &cause, "thing", NULL, after), 0);
    }
    qbid_store_free(forger);
}

static void a_chain_made_anew_without_the_key_is_found(void **state)
{
    struct scratch *s = *state;
    uint64_t id = 0;
    fill(s->store);
    chain_rebuild(s, "forged", 0, RECORDS);
    scratch_reopen(s);
    key_set(s->store, 1, 1);
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), QBID_ERR_CORRUPT);
    assert_int_equal(id, 1);
    chain_rebuild(s, "forged", 2, RECORDS);
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), QBID_ERR_CORRUPT);
    assert_int_equal(id, 1);
    /* the negative: with the key it is a chain like any other */
    chain_rebuild(s, "forged", 1, RECORDS);
    scratch_reopen(s);
    key_set(s->store, 1, 1);
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), 0);
    assert_int_equal(id, RECORDS);
}

static void a_chain_made_anew_or_cut_behind_a_running_program_is_found(void **state)
{
    struct scratch *s = *state;
    uint64_t id = 0;
    fill(s->store);
    chain_rebuild(s, "forged", 1, RECORDS); /* by somebody who has the key */
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), QBID_ERR_CORRUPT);
    assert_int_equal(id, RECORDS);
    assert_string_equal(qbid_store_why(s->store), "the audit was written anew behind this program");
    chain_rebuild(s, "forged", 1, RECORDS - 3);
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), QBID_ERR_CORRUPT);
    assert_int_equal(id, RECORDS - 2);
}

static void a_checkpoint_finds_what_was_cut_or_made_anew_since(void **state)
{
    struct scratch *s = *state;
    struct qbid_audit_head at, read;
    char line[QBID_AUDIT_CHECKPOINT_MAX], bad[QBID_AUDIT_CHECKPOINT_MAX + 2];
    const uint8_t *public = qbid_store_audit_key_load(s->store)->sign_public;
    uint64_t id = 0;
    fill(s->store);
    assert_int_equal(qbid_store_audit_checkpoint(s->store, 1790000000, line, &at), 0);
    assert_int_equal(at.id, RECORDS);
    assert_int_equal(qbid_audit_checkpoint_check(line, public, &read), 0);
    assert_int_equal(read.id, RECORDS);
    assert_memory_equal(read.hash, at.hash, sizeof at.hash);
    for (size_t i = 0; line[i]; i++) { /* each character of it counts */
        strcpy(bad, line);
        bad[i] = bad[i] == '1' ? '2' : '1';
        assert_int_not_equal(qbid_audit_checkpoint_check(bad, public, &read), 0);
        strcpy(bad, line);
        bad[i] = 0;
        assert_int_not_equal(qbid_audit_checkpoint_check(bad, public, &read), 0);
    }
    snprintf(bad, sizeof bad, "%s\n", line);
    assert_int_equal(qbid_audit_checkpoint_check(bad, public, &read), 0);
    snprintf(bad, sizeof bad, "%sx", line);
    assert_int_equal(qbid_audit_checkpoint_check(bad, public, &read), QBID_ERR_PARSE);
    fill(s->store);
    assert_int_equal(qbid_store_verify_audit(s->store, &at, &id), 0);
    assert_int_equal(id, 2 * RECORDS);

    /* cut while nobody ran, and the head set back: nothing inside the file can tell */
    qbid_store_free(s->store);
    assert_int_equal(scratch_open(s), 0);
    sql(s->store, "DROP TRIGGER audit_is_kept; DELETE FROM audit WHERE id > 5;"
                  "UPDATE audit_head SET id = 5, hash = (SELECT hash FROM audit WHERE id = 5)");
    scratch_reopen(s);
    key_set(s->store, 1, 1);
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), 0);
    assert_int_equal(qbid_store_verify_audit(s->store, &at, &id), QBID_ERR_CORRUPT);
    assert_int_equal(id, 6);
    /* made anew with the key, as long as it was */
    chain_rebuild(s, "forged", 1, RECORDS);
    scratch_reopen(s);
    key_set(s->store, 1, 1);
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), 0);
    assert_int_equal(qbid_store_verify_audit(s->store, &at, &id), QBID_ERR_CORRUPT);
    assert_int_equal(id, RECORDS);
}

static void a_store_from_before_the_key_is_sealed_by_it(void **state)
{
    struct scratch *s = *state;
    uint64_t id = 0;
    fill(s->store);
    key_set(s->store, 1, RECORDS + 1);
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), 0);
    assert_int_equal(id, RECORDS + 1); /* "audit keyed" */
    fill(s->store);
    scratch_reopen(s);
    key_set(s->store, 1, RECORDS + 1);
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), 0);
    assert_int_equal(id, 2 * RECORDS + 1); /* sealed once */
    sql(s->store, "DROP TRIGGER audit_is_final; DROP TRIGGER audit_is_kept");
    check_found(s->store, "UPDATE audit SET after = 'x' WHERE id = 2", 2);
    check_found(s->store, "UPDATE audit SET after = 'x' WHERE id = 12", 12);
    check_found(s->store, "DELETE FROM audit WHERE id > 8", RECORDS + 1);

    /* the part without a key made anew: its seal does not fit any more */
    qbid_store_free(s->store);
    assert_int_equal(scratch_open(s), 0);
    sql(s->store, "CREATE TEMP TABLE kept AS SELECT * FROM audit WHERE id > 8;"
                  "CREATE TEMP TABLE head AS SELECT * FROM audit_head;"
                  "DELETE FROM audit; DELETE FROM audit_head");
    fill(s->store);
    sql(s->store, "DELETE FROM audit WHERE id = 8; UPDATE audit_head SET id = 7, hash = "
                  "(SELECT hash FROM audit WHERE id = 7)");
    struct qbid_store_cause cause = {1008, "uid 1", "because"};
    assert_int_equal(qbid_store_audit(s->store, &cause, "thing", "v", "another"), 0);
    sql(s->store, "INSERT INTO audit SELECT * FROM kept; DELETE FROM audit_head;"
                  "INSERT INTO audit_head SELECT * FROM head");
    scratch_reopen(s);
    key_set(s->store, 1, RECORDS + 1);
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), QBID_ERR_CORRUPT);
    assert_int_equal(id, RECORDS + 1);
    /* and all of it without a key */
    chain_rebuild(s, "forged", 0, 2 * RECORDS + 1);
    scratch_reopen(s);
    key_set(s->store, 1, RECORDS + 1);
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), QBID_ERR_CORRUPT);
    assert_int_equal(id, RECORDS + 1);
}

static void sealed_is(struct scratch *s, unsigned char seed, enum qbid_audit_seal want)
{
    struct qbid_audit_key key;
    enum qbid_audit_seal seal;
    uint8_t bytes[QBID_AUDIT_SEED_BYTES] = {seed};
    qbid_audit_key_derive(bytes, 1, &key);
    assert_int_equal(qbid_store_audit_sealed(s->store, seed ? &key : NULL, &seal), 0);
    assert_int_equal(seal, want);
}

/* The key is lost and another one begins: what the former one made is told apart, and kept in
 * order; without the new key's word for it nothing is taken for a former key's. */
static void a_break_of_the_key_is_told(void **state)
{
    struct scratch *s = *state;
    uint64_t id = 0;
    sealed_is(s, 0, QBID_AUDIT_EMPTY);
    fill(s->store);
    sealed_is(s, 1, QBID_AUDIT_PLAIN);
    key_set(s->store, 1, RECORDS + 1);
    fill(s->store);
    sealed_is(s, 1, QBID_AUDIT_OURS);
    sealed_is(s, 0, QBID_AUDIT_OTHER);
    scratch_reopen(s);
    key_set(s->store, 2, 2 * RECORDS + 2);
    fill(s->store);
    assert_int_equal(qbid_store_verify_audit(s->store, NULL, &id), 0);
    assert_int_equal(id, 3 * RECORDS + 2);
    assert_int_equal(qbid_store_audit_foreign(s->store), RECORDS + 1);
    sql(s->store, "DROP TRIGGER audit_is_final; DROP TRIGGER audit_is_kept");
    check_found(s->store, "UPDATE audit SET after = 'x' WHERE id = 2", 2);
    check_found(s->store, "UPDATE audit SET after = 'x' WHERE id = 20", 20);
    check_found(s->store, "UPDATE audit SET hash = zeroblob(32) WHERE id = 12", 13);
    check_found(s->store, "DELETE FROM audit WHERE id = 14", 14);
    check_found(s->store, "UPDATE audit SET what = 'audit keyed' WHERE id = 18", 18);
    check_found(s->store, "DELETE FROM audit WHERE id > 17", 18);
    assert_int_equal(qbid_store_audit_foreign(s->store), RECORDS + 1);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_untouched_chain_is_verified_and_read_latest_first,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(changes_are_found_behind_any_number_of_generations,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(the_file_itself_refuses_edits_and_deletions, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(every_edit_of_every_field_of_every_record_is_found,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(every_byte_of_every_hash_counts, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(every_deleted_record_is_found_even_the_last, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(every_swap_move_and_insertion_is_found, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_record_of_a_tenant_is_seen_in_its_scope_alone,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(fields_cannot_flow_into_each_other, scratch_setup,
                                        scratch_teardown),
        {"every_edit_is_found_with_a_key", every_edit_of_every_field_of_every_record_is_found,
         keyed_setup, scratch_teardown, NULL},
        {"every_deleted_record_is_found_with_a_key", every_deleted_record_is_found_even_the_last,
         keyed_setup, scratch_teardown, NULL},
        {"every_swap_is_found_with_a_key", every_swap_move_and_insertion_is_found, keyed_setup,
         scratch_teardown, NULL},
        cmocka_unit_test_setup_teardown(a_chain_made_anew_without_the_key_is_found, keyed_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_chain_made_anew_or_cut_behind_a_running_program_is_found,
                                        keyed_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_checkpoint_finds_what_was_cut_or_made_anew_since,
                                        keyed_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_break_of_the_key_is_told, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_store_from_before_the_key_is_sealed_by_it, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
