/* SPDX-License-Identifier: Apache-2.0 */
/* What finished executions did to what was watched: told to the library of patterns. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/executor/executor_parts.h"
#include "control/store/store_patterns.h"
#include "shm/error.h"
#include "shm/units.h"

#define EVENTS_MIN 5 /* before and after */

/* What an execution did to one campaign. */
struct deed {
    const struct qbid_account *account;
    uint32_t campaign;
    char subject[QBID_PATTERN_SUBJECT_MAX]; /* "budget up"; "" = nothing yet */
    bool mixed;                             /* several: no effect can be ascribed to one */
};

static enum qbid_item_kind kind_of(const char *name)
{
    int kind = 0;
    while (kind < QBID_ITEM_CNT &&
           strcmp(name, qbid_item_kind_name((enum qbid_item_kind)kind)) != 0)
        kind++;
    return (enum qbid_item_kind)kind;
}

static int change_see(void *context, const struct qbid_store_execution_change *change)
{
    struct deed *deed = context;
    enum qbid_item_kind kind = kind_of(change->item);
    const struct qbid_campaign_def *campaign =
        kind < QBID_ITEM_CNT ? qbid_executor_campaign(deed->account, kind, change->item_id) : NULL;
    char subject[QBID_PATTERN_SUBJECT_MAX], *end[2];
    if (!campaign || campaign->id != deed->campaign)
        return 0;
    double before = strtod(change->before, &end[0]), after = strtod(change->after, &end[1]);
    bool number = *change->before && *change->after && !*end[0] && !*end[1];
    snprintf(subject, sizeof subject, "%.100s %s", *change->field ? change->field : change->item,
             !*change->field  ? "added"
             : !number        ? "changed"
             : after > before ? "up"
                              : "down");
    deed->mixed = deed->mixed || (deed->subject[0] && strcmp(deed->subject, subject) != 0);
    memcpy(deed->subject, subject, sizeof subject);
    return 0;
}

static int effect_tell(const struct qbid_executor *x, const struct qbid_executor_call *call,
                       const struct qbid_store_guard *guard, const struct deed *deed)
{
    struct qbid_stats all = x->host.stats(x->host.context, guard->campaign, false);
    uint64_t trials, successes;
    qbid_executor_metric(&all, guard->metric, &trials, &successes);
    if (trials <= guard->trials || successes < guard->successes + EVENTS_MIN ||
        guard->base_successes < EVENTS_MIN || guard->base_trials == 0)
        return 0; /* too little, or counts began anew */
    double hits = (double)(successes - guard->successes), shown = (double)(trials - guard->trials);
    double base = (double)guard->base_successes / (double)guard->base_trials;
    struct qbid_pattern_key key = {.tenant = guard->tenant, .across = "execution"};
    struct qbid_pattern_source source = {.effect = log(hits / shown / base),
                                         .variance = 1 / hits + 1 / (double)guard->base_successes,
                                         .events = guard->base_successes + (uint64_t)hits,
                                         .from_unix_s = (int64_t)(guard->unix_ns / QBID_NS_PER_S),
                                         .to_unix_s = (int64_t)(call->unix_ns / QBID_NS_PER_S)};
    snprintf(key.metric, sizeof key.metric, "%s",
             strcmp(guard->metric, "ctr") == 0 ? "ctr" : "conversions");
    memcpy(key.subject, deed->subject, sizeof key.subject);
    snprintf(source.source, sizeof source.source, "%" PRIu64 " on campaign %" PRIu32,
             guard->execution, guard->campaign);
    return qbid_store_set_pattern_source(x->host.store, &key, &source);
}

int qbid_executor_effects_tell(const struct qbid_executor *x, const struct qbid_executor_call *call,
                               const struct qbid_store_guard *guards, uint32_t cnt)
{
    int err = 0;
    for (uint32_t i = 0; i < cnt && !err; i++) {
        struct deed deed = {.account = x->host.account(x->host.context),
                            .campaign = guards[i].campaign};
        err = qbid_store_load_execution_changes(x->host.store, guards[i].execution, change_see,
                                                &deed);
        if (!err && deed.subject[0] && !deed.mixed)
            err = effect_tell(x, call, &guards[i], &deed);
    }
    return err;
}
