/* SPDX-License-Identifier: Apache-2.0 */
/* Account rows: statements made from the table of fields, so that a new field is one line there and
 * one migration here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/store/store_db.h"
#include "shm/error.h"

#define SQL_MAX 2048

/* Fixed columns in front of the fields: id, parent or tenant, index. */
static const struct {
    const char *table, *parent, *idx;
} tables[QBID_ITEM_CNT] = {{"campaigns", "tenant", "budget_idx"},
                           {"line_items", "campaign", "idx"},
                           {"creatives", "line_item", NULL}};

void qbid_store_column_name(const struct qbid_field *field, char out[QBID_STORE_COLUMN_MAX])
{
    const char *unit = field->type == QBID_FIELD_NANOS    ? "_nanos"
                       : field->type == QBID_FIELD_MICROS ? "_micros"
                       : field->type == QBID_FIELD_TIME   ? "_unix_s"
                                                          : "";
    snprintf(out, QBID_STORE_COLUMN_MAX, "%s%s", field->name, unit);
}

static int first_field(enum qbid_item_kind kind)
{
    return tables[kind].idx ? 4 : 3; /* SQL counts parameters from 1 */
}

static int prepare(struct qbid_store *store, const char *sql, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) ==
                   SQLITE_OK
               ? 0
               : qbid_store_fail_db(store);
}

static int statements_make(struct qbid_store *store, enum qbid_item_kind kind)
{
    char names[SQL_MAX] = "", marks[SQL_MAX] = "", sets[SQL_MAX] = "", sql[4 * SQL_MAX];
    size_t n = 0, m = 0, s = 0;
    int at = first_field(kind);
    for (const struct qbid_field *field = qbid_fields(kind); field->name; field++) {
        char column[QBID_STORE_COLUMN_MAX];
        if (field->type == QBID_FIELD_TARGET)
            continue;
        qbid_store_column_name(field, column);
        n += (size_t)snprintf(names + n, sizeof names - n, ", %s", column);
        m += (size_t)snprintf(marks + m, sizeof marks - m, ", ?%d", at++);
        s += (size_t)snprintf(sets + s, sizeof sets - s, "%s%s = excluded.%s", s ? ", " : "",
                              column, column);
    }
    const char *idx = tables[kind].idx;
    snprintf(sql, sizeof sql,
             "INSERT INTO %s(id, %s%s%s%s) VALUES(?1, ?2%s%s) ON CONFLICT(id) DO UPDATE SET %s",
             tables[kind].table, tables[kind].parent, idx ? ", " : "", idx ? idx : "", names,
             idx ? ", ?3" : "", marks, sets);
    int err = prepare(store, sql, &store->upsert[kind]);
    if (err)
        return err;
    snprintf(sql, sizeof sql, "SELECT id, %s%s%s%s FROM %s ORDER BY id", tables[kind].parent,
             idx ? ", " : "", idx ? idx : "", names, tables[kind].table);
    return prepare(store, sql, &store->load[kind]);
}

static int statements_ready(struct qbid_store *store)
{
    for (unsigned kind = 0; kind < QBID_ITEM_CNT; kind++) {
        int err = store->load[kind] ? 0 : statements_make(store, kind);
        if (err)
            return err;
    }
    return 0;
}

/* --- fields to and from columns */

static void field_bind(sqlite3_stmt *s, int at, const struct qbid_field *field, const void *item)
{
    const char *p = (const char *)item + field->off;
    const char *text;
    int word;
    switch (field->type) {
    case QBID_FIELD_U32:
        sqlite3_bind_int64(s, at, *(const uint32_t *)(const void *)p);
        break;
    case QBID_FIELD_U16:
        sqlite3_bind_int64(s, at, *(const uint16_t *)(const void *)p);
        break;
    case QBID_FIELD_TEXT:
        text = *(char *const *)(const void *)p;
        sqlite3_bind_text(s, at, text ? text : "", -1, SQLITE_STATIC);
        break;
    case QBID_FIELD_NANOS:
    case QBID_FIELD_MICROS:
    case QBID_FIELD_TIME:
        sqlite3_bind_int64(s, at, *(const int64_t *)(const void *)p);
        break;
    case QBID_FIELD_WORD:
        memcpy(&word, p, sizeof word);
        sqlite3_bind_text(s, at, qbid_words_text(field->words, word), -1, SQLITE_STATIC);
        break;
    case QBID_FIELD_BOOL:
        sqlite3_bind_int(s, at, *(const bool *)(const void *)p);
        break;
    case QBID_FIELD_REAL:
        sqlite3_bind_double(s, at, *(const double *)(const void *)p);
        break;
    case QBID_FIELD_TARGET:
        break;
    }
}

int qbid_store_field_load(sqlite3_stmt *s, int at, const struct qbid_field *field, void *item)
{
    char *p = (char *)item + field->off;
    int word;
    switch (field->type) {
    case QBID_FIELD_U32:
        *(uint32_t *)(void *)p = (uint32_t)sqlite3_column_int64(s, at);
        break;
    case QBID_FIELD_U16:
        *(uint16_t *)(void *)p = (uint16_t)sqlite3_column_int64(s, at);
        break;
    case QBID_FIELD_TEXT:
        free(*(char **)(void *)p);
        *(char **)(void *)p = strdup(qbid_store_column_text(s, at));
        return *(char **)(void *)p ? 0 : QBID_ERR_NOMEM;
    case QBID_FIELD_NANOS:
    case QBID_FIELD_MICROS:
    case QBID_FIELD_TIME:
        *(int64_t *)(void *)p = sqlite3_column_int64(s, at);
        break;
    case QBID_FIELD_WORD:
        word = qbid_words_value(field->words, qbid_store_column_text(s, at));
        if (word < 0)
            return QBID_ERR_CORRUPT;
        memcpy(p, &word, sizeof word);
        break;
    case QBID_FIELD_BOOL:
        *(bool *)(void *)p = sqlite3_column_int(s, at) != 0;
        break;
    case QBID_FIELD_REAL:
        *(double *)(void *)p = sqlite3_column_double(s, at);
        break;
    case QBID_FIELD_TARGET:
        break;
    }
    return 0;
}

/* --- loading */

static void *item_add(struct qbid_account *account, enum qbid_item_kind kind, sqlite3_stmt *s)
{
    uint32_t id = (uint32_t)sqlite3_column_int64(s, 0);
    uint32_t parent = (uint32_t)sqlite3_column_int64(s, 1);
    uint32_t idx = (uint32_t)sqlite3_column_int64(s, 2);
    if (kind == QBID_ITEM_CAMPAIGN) {
        struct qbid_campaign_def *c = qbid_account_add_campaign(account, id);
        if (c) {
            c->tenant_id = parent;
            c->budget_idx = idx;
        }
        return c;
    }
    if (kind == QBID_ITEM_LINE_ITEM) {
        struct qbid_line_item_def *li = qbid_account_add_line_item(account, id);
        if (li) {
            li->campaign_id = parent;
            li->idx = idx;
        }
        return li;
    }
    struct qbid_creative_def *creative = qbid_account_add_creative(account, id);
    if (creative)
        creative->line_item_id = parent;
    return creative;
}

static int items_load(struct qbid_store *store, enum qbid_item_kind kind,
                      struct qbid_account *account)
{
    sqlite3_stmt *s = store->load[kind];
    int row, err = 0;
    while ((row = qbid_store_step(store, s)) > 0) {
        void *item = item_add(account, kind, s);
        int at = first_field(kind) - 1; /* columns are counted from 0 */
        err = item ? 0 : QBID_ERR_NOMEM;
        for (const struct qbid_field *f = qbid_fields(kind); f->name && !err; f++)
            if (f->type != QBID_FIELD_TARGET)
                err = qbid_store_field_load(s, at++, f, item);
        if (err) {
            sqlite3_reset(s);
            return qbid_store_fail(store, err, "a row of the account cannot be read");
        }
    }
    return row;
}

static int value_add(struct qbid_line_item_def *li, const char *dim_name, const char *value)
{
    unsigned dim = 0;
    while (dim < QBID_DIM_CNT && strcmp(qbid_dim_name(dim), dim_name) != 0)
        dim++;
    if (dim == QBID_DIM_CNT)
        return QBID_ERR_CORRUPT;
    struct qbid_target_def *target = &li->target[dim];
    char **more = realloc(target->value, (target->cnt + 1) * sizeof *more);
    char *copy = strdup(value);
    if (more)
        target->value = more;
    if (!more || !copy) {
        free(copy);
        return QBID_ERR_NOMEM;
    }
    target->value[target->cnt++] = copy;
    return 0;
}

static int values_load(struct qbid_store *store, struct qbid_account *account)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_VALUES_LOAD);
    uint32_t i = 0;
    int row;
    while ((row = qbid_store_step(store, s)) > 0) {
        uint32_t id = (uint32_t)sqlite3_column_int64(s, 0);
        while (i < account->line_item_cnt && account->line_items[i].id < id)
            i++;
        int err = i == account->line_item_cnt || account->line_items[i].id != id
                      ? QBID_ERR_CORRUPT
                      : value_add(&account->line_items[i], qbid_store_column_text(s, 1),
                                  qbid_store_column_text(s, 2));
        if (err) {
            sqlite3_reset(s);
            return qbid_store_fail(store, err, "a targeting value cannot be read");
        }
    }
    return row;
}

void qbid_store_deals_clear(struct qbid_account *account)
{
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        struct qbid_line_item_def *li = &account->line_items[i];
        if (li->deal && !*li->deal) {
            free(li->deal);
            li->deal = NULL;
        }
    }
}

int qbid_store_load_account(struct qbid_store *store, struct qbid_account *ret_account)
{
    struct qbid_account account = {0};
    int err = statements_ready(store);
    for (unsigned kind = 0; kind < QBID_ITEM_CNT && !err; kind++)
        err = items_load(store, kind, &account);
    if (!err)
        err = values_load(store, &account);
    if (err) {
        qbid_account_done(&account);
        return err;
    }
    qbid_store_deals_clear(&account);
    qbid_account_sort(&account);
    *ret_account = account;
    return 0;
}

/* --- applying */

struct applying {
    struct qbid_store *store;
    const struct qbid_store_limits *limits;
    const struct qbid_store_cause *cause;
    const struct qbid_account *next;
    uint64_t execution;
    uint32_t position; /* of the next change's first row in the history */
    uint32_t tenant;   /* of all changes so far, 0 = of several */
};

static int next_idx(struct qbid_store *store, enum qbid_store_sql which, uint32_t max,
                    const char *what, uint32_t *ret_idx)
{
    sqlite3_stmt *s = qbid_store_statement(store, which);
    int row = qbid_store_step(store, s);
    if (row < 0)
        return row;
    uint64_t next = qbid_store_column(s, 0);
    sqlite3_reset(s);
    if (next >= max) {
        char words[QBID_STORE_WHY_MAX];
        snprintf(words, sizeof words, "no room for another %s: capacity is %u", what, max);
        return qbid_store_fail(store, QBID_ERR_LIMIT, words);
    }
    *ret_idx = (uint32_t)next;
    return 0;
}

static int idx_give(const struct applying *a, enum qbid_item_kind kind, void *item)
{
    struct qbid_campaign_def *campaign = item;
    struct qbid_line_item_def *li = item;
    if (kind == QBID_ITEM_CAMPAIGN && campaign->budget_idx == QBID_ACCOUNT_IDX_NONE)
        return next_idx(a->store, QBID_STORE_SQL_NEXT_BUDGET, a->limits->budgets, "campaign",
                        &campaign->budget_idx);
    if (kind == QBID_ITEM_LINE_ITEM && li->idx == QBID_ACCOUNT_IDX_NONE)
        return next_idx(a->store, QBID_STORE_SQL_NEXT_LINE_ITEM, a->limits->line_items, "line item",
                        &li->idx);
    return 0;
}

static int item_upsert(struct qbid_store *store, enum qbid_item_kind kind, uint32_t id,
                       const void *item)
{
    sqlite3_stmt *s = store->upsert[kind];
    const struct qbid_campaign_def *campaign = item;
    const struct qbid_line_item_def *li = item;
    const struct qbid_creative_def *creative = item;
    sqlite3_bind_int64(s, 1, id);
    if (kind == QBID_ITEM_CAMPAIGN) {
        sqlite3_bind_int64(s, 2, campaign->tenant_id);
        sqlite3_bind_int64(s, 3, campaign->budget_idx);
    } else if (kind == QBID_ITEM_LINE_ITEM) {
        sqlite3_bind_int64(s, 2, li->campaign_id);
        sqlite3_bind_int64(s, 3, li->idx);
    } else {
        sqlite3_bind_int64(s, 2, creative->line_item_id);
    }
    int at = first_field(kind);
    for (const struct qbid_field *f = qbid_fields(kind); f->name; f++)
        if (f->type != QBID_FIELD_TARGET)
            field_bind(s, at++, f, item);
    return qbid_store_run(store, s);
}

static int values_save(struct qbid_store *store, const struct qbid_line_item_def *li)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_VALUES_DELETE);
    if (!s)
        return QBID_ERR_STORE;
    sqlite3_bind_int64(s, 1, li->id);
    int err = qbid_store_run(store, s);
    s = qbid_store_statement(store, QBID_STORE_SQL_VALUES_ADD);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        for (uint32_t i = 0; i < li->target[dim].cnt && !err; i++) {
            sqlite3_bind_int64(s, 1, li->id);
            sqlite3_bind_text(s, 2, qbid_dim_name(dim), -1, SQLITE_STATIC);
            sqlite3_bind_int64(s, 3, i);
            sqlite3_bind_text(s, 4, li->target[dim].value[i], -1, SQLITE_STATIC);
            err = qbid_store_run(store, s);
        }
    }
    return err;
}

static int target_save(const struct applying *a, const struct qbid_campaign_def *c)
{
    sqlite3_stmt *s = qbid_store_statement(a->store, QBID_STORE_SQL_TARGETS_ADD);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, a->cause->unix_ns);
    sqlite3_bind_int64(s, 2, c->id);
    sqlite3_bind_text(s, 3, qbid_words_text(qbid_words_goal, (int)c->goal), -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 4, c->target_micros);
    sqlite3_bind_int64(s, 5, c->budget_nanos);
    sqlite3_bind_text(s, 6, qbid_words_text(qbid_words_period, (int)c->period), -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 7, qbid_words_text(qbid_words_pacing, (int)c->pacing), -1, SQLITE_STATIC);
    sqlite3_bind_int(s, 8, c->active);
    sqlite3_bind_text(s, 9, a->cause->actor, -1, SQLITE_STATIC);
    return qbid_store_run(a->store, s);
}

/* "name=value" by line. */
static char *fields_text(const struct qbid_change *change, bool after)
{
    size_t bytes = 1;
    for (uint32_t i = 0; i < change->field_cnt; i++) {
        const char *value = after ? change->field[i].after : change->field[i].before;
        bytes += strlen(change->field[i].name) + strlen(value ? value : "") + 2;
    }
    char *text = calloc(1, bytes), *end = text;
    for (uint32_t i = 0; text && i < change->field_cnt; i++) {
        const char *value = after ? change->field[i].after : change->field[i].before;
        if (value)
            end += sprintf(end, "%s%s=%s", end == text ? "" : "\n", change->field[i].name, value);
    }
    return text;
}

/* An item's tenant is its campaign's. */
static uint32_t tenant_of(const struct qbid_account *account, enum qbid_item_kind kind,
                          const void *item)
{
    if (kind == QBID_ITEM_CREATIVE) {
        const struct qbid_creative_def *creative = item;
        item = qbid_account_line_item(account, creative->line_item_id);
    }
    if (kind != QBID_ITEM_CAMPAIGN && item) {
        const struct qbid_line_item_def *li = item;
        item = qbid_account_campaign(account, li->campaign_id);
    }
    const struct qbid_campaign_def *campaign = item;
    return campaign ? campaign->tenant_id : 0;
}

static int change_audit(const struct applying *a, const struct qbid_change *change, uint32_t tenant)
{
    char what[64];
    char *before = fields_text(change, false), *after = fields_text(change, true);
    snprintf(what, sizeof what, "%s %u %s", qbid_item_kind_name(change->item), change->id,
             qbid_change_kind_name(change->kind));
    int err = before && after ? qbid_store_audit_of(a->store, tenant, a->cause, what, before, after)
                              : QBID_ERR_NOMEM;
    free(before);
    free(after);
    return err;
}

static int change_apply(struct applying *a, const struct qbid_change *change, void *item)
{
    uint32_t tenant = tenant_of(a->next, change->item, item), position = a->position;
    int err = qbid_store_change_before(a->store, a->execution, &a->position, tenant, change);
    if (!err)
        err = idx_give(a, change->item, item);
    if (!err)
        err = item_upsert(a->store, change->item, change->id, item);
    if (!err && change->item == QBID_ITEM_LINE_ITEM)
        err = values_save(a->store, item);
    if (!err && change->item == QBID_ITEM_CAMPAIGN)
        err = target_save(a, item);
    if (!err)
        err = qbid_store_change_after(a->store, a->execution, position, change);
    a->tenant = position == 0 || a->tenant == tenant ? tenant : 0;
    return err ? err : change_audit(a, change, tenant);
}

static int changes_apply(struct applying *a, const struct qbid_diff *diff)
{
    int err = 0;
    for (uint32_t i = 0; i < diff->change_cnt && !err; i++) {
        const struct qbid_change *change = &diff->change[i];
        const void *item = change->item == QBID_ITEM_CAMPAIGN
                               ? (const void *)qbid_account_campaign(a->next, change->id)
                           : change->item == QBID_ITEM_LINE_ITEM
                               ? (const void *)qbid_account_line_item(a->next, change->id)
                               : (const void *)qbid_account_creative(a->next, change->id);
        err = item ? change_apply(a, change, (void *)(uintptr_t)item) : QBID_ERR_NOENT;
    }
    return err;
}

int qbid_store_apply(struct qbid_store *store, const struct qbid_diff *diff,
                     struct qbid_account *next, const struct qbid_store_limits *limits,
                     const struct qbid_store_cause *cause)
{
    return qbid_store_execute(store, diff, next, limits, cause, NULL, NULL);
}

int qbid_store_execute(struct qbid_store *store, const struct qbid_diff *diff,
                       struct qbid_account *next, const struct qbid_store_limits *limits,
                       const struct qbid_store_cause *cause, qbid_store_also_fn *also,
                       void *context)
{
    struct applying a = {
        .store = store, .limits = limits, .cause = cause, .next = next, .tenant = store->scope};
    int err = statements_ready(store);
    if (!err)
        err = qbid_store_begin(store);
    if (err)
        return err;
    err = qbid_store_execution_add(store, cause, &a.execution);
    if (!err)
        err = changes_apply(&a, diff);
    if (!err)
        err = qbid_store_execution_tenant(store, a.execution, a.tenant);
    if (!err && also)
        err = also(context, a.execution);
    err = qbid_store_end(store, err);
    if (!err)
        qbid_account_sort(next);
    return err;
}
