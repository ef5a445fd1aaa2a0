/* SPDX-License-Identifier: Apache-2.0 */
#include "control/records/attribution.h"

#include <inttypes.h>
#include <stdio.h>

#include "control/models/rates/delay.h"
#include "control/store/store_attribution.h"
#include "shm/error.h"

#define PARAMETERS_MAX 256

static void parameters_say(const struct qbid_attribution_params *params, char out[PARAMETERS_MAX])
{
    snprintf(out, PARAMETERS_MAX,
             "{\"credit\":\"all to the bid of the token\",\"window_s\":%" PRIu64
             ",\"conversions_a_bid\":1,\"joined_s\":%" PRIu64
             ",\"value\":\"as the conversion says, else 0\"}",
             params->event_ttl_ms / 1000, params->notice_ttl_ms / 1000);
}

/* Totals and delays of a tenant's campaigns. */
static void tenant_sum(const struct qbid_account *account, const struct qbid_snapshot *snapshot,
                       const struct qbid_learner *learner, struct qbid_store_attribution *row)
{
    double delays[QBID_DELAY_BINS] = {0}, timed = 0;
    for (uint32_t i = 0; i < account->campaign_cnt; i++) {
        const struct qbid_campaign_def *campaign = &account->campaigns[i];
        struct qbid_series_key key = {.kind = QBID_SERIES_CAMPAIGN, .id = campaign->id};
        if (campaign->tenant_id != row->tenant)
            continue;
        struct qbid_stats all = qbid_snapshot_query(snapshot, key, QBID_WINDOW_ALL, 0);
        const double *convs = learner ? qbid_learner_delays(learner, campaign->id) : NULL;
        row->attributed += all.convs;
        row->value_nanos += all.value_nanos;
        for (uint32_t b = 0; convs && b < QBID_DELAY_BINS; b++)
            delays[b] += convs[b], timed += convs[b];
    }
    row->timed = (uint64_t)timed;
    row->lag_median_s = qbid_delay_quantile(delays, 0.5);
    row->lag_p90_s = qbid_delay_quantile(delays, 0.9);
}

/* Whether it is the first of its tenant: campaigns are in order of their id. */
static bool is_first(const struct qbid_account *account, uint32_t i)
{
    for (uint32_t j = 0; j < i; j++)
        if (account->campaigns[j].tenant_id == account->campaigns[i].tenant_id)
            return false;
    return true;
}

int qbid_attribution_record(struct qbid_store *store, const struct qbid_account *account,
                            const struct qbid_snapshot *snapshot,
                            const struct qbid_learner *learner,
                            const struct qbid_attribution_params *params, uint64_t unattributed,
                            int64_t unix_s)
{
    char parameters[PARAMETERS_MAX];
    struct qbid_store_attribution host = {
        .type = "token", .parameters = parameters, .unix_s = unix_s, .unattributed = unattributed};
    parameters_say(params, parameters);
    int err = qbid_store_see_attribution(store, &host), written = 1;
    for (uint32_t i = 0; i < account->campaign_cnt && !err; i++) {
        struct qbid_store_attribution row = {.tenant = account->campaigns[i].tenant_id,
                                             .type = "token",
                                             .parameters = parameters,
                                             .unix_s = unix_s};
        if (row.tenant == 0 || !is_first(account, i))
            continue;
        tenant_sum(account, snapshot, learner, &row);
        err = qbid_store_see_attribution(store, &row);
        written++;
    }
    return err ? err : written;
}
