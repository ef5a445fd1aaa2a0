/* SPDX-License-Identifier: Apache-2.0 */
#include "control/records/recorder.h"

#include <stdio.h>
#include <string.h>

#include "control/insights/insights.h"
#include "control/store/store_records.h"
#include "shm/error.h"
#include "shm/units.h"

#define DAY_S 86400
#define PAUSE_S (2 * (int64_t)(QBID_RECORDER_PERIOD_NS / QBID_NS_PER_S) + 60)

static const char *const rate_names[QBID_LEARNED_HEAD_CNT] = {"ctr", "cvr"};
static const char *const calibration_names[] = {"none", "platt", "isotonic"};

/* --- models */

struct last {
    bool any;
    int64_t unix_s;
    double trials;
    char model[32];
};

static int last_take(void *context, const struct qbid_store_model *model)
{
    struct last *last = context;
    last->any = true;
    last->unix_s = model->unix_s;
    last->trials = model->trials;
    snprintf(last->model, sizeof last->model, "%s", model->model);
    return 0;
}

/* 1 when a version was written. */
static int rate_record(struct qbid_store *store, const struct qbid_campaign_def *campaign,
                       enum qbid_learned_head head, const struct qbid_learned_view *view,
                       int64_t unix_s)
{
    const char *model = qbid_learned_name(view->serving);
    struct last last = {0};
    int err = qbid_store_load_models(store, campaign->id, rate_names[head], 1, last_take, &last);
    bool same = last.any && strcmp(last.model, model) == 0 &&
                (unix_s < last.unix_s + DAY_S || view->trials == last.trials);
    if (err || same)
        return err;
    struct qbid_store_model version = {
        .tenant = campaign->tenant_id,
        .campaign = campaign->id,
        .rate = rate_names[head],
        .unix_s = unix_s,
        .model = model,
        .trials = view->trials,
        .successes = view->successes,
        .log_loss = view->loss[view->serving],
        .gain = view->loss[QBID_LEARNED_RATES] - view->loss[view->serving],
        .gain_interval = view->serving == QBID_LEARNED_RATES ? 0 : view->width[view->serving],
        .calibration = calibration_names[view->calibration[view->serving]]};
    err = qbid_store_add_model(store, &version);
    return err ? err : 1;
}

int qbid_recorder_models(struct qbid_store *store, const struct qbid_account *account,
                         const struct qbid_learned *learned, int64_t unix_s)
{
    int written = 0;
    for (uint32_t i = 0; learned && i < account->campaign_cnt; i++)
        for (unsigned head = 0; head < QBID_LEARNED_HEAD_CNT; head++) {
            struct qbid_learned_view view;
            const struct qbid_campaign_def *campaign = &account->campaigns[i];
            int r = qbid_learned_view(learned, campaign->id, head, &view)
                        ? rate_record(store, campaign, head, &view, unix_s)
                        : 0;
            if (r < 0)
                return r;
            written += r;
        }
    return written;
}

/* --- insights */

int qbid_recorder_insights(struct qbid_store *store, const struct qbid_account *account,
                           const struct qbid_snapshot *snapshot, uint64_t now_ns, int64_t unix_s)
{
    struct qbid_insights found;
    int err = qbid_insights_find(account, snapshot, now_ns, &found);
    if (err)
        return err;
    for (uint32_t i = 0; i < found.cnt && !err; i++) {
        const struct qbid_insight *insight = &found.list[i];
        const struct qbid_campaign_def *campaign =
            qbid_account_campaign(account, insight->campaign_id);
        struct qbid_store_insight row = {
            .tenant = campaign ? campaign->tenant_id : 0,
            .campaign = insight->campaign_id,
            .line_item = insight->key.kind == QBID_SERIES_LINE_ITEM ? insight->key.id : 0,
            .kind = qbid_insight_kind_name(insight->kind),
            .metric = qbid_insight_metric_name(insight->metric),
            .last_unix_s = unix_s,
            .seen = insight->rate,
            .against = insight->against,
            .confidence = insight->confidence,
            .impact_nanos = insight->impact_nanos,
            .text = insight->text};
        err = qbid_store_see_insight(store, &row, unix_s - PAUSE_S);
    }
    int cnt = (int)found.cnt;
    qbid_insights_done(&found);
    return err ? err : cnt;
}
