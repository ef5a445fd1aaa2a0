/* SPDX-License-Identifier: Apache-2.0 */
/* The history read back into an account: what was there before executions.
 *
 * A field that no later execution changed gets its value from before. A campaign's budget that a
 * later one changed too is given back what was taken from it, and loses what it was given: money
 * that is moved from one budget to another is in both, so only amounts keep the sum. Any other
 * field keeps what was decided later. */
#include "control/store/store_executions.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/written/money.h"
#include "control/store/store_db.h"
#include "shm/error.h"
#include "shm/units.h"

struct restoring {
    struct qbid_store *store;
    struct qbid_account *account;
    uint64_t from, until;
    bool known, is_rollback; /* the first one */
    bool alone;              /* others came after the last one */
    uint32_t tenant;
    uint64_t undone_by;
    struct qbid_store_restored done;
};

static int fail_about(struct qbid_store *store, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int fail_about(struct qbid_store *store, int err, const char *format, ...)
{
    char words[QBID_STORE_WHY_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    return qbid_store_fail(store, err, words);
}

static int kind_of(const char *name)
{
    for (int kind = 0; kind < QBID_ITEM_CNT; kind++)
        if (strcmp(name, qbid_item_kind_name((enum qbid_item_kind)kind)) == 0)
            return kind;
    return -1;
}

static void *item_find(const struct qbid_account *account, int kind, uint32_t id)
{
    const void *item = kind == QBID_ITEM_CAMPAIGN ? (const void *)qbid_account_campaign(account, id)
                       : kind == QBID_ITEM_LINE_ITEM
                           ? (const void *)qbid_account_line_item(account, id)
                           : (const void *)qbid_account_creative(account, id);
    return (void *)(uintptr_t)item; /* of an account that is the caller's to change */
}

/* A list of values from its JSON. */
static int target_restore(struct qbid_store *store, const char *list,
                          struct qbid_target_def *target)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_CHANGE_VALUES);
    int row = 0;
    if (!s)
        return QBID_ERR_STORE;
    for (uint32_t i = 0; i < target->cnt; i++)
        free(target->value[i]);
    target->cnt = 0;
    sqlite3_bind_text(s, 1, list, -1, SQLITE_TRANSIENT);
    while ((row = qbid_store_step(store, s)) > 0) {
        char **more = realloc(target->value, (target->cnt + 1) * sizeof *more);
        char *copy = strdup(qbid_store_column_text(s, 0));
        target->value = more ? more : target->value;
        if (!more || !copy) {
            free(copy);
            sqlite3_reset(s);
            return QBID_ERR_NOMEM;
        }
        target->value[target->cnt++] = copy;
    }
    return row;
}

static int field_restore(struct qbid_store *store, sqlite3_stmt *s, int kind, void *item,
                         uint32_t *added)
{
    const char *name = qbid_store_column_text(s, 2);
    const struct qbid_field *field = *name ? qbid_fields_find((enum qbid_item_kind)kind, name)
                                           : qbid_fields_find((enum qbid_item_kind)kind, "active");
    if (!field)
        return qbid_store_fail(store, QBID_ERR_CORRUPT, "the history names an unknown field");
    if (!*name) {
        *(bool *)((char *)item + field->off) = false;
        ++*added;
        return 0;
    }
    if (field->type == QBID_FIELD_TARGET)
        return target_restore(store, qbid_store_column_text(s, 3),
                              (struct qbid_target_def *)(void *)((char *)item + field->off));
    return qbid_store_field_load(s, 3, field, item);
}

/* Every field whose last change is in the range. */
static int values_restore(struct restoring *r)
{
    sqlite3_stmt *s = qbid_store_statement(r->store, QBID_STORE_SQL_CHANGE_FIRST);
    int row = 0, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, r->from);
    qbid_store_bind(s, 2, r->until);
    while (!err && (row = qbid_store_step(r->store, s)) > 0) {
        int kind = kind_of(qbid_store_column_text(s, 0));
        void *item =
            kind < 0 ? NULL : item_find(r->account, kind, (uint32_t)qbid_store_column(s, 1));
        err =
            item ? field_restore(r->store, s, kind, item, &r->done.added)
                 : qbid_store_fail(r->store, QBID_ERR_CORRUPT, "the history names an unknown item");
    }
    return qbid_store_rows_end(s, row, err);
}

/* --- money */

/* Whether what later executions did to these budgets lets amounts be taken back; and whether one of
 * them was a person's. */
static int since_check(struct restoring *r)
{
    sqlite3_stmt *s = qbid_store_statement(r->store, QBID_STORE_SQL_CHANGE_SINCE);
    int row = 0, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, r->from);
    qbid_store_bind(s, 2, r->until);
    qbid_store_bind(s, 3, r->tenant);
    while (!err && (row = qbid_store_step(r->store, s)) > 0) {
        const char *field = qbid_store_column_text(s, 0), *kind = qbid_store_column_text(s, 2);
        uint64_t execution = qbid_store_column(s, 1);
        uint32_t campaign = (uint32_t)qbid_store_column(s, 4);
        if (strcmp(field, "period") == 0)
            err = fail_about(r->store, QBID_ERR_STALE,
                             "execution %" PRIu64 " set the period of campaign %" PRIu32
                             ": the amount that execution %" PRIu64
                             " moved is not of that period; take back %" PRIu64
                             " and all that came after it, or set the budgets",
                             execution, campaign, r->from, r->from);
        else if (strcmp(kind, "rollback") == 0)
            err = fail_about(r->store, QBID_ERR_STALE,
                             "execution %" PRIu64 " took back a part of what others did to the "
                             "budget of campaign %" PRIu32 "; take back that first",
                             execution, campaign);
        else
            snprintf(r->done.by_hand, sizeof r->done.by_hand,
                     "budget of campaign %" PRIu32 " was set by %.40s in execution %" PRIu64
                     ", after execution %" PRIu64,
                     campaign, qbid_store_column_text(s, 3), execution, r->from);
    }
    return qbid_store_rows_end(s, row, err);
}

static int budget_restore(struct restoring *r, uint32_t id, int64_t moved_nanos)
{
    const struct qbid_field *field = qbid_fields_find(QBID_ITEM_CAMPAIGN, "budget");
    char money[QBID_MONEY_TEXT_MAX];
    struct qbid_campaign_def *campaign = item_find(r->account, QBID_ITEM_CAMPAIGN, id);
    if (!campaign)
        return qbid_store_fail(r->store, QBID_ERR_CORRUPT, "the history names an unknown item");
    int64_t nanos = qbid_add_sat(campaign->budget_nanos, -moved_nanos);
    bool fits = nanos >= field->least && nanos <= field->most &&
                (nanos >= campaign->spend_floor_nanos || nanos >= campaign->budget_nanos);
    money[qbid_money_format(nanos, money)] = 0;
    if (!fits)
        return fail_about(r->store, QBID_ERR_LIMIT,
                          "without execution %" PRIu64 " the budget of campaign %" PRIu32
                          " would be %s, which is %s: later executions moved on what it was "
                          "given; take back %" PRIu64 " and all that came after it",
                          r->from, id, money,
                          nanos < field->least  ? "not above 0"
                          : nanos > field->most ? "too large"
                                                : "below its spend_floor",
                          r->from);
    campaign->budget_nanos = nanos;
    r->done.moved++;
    return 0;
}

/* Budgets that later executions changed too. */
static int money_restore(struct restoring *r)
{
    sqlite3_stmt *s = qbid_store_statement(r->store, QBID_STORE_SQL_CHANGE_MOVED);
    int row = 0, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, r->from);
    qbid_store_bind(s, 2, r->until);
    while (!err && (row = qbid_store_step(r->store, s)) > 0)
        err = budget_restore(r, (uint32_t)qbid_store_column(s, 0), sqlite3_column_int64(s, 1));
    return qbid_store_rows_end(s, row, err);
}

static int kept_count(struct restoring *r)
{
    sqlite3_stmt *s = qbid_store_statement(r->store, QBID_STORE_SQL_CHANGE_KEPT);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, r->from);
    qbid_store_bind(s, 2, r->until);
    int row = qbid_store_step(r->store, s);
    if (row <= 0)
        return row < 0 ? row : QBID_ERR_STORE;
    r->done.kept = (uint32_t)qbid_store_column(s, 0);
    sqlite3_reset(s);
    return 0;
}

static int first_see(void *context, const struct qbid_store_execution *execution)
{
    struct restoring *r = context;
    r->known = true;
    r->is_rollback = strcmp(execution->kind, "rollback") == 0;
    r->tenant = execution->tenant;
    r->undone_by = execution->undone_by;
    return 0;
}

/* The first one is there, and may go back. */
static int first_check(struct restoring *r)
{
    int err = r->from ? qbid_store_load_executions(r->store, r->from, 1, first_see, r) : 0;
    if (err)
        return err;
    if (!r->known)
        return fail_about(r->store, QBID_ERR_NOENT, "execution %" PRIu64, r->from);
    if (r->undone_by > r->until)
        return fail_about(r->store, QBID_ERR_STALE,
                          "execution %" PRIu64 " was taken back by execution %" PRIu64 " already",
                          r->from, r->undone_by);
    sqlite3_stmt *s = qbid_store_statement(r->store, QBID_STORE_SQL_EXECUTION_LAST);
    int row = qbid_store_step(r->store, s);
    if (row <= 0)
        return row < 0 ? row : QBID_ERR_STORE;
    r->alone = r->until < qbid_store_column(s, 0);
    sqlite3_reset(s);
    if (r->is_rollback && r->alone)
        return fail_about(r->store, QBID_ERR_STALE,
                          "execution %" PRIu64 " is a rollback: it goes back only with all that "
                          "came after it",
                          r->from);
    return 0;
}

int qbid_store_restore(struct qbid_store *store, uint64_t from, uint64_t until,
                       struct qbid_account *account, struct qbid_store_restored *ret_restored)
{
    struct restoring r = {.store = store, .account = account, .from = from, .until = until};
    int err = first_check(&r);
    if (!err)
        err = values_restore(&r);
    if (!err && r.alone)
        err = since_check(&r);
    if (!err && r.alone)
        err = money_restore(&r);
    if (!err && r.alone)
        err = kept_count(&r);
    qbid_store_deals_clear(account);
    if (!err)
        *ret_restored = r.done;
    return err;
}
