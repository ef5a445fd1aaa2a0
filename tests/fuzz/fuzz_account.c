/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any text as an account file. What is accepted is a sound account, and the same text
 * over it changes nothing any more. */
#include <stdlib.h>
#include <string.h>

#include "control/account/diff.h"
#include "control/account/import/import.h"
#include "control/config/config.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_replays = 10000;

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void sound(const struct qbid_account *a)
{
    for (uint32_t i = 0; i < a->campaign_cnt; i++) {
        const struct qbid_campaign_def *c = &a->campaigns[i];
        demand(c->id > (i ? c[-1].id : 0) && c->budget_nanos > 0 && c->tenant_id > 0);
        demand(c->end_unix_s > c->start_unix_s && c->goal >= QBID_GOAL_MAX_CLICKS);
        demand(c->name != NULL && c->target_micros >= 0);
    }
    for (uint32_t i = 0; i < a->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &a->line_items[i];
        demand(li->id > (i ? li[-1].id : 0) && li->adomain && li->categories);
        demand(qbid_account_campaign(a, li->campaign_id) != NULL);
        demand(li->ceiling_micros > 0 && li->floor_micros <= li->ceiling_micros);
        demand(li->prior_ctr > 0 && li->prior_ctr < 1);
    }
    for (uint32_t i = 0; i < a->creative_cnt; i++) {
        const struct qbid_creative_def *c = &a->creatives[i];
        demand(c->id > (i ? c[-1].id : 0) && c->markup && c->landing && *c->crid);
        demand(qbid_account_line_item(a, c->line_item_id) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qbid_problems problems = {.file = "fuzz"};
    struct qbid_account none = {.currency = qbid_currency_parse("USD")}, once, twice;
    struct qbid_import_params params = {&none, 1370476800, false, NULL};
    int err = qbid_account_import((const char *)data, size, &params, &problems, &once);
    demand((err == 0) == (problems.cnt == 0));
    if (err)
        return 0;
    sound(&once);
    struct qbid_diff diff;
    params.current = &once;
    demand(qbid_account_import((const char *)data, size, &params, &problems, &twice) == 0);
    demand(qbid_diff_new(&once, &twice, &diff) == 0 && diff.change_cnt == 0);
    qbid_diff_done(&diff);
    qbid_account_done(&once);
    qbid_account_done(&twice);
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    static const char *const seeds[] = {
        "currency: USD\ncampaigns: []\n",
        "campaigns: [{id: 1, budget: 1, end: +1h, goal: {target_cpc: 1.20}, line_items: [{id: 1, "
        "ceiling: 1, adomain: a.b, targeting: {geo: [CHN/1, \"!CHN/2\"], hour: [7]}, creatives: "
        "[{id: 1, size: 1x1, markup: \"{{click_url}}\", landing: http://a/}]}]}]\n",
        "{\"campaigns\": [{\"id\": 7, \"tenant\": 3, \"name\": \"x\", \"budget\": \"0.000000001\","
        "\"period\": \"daily\", \"start\": \"2013-06-06T00:00:00Z\", \"end\": "
        "\"2013-06-13T08:00:00+08:00\", \"goal\": \"max_value\", \"pacing\": \"asap\", \"active\": "
        "false}]}",
        "campaigns:\n- id: 1\n  budgt: 10\n  goal: maximise_roas\n  line_items:\n  - id: 0\n"};
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++)
        fn(context, seeds[i], strlen(seeds[i]));
}
