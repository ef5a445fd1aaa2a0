/* SPDX-License-Identifier: Apache-2.0 */
/* The engine as the executor's host. */
#include "control/executor/executor_engine.h"

#include "shm/clock.h"

_Static_assert(QBID_EXECUTOR_WHY_MAX >= QBID_ENGINE_WHY_MAX, "the engine's words fit");

static const struct qbid_account *account(void *context)
{
    return qbid_engine_account(context);
}

static int execute(void *context, struct qbid_account *next, const struct qbid_diff *diff,
                   const struct qbid_store_cause *cause, qbid_store_also_fn *also,
                   void *also_context, char why[QBID_EXECUTOR_WHY_MAX])
{
    return qbid_engine_execute(context, next, diff, cause, also, also_context, why);
}

static int64_t committed(void *context, const struct qbid_campaign_def *campaign, uint64_t unix_ns)
{
    return qbid_engine_committed(context, campaign, (int64_t)(unix_ns / QBID_NS_PER_S));
}

static struct qbid_stats stats(void *context, uint32_t campaign_id, bool day)
{
    struct qbid_series_key key = {.kind = QBID_SERIES_CAMPAIGN, .id = campaign_id};
    return qbid_snapshot_query(qbid_engine_snapshot(context), key,
                               day ? QBID_WINDOW_24H : QBID_WINDOW_ALL, qbid_clock_boot_ns());
}

struct qbid_executor qbid_executor_of(struct qbid_engine *engine, const struct qbid_config *config)
{
    return (struct qbid_executor){
        .host = {engine, qbid_engine_store(engine), account, execute, committed, stats},
        .limits = {.four_eyes_nanos = config->execution.four_eyes * 1000,
                   .item_change = config->execution.item_change,
                   .day_change = config->execution.day_change,
                   .risk = config->execution.risk,
                   .automatic = config->execution.automatic,
                   .expire_ns = config->execution.expire_s * QBID_NS_PER_S,
                   .guard_error = config->execution.guard_error,
                   .guard_fall = config->execution.guard_fall,
                   .guard_ns = config->execution.guard_s * QBID_NS_PER_S}};
}
