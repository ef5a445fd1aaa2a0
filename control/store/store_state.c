/* SPDX-License-Identifier: Apache-2.0 */
/* Dictionary, ledger, generations, learner: rows in, rows out. */
#include <stdio.h>
#include <string.h>

#include "control/store/store_db.h"
#include "shm/error.h"

#define RELEASE_MAX 64 /* as the statement says */

static unsigned dim_find(const char *name)
{
    unsigned dim = 0;
    while (dim < QBID_DIM_CNT && strcmp(qbid_dim_name(dim), name) != 0)
        dim++;
    return dim;
}

int qbid_store_load_dictionary(struct qbid_store *store, struct qbid_dictionary *dictionary)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_DICTIONARY_LOAD);
    int row;
    while ((row = qbid_store_step(store, s)) > 0) {
        unsigned dim = dim_find(qbid_store_column_text(s, 0));
        uint32_t index = qbid_dictionary_add_hashed(dictionary, dim, qbid_store_column(s, 2),
                                                    qbid_store_column_text(s, 3));
        if (index != qbid_store_column(s, 1)) {
            sqlite3_reset(s);
            return qbid_store_fail(store, QBID_ERR_CORRUPT, "the dictionary has a gap");
        }
    }
    return row;
}

int qbid_store_save_dictionary(struct qbid_store *store, const struct qbid_dictionary *dictionary,
                               uint32_t from)
{
    uint32_t cnt = qbid_dictionary_cnt(dictionary);
    if (from >= cnt)
        return 0;
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_DICTIONARY_ADD);
    int err = s ? qbid_store_begin(store) : QBID_ERR_STORE;
    if (err)
        return err;
    for (; from < cnt && !err; from++) {
        struct qbid_dictionary_entry e = qbid_dictionary_get(dictionary, from);
        sqlite3_bind_text(s, 1, qbid_dim_name(e.dim), -1, SQLITE_STATIC);
        sqlite3_bind_int64(s, 2, e.index);
        qbid_store_bind(s, 3, e.hash);
        sqlite3_bind_text(s, 4, e.text, -1, SQLITE_STATIC);
        err = qbid_store_run(store, s);
    }
    return qbid_store_end(store, err);
}

int qbid_store_load_ledger(struct qbid_store *store, qbid_store_budget_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_LEDGER_LOAD);
    int row;
    while ((row = qbid_store_step(store, s)) > 0) {
        struct qbid_store_budget b = {.row = {(uint32_t)sqlite3_column_int64(s, 0),
                                              sqlite3_column_int64(s, 1),
                                              sqlite3_column_int64(s, 2)},
                                      .day = sqlite3_column_int64(s, 3),
                                      .day_spent_nanos = sqlite3_column_int64(s, 4)};
        int err = fn(context, &b);
        if (err) {
            sqlite3_reset(s);
            return err;
        }
    }
    return row;
}

int qbid_store_save_ledger(struct qbid_store *store, const struct qbid_ledger_row *rows,
                           uint32_t cnt)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_LEDGER_SET);
    int err = s ? qbid_store_begin(store) : QBID_ERR_STORE;
    if (err)
        return err;
    for (uint32_t i = 0; i < cnt && !err; i++) {
        sqlite3_bind_int64(s, 1, rows[i].budget_idx);
        sqlite3_bind_int64(s, 2, rows[i].spent_nanos);
        sqlite3_bind_int64(s, 3, rows[i].exposure_nanos);
        err = qbid_store_run(store, s);
    }
    return qbid_store_end(store, err);
}

int qbid_store_save_spent(struct qbid_store *store, uint32_t budget_idx, int64_t spent_nanos)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_LEDGER_SPENT);
    if (!s)
        return QBID_ERR_STORE;
    sqlite3_bind_int64(s, 1, budget_idx);
    sqlite3_bind_int64(s, 2, spent_nanos);
    return qbid_store_run(store, s);
}

int qbid_store_save_day(struct qbid_store *store, uint32_t budget_idx, int64_t day,
                        int64_t day_spent_nanos)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_LEDGER_DAY);
    if (!s)
        return QBID_ERR_STORE;
    sqlite3_bind_int64(s, 1, budget_idx);
    sqlite3_bind_int64(s, 2, day);
    sqlite3_bind_int64(s, 3, day_spent_nanos);
    return qbid_store_run(store, s);
}

int qbid_store_save_speed(struct qbid_store *store, uint32_t budget_idx,
                          struct qbid_speed_sample sample, int64_t oldest_unix_s)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_VELOCITY_ADD);
    if (!s)
        return QBID_ERR_STORE;
    sqlite3_bind_int64(s, 1, budget_idx);
    sqlite3_bind_int64(s, 2, sample.unix_s);
    sqlite3_bind_int64(s, 3, sample.spent_nanos);
    int err = qbid_store_run(store, s);
    s = err ? NULL : qbid_store_statement(store, QBID_STORE_SQL_VELOCITY_PRUNE);
    if (!s)
        return err ? err : QBID_ERR_STORE;
    sqlite3_bind_int64(s, 1, budget_idx);
    sqlite3_bind_int64(s, 2, oldest_unix_s);
    return qbid_store_run(store, s);
}

int qbid_store_load_speed(struct qbid_store *store, uint32_t budget_idx, qbid_store_speed_fn *fn,
                          void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_VELOCITY_LOAD);
    int row;
    if (s)
        sqlite3_bind_int64(s, 1, budget_idx);
    while ((row = qbid_store_step(store, s)) > 0)
        fn(context,
           (struct qbid_speed_sample){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1)});
    return row;
}

int qbid_store_add_settled(struct qbid_store *store, uint64_t nonce, int64_t unix_s)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_SETTLED_ADD);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, nonce);
    sqlite3_bind_int64(s, 2, unix_s);
    return qbid_store_run(store, s);
}

int qbid_store_load_settled(struct qbid_store *store, qbid_store_nonce_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_SETTLED_LOAD);
    int row;
    while ((row = qbid_store_step(store, s)) > 0) {
        int err = fn(context, qbid_store_column(s, 0));
        if (err) {
            sqlite3_reset(s);
            return err;
        }
    }
    return row;
}

int qbid_store_prune_settled(struct qbid_store *store, int64_t unix_s, uint32_t max)
{
    return qbid_store_prune(store, QBID_STORE_SQL_SETTLED_PRUNE, unix_s, max);
}

int qbid_store_add_generation(struct qbid_store *store, const struct qbid_store_generation *g)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_GENERATION_ADD);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, g->gen);
    qbid_store_bind(s, 2, g->built_unix_ns);
    qbid_store_bind(s, 3, g->bytes);
    qbid_store_bind(s, 4, g->checksum);
    sqlite3_bind_text(s, 5, g->reason, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 6, g->file, -1, SQLITE_STATIC);
    sqlite3_bind_int(s, 7, g->held);
    int err = qbid_store_run(store, s);
    s = err ? NULL : qbid_store_statement(store, QBID_STORE_SQL_EXECUTION_GEN);
    if (!s)
        return err ? err : QBID_ERR_STORE;
    qbid_store_bind(s, 1, g->gen); /* changes that no generation had yet are in this one */
    return qbid_store_run(store, s);
}

static int generations_visit(struct qbid_store *store, sqlite3_stmt *s,
                             qbid_store_generation_fn *fn, void *context)
{
    int row;
    while ((row = qbid_store_step(store, s)) > 0) {
        struct qbid_store_generation g = {.gen = qbid_store_column(s, 0),
                                          .built_unix_ns = qbid_store_column(s, 1),
                                          .bytes = qbid_store_column(s, 2),
                                          .checksum = qbid_store_column(s, 3),
                                          .held = sqlite3_column_int(s, 6) != 0};
        snprintf(g.reason, sizeof g.reason, "%s", qbid_store_column_text(s, 4));
        snprintf(g.file, sizeof g.file, "%s", qbid_store_column_text(s, 5));
        int err = fn(context, &g);
        if (err) {
            sqlite3_reset(s);
            return err;
        }
    }
    return row;
}

int qbid_store_load_generations(struct qbid_store *store, uint32_t max,
                                qbid_store_generation_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_GENERATION_LOAD);
    if (s)
        sqlite3_bind_int64(s, 1, max);
    return generations_visit(store, s, fn, context);
}

struct releasing {
    struct qbid_store_generation generation[RELEASE_MAX];
    uint32_t cnt;
};

static int generation_collect(void *context, const struct qbid_store_generation *g)
{
    struct releasing *r = context;
    r->generation[r->cnt++] = *g;
    return 0;
}

int qbid_store_release_generations(struct qbid_store *store, uint32_t kept,
                                   qbid_store_generation_fn *fn, void *context)
{
    struct releasing releasing = {.cnt = 0};
    sqlite3_stmt *old = qbid_store_statement(store, QBID_STORE_SQL_GENERATION_OLD);
    sqlite3_stmt *release = qbid_store_statement(store, QBID_STORE_SQL_GENERATION_RELEASE);
    int err = old && release ? qbid_store_begin(store) : QBID_ERR_STORE;
    if (err)
        return err;
    sqlite3_bind_int64(old, 1, kept);
    err = generations_visit(store, old, generation_collect, &releasing);
    for (uint32_t i = 0; i < releasing.cnt && !err; i++) {
        qbid_store_bind(release, 1, releasing.generation[i].gen);
        err = qbid_store_run(store, release);
    }
    err = qbid_store_end(store, err);
    for (uint32_t i = 0; i < releasing.cnt && !err; i++)
        err = fn(context, &releasing.generation[i]);
    return err;
}

int qbid_store_save_learner(struct qbid_store *store, uint32_t kind, uint64_t key, const void *data,
                            uint32_t bytes)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_LEARNER_SET);
    if (!s)
        return QBID_ERR_STORE;
    sqlite3_bind_int64(s, 1, kind);
    qbid_store_bind(s, 2, key);
    sqlite3_bind_blob64(s, 3, bytes ? data : "", bytes, SQLITE_STATIC);
    return qbid_store_run(store, s);
}

int qbid_store_load_learner(struct qbid_store *store, qbid_store_learner_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_LEARNER_LOAD);
    int row;
    while ((row = qbid_store_step(store, s)) > 0) {
        int err = fn(context, (uint32_t)sqlite3_column_int64(s, 0), qbid_store_column(s, 1),
                     sqlite3_column_blob(s, 2), (uint32_t)sqlite3_column_bytes(s, 2));
        if (err) {
            sqlite3_reset(s);
            return err;
        }
    }
    return row;
}
