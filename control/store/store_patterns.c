/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of patterns and of their sources. */
#include "control/store/store_patterns.h"

#include <stdio.h>

#include "control/store/store_db.h"
#include "shm/error.h"

static void key_bind(sqlite3_stmt *s, const struct qbid_pattern_key *key)
{
    qbid_store_bind(s, 1, key->tenant);
    sqlite3_bind_text(s, 2, key->metric, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 3, key->subject, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 4, key->across, -1, SQLITE_STATIC);
}

static struct qbid_pattern_key key_read(sqlite3_stmt *s)
{
    struct qbid_pattern_key key = {.tenant = (uint32_t)qbid_store_column(s, 0)};
    snprintf(key.metric, sizeof key.metric, "%s", qbid_store_column_text(s, 1));
    snprintf(key.subject, sizeof key.subject, "%s", qbid_store_column_text(s, 2));
    snprintf(key.across, sizeof key.across, "%s", qbid_store_column_text(s, 3));
    return key;
}

int qbid_store_set_pattern_source(struct qbid_store *store, const struct qbid_pattern_key *key,
                                  const struct qbid_pattern_source *source)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_PATTERN_SOURCE_SET);
    if (!s)
        return QBID_ERR_STORE;
    key_bind(s, key);
    sqlite3_bind_text(s, 5, source->source, -1, SQLITE_STATIC);
    sqlite3_bind_double(s, 6, source->effect);
    sqlite3_bind_double(s, 7, source->variance);
    qbid_store_bind(s, 8, source->events);
    sqlite3_bind_int64(s, 9, source->from_unix_s);
    sqlite3_bind_int64(s, 10, source->to_unix_s);
    return qbid_store_run(store, s);
}

int qbid_store_load_pattern_sources(struct qbid_store *store, const struct qbid_pattern_key *key,
                                    qbid_store_pattern_source_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_PATTERN_SOURCE_LOAD);
    int row = 0, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    key_bind(s, key);
    qbid_store_bind(s, 5, QBID_PATTERN_SOURCES_MAX);
    while (!err && (row = qbid_store_step(store, s)) > 0) {
        struct qbid_pattern_source source = {.effect = sqlite3_column_double(s, 1),
                                             .variance = sqlite3_column_double(s, 2),
                                             .events = qbid_store_column(s, 3),
                                             .from_unix_s = sqlite3_column_int64(s, 4),
                                             .to_unix_s = sqlite3_column_int64(s, 5),
                                             .own = sqlite3_column_double(s, 6),
                                             .own_sd = sqlite3_column_double(s, 7)};
        snprintf(source.source, sizeof source.source, "%s", qbid_store_column_text(s, 0));
        err = fn(context, &source);
    }
    return qbid_store_rows_end(s, row, err);
}

static int own_set(struct qbid_store *store, const struct qbid_pattern_key *key,
                   const struct qbid_pattern_source *source)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_PATTERN_OWN_SET);
    if (!s)
        return QBID_ERR_STORE;
    key_bind(s, key);
    sqlite3_bind_text(s, 5, source->source, -1, SQLITE_STATIC);
    sqlite3_bind_double(s, 6, source->own);
    sqlite3_bind_double(s, 7, source->own_sd);
    return qbid_store_run(store, s);
}

static int pattern_set(struct qbid_store *store, const struct qbid_pattern *p)
{
    const double numbers[] = {p->mean, p->mean_sd, p->tau,       p->next,      p->next_sd,
                              p->i2,   p->q_p,     p->all_above, p->all_below, p->confidence};
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_PATTERN_SET);
    if (!s)
        return QBID_ERR_STORE;
    key_bind(s, &p->key);
    qbid_store_bind(s, 5, p->cnt);
    for (int i = 0; i < 10; i++)
        sqlite3_bind_double(s, 6 + i, numbers[i]);
    qbid_store_bind(s, 16, p->events);
    sqlite3_bind_int64(s, 17, p->from_unix_s);
    sqlite3_bind_int64(s, 18, p->to_unix_s);
    return qbid_store_run(store, s);
}

int qbid_store_set_pattern(struct qbid_store *store, const struct qbid_pattern *pattern,
                           const struct qbid_pattern_source *sources, uint32_t source_cnt)
{
    int err = qbid_store_begin(store);
    if (err)
        return err;
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_PATTERN_SEEN);
    if (s)
        key_bind(s, &pattern->key);
    err = qbid_store_run(store, s);
    for (uint32_t i = 0; i < source_cnt && !err; i++)
        err = own_set(store, &pattern->key, &sources[i]);
    if (!err)
        err = pattern_set(store, pattern);
    return qbid_store_end(store, err);
}

int qbid_store_load_stale_patterns(struct qbid_store *store, qbid_store_pattern_key_fn *fn,
                                   void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_PATTERN_STALE);
    int row = 0, err = 0;
    while (!err && (row = qbid_store_step(store, s)) > 0) {
        struct qbid_pattern_key key = key_read(s);
        err = fn(context, &key);
    }
    return qbid_store_rows_end(s, row, err);
}

int qbid_store_load_patterns(struct qbid_store *store, const struct qbid_pattern_key *filter,
                             uint32_t max, qbid_store_pattern_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_PATTERN_LOAD);
    int row = 0, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    key_bind(s, filter);
    qbid_store_bind(s, 5, max);
    while (!err && (row = qbid_store_step(store, s)) > 0) {
        struct qbid_pattern p = {.key = key_read(s),
                                 .cnt = (uint32_t)qbid_store_column(s, 4),
                                 .events = qbid_store_column(s, 15),
                                 .from_unix_s = sqlite3_column_int64(s, 16),
                                 .to_unix_s = sqlite3_column_int64(s, 17)};
        double *const numbers[] = {&p.mean, &p.mean_sd, &p.tau,       &p.next,      &p.next_sd,
                                   &p.i2,   &p.q_p,     &p.all_above, &p.all_below, &p.confidence};
        for (int i = 0; i < 10; i++)
            *numbers[i] = sqlite3_column_double(s, 5 + i);
        err = fn(context, &p);
    }
    return qbid_store_rows_end(s, row, err);
}
