/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite in memory: the key is the row id, a prepared statement inside one open transaction, no
 * mutexes. */
#include <stdlib.h>

#include <sqlite3.h>

#include "bench/index/lookup.h"

static inline uint64_t find(void *peer, uint64_t key)
{
    sqlite3_stmt *get = peer;
    uint64_t value = 0;
    sqlite3_bind_int64(get, 1, (sqlite3_int64)key);
    if (sqlite3_step(get) == SQLITE_ROW)
        value = (uint64_t)sqlite3_column_int64(get, 0);
    sqlite3_reset(get);
    return value;
}

static uint64_t run_each(void *peer, const uint64_t *keys, size_t n)
{
    return lookup_each(find, peer, keys, n);
}

static void run_sql(sqlite3 *db, const char *sql)
{
    lookup_must(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sql);
}

static void fill(sqlite3 *db, const struct lookup_world *world)
{
    sqlite3_stmt *put;
    lookup_must(sqlite3_prepare_v2(db, "INSERT INTO t VALUES (?, ?)", -1, &put, NULL) == SQLITE_OK,
                "INSERT");
    run_sql(db, "BEGIN");
    for (uint32_t i = 0; i < LOOKUP_KEYS; i++) {
        sqlite3_bind_int64(put, 1, (sqlite3_int64)world->key[i]);
        sqlite3_bind_int64(put, 2, (sqlite3_int64)world->value[i]);
        lookup_must(sqlite3_step(put) == SQLITE_DONE, "INSERT");
        sqlite3_reset(put);
    }
    run_sql(db, "COMMIT");
    sqlite3_finalize(put);
}

void lookup_sqlite_add(struct lookup_bench *bench)
{
    sqlite3 *db;
    sqlite3_stmt *get;
    lookup_must(sqlite3_open_v2(":memory:", &db,
                                SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                                NULL) == SQLITE_OK,
                "SQLite does not open");
    run_sql(db, "CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)");
    fill(db, &bench->world);
    lookup_must(sqlite3_prepare_v3(db, "SELECT v FROM t WHERE k = ?", -1, SQLITE_PREPARE_PERSISTENT,
                                   &get, NULL) == SQLITE_OK,
                "SELECT");
    run_sql(db, "BEGIN");
    lookup_design_add(
        bench,
        (struct lookup_design){.name = "sqlite", .slice = 1u << 13, .run = run_each, .peer = get});
}
