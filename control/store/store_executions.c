/* SPDX-License-Identifier: Apache-2.0 */
/* The history of executions: written beside the rows of the account, and read. */
#include "control/store/store_executions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/store/store_db.h"
#include "shm/error.h"

#define SQL_MAX 640

static const char *const table_name[QBID_ITEM_CNT] = {"campaigns", "line_items", "creatives"};

int qbid_store_execution_add(struct qbid_store *store, const struct qbid_store_cause *cause,
                             uint64_t *ret_execution)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_EXECUTION_ADD);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, store->scope);
    qbid_store_bind(s, 2, cause->unix_ns);
    sqlite3_bind_text(s, 3, cause->actor, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 4, cause->why, -1, SQLITE_STATIC);
    int row = qbid_store_step(store, s);
    if (row <= 0)
        return row < 0 ? row : QBID_ERR_STORE;
    *ret_execution = qbid_store_column(s, 0);
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return 0;
}

static int numbers_run(struct qbid_store *store, enum qbid_store_sql which, uint64_t a, uint64_t b,
                       uint64_t c)
{
    sqlite3_stmt *s = qbid_store_statement(store, which);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, a);
    qbid_store_bind(s, 2, b);
    if (c)
        qbid_store_bind(s, 3, c);
    return qbid_store_run(store, s);
}

int qbid_store_execution_tenant(struct qbid_store *store, uint64_t execution, uint32_t tenant)
{
    return numbers_run(store, QBID_STORE_SQL_EXECUTION_TENANT, execution, tenant, 0);
}

int qbid_store_executions_undone(struct qbid_store *store, uint64_t from, uint64_t until,
                                 uint64_t by)
{
    int err = numbers_run(store, QBID_STORE_SQL_EXECUTION_REVIVED, from, until, by);
    if (!err)
        err = numbers_run(store, QBID_STORE_SQL_EXECUTION_UNDONE, from, until, by);
    sqlite3_stmt *s = err ? NULL : qbid_store_statement(store, QBID_STORE_SQL_EXECUTION_FLAG);
    if (!s)
        return err ? err : QBID_ERR_STORE;
    qbid_store_bind(s, 1, by);
    return qbid_store_run(store, s);
}

int qbid_store_execution_kind(struct qbid_store *store, uint64_t execution, const char *kind)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_EXECUTION_KIND);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, execution);
    sqlite3_bind_text(s, 2, kind, -1, SQLITE_STATIC);
    return qbid_store_run(store, s);
}

/* --- writing: SQL copies the column itself, so its type and every bit stay */

/* The present value of a field as an SQL expression; ?4 is the item. */
static void value_sql(enum qbid_item_kind kind, const struct qbid_field *field, char out[SQL_MAX])
{
    char column[QBID_STORE_COLUMN_MAX];
    if (field->type == QBID_FIELD_TARGET) {
        snprintf(out, SQL_MAX,
                 "(SELECT json_group_array(value) FROM (SELECT value FROM line_item_values "
                 "WHERE line_item = ?4 AND dim = '%s' ORDER BY position))",
                 field->name);
        return;
    }
    qbid_store_column_name(field, column);
    snprintf(out, SQL_MAX, "(SELECT %s FROM %s WHERE id = ?4)", column, table_name[kind]);
}

/* Run SQL with ?1 execution, ?2 position, ?3 tenant, ?4 item, ?5 kind, ?6 field. */
static int change_run(struct qbid_store *store, const char *sql, uint64_t execution,
                      uint32_t position, uint32_t tenant, const struct qbid_change *change,
                      const char *field)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &s, NULL) != SQLITE_OK)
        return qbid_store_fail_db(store);
    qbid_store_bind(s, 1, execution);
    qbid_store_bind(s, 2, position);
    qbid_store_bind(s, 3, tenant);
    qbid_store_bind(s, 4, change->id);
    sqlite3_bind_text(s, 5, qbid_item_kind_name(change->item), -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 6, field, -1, SQLITE_STATIC);
    int err = qbid_store_run(store, s);
    sqlite3_finalize(s);
    return err;
}

int qbid_store_change_before(struct qbid_store *store, uint64_t execution, uint32_t *position,
                             uint32_t tenant, const struct qbid_change *change)
{
    char value[SQL_MAX], sql[SQL_MAX * 2];
    if (change->kind == QBID_CHANGE_ADDED)
        return change_run(store,
                          "INSERT INTO execution_change_rows(execution, position, tenant, item_id, "
                          "item, field) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                          execution, (*position)++, tenant, change, "");
    int err = 0;
    for (uint32_t i = 0; i < change->field_cnt && !err; i++) {
        const struct qbid_field *field = qbid_fields_find(change->item, change->field[i].name);
        if (!field)
            return QBID_ERR_INVAL;
        value_sql(change->item, field, value);
        snprintf(sql, sizeof sql,
                 "INSERT INTO execution_change_rows(execution, position, tenant, item_id, item, "
                 "field, before) VALUES(?1, ?2, ?3, ?4, ?5, ?6, %s)",
                 value);
        err = change_run(store, sql, execution, (*position)++, tenant, change, field->name);
    }
    return err;
}

int qbid_store_change_after(struct qbid_store *store, uint64_t execution, uint32_t from,
                            const struct qbid_change *change)
{
    char value[SQL_MAX], sql[SQL_MAX * 2];
    int err = 0;
    if (change->kind == QBID_CHANGE_ADDED)
        return 0;
    for (uint32_t i = 0; i < change->field_cnt && !err; i++) {
        const struct qbid_field *field = qbid_fields_find(change->item, change->field[i].name);
        value_sql(change->item, field, value);
        snprintf(
            sql, sizeof sql,
            "UPDATE execution_change_rows SET after = %s WHERE execution = ?1 AND position = ?2",
            value);
        err = change_run(store, sql, execution, from + i, 0, change, field->name);
    }
    return err;
}

/* --- reading */

int qbid_store_load_executions(struct qbid_store *store, uint64_t id, uint32_t max,
                               qbid_store_execution_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_EXECUTION_LOAD);
    int row, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, id);
    qbid_store_bind(s, 2, max);
    while ((row = qbid_store_step(store, s)) > 0 && !err) {
        struct qbid_store_execution e = {.id = qbid_store_column(s, 0),
                                         .tenant = (uint32_t)qbid_store_column(s, 1),
                                         .unix_ns = qbid_store_column(s, 2),
                                         .actor = qbid_store_column_text(s, 3),
                                         .why = qbid_store_column_text(s, 4),
                                         .kind = qbid_store_column_text(s, 5),
                                         .undone_by = qbid_store_column(s, 6),
                                         .gen = qbid_store_column(s, 7)};
        err = fn(context, &e);
    }
    return qbid_store_rows_end(s, row, err);
}

int qbid_store_load_execution_changes(struct qbid_store *store, uint64_t execution,
                                      qbid_store_execution_change_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_CHANGE_LOAD);
    int row, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, execution);
    while ((row = qbid_store_step(store, s)) > 0 && !err) {
        struct qbid_store_execution_change change = {.item = qbid_store_column_text(s, 0),
                                                     .item_id = (uint32_t)qbid_store_column(s, 1),
                                                     .field = qbid_store_column_text(s, 2),
                                                     .before = qbid_store_column_text(s, 3),
                                                     .after = qbid_store_column_text(s, 4)};
        err = fn(context, &change);
    }
    return qbid_store_rows_end(s, row, err);
}
