/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of audience overlaps. */
#include "control/store/store_overlaps.h"

#include "control/store/store_db.h"
#include "shm/error.h"

int qbid_store_set_overlap(struct qbid_store *store, const struct qbid_store_overlap *o)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_OVERLAP_SET);
    const double numbers[] = {o->bids, o->other_bids, o->both_bids, o->jaccard,
                              o->low,  o->high,       o->contained, o->other_contained};
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, o->tenant);
    qbid_store_bind(s, 2, o->line_item);
    qbid_store_bind(s, 3, o->other);
    sqlite3_bind_int64(s, 4, o->from_unix_s);
    sqlite3_bind_int64(s, 5, o->to_unix_s);
    for (int i = 0; i < 8; i++)
        sqlite3_bind_double(s, 6 + i, numbers[i]);
    qbid_store_bind(s, 14, o->contexts);
    qbid_store_bind(s, 15, o->bound);
    return qbid_store_run(store, s);
}

int qbid_store_load_overlaps(struct qbid_store *store, uint32_t line_item, uint32_t max,
                             qbid_store_overlap_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_OVERLAP_LOAD);
    int row = 0, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, line_item);
    qbid_store_bind(s, 2, max);
    while (!err && (row = qbid_store_step(store, s)) > 0) {
        struct qbid_store_overlap o = {.tenant = (uint32_t)qbid_store_column(s, 0),
                                       .line_item = (uint32_t)qbid_store_column(s, 1),
                                       .other = (uint32_t)qbid_store_column(s, 2),
                                       .from_unix_s = sqlite3_column_int64(s, 3),
                                       .to_unix_s = sqlite3_column_int64(s, 4),
                                       .bids = sqlite3_column_double(s, 5),
                                       .other_bids = sqlite3_column_double(s, 6),
                                       .both_bids = sqlite3_column_double(s, 7),
                                       .jaccard = sqlite3_column_double(s, 8),
                                       .low = sqlite3_column_double(s, 9),
                                       .high = sqlite3_column_double(s, 10),
                                       .contained = sqlite3_column_double(s, 11),
                                       .other_contained = sqlite3_column_double(s, 12),
                                       .contexts = (uint32_t)qbid_store_column(s, 13),
                                       .bound = qbid_store_column(s, 14) != 0};
        err = fn(context, &o);
    }
    return qbid_store_rows_end(s, row, err);
}

int qbid_store_prune_overlaps(struct qbid_store *store, int64_t unix_s, uint32_t max)
{
    return qbid_store_prune(store, QBID_STORE_SQL_OVERLAP_PRUNE, unix_s, max);
}
