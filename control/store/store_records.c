/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of models, runs, insights, creatives' days and allocations. */
#include "control/store/store_records.h"

#include "control/store/store_db.h"
#include "shm/error.h"

int qbid_store_add_model(struct qbid_store *store, const struct qbid_store_model *model)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_MODEL_ADD);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, model->tenant);
    qbid_store_bind(s, 2, model->campaign);
    qbid_store_bind_text(s, 3, model->rate);
    sqlite3_bind_int64(s, 4, model->unix_s);
    qbid_store_bind_text(s, 5, model->model);
    sqlite3_bind_double(s, 6, model->trials);
    sqlite3_bind_double(s, 7, model->successes);
    sqlite3_bind_double(s, 8, model->log_loss);
    sqlite3_bind_double(s, 9, model->gain);
    sqlite3_bind_double(s, 10, model->gain_interval);
    qbid_store_bind_text(s, 11, model->calibration);
    return qbid_store_run(store, s);
}

int qbid_store_load_models(struct qbid_store *store, uint32_t campaign, const char *rate,
                           uint32_t max, qbid_store_model_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_MODEL_LOAD);
    int row = 0, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, campaign);
    qbid_store_bind_text(s, 2, rate);
    qbid_store_bind(s, 3, max);
    while (!err && (row = qbid_store_step(store, s)) > 0) {
        struct qbid_store_model model = {.tenant = (uint32_t)qbid_store_column(s, 0),
                                         .campaign = (uint32_t)qbid_store_column(s, 1),
                                         .rate = qbid_store_column_text(s, 2),
                                         .version = (uint32_t)qbid_store_column(s, 3),
                                         .unix_s = sqlite3_column_int64(s, 4),
                                         .model = qbid_store_column_text(s, 5),
                                         .trials = sqlite3_column_double(s, 6),
                                         .successes = sqlite3_column_double(s, 7),
                                         .log_loss = sqlite3_column_double(s, 8),
                                         .gain = sqlite3_column_double(s, 9),
                                         .gain_interval = sqlite3_column_double(s, 10),
                                         .calibration = qbid_store_column_text(s, 11)};
        err = fn(context, &model);
    }
    return qbid_store_rows_end(s, row, err);
}

int qbid_store_add_run(struct qbid_store *store, const struct qbid_store_run *run)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_RUN_ADD);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind_text(s, 1, run->agent);
    qbid_store_bind(s, 2, run->unix_ns);
    qbid_store_bind(s, 3, run->spent_ns);
    qbid_store_bind(s, 4, run->proposals);
    qbid_store_bind(s, 5, run->refused);
    qbid_store_bind_text(s, 6, run->outcome);
    return qbid_store_run(store, s);
}

int qbid_store_load_runs(struct qbid_store *store, const char *agent, uint32_t max,
                         qbid_store_run_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_RUN_LOAD);
    int row = 0, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind_text(s, 1, agent);
    qbid_store_bind(s, 2, max);
    while (!err && (row = qbid_store_step(store, s)) > 0) {
        struct qbid_store_run run = {.agent = qbid_store_column_text(s, 0),
                                     .unix_ns = qbid_store_column(s, 1),
                                     .spent_ns = qbid_store_column(s, 2),
                                     .proposals = qbid_store_column(s, 3),
                                     .refused = qbid_store_column(s, 4),
                                     .outcome = qbid_store_column_text(s, 5)};
        err = fn(context, &run);
    }
    return qbid_store_rows_end(s, row, err);
}

static void insight_bind(sqlite3_stmt *s, const struct qbid_store_insight *insight)
{
    qbid_store_bind(s, 1, insight->tenant);
    qbid_store_bind(s, 2, insight->campaign);
    qbid_store_bind(s, 3, insight->line_item);
    qbid_store_bind_text(s, 4, insight->kind);
    qbid_store_bind_text(s, 5, insight->metric);
    sqlite3_bind_int64(s, 6, insight->last_unix_s);
    sqlite3_bind_double(s, 7, insight->seen);
    sqlite3_bind_double(s, 8, insight->against);
    sqlite3_bind_double(s, 9, insight->confidence);
    sqlite3_bind_int64(s, 10, insight->impact_nanos);
    qbid_store_bind_text(s, 11, insight->text);
}

int qbid_store_see_insight(struct qbid_store *store, const struct qbid_store_insight *insight,
                           int64_t since_unix_s)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_INSIGHT_AGAIN);
    if (!s)
        return QBID_ERR_STORE;
    insight_bind(s, insight);
    sqlite3_bind_int64(s, 12, since_unix_s);
    int err = qbid_store_run(store, s);
    if (err || sqlite3_changes(store->db) > 0)
        return err;
    s = qbid_store_statement(store, QBID_STORE_SQL_INSIGHT_ADD);
    if (!s)
        return QBID_ERR_STORE;
    insight_bind(s, insight);
    return qbid_store_run(store, s);
}

int qbid_store_load_insights(struct qbid_store *store, int64_t from_unix_s, uint32_t max,
                             qbid_store_insight_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_INSIGHT_LOAD);
    int row = 0, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    sqlite3_bind_int64(s, 1, from_unix_s);
    qbid_store_bind(s, 2, max);
    while (!err && (row = qbid_store_step(store, s)) > 0) {
        struct qbid_store_insight insight = {.tenant = (uint32_t)qbid_store_column(s, 0),
                                             .campaign = (uint32_t)qbid_store_column(s, 1),
                                             .line_item = (uint32_t)qbid_store_column(s, 2),
                                             .kind = qbid_store_column_text(s, 3),
                                             .metric = qbid_store_column_text(s, 4),
                                             .first_unix_s = sqlite3_column_int64(s, 5),
                                             .last_unix_s = sqlite3_column_int64(s, 6),
                                             .seen = sqlite3_column_double(s, 7),
                                             .against = sqlite3_column_double(s, 8),
                                             .confidence = sqlite3_column_double(s, 9),
                                             .impact_nanos = sqlite3_column_int64(s, 10),
                                             .text = qbid_store_column_text(s, 11)};
        err = fn(context, &insight);
    }
    return qbid_store_rows_end(s, row, err);
}

/* What the totals grew by; those that fell began anew. */
static struct qbid_stats stats_since(const struct qbid_stats *now, const struct qbid_stats *before)
{
    if (now->bids < before->bids || now->imps < before->imps || now->clicks < before->clicks)
        return *now;
    return (struct qbid_stats){.bids = now->bids - before->bids,
                               .wins = now->wins - before->wins,
                               .losses = now->losses - before->losses,
                               .bills = now->bills - before->bills,
                               .imps = now->imps - before->imps,
                               .clicks = now->clicks - before->clicks,
                               .convs = now->convs - before->convs,
                               .spend_nanos = now->spend_nanos - before->spend_nanos,
                               .bid_nanos = now->bid_nanos - before->bid_nanos,
                               .value_nanos = now->value_nanos - before->value_nanos,
                               .views = now->views - before->views,
                               .starts = now->starts - before->starts,
                               .completes = now->completes - before->completes};
}

int qbid_store_load_creative_days(struct qbid_store *store, uint32_t creative, int64_t from_day,
                                  qbid_store_creative_day_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_CREATIVE_DAY_LOAD);
    struct qbid_stats before = {0};
    uint32_t of = 0;
    int row = 0, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, creative);
    while (!err && (row = qbid_store_step(store, s)) > 0) {
        struct qbid_store_creative_day day = {.tenant = (uint32_t)qbid_store_column(s, 17),
                                              .campaign = (uint32_t)qbid_store_column(s, 0),
                                              .line_item = (uint32_t)qbid_store_column(s, 1),
                                              .creative = (uint32_t)qbid_store_column(s, 2),
                                              .day = sqlite3_column_int64(s, 3)};
        struct qbid_stats all = qbid_store_stats(s);
        bool first = day.creative != of;
        day.stats = stats_since(&all, &before);
        before = all;
        of = day.creative;
        if (!first && day.day >= from_day)
            err = fn(context, &day);
    }
    return qbid_store_rows_end(s, row, err);
}

int qbid_store_load_allocations(struct qbid_store *store, uint32_t campaign, uint32_t max,
                                qbid_store_allocation_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_ALLOCATION_LOAD);
    int row = 0, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, campaign);
    qbid_store_bind(s, 2, max);
    while (!err && (row = qbid_store_step(store, s)) > 0) {
        struct qbid_store_allocation allocation = {.tenant = (uint32_t)qbid_store_column(s, 0),
                                                   .execution = qbid_store_column(s, 1),
                                                   .unix_ns = qbid_store_column(s, 2),
                                                   .campaign = (uint32_t)qbid_store_column(s, 3),
                                                   .before_nanos = sqlite3_column_int64(s, 4),
                                                   .after_nanos = sqlite3_column_int64(s, 5),
                                                   .kind = qbid_store_column_text(s, 6),
                                                   .actor = qbid_store_column_text(s, 7),
                                                   .undone_by = qbid_store_column(s, 8),
                                                   .recommendation = qbid_store_column(s, 9),
                                                   .agent = qbid_store_column_text(s, 10),
                                                   .mean_nanos = sqlite3_column_int64(s, 11)};
        err = fn(context, &allocation);
    }
    return qbid_store_rows_end(s, row, err);
}

int qbid_store_prune_records(struct qbid_store *store, int64_t runs_unix_s, int64_t unix_s,
                             uint32_t max)
{
    static const enum qbid_store_sql which[] = {
        QBID_STORE_SQL_MODEL_PRUNE, QBID_STORE_SQL_INSIGHT_PRUNE, QBID_STORE_SQL_FIRING_PRUNE,
        QBID_STORE_SQL_CREATIVE_DAY_PRUNE, QBID_STORE_SQL_ATTRIBUTION_PRUNE};
    int sum = qbid_store_prune(store, QBID_STORE_SQL_RUN_PRUNE, runs_unix_s, max);
    for (size_t i = 0; i < sizeof which / sizeof which[0] && sum >= 0; i++) {
        int n = qbid_store_prune(store, which[i], unix_s, max);
        sum = n < 0 ? n : sum + n;
    }
    return sum;
}
