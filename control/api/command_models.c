/* SPDX-License-Identifier: Apache-2.0 */
/* models: which model serves each campaign's click and conversion rates, judged on what it
 * predicted before it came. */
#include "control/api/command.h"
#include "control/api/json.h"
#include "control/learn/learner.h"
#include "control/store/store_records.h"

#define VERSIONS_PRESET 100

static const char *const rate_names[] = {"ctr", "cvr"};
static const char *const calibration_names[] = {"none", "platt", "isotonic"};

static void model_add(cJSON *list, const struct qbid_learned_view *view, unsigned m)
{
    cJSON *to = qbid_json_row(list);
    cJSON_AddStringToObject(to, "model", qbid_learned_name(m));
    cJSON_AddNumberToObject(to, "log_loss", view->loss[m]);
    cJSON_AddNumberToObject(to, "gain", view->loss[QBID_LEARNED_RATES] - view->loss[m]);
    cJSON_AddNumberToObject(to, "gain_interval", m == QBID_LEARNED_RATES ? 0 : view->width[m]);
    cJSON_AddStringToObject(to, "calibration", calibration_names[view->calibration[m]]);
}

static void campaign_add(cJSON *list, const struct qbid_learned *learned,
                         const struct qbid_campaign_def *campaign)
{
    cJSON *to = NULL;
    for (unsigned head = 0; head < QBID_LEARNED_HEAD_CNT; head++) {
        struct qbid_learned_view view;
        if (!qbid_learned_view(learned, campaign->id, head, &view))
            continue;
        if (!to) {
            to = cJSON_CreateObject();
            cJSON_AddItemToArray(list, to);
            qbid_json_count(to, "id", campaign->id);
            cJSON_AddStringToObject(to, "name", campaign->name ? campaign->name : "");
        }
        cJSON *rate = cJSON_AddObjectToObject(to, rate_names[head]);
        cJSON_AddStringToObject(rate, "serving", qbid_learned_name(view.serving));
        cJSON_AddNumberToObject(rate, "trials", view.trials);
        cJSON_AddNumberToObject(rate, "successes", view.successes);
        qbid_json_count(rate, "switches", view.switches);
        cJSON *models = cJSON_AddArrayToObject(rate, "models");
        for (unsigned m = 0; m < QBID_LEARNED_MODEL_CNT; m++)
            if (qbid_learned_has(learned, m))
                model_add(models, &view, m);
    }
}

static int version_add(void *context, const struct qbid_store_model *model)
{
    cJSON *to = qbid_json_row(context);
    qbid_json_unix_s(to, "time", model->unix_s);
    cJSON_AddNumberToObject(to, "campaign", model->campaign);
    cJSON_AddStringToObject(to, "rate", model->rate);
    cJSON_AddNumberToObject(to, "version", model->version);
    cJSON_AddStringToObject(to, "model", model->model);
    cJSON_AddNumberToObject(to, "trials", model->trials);
    cJSON_AddNumberToObject(to, "successes", model->successes);
    cJSON_AddNumberToObject(to, "log_loss", model->log_loss);
    cJSON_AddNumberToObject(to, "gain", model->gain);
    cJSON_AddNumberToObject(to, "gain_interval", model->gain_interval);
    cJSON_AddStringToObject(to, "calibration", model->calibration);
    return 0;
}

/* What served, since when, judged on what it predicted ahead. */
static int versions(struct qbid_command *c)
{
    struct qbid_store *store = qbid_engine_store(c->engine);
    int err = qbid_store_load_models(store, 0, "", qbid_command_max(c, VERSIONS_PRESET),
                                     version_add, cJSON_AddArrayToObject(c->answer, "versions"));
    return qbid_command_fail_store(c, err);
}

int qbid_command_models(struct qbid_command *c)
{
    if (qbid_json_flag(c->request, "versions", 0))
        return versions(c);
    const struct qbid_learned *learned = qbid_learner_learned(qbid_engine_learner(c->engine));
    const struct qbid_account *account = c->account;
    cJSON_AddBoolToObject(c->answer, "ftrl",
                          learned && qbid_learned_has(learned, QBID_LEARNED_FTRL));
    cJSON_AddBoolToObject(c->answer, "trees",
                          learned && qbid_learned_has(learned, QBID_LEARNED_TREES));
    if (learned) {
        const struct qbid_learned_growth *growth = qbid_learned_growth(learned);
        qbid_json_count(c->answer, "trees_grown", growth->grown);
        qbid_json_count(c->answer, "trees_failed", growth->failed);
        cJSON_AddStringToObject(c->answer, "trees_error", growth->why);
    }
    cJSON *list = cJSON_AddArrayToObject(c->answer, "campaigns");
    for (uint32_t i = 0; i < account->campaign_cnt && learned; i++)
        campaign_add(list, learned, &account->campaigns[i]);
    return 0;
}
