/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any bytes as the body of analyze or execute. What is taken keeps its stated ranges,
 * what is refused has a status and a reason that is JSON. The first byte says which of the two. */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "control/http/requests.h"
#include "shm/units.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_replays = 20000;

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static bool analyze(const char *text, size_t len, struct qbid_refusal *refusal)
{
    struct qbid_analyze_request r;
    const int64_t most = INT64_C(1000000000) * QBID_NANOS_PER_UNIT;
    if (!qbid_analyze_request_read(text, len, &r, refusal))
        return false;
    demand(r.campaign_id >= 1 && *r.platform && strlen(r.platform) < sizeof r.platform);
    demand(r.metrics.clicks <= r.metrics.impressions);
    demand(r.metrics.spend_nanos >= 0 && r.metrics.spend_nanos <= most);
    demand(r.metrics.revenue_nanos >= 0 && r.metrics.revenue_nanos <= most);
    demand(r.total_budget_nanos > 0 && r.total_budget_nanos <= most);
    demand(r.metrics.days > 0 && r.metrics.days <= 3660);
    demand(r.bid_context.hour_of_day >= -1 && r.bid_context.hour_of_day <= 23);
    return true;
}

static bool execute(const char *text, size_t len, struct qbid_refusal *refusal)
{
    static struct qbid_execute_request r;
    char why[QBID_PROPOSAL_WHY_MAX];
    if (!qbid_execute_request_read(text, len, &r, refusal))
        return false;
    demand(qbid_proposal_check(&r.proposal, why) == 0);
    demand(r.campaign_id >= 1 && !r.proposal.auto_execute);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct qbid_refusal refusal;
    if (size < 1)
        return 0;
    memset(&refusal, 0, sizeof refusal);
    const char *text = (const char *)data + 1;
    bool taken =
        data[0] & 1 ? execute(text, size - 1, &refusal) : analyze(text, size - 1, &refusal);
    demand(taken == (refusal.status == 0));
    if (taken)
        return 0;
    demand(refusal.status == 400 || refusal.status == 422);
    char *body = qbid_refusal_body(&refusal);
    cJSON *problem = cJSON_Parse(body);
    demand(cJSON_IsObject(problem) && *refusal.detail);
    cJSON_Delete(problem);
    free(body);
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    static const char *const seeds[] = {
        "0{\"campaign_id\":7,\"platform\":\"search\",\"metrics\":{\"impressions\":1000,\"clicks\":"
        "50,"
        "\"conversions\":2,\"spend\":12.5,\"revenue\":\"80.1\",\"days\":2},\"total_budget\":500,"
        "\"avg_order_value\":40,\"bid_context\":{\"ad_set_id\":70,\"device_type\":\"2/ios\","
        "\"placement\":\"feed\",\"hour_of_day\":14},\"x\":[{}]}",
        "1{\"recommendation\":{\"id\":\"20f8b0750a536850\",\"optimization_type\":\"budget\","
        "\"priority\":0.1,\"campaign_id\":7,\"item\":\"campaign\",\"item_id\":7,\"field\":"
        "\"budget\","
        "\"current_value\":\"100\",\"recommended_value\":\"120\",\"confidence_score\":1,"
        "\"reasoning\":\"r\",\"expected_impact\":{\"mean\":\"1\",\"low\":\"-1\",\"high\":\"2\","
        "\"loss\":\"0\"},\"risk\":0,\"evidence\":{\"from\":\"2026-11-28T20:38:01Z\",\"to\":"
        "\"2026-11-29T20:38:01Z\"}},\"dry_run\":true}",
        "0{\"campaign_id\":1e400,\"campaign_id\":null,\"platform\":\"\\ud800\",\"metrics\":[]}",
        "0[[[[[[[[[[[[[[[[[[\"\\u0000", "1\"\\\"{\xc3\x28"};
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++)
        fn(context, seeds[i], strlen(seeds[i]));
}
