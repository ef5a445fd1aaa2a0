/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of attribution models. They hold totals; a day is what they grew by. */
#include "control/store/store_attribution.h"

#include <string.h>

#include "control/store/store_db.h"
#include "shm/error.h"

#define DAY_S 86400

/* The version that a row belongs to: the tenant's last, or the next where the model is another. */
static int version_find(struct qbid_store *store, const struct qbid_store_attribution *row,
                        uint32_t *ret_version)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_ATTRIBUTION_LAST);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, row->tenant);
    int found = qbid_store_step(store, s);
    if (found < 0)
        return found;
    *ret_version = 1;
    if (found > 0) {
        bool same = strcmp(qbid_store_column_text(s, 1), row->type) == 0 &&
                    strcmp(qbid_store_column_text(s, 2), row->parameters) == 0;
        *ret_version = (uint32_t)qbid_store_column(s, 0) + !same;
        sqlite3_reset(s);
    }
    return 0;
}

/* A tenant whose first row this is has come from nothing. */
static int base_add(struct qbid_store *store, const struct qbid_store_attribution *row)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_ATTRIBUTION_BASE);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, row->tenant);
    sqlite3_bind_int64(s, 2, row->unix_s / DAY_S - 1);
    return qbid_store_run(store, s);
}

static int row_add(struct qbid_store *store, const struct qbid_store_attribution *row,
                   uint32_t version)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_ATTRIBUTION_SEE);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, row->tenant);
    sqlite3_bind_int64(s, 2, row->unix_s / DAY_S);
    qbid_store_bind(s, 3, version);
    qbid_store_bind_text(s, 4, row->type);
    qbid_store_bind_text(s, 5, row->parameters);
    sqlite3_bind_int64(s, 6, row->unix_s);
    qbid_store_bind(s, 7, row->attributed);
    sqlite3_bind_int64(s, 8, row->value_nanos);
    qbid_store_bind(s, 9, row->timed);
    qbid_store_bind(s, 10, row->unattributed);
    sqlite3_bind_double(s, 11, row->lag_median_s);
    sqlite3_bind_double(s, 12, row->lag_p90_s);
    return qbid_store_run(store, s);
}

int qbid_store_see_attribution(struct qbid_store *store, const struct qbid_store_attribution *row)
{
    uint32_t version = 0;
    int err = qbid_store_begin(store);
    if (err)
        return err;
    err = version_find(store, row, &version);
    if (!err)
        err = base_add(store, row);
    if (!err)
        err = row_add(store, row, version);
    return qbid_store_end(store, err);
}

int qbid_store_load_attributions(struct qbid_store *store, uint32_t max,
                                 qbid_store_attribution_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_ATTRIBUTION_LOAD);
    int row = 0, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, max);
    while (!err && (row = qbid_store_step(store, s)) > 0) {
        struct qbid_store_attribution a = {.tenant = (uint32_t)qbid_store_column(s, 0),
                                           .version = (uint32_t)qbid_store_column(s, 1),
                                           .type = qbid_store_column_text(s, 2),
                                           .parameters = qbid_store_column_text(s, 3),
                                           .unix_s = sqlite3_column_int64(s, 4),
                                           .attributed = qbid_store_column(s, 5),
                                           .value_nanos = sqlite3_column_int64(s, 6),
                                           .timed = qbid_store_column(s, 7),
                                           .unattributed = qbid_store_column(s, 8),
                                           .lag_median_s = sqlite3_column_double(s, 9),
                                           .lag_p90_s = sqlite3_column_double(s, 10)};
        err = fn(context, &a);
    }
    return qbid_store_rows_end(s, row, err);
}
