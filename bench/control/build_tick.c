/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the real pacer over the world's account. */
#include "bench/control/build_tick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/control/build_world.h"
#include "bench/control/ticks.h"
#include "control/learn/learner.h"
#include "shm/live.h"

#define PERIOD_NS (10 * QBID_NS_PER_S)
#define START_UNIX_S 1700000000

struct desk {
    struct qbid_learner *learner;
    struct qbid_learner_money *money;
    struct qbid_learner_pace *pace;
    struct qbid_live live;
    void *page;
};

static void require(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench: %s failed\n", what);
        exit(1);
    }
}

static void desk_open(const struct build_world *w, struct desk *d)
{
    const struct qbid_account *a = &w->account;
    struct qbid_learner_params params = {.cell_max = 1024,
                                         .context_max = 1024,
                                         .sample_max = 64,
                                         .explore = 0.05,
                                         .rotation_floor = 0.05,
                                         .pace_min = 0.01,
                                         .pace_max = 10,
                                         .pace_period_ns = PERIOD_NS,
                                         .step_log2_max = 0.5};
    struct qbid_live_shape shape = {w->line_items, a->campaign_cnt, 1};
    size_t bytes = (size_t)qbid_live_footprint(shape);
    memcpy(params.level_mask, w->plan.level_mask, sizeof params.level_mask);
    params.segment_mask = qbid_dim_mask(QBID_DIM_EXCHANGE);
    d->page = aligned_alloc(QBID_CACHE_LINE, bytes);
    d->money = malloc(a->campaign_cnt * sizeof *d->money);
    d->pace = malloc(w->line_items * sizeof *d->pace);
    require(d->page && d->money && d->pace, "memory");
    memset(d->page, 0, bytes);
    require(qbid_live_format(d->page, shape, 1, &d->live) == 0, "live page");
    require(qbid_learner_new(&params, &d->learner) == 0, "learner");
    for (uint32_t i = 0; i < a->campaign_cnt; i++)
        d->money[i] = (struct qbid_learner_money){1000 * QBID_NANOS_PER_UNIT, QBID_NANOS_PER_UNIT,
                                                  2 * QBID_NANOS_PER_UNIT};
}

/* Milliseconds of one tick at that time. */
static double tick(const struct build_world *w, struct desk *d, uint64_t now_ns, double *ret_store)
{
    int64_t unix_ns = START_UNIX_S * (int64_t)QBID_NS_PER_S + (int64_t)now_ns;
    uint64_t start_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    int n = qbid_learner_pace(d->learner, &w->account, d->money, now_ns, unix_ns, d->pace);
    require(n == (int)w->line_items, "pace");
    uint64_t paced_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    qbid_learner_pace_store(d->pace, (uint32_t)n, &d->live);
    uint64_t end_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    *ret_store = (double)(end_ns - paced_ns) / 1e6;
    return (double)(end_ns - start_ns) / 1e6;
}

void build_tick_run(const struct build_world *w, struct build_tick *ret_tick)
{
    struct desk d = {0};
    double store;
    desk_open(w, &d);
    (void)tick(w, &d, PERIOD_NS, &store); /* makes the campaigns' states */
    require(qbid_live_pace(&d.live, w->line_items - 1) > 0, "a pace above 0");
    ret_tick->within_ms = tick(w, &d, PERIOD_NS + PERIOD_NS / 2, &ret_tick->store_ms);
    ret_tick->step_ms = tick(w, &d, 3 * PERIOD_NS, &store);
    qbid_learner_free(d.learner);
    free(d.page);
    free(d.money);
    free(d.pace);
}
