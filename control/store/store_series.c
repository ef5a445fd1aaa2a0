/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics: the latest totals of every series, and a history of those that people look at. */
#include <stdlib.h>
#include <string.h>

#include "control/store/store_db.h"
#include "shm/error.h"
#include "shm/hash.h"

#define HOUR_S 3600

/* Two bits of a packed context are free: they hold the kind (contexts themselves are 0). */
static uint64_t map_context(struct qbid_series_key key)
{
    return key.context | ((uint64_t)(key.kind & 3) << 62);
}

static uint64_t stats_hash(const struct qbid_stats *stats)
{
    return XXH3_64bits(stats, sizeof *stats);
}

/* Remember what was written; *ret_new is false when it is what was written last. */
static int note(struct qbid_store *store, struct qbid_series_key key, uint64_t hash, bool *ret_new)
{
    uint32_t at = qbid_keymap_find(&store->series, map_context(key), key.id);
    if (at != QBID_KEYMAP_NONE) {
        *ret_new = store->series_hash[at] != hash;
        store->series_hash[at] = hash;
        return 0;
    }
    if (store->series_cnt == store->series_max) {
        uint32_t max = store->series_max ? store->series_max * 2 : 1024;
        uint64_t *more = realloc(store->series_hash, max * sizeof *more);
        if (!more)
            return QBID_ERR_NOMEM;
        store->series_hash = more;
        store->series_max = max;
    }
    int err = qbid_keymap_add(&store->series, map_context(key), key.id, store->series_cnt);
    if (err)
        return err;
    store->series_hash[store->series_cnt++] = hash;
    *ret_new = true;
    return 0;
}

/* After a failed transaction nothing is known to be written. */
static void forget(struct qbid_store *store)
{
    qbid_keymap_done(&store->series);
    store->series = (struct qbid_keymap){0};
    store->series_cnt = 0;
}

struct qbid_stats qbid_store_stats(sqlite3_stmt *s)
{
    return (struct qbid_stats){.bids = qbid_store_column(s, 4),
                               .wins = qbid_store_column(s, 5),
                               .losses = qbid_store_column(s, 6),
                               .bills = qbid_store_column(s, 7),
                               .imps = qbid_store_column(s, 8),
                               .clicks = qbid_store_column(s, 9),
                               .convs = qbid_store_column(s, 10),
                               .spend_nanos = sqlite3_column_int64(s, 11),
                               .bid_nanos = sqlite3_column_int64(s, 12),
                               .value_nanos = sqlite3_column_int64(s, 13),
                               .views = qbid_store_column(s, 14),
                               .starts = qbid_store_column(s, 15),
                               .completes = qbid_store_column(s, 16)};
}

int qbid_store_load_series(struct qbid_store *store, struct qbid_snapshot *snapshot,
                           uint32_t context_max)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_TOTALS_LOAD);
    int row;
    if (s)
        sqlite3_bind_int64(s, 1, context_max);
    while ((row = qbid_store_step(store, s)) > 0) {
        struct qbid_series_key key = {.kind = (uint32_t)sqlite3_column_int64(s, 0),
                                      .id = (uint32_t)sqlite3_column_int64(s, 1),
                                      .context = qbid_store_column(s, 2)};
        struct qbid_stats all = qbid_store_stats(s);
        bool fresh;
        int err = qbid_snapshot_restore(snapshot, key, &all);
        if (!err)
            err = note(store, key, stats_hash(&all), &fresh);
        if (err) {
            sqlite3_reset(s);
            return err;
        }
    }
    return row;
}

struct saving {
    struct qbid_store *store;
    int64_t unix_s;
    int written;
};

/* The last totals that an hour sees are those at its end. */
static int64_t hour_end(int64_t unix_s)
{
    return (unix_s + HOUR_S - 1) / HOUR_S * HOUR_S;
}

static int series_write(const struct saving *saving, enum qbid_store_sql which,
                        struct qbid_series_key key, const struct qbid_stats *all)
{
    sqlite3_stmt *s = qbid_store_statement(saving->store, which);
    if (!s)
        return QBID_ERR_STORE;
    sqlite3_bind_int64(s, 1, key.kind);
    sqlite3_bind_int64(s, 2, key.id);
    qbid_store_bind(s, 3, key.context);
    sqlite3_bind_int64(
        s, 4, which == QBID_STORE_SQL_HOUR_ADD ? hour_end(saving->unix_s) : saving->unix_s);
    qbid_store_bind(s, 5, all->bids);
    qbid_store_bind(s, 6, all->wins);
    qbid_store_bind(s, 7, all->losses);
    qbid_store_bind(s, 8, all->bills);
    qbid_store_bind(s, 9, all->imps);
    qbid_store_bind(s, 10, all->clicks);
    qbid_store_bind(s, 11, all->convs);
    sqlite3_bind_int64(s, 12, all->spend_nanos);
    sqlite3_bind_int64(s, 13, all->bid_nanos);
    sqlite3_bind_int64(s, 14, all->value_nanos);
    qbid_store_bind(s, 15, all->views);
    qbid_store_bind(s, 16, all->starts);
    qbid_store_bind(s, 17, all->completes);
    return qbid_store_run(saving->store, s);
}

/* A new creative has come from nothing. */
static int creative_day_save(const struct saving *saving, struct qbid_series_key key,
                             const struct qbid_stats *all)
{
    sqlite3_stmt *s = qbid_store_statement(saving->store, QBID_STORE_SQL_CREATIVE_DAY_BASE);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, key.id);
    sqlite3_bind_int64(s, 2, saving->unix_s);
    int err = qbid_store_run(saving->store, s);
    return err ? err : series_write(saving, QBID_STORE_SQL_CREATIVE_DAY_ADD, key, all);
}

static int series_save(void *context, struct qbid_series_key key, const struct qbid_stats *all)
{
    struct saving *saving = context;
    bool fresh = false;
    int err = note(saving->store, key, stats_hash(all), &fresh);
    if (err || !fresh)
        return err;
    saving->written++;
    err = series_write(saving, QBID_STORE_SQL_TOTALS_SET, key, all);
    if (!err && key.kind != QBID_SERIES_CONTEXT)
        err = series_write(saving, QBID_STORE_SQL_HISTORY_ADD, key, all);
    if (!err && key.kind == QBID_SERIES_CAMPAIGN)
        err = series_write(saving, QBID_STORE_SQL_HOUR_ADD, key, all);
    if (!err && key.kind == QBID_SERIES_CREATIVE)
        err = creative_day_save(saving, key, all);
    return err;
}

int qbid_store_save_series(struct qbid_store *store, const struct qbid_snapshot *snapshot,
                           int64_t unix_s)
{
    struct saving saving = {store, unix_s, 0};
    int err = qbid_store_begin(store);
    if (err)
        return err;
    err = qbid_store_end(store, qbid_snapshot_visit(snapshot, series_save, &saving));
    if (err) {
        forget(store);
        return err;
    }
    return saving.written;
}

int qbid_store_prune_series(struct qbid_store *store, int64_t unix_s, uint32_t max)
{
    int history = qbid_store_prune(store, QBID_STORE_SQL_HISTORY_PRUNE, unix_s, max);
    int totals =
        history < 0 ? history : qbid_store_prune(store, QBID_STORE_SQL_TOTALS_PRUNE, unix_s, max);
    return totals < 0 ? totals : history + totals;
}

int qbid_store_prune_hours(struct qbid_store *store, int64_t unix_s, uint32_t max)
{
    return qbid_store_prune(store, QBID_STORE_SQL_HOURS_PRUNE, unix_s, max);
}

static int points_load(struct qbid_store *store, sqlite3_stmt *s, qbid_store_point_fn *fn,
                       void *context)
{
    int row;
    while ((row = qbid_store_step(store, s)) > 0) {
        struct qbid_store_point point = {sqlite3_column_int64(s, 3), qbid_store_stats(s)};
        int err = fn(context, &point);
        if (err) {
            sqlite3_reset(s);
            return err;
        }
    }
    return row;
}

int qbid_store_load_history(struct qbid_store *store, struct qbid_series_key key,
                            int64_t from_unix_s, qbid_store_point_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_HISTORY_LOAD);
    if (!s)
        return QBID_ERR_STORE;
    sqlite3_bind_int64(s, 1, key.kind);
    sqlite3_bind_int64(s, 2, key.id);
    qbid_store_bind(s, 3, key.context);
    sqlite3_bind_int64(s, 4, from_unix_s);
    return points_load(store, s, fn, context);
}

int qbid_store_load_hours(struct qbid_store *store, uint32_t campaign_id, int64_t from_unix_s,
                          qbid_store_point_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_HOURS_LOAD);
    if (!s)
        return QBID_ERR_STORE;
    sqlite3_bind_int64(s, 1, campaign_id);
    sqlite3_bind_int64(s, 2, from_unix_s);
    return points_load(store, s, fn, context);
}
