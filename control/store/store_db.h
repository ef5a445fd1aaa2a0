/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the store: the connection, its statements, and short words for binding and reading. */
#ifndef QBID_CONTROL_STORE_STORE_DB_H
#define QBID_CONTROL_STORE_STORE_DB_H

#include <sqlite3.h>

#include "control/keymap.h"
#include "control/store/store.h"

#define QBID_STORE_SCHEMA 7
#define QBID_STORE_PARTS 2

/* Statements that never change, prepared on first use. */
/* clang-format off */
#define QBID_STORE_SQL_LIST(X) \
    X(BEGIN, "BEGIN IMMEDIATE") \
    X(COMMIT, "COMMIT") \
    X(ROLLBACK, "ROLLBACK") \
    X(KV_GET, "SELECT value FROM kv WHERE name = ?1") \
    X(KV_SET, "INSERT INTO kv(name, value) VALUES(?1, ?2) " \
              "ON CONFLICT(name) DO UPDATE SET value = excluded.value") \
    X(NEXT_BUDGET, "SELECT 1 + IFNULL(MAX(budget_idx), -1) FROM campaigns") \
    X(NEXT_LINE_ITEM, "SELECT 1 + IFNULL(MAX(idx), -1) FROM line_items") \
    X(VALUES_DELETE, "DELETE FROM line_item_values WHERE line_item = ?1") \
    X(VALUES_ADD, "INSERT INTO line_item_values(line_item, dim, position, value) " \
                  "VALUES(?1, ?2, ?3, ?4)") \
    X(VALUES_LOAD, "SELECT line_item, dim, value FROM line_item_values " \
                   "ORDER BY line_item, dim, position") \
    X(TARGETS_ADD, "INSERT INTO targets(unix_ns, campaign, goal, target_micros, budget_nanos, period, " \
                   "pacing, active, actor) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)") \
    X(DICTIONARY_ADD, "INSERT OR IGNORE INTO dictionary(dim, idx, hash, text) VALUES(?1, ?2, ?3, ?4)") \
    X(DICTIONARY_LOAD, "SELECT dim, idx, hash, text FROM dictionary ORDER BY dim, idx") \
    X(LEDGER_SET, "INSERT INTO ledger(budget_idx, spent_nanos, exposure_nanos) VALUES(?1, ?2, ?3) " \
                  "ON CONFLICT(budget_idx) DO UPDATE SET spent_nanos = excluded.spent_nanos, " \
                  "exposure_nanos = excluded.exposure_nanos") \
    X(LEDGER_SPENT, "INSERT INTO ledger(budget_idx, spent_nanos) VALUES(?1, ?2) " \
                    "ON CONFLICT(budget_idx) DO UPDATE SET spent_nanos = excluded.spent_nanos") \
    X(LEDGER_DAY, "INSERT INTO ledger(budget_idx, day, day_spent_nanos) VALUES(?1, ?2, ?3) " \
                  "ON CONFLICT(budget_idx) DO UPDATE SET day = excluded.day, " \
                  "day_spent_nanos = excluded.day_spent_nanos") \
    X(LEDGER_LOAD, "SELECT budget_idx, spent_nanos, exposure_nanos, day, day_spent_nanos FROM ledger " \
                   "ORDER BY budget_idx") \
    X(VELOCITY_ADD, "INSERT OR REPLACE INTO velocity(budget_idx, unix_s, spent_nanos) VALUES(?1, ?2, ?3)") \
    X(VELOCITY_PRUNE, "DELETE FROM velocity WHERE budget_idx = ?1 AND unix_s < ?2") \
    X(VELOCITY_LOAD, "SELECT unix_s, spent_nanos FROM velocity WHERE budget_idx = ?1 ORDER BY unix_s") \
    X(SETTLED_ADD, "INSERT OR IGNORE INTO settled(nonce, unix_s) VALUES(?1, ?2)") \
    X(SETTLED_LOAD, "SELECT nonce FROM settled") \
    X(SETTLED_PRUNE, "DELETE FROM settled WHERE nonce IN " \
                     "(SELECT nonce FROM settled WHERE unix_s < ?1 LIMIT ?2)") \
    X(TOTALS_SET, "INSERT INTO totals(kind, id, context, unix_s, bids, wins, losses, bills, imps, clicks, " \
                  "convs, spend_nanos, bid_nanos, value_nanos) " \
                  "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) " \
                  "ON CONFLICT(kind, id, context) DO UPDATE SET unix_s = excluded.unix_s, " \
                  "bids = excluded.bids, wins = excluded.wins, losses = excluded.losses, " \
                  "bills = excluded.bills, imps = excluded.imps, clicks = excluded.clicks, " \
                  "convs = excluded.convs, spend_nanos = excluded.spend_nanos, " \
                  "bid_nanos = excluded.bid_nanos, value_nanos = excluded.value_nanos") \
    X(TOTALS_LOAD, "SELECT kind, id, context, unix_s, bids, wins, losses, bills, imps, clicks, convs, " \
                   "spend_nanos, bid_nanos, value_nanos FROM totals WHERE kind < 4 UNION ALL " \
                   "SELECT * FROM (SELECT kind, id, context, unix_s, bids, wins, losses, bills, imps, " \
                   "clicks, convs, spend_nanos, bid_nanos, value_nanos FROM totals WHERE kind = 4 " \
                   "ORDER BY unix_s DESC, id, context LIMIT ?1)") \
    X(HISTORY_ADD, "INSERT OR REPLACE INTO snapshots(window, kind, id, context, unix_s, bids, wins, losses, " \
                   "bills, imps, clicks, convs, spend_nanos, bid_nanos, value_nanos) " \
                   "VALUES(4, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)") \
    X(HISTORY_LOAD, "SELECT kind, id, context, unix_s, bids, wins, losses, bills, imps, clicks, convs, " \
                    "spend_nanos, bid_nanos, value_nanos FROM snapshots WHERE window = 4 AND kind = ?1 " \
                    "AND id = ?2 AND context = ?3 AND unix_s >= ?4 ORDER BY unix_s") \
    X(HISTORY_PRUNE, "DELETE FROM snapshots WHERE rowid IN " \
                     "(SELECT rowid FROM snapshots WHERE unix_s < ?1 LIMIT ?2)") \
    X(TOTALS_PRUNE, "DELETE FROM totals WHERE rowid IN " \
                    "(SELECT rowid FROM totals WHERE kind = 4 AND unix_s < ?1 LIMIT ?2)") \
    X(GENERATION_ADD, "INSERT INTO generations(gen, built_unix_ns, bytes, checksum, reason, file, held) " \
                      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)") \
    X(GENERATION_LOAD, "SELECT gen, built_unix_ns, bytes, checksum, reason, file, held FROM generations " \
                       "ORDER BY gen DESC LIMIT ?1") \
    X(GENERATION_OLD, "SELECT gen, built_unix_ns, bytes, checksum, reason, file, held FROM generations " \
                      "WHERE held = 1 ORDER BY gen DESC LIMIT 64 OFFSET ?1") \
    X(GENERATION_RELEASE, "UPDATE generations SET held = 0 WHERE gen = ?1") \
    X(LEARNER_SET, "INSERT INTO learner(kind, key, data) VALUES(?1, ?2, ?3) " \
                   "ON CONFLICT(kind, key) DO UPDATE SET data = excluded.data") \
    X(LEARNER_LOAD, "SELECT kind, key, data FROM learner") \
    X(AUDIT_LAST, "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1") \
    X(AUDIT_ADD, "INSERT INTO audit(id, unix_ns, actor, what, why, before, after, prev_hash, hash) " \
                 "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)") \
    X(AUDIT_HEAD, "INSERT INTO audit_head(one, id, hash) VALUES(1, ?1, ?2) " \
                  "ON CONFLICT(one) DO UPDATE SET id = excluded.id, hash = excluded.hash") \
    X(AUDIT_HEAD_LOAD, "SELECT id, hash FROM audit_head") \
    X(AUDIT_LOAD, "SELECT id, unix_ns, actor, what, why, before, after FROM audit " \
                  "ORDER BY id DESC LIMIT ?1") \
    X(AUDIT_WALK, "SELECT id, unix_ns, actor, what, why, before, after, prev_hash, hash FROM audit " \
                  "ORDER BY id")
/* clang-format on */

enum qbid_store_sql {
#define X(name, sql) QBID_STORE_SQL_##name,
    QBID_STORE_SQL_LIST(X)
#undef X
        QBID_STORE_SQL_CNT
};

struct qbid_store {
    sqlite3 *db;
    sqlite3_stmt *statement[QBID_STORE_SQL_CNT];
    sqlite3_stmt *upsert[QBID_ITEM_CNT]; /* made from the table of fields */
    sqlite3_stmt *load[QBID_ITEM_CNT];
    int depth;                 /* of open transactions */
    int failed;                /* first error inside the outermost one */
    struct qbid_keymap series; /* what was saved: hash of its totals */
    uint64_t *series_hash;
    uint32_t series_cnt, series_max;
    char why[QBID_STORE_WHY_MAX];
};

/* By version that they lead from; a step has up to that many parts. */
extern const char *const qbid_store_migrations[QBID_STORE_SCHEMA][QBID_STORE_PARTS];

/** Keep the words of an error and return err. */
int qbid_store_fail(struct qbid_store *store, int err, const char *words);
/** The same with SQLite's own words; QBID_ERR_STORE. */
int qbid_store_fail_db(struct qbid_store *store);

/** A statement ready to bind; NULL with why. */
sqlite3_stmt *qbid_store_statement(struct qbid_store *store, enum qbid_store_sql which);

/** Run a bound statement that returns nothing, and reset it. NULL is passed through as an error. */
int qbid_store_run(struct qbid_store *store, sqlite3_stmt *statement);

/** Next row: 1, at the end 0 (reset), or an error (reset). */
int qbid_store_step(struct qbid_store *store, sqlite3_stmt *statement);

/* 64-bit patterns go into SQLite's signed integers as they are. */
static inline void qbid_store_bind(sqlite3_stmt *statement, int at, uint64_t value)
{
    sqlite3_bind_int64(statement, at, (sqlite3_int64)value);
}

static inline uint64_t qbid_store_column(sqlite3_stmt *statement, int at)
{
    return (uint64_t)sqlite3_column_int64(statement, at);
}

/** Column text, never NULL; valid until the next step. */
static inline const char *qbid_store_column_text(sqlite3_stmt *statement, int at)
{
    const unsigned char *text = sqlite3_column_text(statement, at);
    return text ? (const char *)text : "";
}

#endif
