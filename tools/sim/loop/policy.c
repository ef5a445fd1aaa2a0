/* SPDX-License-Identifier: Apache-2.0 */
/* The strategies. The rules of the notes read kindly: they act every hour and not every two
 * minutes, measure a day and not two minutes, and no budget falls below a hundredth of an equal
 * share, from where nothing would ever come back. */
#include "tools/sim/loop/policy.h"

#include <math.h>
#include <stdlib.h>

#include "control/models/allocate/shares.h"
#include "shm/clock.h"
#include "shm/units.h"

#define DAY_HOURS 24
#define FLOOR 0.01          /* of an equal share */
#define CTR_LOW 0.8         /* of the average: the notes' trigger */
#define CPC_HIGH 1.2        /* of the target, here the average of all */
#define SPENT_HIGH 0.95     /* of the budget */
#define SPENT_UNTIL_HOUR 22 /* later everybody has spent his budget */
#define CUT 0.8             /* what the notes' triggers do: a fifth less, or more */
#define RAISE 1.2
#define IMPS_LEAST 20 /* below that not even the notes would look at a rate */

static const char *const name[] = {"loop", "static", "notes", "shift", "oracle"};
static const char *const text[] = {
    "budget agent and monitor, decision engine, executions within limits",
    "the budgets of the first day",
    "the design notes' rules every hour: 20/20 shift, raw thresholds",
    "their 20/20 shift alone, once a day",
    "every day the best split by the true curves",
};

const char *qbid_loop_strategy_name(enum qbid_loop_strategy strategy)
{
    return name[strategy];
}

const char *qbid_loop_strategy_text(enum qbid_loop_strategy strategy)
{
    return text[strategy];
}

const char *qbid_loop_policy_settings(enum qbid_loop_strategy strategy)
{
    if (strategy == QBID_LOOP_FULL)
        return "execution: {automatic: true}\n";
    return "agents: {budget: false, monitor: false}\n";
}

/* --- in whole micros */

void qbid_loop_scale(int64_t *micros, uint32_t cnt, int64_t total, int64_t least)
{
    struct qbid_share share[QBID_LOOP_LINE_ITEMS_MAX];
    double scratch[QBID_LOOP_LINE_ITEMS_MAX], sum = 0;
    for (uint32_t i = 0; i < cnt; i++)
        sum += (double)micros[i];
    for (uint32_t i = 0; i < cnt; i++)
        share[i] = (struct qbid_share){
            .wanted = (double)micros[i] / sum * (double)total, .least = least, .most = total};
    if (qbid_shares_round(share, cnt, total, scratch) != 0)
        return;
    for (uint32_t i = 0; i < cnt; i++)
        micros[i] = share[i].micros;
}

static int by_measure(const void *a, const void *b, void *context)
{
    const double *measured = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    if (measured[i] != measured[j])
        return measured[i] < measured[j] ? -1 : 1;
    return i < j ? -1 : i > j;
}

void qbid_loop_shift(const double *measured, uint32_t cnt, int64_t *micros)
{
    uint32_t order[QBID_LOOP_LINE_ITEMS_MAX], fifth = cnt / 5;
    int64_t moved = 0;
    for (uint32_t i = 0; i < cnt; i++)
        order[i] = i;
    qsort_r(order, cnt, sizeof *order, by_measure, (void *)(uintptr_t)measured);
    for (uint32_t i = 0; i < fifth; i++) {
        int64_t half = micros[order[i]] / 2;
        micros[order[i]] -= half;
        moved += half;
    }
    for (uint32_t i = 0; i < fifth; i++) {
        int64_t part = moved / (fifth - i);
        micros[order[cnt - fifth + i]] += part;
        moved -= part;
    }
}

/* --- the notes' rules */

static struct qbid_stats day_of(struct qbid_loop_host *host, uint32_t line_item)
{
    struct qbid_series_key key = {.kind = QBID_SERIES_CAMPAIGN,
                                  .id = qbid_loop_campaign(line_item)};
    return qbid_snapshot_query(qbid_engine_snapshot(qbid_loop_host_engine(host)), key,
                               QBID_WINDOW_24H, qbid_clock_boot_ns());
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static void thresholds(const struct qbid_stats *stats, uint32_t cnt, uint32_t hour_of_day,
                       const int64_t *before, int64_t *micros)
{
    double imps = 0, clicks = 0, spend = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        imps += (double)stats[i].imps;
        clicks += (double)stats[i].clicks;
        spend += (double)stats[i].spend_nanos;
    }
    double ctr = ratio(clicks, imps), cpc = ratio(spend, clicks);
    for (uint32_t i = 0; i < cnt; i++) {
        const struct qbid_stats *s = &stats[i];
        if (s->imps < IMPS_LEAST)
            continue;
        double own_ctr = ratio((double)s->clicks, (double)s->imps);
        double own_cpc = ratio((double)s->spend_nanos, (double)s->clicks);
        double spent = ratio((double)s->spend_nanos, 1000.0 * (double)before[i]);
        double factor = own_ctr < CTR_LOW * ctr || own_cpc > CPC_HIGH * cpc ? CUT : 1;
        factor *= hour_of_day < SPENT_UNTIL_HOUR && spent > SPENT_HIGH ? RAISE : 1;
        micros[i] = (int64_t)(factor * (double)micros[i]);
    }
}

static int rules_play(const struct qbid_loop_world *world, struct qbid_loop_host *host,
                      uint64_t hour, bool with_thresholds, char *why)
{
    struct qbid_stats stats[QBID_LOOP_LINE_ITEMS_MAX];
    double measured[QBID_LOOP_LINE_ITEMS_MAX] = {0};
    int64_t micros[QBID_LOOP_LINE_ITEMS_MAX], before[QBID_LOOP_LINE_ITEMS_MAX];
    uint32_t cnt = world->params.line_items;
    int64_t least = (int64_t)(FLOOR * (double)world->budget_micros / cnt);
    for (uint32_t i = 0; i < cnt; i++) {
        stats[i] = day_of(host, i);
        measured[i] = ratio((double)stats[i].value_nanos, (double)stats[i].spend_nanos);
        before[i] = micros[i] = qbid_loop_host_budget_nanos(host, i) / 1000;
    }
    qbid_loop_shift(measured, cnt, micros);
    if (with_thresholds)
        thresholds(stats, cnt, (uint32_t)(hour % DAY_HOURS), before, micros);
    qbid_loop_scale(micros, cnt, world->budget_micros, least);
    return qbid_loop_host_budgets(host, micros, "notes",
                                  with_thresholds ? "20/20 shift, thresholds" : "20/20 shift", why);
}

int qbid_loop_policy_hour(enum qbid_loop_strategy strategy, const struct qbid_loop_world *world,
                          struct qbid_loop_host *host, uint64_t hour, char why[QBID_LOOP_WHY_MAX])
{
    int64_t micros[QBID_LOOP_LINE_ITEMS_MAX];
    bool midnight = hour % DAY_HOURS == 0;
    if (strategy == QBID_LOOP_FULL) {
        int made = qbid_loop_host_agents(host, why);
        return made < 0 ? made : 0;
    }
    if (strategy == QBID_LOOP_ORACLE && midnight) {
        (void)qbid_loop_best(world, (uint32_t)(hour / DAY_HOURS), micros);
        return qbid_loop_host_budgets(host, micros, "oracle", "the true curves", why);
    }
    if (strategy == QBID_LOOP_NOTES && hour >= DAY_HOURS)
        return rules_play(world, host, hour, true, why);
    if (strategy == QBID_LOOP_SHIFT && hour >= DAY_HOURS && midnight)
        return rules_play(world, host, hour, false, why);
    return 0;
}
