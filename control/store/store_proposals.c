/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of recommendations, holds and guards. */
#include "control/store/store_proposals.h"

#include <stdio.h>
#include <string.h>

#include "control/store/store_db.h"
#include "shm/error.h"

static const char *const status_name[QBID_RECOMMENDATION_STATUS_CNT] = {
    "pending", "approved", "rejected", "expired", "applied", "rolled_back", "superseded"};

const char *qbid_recommendation_status_name(enum qbid_recommendation_status status)
{
    return (unsigned)status < QBID_RECOMMENDATION_STATUS_CNT ? status_name[status] : "?";
}

int qbid_recommendation_status_of(const char *name)
{
    for (int i = 0; i < QBID_RECOMMENDATION_STATUS_CNT; i++)
        if (strcmp(name, status_name[i]) == 0)
            return i;
    return -1;
}

static int64_t count_of(uint64_t bits)
{
    return (int64_t)bits;
}

int qbid_store_add_recommendation(struct qbid_store *store, const struct qbid_recommendation *r)
{
    const struct qbid_proposal *p = &r->proposal;
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_RECOMMENDATION_ADD);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, p->id);
    qbid_store_bind(s, 2, r->tenant);
    qbid_store_bind(s, 3, r->unix_ns);
    qbid_store_bind_text(s, 4, r->proposer);
    qbid_store_bind_text(s, 5, qbid_proposal_type_name(p->type));
    qbid_store_bind_text(s, 6, p->agent);
    qbid_store_bind_text(s, 7, qbid_item_kind_name(p->item));
    qbid_store_bind(s, 8, p->item_id);
    qbid_store_bind(s, 9, r->campaign);
    qbid_store_bind_text(s, 10, p->field);
    qbid_store_bind_text(s, 11, p->current);
    qbid_store_bind_text(s, 12, p->recommended);
    sqlite3_bind_int64(s, 13, p->budget_nanos);
    qbid_store_bind(s, 14, p->group);
    sqlite3_bind_int64(s, 15, p->impact.mean_nanos);
    sqlite3_bind_int64(s, 16, p->impact.low_nanos);
    sqlite3_bind_int64(s, 17, p->impact.high_nanos);
    sqlite3_bind_int64(s, 18, p->impact.loss_nanos);
    sqlite3_bind_double(s, 19, p->confidence);
    sqlite3_bind_double(s, 20, p->risk);
    sqlite3_bind_double(s, 21, p->priority);
    qbid_store_bind_text(s, 22, p->reason);
    sqlite3_bind_int64(s, 23, p->evidence_from_unix_s);
    sqlite3_bind_int64(s, 24, p->evidence_to_unix_s);
    sqlite3_bind_int(s, 25, p->auto_execute);
    sqlite3_bind_int64(s, 26, r->money_nanos);
    return qbid_store_run(store, s);
}

static void text_read(sqlite3_stmt *s, int at, char *out, size_t max)
{
    snprintf(out, max, "%s", qbid_store_column_text(s, at));
}

static int item_of(const char *name)
{
    for (int kind = 0; kind < QBID_ITEM_CNT; kind++)
        if (strcmp(name, qbid_item_kind_name((enum qbid_item_kind)kind)) == 0)
            return kind;
    return -1;
}

static int type_of(const char *name)
{
    for (int type = QBID_PROPOSAL_BUDGET; type <= QBID_PROPOSAL_TYPE_CNT; type++)
        if (strcmp(name, qbid_proposal_type_name((enum qbid_proposal_type)type)) == 0)
            return type;
    return -1;
}

/* Columns in the table's order. */
static int recommendation_read(sqlite3_stmt *s, struct qbid_recommendation *r)
{
    struct qbid_proposal *p = &r->proposal;
    int type = type_of(qbid_store_column_text(s, 4)), item = item_of(qbid_store_column_text(s, 6));
    int status = qbid_recommendation_status_of(qbid_store_column_text(s, 26));
    if (type < 0 || item < 0 || status < 0)
        return QBID_ERR_CORRUPT;
    memset(r, 0, sizeof *r);
    p->id = qbid_store_column(s, 0);
    r->tenant = (uint32_t)qbid_store_column(s, 1);
    r->unix_ns = qbid_store_column(s, 2);
    text_read(s, 3, r->proposer, sizeof r->proposer);
    p->type = (enum qbid_proposal_type)type;
    text_read(s, 5, p->agent, sizeof p->agent);
    p->item = (enum qbid_item_kind)item;
    p->item_id = (uint32_t)qbid_store_column(s, 7);
    r->campaign = (uint32_t)qbid_store_column(s, 8);
    text_read(s, 9, p->field, sizeof p->field);
    text_read(s, 10, p->current, sizeof p->current);
    text_read(s, 11, p->recommended, sizeof p->recommended);
    p->budget_nanos = count_of(qbid_store_column(s, 12));
    p->group = qbid_store_column(s, 13);
    p->impact = (struct qbid_proposal_impact){
        count_of(qbid_store_column(s, 14)), count_of(qbid_store_column(s, 15)),
        count_of(qbid_store_column(s, 16)), count_of(qbid_store_column(s, 17))};
    p->confidence = sqlite3_column_double(s, 18);
    p->risk = sqlite3_column_double(s, 19);
    p->priority = sqlite3_column_double(s, 20);
    text_read(s, 21, p->reason, sizeof p->reason);
    p->evidence_from_unix_s = sqlite3_column_int64(s, 22);
    p->evidence_to_unix_s = sqlite3_column_int64(s, 23);
    p->auto_execute = sqlite3_column_int(s, 24) != 0;
    r->money_nanos = sqlite3_column_int64(s, 25);
    r->status = (enum qbid_recommendation_status)status;
    text_read(s, 27, r->decider, sizeof r->decider);
    r->decided_unix_ns = qbid_store_column(s, 28);
    r->execution = qbid_store_column(s, 29);
    return 0;
}

/* The same question, put so that an index answers the narrowest part of it. */
static enum qbid_store_sql load_of(const struct qbid_recommendation_filter *filter)
{
    return filter->id            ? QBID_STORE_SQL_RECOMMENDATION_LOAD_ID
           : filter->bundle      ? QBID_STORE_SQL_RECOMMENDATION_LOAD_BUNDLE
           : filter->status >= 0 ? QBID_STORE_SQL_RECOMMENDATION_LOAD_STATUS
                                 : QBID_STORE_SQL_RECOMMENDATION_LOAD;
}

static int recommendations_visit(struct qbid_store *store, sqlite3_stmt *s,
                                 qbid_store_recommendation_fn *fn, void *context)
{
    struct qbid_recommendation r;
    int row, err = 0;
    while (!err && (row = qbid_store_step(store, s)) != 0) {
        if (row < 0)
            return row;
        err = recommendation_read(s, &r);
        if (err)
            qbid_store_fail(store, err, "a recommendation cannot be read");
        else
            err = fn(context, &r);
    }
    if (err)
        sqlite3_reset(s);
    return err;
}

int qbid_store_load_superseded(struct qbid_store *store, const struct qbid_proposal *proposal,
                               qbid_store_recommendation_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_RECOMMENDATION_LOAD_SUPERSEDED);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind_text(s, 1, proposal->agent);
    qbid_store_bind_text(s, 2, qbid_item_kind_name(proposal->item));
    qbid_store_bind(s, 3, proposal->item_id);
    qbid_store_bind_text(s, 4, proposal->field);
    sqlite3_bind_int64(s, 5, proposal->evidence_to_unix_s);
    qbid_store_bind(s, 6, proposal->group);
    return recommendations_visit(store, s, fn, context);
}

int qbid_store_load_recommendations(struct qbid_store *store,
                                    const struct qbid_recommendation_filter *filter,
                                    qbid_store_recommendation_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, load_of(filter));
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind_text(s, 1, filter->status < 0 ? "" : status_name[filter->status]);
    qbid_store_bind(s, 2, filter->id);
    qbid_store_bind(s, 3, filter->bundle);
    qbid_store_bind(s, 4, filter->max);
    qbid_store_bind(s, 5, filter->decided_since_ns);
    return recommendations_visit(store, s, fn, context);
}

int qbid_store_set_recommendation(struct qbid_store *store, uint64_t id,
                                  enum qbid_recommendation_status status, const char *decider,
                                  uint64_t unix_ns, uint64_t execution)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_RECOMMENDATION_STATUS);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, id);
    qbid_store_bind_text(s, 2, qbid_recommendation_status_name(status));
    qbid_store_bind_text(s, 3, decider);
    qbid_store_bind(s, 4, unix_ns);
    qbid_store_bind(s, 5, execution);
    return qbid_store_run(store, s);
}

static int range_run(struct qbid_store *store, enum qbid_store_sql which, uint64_t from,
                     uint64_t until)
{
    sqlite3_stmt *s = qbid_store_statement(store, which);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, from);
    qbid_store_bind(s, 2, until);
    return qbid_store_run(store, s);
}

int qbid_store_undo_recommendations(struct qbid_store *store, uint64_t from, uint64_t until,
                                    uint64_t by)
{
    int err = range_run(store, QBID_STORE_SQL_RECOMMENDATION_UNDO, from, until);
    sqlite3_stmt *s = err ? NULL : qbid_store_statement(store, QBID_STORE_SQL_RECOMMENDATION_FLAG);
    if (!s)
        return err ? err : QBID_ERR_STORE;
    qbid_store_bind(s, 1, by);
    return qbid_store_run(store, s);
}

/* --- holds */

int qbid_store_add_hold(struct qbid_store *store, const struct qbid_store_hold *hold)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_HOLD_ADD);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind_text(s, 1, qbid_item_kind_name(hold->item));
    qbid_store_bind(s, 2, hold->item_id);
    qbid_store_bind(s, 3, hold->tenant);
    qbid_store_bind(s, 4, hold->unix_ns);
    qbid_store_bind_text(s, 5, hold->actor);
    qbid_store_bind_text(s, 6, hold->why);
    return qbid_store_run(store, s);
}

int qbid_store_drop_hold(struct qbid_store *store, enum qbid_item_kind item, uint32_t item_id)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_HOLD_DROP);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind_text(s, 1, qbid_item_kind_name(item));
    qbid_store_bind(s, 2, item_id);
    return qbid_store_run(store, s);
}

int qbid_store_load_holds(struct qbid_store *store, qbid_store_hold_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_HOLD_LOAD);
    int row = 0, err = 0;
    while (!err && (row = qbid_store_step(store, s)) > 0) {
        int item = item_of(qbid_store_column_text(s, 0));
        struct qbid_store_hold hold = {.item = (enum qbid_item_kind)item,
                                       .item_id = (uint32_t)qbid_store_column(s, 1),
                                       .tenant = (uint32_t)qbid_store_column(s, 2),
                                       .unix_ns = qbid_store_column(s, 3),
                                       .actor = qbid_store_column_text(s, 4),
                                       .why = qbid_store_column_text(s, 5)};
        err = item < 0 ? qbid_store_fail(store, QBID_ERR_CORRUPT, "a hold cannot be read")
                       : fn(context, &hold);
    }
    return qbid_store_rows_end(s, row, err);
}

/* --- guards */

int qbid_store_add_guard(struct qbid_store *store, const struct qbid_store_guard *guard)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_GUARD_ADD);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, guard->execution);
    qbid_store_bind(s, 2, guard->tenant);
    qbid_store_bind(s, 3, guard->campaign);
    qbid_store_bind(s, 4, guard->unix_ns);
    qbid_store_bind_text(s, 5, guard->metric);
    qbid_store_bind(s, 6, guard->base_trials);
    qbid_store_bind(s, 7, guard->base_successes);
    qbid_store_bind(s, 8, guard->trials);
    qbid_store_bind(s, 9, guard->successes);
    return qbid_store_run(store, s);
}

int qbid_store_drop_guards(struct qbid_store *store, uint64_t from, uint64_t until)
{
    return range_run(store, QBID_STORE_SQL_GUARD_DROP, from, until);
}

int qbid_store_load_guards(struct qbid_store *store, qbid_store_guard_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_GUARD_LOAD);
    int row = 0, err = 0;
    while (!err && (row = qbid_store_step(store, s)) > 0) {
        struct qbid_store_guard guard = {.execution = qbid_store_column(s, 0),
                                         .tenant = (uint32_t)qbid_store_column(s, 1),
                                         .campaign = (uint32_t)qbid_store_column(s, 2),
                                         .unix_ns = qbid_store_column(s, 3),
                                         .base_trials = qbid_store_column(s, 5),
                                         .base_successes = qbid_store_column(s, 6),
                                         .trials = qbid_store_column(s, 7),
                                         .successes = qbid_store_column(s, 8)};
        text_read(s, 4, guard.metric, sizeof guard.metric);
        err = fn(context, &guard);
    }
    return qbid_store_rows_end(s, row, err);
}
