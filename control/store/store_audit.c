/* SPDX-License-Identifier: Apache-2.0 */
/* The audit chain: hash = BLAKE2b-256(previous hash, every field with its length, and the tenant
 * where there is one), keyed from the record on that the key names. */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "control/store/store_db.h"
#include "shm/error.h"

#define HASH_BYTES QBID_AUDIT_HASH_BYTES
#define KEYED "audit keyed"           /* the first record with a key, behind records without one */
#define KEYED_ANEW "audit keyed anew" /* behind records with another key */

static void absorb(crypto_generichash_state *state, const char *text)
{
    uint64_t len = strlen(text);
    crypto_generichash_update(state, (const unsigned char *)&len, sizeof len);
    crypto_generichash_update(state, (const unsigned char *)text, len);
}

/* key NULL = without one. */
static void record_hash(const struct qbid_audit_key *key, const struct qbid_store_record *r,
                        const unsigned char prev[HASH_BYTES], unsigned char out[HASH_BYTES])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, key ? key->mac : NULL, key ? sizeof key->mac : 0, HASH_BYTES);
    crypto_generichash_update(&state, prev, HASH_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)&r->id, sizeof r->id);
    crypto_generichash_update(&state, (const unsigned char *)&r->unix_ns, sizeof r->unix_ns);
    absorb(&state, r->actor);
    absorb(&state, r->what);
    absorb(&state, r->why);
    absorb(&state, r->before);
    absorb(&state, r->after);
    if (r->tenant) /* a record from before there were tenants in it keeps its hash */
        crypto_generichash_update(&state, (const unsigned char *)&r->tenant, sizeof r->tenant);
    crypto_generichash_final(&state, out, HASH_BYTES);
}

static bool column_hash(sqlite3_stmt *s, int at, unsigned char out[HASH_BYTES])
{
    if (sqlite3_column_bytes(s, at) != HASH_BYTES)
        return false;
    memcpy(out, sqlite3_column_blob(s, at), HASH_BYTES);
    return true;
}

/* Last id and hash as one of two statements says it. */
static int head_load(struct qbid_store *store, enum qbid_store_sql which,
                     struct qbid_audit_head *ret)
{
    sqlite3_stmt *s = qbid_store_statement(store, which);
    *ret = (struct qbid_audit_head){0};
    int row = qbid_store_step(store, s);
    if (row <= 0)
        return row;
    ret->id = qbid_store_column(s, 0);
    bool ok = column_hash(s, 1, ret->hash);
    sqlite3_reset(s);
    return ok ? 0 : qbid_store_fail(store, QBID_ERR_CORRUPT, "the audit's hash is damaged");
}

static int record_add(struct qbid_store *store, const struct qbid_store_record *r,
                      const struct qbid_audit_head *head)
{
    struct qbid_audit_head next = {.id = r->id};
    unsigned char *hash = next.hash;
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_AUDIT_ADD);
    if (!s)
        return QBID_ERR_STORE;
    record_hash(store->audit_keyed ? &store->audit_key : NULL, r, head->hash, hash);
    qbid_store_bind(s, 1, r->id);
    qbid_store_bind(s, 2, r->unix_ns);
    sqlite3_bind_text(s, 3, r->actor, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 4, r->what, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 5, r->why, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 6, r->before, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 7, r->after, -1, SQLITE_STATIC);
    sqlite3_bind_blob(s, 8, head->hash, HASH_BYTES, SQLITE_STATIC);
    sqlite3_bind_blob(s, 9, hash, HASH_BYTES, SQLITE_STATIC);
    qbid_store_bind(s, 10, r->tenant);
    int err = qbid_store_run(store, s);
    s = err ? NULL : qbid_store_statement(store, QBID_STORE_SQL_AUDIT_HEAD);
    if (!s)
        return err ? err : QBID_ERR_STORE;
    qbid_store_bind(s, 1, r->id);
    sqlite3_bind_blob(s, 2, hash, HASH_BYTES, SQLITE_STATIC);
    err = qbid_store_run(store, s);
    if (!err)
        store->audit_next = next; /* known for sure once it is committed */
    return err;
}

int qbid_store_audit(struct qbid_store *store, const struct qbid_store_cause *cause,
                     const char *what, const char *before, const char *after)
{
    return qbid_store_audit_of(store, 0, cause, what, before, after);
}

int qbid_store_audit_of(struct qbid_store *store, uint32_t tenant,
                        const struct qbid_store_cause *cause, const char *what, const char *before,
                        const char *after)
{
    struct qbid_audit_head head;
    int err = qbid_store_begin(store);
    if (err)
        return err;
    err = head_load(store, QBID_STORE_SQL_AUDIT_LAST, &head);
    struct qbid_store_record record = {.id = head.id + 1,
                                       .unix_ns = cause->unix_ns,
                                       .actor = cause->actor,
                                       .what = what,
                                       .why = cause->why,
                                       .before = before ? before : "",
                                       .after = after ? after : "",
                                       .tenant = tenant};
    if (!err)
        err = record_add(store, &record, &head);
    return qbid_store_end(store, err);
}

static struct qbid_store_record record_read(sqlite3_stmt *s)
{
    return (struct qbid_store_record){.id = qbid_store_column(s, 0),
                                      .unix_ns = qbid_store_column(s, 1),
                                      .actor = qbid_store_column_text(s, 2),
                                      .what = qbid_store_column_text(s, 3),
                                      .why = qbid_store_column_text(s, 4),
                                      .before = qbid_store_column_text(s, 5),
                                      .after = qbid_store_column_text(s, 6),
                                      .tenant = (uint32_t)sqlite3_column_int64(s, 7)};
}

/* Whether every column is of the type that was written, and no text goes on behind its end: what
 * the hash does not see must not be there. */
static bool record_whole(sqlite3_stmt *s)
{
    static const int type[] = {SQLITE_INTEGER, SQLITE_INTEGER, SQLITE_TEXT, SQLITE_TEXT,
                               SQLITE_TEXT,    SQLITE_TEXT,    SQLITE_TEXT, SQLITE_INTEGER,
                               SQLITE_BLOB,    SQLITE_BLOB};
    for (int at = 0; at < (int)(sizeof type / sizeof type[0]); at++) {
        if (sqlite3_column_type(s, at) != type[at])
            return false;
        if (type[at] == SQLITE_TEXT &&
            strlen(qbid_store_column_text(s, at)) != (size_t)sqlite3_column_bytes(s, at))
            return false;
    }
    return (uint64_t)sqlite3_column_int64(s, 7) <= UINT32_MAX;
}

static int records_load(struct qbid_store *store, enum qbid_store_sql sql, uint32_t max,
                        qbid_store_record_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, sql);
    int row;
    if (s)
        sqlite3_bind_int64(s, 1, max);
    while ((row = qbid_store_step(store, s)) > 0) {
        struct qbid_store_record record = record_read(s);
        int err = fn(context, &record);
        if (err) {
            sqlite3_reset(s);
            return err;
        }
    }
    return row;
}

int qbid_store_load_audit(struct qbid_store *store, uint32_t max, qbid_store_record_fn *fn,
                          void *context)
{
    return records_load(store, QBID_STORE_SQL_AUDIT_LOAD, max, fn, context);
}

int qbid_store_load_audit_changes(struct qbid_store *store, uint32_t max, qbid_store_record_fn *fn,
                                  void *context)
{
    return records_load(store, QBID_STORE_SQL_AUDIT_CHANGES, max, fn, context);
}

int qbid_store_audit_head(struct qbid_store *store, struct qbid_audit_head *ret_head)
{
    return head_load(store, QBID_STORE_SQL_AUDIT_LAST, ret_head);
}

int qbid_store_audit_sealed(struct qbid_store *store, const struct qbid_audit_key *key,
                            enum qbid_audit_seal *ret_seal)
{
    unsigned char prev[HASH_BYTES], hash[HASH_BYTES], want[HASH_BYTES];
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_AUDIT_END);
    int row = qbid_store_step(store, s);
    *ret_seal = QBID_AUDIT_EMPTY;
    if (row <= 0)
        return row;
    struct qbid_store_record record = record_read(s);
    *ret_seal = QBID_AUDIT_OTHER;
    if (column_hash(s, 8, prev) && column_hash(s, 9, hash)) {
        record_hash(NULL, &record, prev, want);
        if (memcmp(hash, want, HASH_BYTES) == 0)
            *ret_seal = QBID_AUDIT_PLAIN;
        record_hash(key, &record, prev, want);
        if (key && sodium_memcmp(hash, want, HASH_BYTES) == 0)
            *ret_seal = QBID_AUDIT_OURS;
    }
    sqlite3_reset(s);
    return 0;
}

int qbid_store_audit_key(struct qbid_store *store, const struct qbid_audit_key *key,
                         uint64_t unix_ns)
{
    struct qbid_store_cause cause = {unix_ns, "qbidd", "records from here on need the key"};
    struct qbid_audit_head last;
    enum qbid_audit_seal seal = QBID_AUDIT_EMPTY;
    store->audit_key = *key;
    store->audit_keyed = true;
    int err = qbid_store_audit_head(store, &last);
    if (err || last.id + 1 != key->from || last.id == 0)
        return err;
    err = qbid_store_audit_sealed(store, NULL, &seal);
    if (!err && seal == QBID_AUDIT_OTHER)
        cause.why = "records before this one had another key, and cannot be verified with this";
    return err ? err
               : qbid_store_audit(store, &cause, seal == QBID_AUDIT_OTHER ? KEYED_ANEW : KEYED,
                                  NULL, NULL);
}

const struct qbid_audit_key *qbid_store_audit_key_load(const struct qbid_store *store)
{
    return store->audit_keyed ? &store->audit_key : NULL;
}

uint64_t qbid_store_audit_foreign(const struct qbid_store *store)
{
    return store->audit_foreign;
}

int qbid_store_audit_checkpoint(struct qbid_store *store, int64_t unix_s,
                                char out[QBID_AUDIT_CHECKPOINT_MAX],
                                struct qbid_audit_head *ret_head)
{
    if (!store->audit_keyed)
        return qbid_store_fail(store, QBID_ERR_DENIED, "the audit has no key to sign with");
    int err = qbid_store_audit_head(store, ret_head);
    if (!err)
        qbid_audit_checkpoint_sign(&store->audit_key, ret_head, unix_s, out);
    return err;
}

/* A head that is known from elsewhere, as the walk passes its record. */
static bool head_agrees(const struct qbid_audit_head *known, const struct qbid_audit_head *at)
{
    return !known || known->id != at->id || memcmp(known->hash, at->hash, HASH_BYTES) == 0;
}

/* One more record that follows the last one. Of those that a former key may have made nothing more
 * can be said (*foreign is the first of them), and the first that this key made must say so. */
static bool record_fits(const struct qbid_store *store, sqlite3_stmt *s,
                        const struct qbid_audit_head *last, unsigned char hash[HASH_BYTES],
                        uint64_t *foreign)
{
    bool whole = record_whole(s);
    struct qbid_store_record record = record_read(s);
    bool keyed = store->audit_keyed && record.id >= store->audit_key.from;
    bool begins = keyed && record.id == store->audit_key.from;
    unsigned char prev[HASH_BYTES], want[HASH_BYTES];
    record_hash(keyed ? &store->audit_key : NULL, &record, last->hash, want);
    if (!whole || record.id != last->id + 1 || !column_hash(s, 8, prev) ||
        !column_hash(s, 9, hash) || memcmp(prev, last->hash, HASH_BYTES) != 0)
        return false;
    bool fits = sodium_memcmp(hash, want, HASH_BYTES) == 0;
    if (keyed)
        return fits && !(begins && *foreign && strcmp(record.what, KEYED_ANEW) != 0);
    if (!fits && !*foreign && store->audit_keyed)
        *foreign = record.id;
    return fits ? !*foreign : *foreign; /* without a key none is made after those with one */
}

/* The records themselves. last is the last one that fits. */
static int records_walk(struct qbid_store *store, const struct qbid_audit_head *checkpoint,
                        struct qbid_audit_head *last, uint64_t *foreign)
{
    int row;
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_AUDIT_WALK);
    while ((row = qbid_store_step(store, s)) > 0) {
        struct qbid_audit_head at = {.id = last->id + 1};
        const char *wrong = NULL;
        if (!record_fits(store, s, last, at.hash, foreign))
            wrong = "the audit was changed";
        else if (!head_agrees(&store->audit_seen, &at))
            wrong = "the audit was written anew behind this program";
        else if (!head_agrees(checkpoint, &at))
            wrong = "the audit is not that of the checkpoint";
        if (wrong) {
            sqlite3_reset(s);
            return qbid_store_fail(store, QBID_ERR_CORRUPT, wrong);
        }
        *last = at;
    }
    return row;
}

int qbid_store_verify_audit(struct qbid_store *store, const struct qbid_audit_head *checkpoint,
                            uint64_t *ret_id)
{
    struct qbid_audit_head head, last = {0};
    uint64_t foreign = 0;
    int err = head_load(store, QBID_STORE_SQL_AUDIT_HEAD_LOAD, &head);
    if (!err)
        err = records_walk(store, checkpoint, &last, &foreign);
    bool unsaid = foreign && last.id < store->audit_key.from;
    if (!err && unsaid) /* nothing of this key is there to say that a former one was */
        err = qbid_store_fail(store, QBID_ERR_CORRUPT, "the audit was changed");
    *ret_id = err && !(unsaid && foreign == last.id) ? last.id + 1 : last.id;
    store->audit_foreign = err ? 0 : foreign;
    if (err)
        return err;
    bool keyless = store->audit_keyed && last.id < store->audit_key.from &&
                   !(store->audit_key.from == 1 && last.id == 0);
    if (last.id == head.id && memcmp(last.hash, head.hash, HASH_BYTES) == 0 && !keyless &&
        last.id >= store->audit_seen.id && (!checkpoint || last.id >= checkpoint->id))
        return 0;
    *ret_id = last.id + 1;
    return qbid_store_fail(store, QBID_ERR_CORRUPT, "the end of the audit was cut off");
}
