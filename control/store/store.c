/* SPDX-License-Identifier: Apache-2.0 */
/* The connection: opening, migrating, transactions, statements, numbers. */
#include "control/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/store/store_db.h"
#include "shm/error.h"

#define BUSY_MS 2000 /* somebody else reads with a tool of their own */

static const char *const statement_sql[QBID_STORE_SQL_CNT] = {
#define X(name, sql) sql,
    QBID_STORE_SQL_LIST(X)
#undef X
};

int qbid_store_fail(struct qbid_store *store, int err, const char *words)
{
    snprintf(store->why, sizeof store->why, "%s", words);
    return err;
}

int qbid_store_fail_db(struct qbid_store *store)
{
    return qbid_store_fail(store, QBID_ERR_STORE, sqlite3_errmsg(store->db));
}

const char *qbid_store_why(const struct qbid_store *store)
{
    return store->why;
}

sqlite3_stmt *qbid_store_statement(struct qbid_store *store, enum qbid_store_sql which)
{
    sqlite3_stmt **statement = &store->statement[which];
    if (!*statement && sqlite3_prepare_v3(store->db, statement_sql[which], -1,
                                          SQLITE_PREPARE_PERSISTENT, statement, NULL) != SQLITE_OK)
        qbid_store_fail_db(store);
    return *statement;
}

int qbid_store_step(struct qbid_store *store, sqlite3_stmt *statement)
{
    if (!statement)
        return QBID_ERR_STORE;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 1;
    int err = rc == SQLITE_DONE ? 0 : qbid_store_fail_db(store);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return err;
}

int qbid_store_rows_end(sqlite3_stmt *statement, int row, int err)
{
    if (err)
        sqlite3_reset(statement);
    return err ? err : row;
}

int qbid_store_run(struct qbid_store *store, sqlite3_stmt *statement)
{
    int row = qbid_store_step(store, statement);
    if (row > 0) {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
    return row < 0 ? row : 0;
}

int qbid_store_prune(struct qbid_store *store, enum qbid_store_sql which, int64_t unix_s,
                     uint32_t max)
{
    sqlite3_stmt *s = qbid_store_statement(store, which);
    if (!s)
        return QBID_ERR_STORE;
    sqlite3_bind_int64(s, 1, unix_s);
    sqlite3_bind_int64(s, 2, max);
    int err = qbid_store_run(store, s);
    return err ? err : sqlite3_changes(store->db);
}

int qbid_store_begin(struct qbid_store *store)
{
    if (store->depth == 0) {
        store->failed = 0;
        int err = qbid_store_run(store, qbid_store_statement(store, QBID_STORE_SQL_BEGIN));
        if (err)
            return err;
    }
    store->depth++;
    return 0;
}

int qbid_store_end(struct qbid_store *store, int err)
{
    if (err && !store->failed)
        store->failed = err;
    if (--store->depth > 0)
        return store->failed;
    err = store->failed;
    if (!err)
        err = qbid_store_run(store, qbid_store_statement(store, QBID_STORE_SQL_COMMIT));
    if (err && !sqlite3_get_autocommit(store->db)) {
        char why[QBID_STORE_WHY_MAX];
        memcpy(why, store->why, sizeof why); /* of the failure, not of the way back */
        qbid_store_run(store, qbid_store_statement(store, QBID_STORE_SQL_ROLLBACK));
        memcpy(store->why, why, sizeof why);
    }
    if (err)
        store->audit_next = store->audit_seen;
    else
        store->audit_seen = store->audit_next;
    return err;
}

static int version_read(struct qbid_store *store, int *ret_version)
{
    sqlite3_stmt *statement = NULL;
    int err = QBID_ERR_STORE;
    if (sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        *ret_version = sqlite3_column_int(statement, 0);
        err = 0;
    } else {
        qbid_store_fail_db(store);
    }
    sqlite3_finalize(statement);
    return err;
}

static int exec(struct qbid_store *store, const char *sql)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                       : qbid_store_fail_db(store);
}

static int migrate(struct qbid_store *store)
{
    int version;
    int err = version_read(store, &version);
    if (!err && version > QBID_STORE_SCHEMA)
        return qbid_store_fail(store, QBID_ERR_VERSION, "the store was written by a newer qbidd");
    for (; !err && version < QBID_STORE_SCHEMA; version++) {
        char sql[64];
        snprintf(sql, sizeof sql, "PRAGMA user_version = %d", version + 1);
        err = qbid_store_begin(store);
        if (err)
            break;
        for (int i = 0; i < QBID_STORE_PARTS && !err && qbid_store_migrations[version][i]; i++)
            err = exec(store, qbid_store_migrations[version][i]);
        if (!err)
            err = exec(store, sql);
        err = qbid_store_end(store, err);
    }
    return err;
}

/* tenant_in_scope(tenant), of the schema's views and triggers. */
static void tenant_in_scope(sqlite3_context *context, int cnt, sqlite3_value **value)
{
    const struct qbid_store *store = sqlite3_user_data(context);
    (void)cnt;
    sqlite3_result_int(context, store->scope == 0 || sqlite3_value_int64(value[0]) == store->scope);
}

uint32_t qbid_store_scope(struct qbid_store *store, uint32_t tenant)
{
    uint32_t before = store->scope;
    store->scope = tenant;
    return before;
}

static int open_checked(struct qbid_store *store, const struct qbid_store_params *params)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(params->path, &store->db, flags, NULL) != SQLITE_OK)
        return qbid_store_fail_db(store);
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, BUSY_MS);
    if (sqlite3_create_function_v2(store->db, "tenant_in_scope", 1, SQLITE_UTF8 | SQLITE_INNOCUOUS,
                                   store, tenant_in_scope, NULL, NULL, NULL) != SQLITE_OK)
        return qbid_store_fail_db(store);
    int err = exec(store, "PRAGMA journal_mode = WAL");
    if (err && (sqlite3_errcode(store->db) & 0xff) == SQLITE_NOTADB)
        return qbid_store_fail(store, QBID_ERR_CORRUPT, "the file is not a store");
    if (!err)
        err = exec(store,
                   params->strict ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    if (!err)
        err = exec(store, "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF");
    if (!err)
        err = migrate(store);
    if (!err && qbid_store_audit_head(store, &store->audit_next) == QBID_ERR_STORE)
        err = QBID_ERR_STORE; /* a damaged hash is for the verification to find */
    store->audit_seen = store->audit_next;
    return err;
}

int qbid_store_new(const struct qbid_store_params *params, struct qbid_store **ret_store,
                   char why[QBID_STORE_WHY_MAX])
{
    struct qbid_store *store = calloc(1, sizeof *store);
    if (!store)
        return QBID_ERR_NOMEM;
    int err = open_checked(store, params);
    if (err) {
        memcpy(why, store->why, QBID_STORE_WHY_MAX);
        qbid_store_free(store);
        return err;
    }
    *ret_store = store;
    return 0;
}

void qbid_store_free(struct qbid_store *store)
{
    if (!store)
        return;
    for (int i = 0; i < QBID_STORE_SQL_CNT; i++)
        sqlite3_finalize(store->statement[i]);
    for (int i = 0; i < QBID_ITEM_CNT; i++) {
        sqlite3_finalize(store->upsert[i]);
        sqlite3_finalize(store->load[i]);
    }
    sqlite3_close(store->db);
    qbid_keymap_done(&store->series);
    free(store->series_hash);
    explicit_bzero(&store->audit_key, sizeof store->audit_key);
    free(store);
}

int qbid_store_get(struct qbid_store *store, const char *name, uint64_t preset, uint64_t *ret_value)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_KV_GET);
    if (!s)
        return QBID_ERR_STORE;
    sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    int row = qbid_store_step(store, s);
    if (row < 0)
        return row;
    *ret_value = row ? qbid_store_column(s, 0) : preset;
    sqlite3_reset(s);
    return 0;
}

int qbid_store_set(struct qbid_store *store, const char *name, uint64_t value)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_KV_SET);
    if (!s)
        return QBID_ERR_STORE;
    sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    qbid_store_bind(s, 2, value);
    return qbid_store_run(store, s);
}

int qbid_store_take(struct qbid_store *store, const char *name, uint64_t least, uint64_t cnt,
                    uint64_t *ret_first)
{
    uint64_t next = 0;
    int err = qbid_store_begin(store);
    if (err)
        return err;
    err = qbid_store_get(store, name, least, &next);
    if (next < least)
        next = least;
    if (!err)
        err = qbid_store_set(store, name, next + cnt);
    err = qbid_store_end(store, err);
    if (!err)
        *ret_first = next;
    return err;
}
