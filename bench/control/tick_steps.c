/* SPDX-License-Identifier: Apache-2.0 */
/* The real learner and builder over the benchmark's account. */
#include "bench/control/tick_steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/control/build_world.h"
#include "bench/control/ticks.h"
#include "control/learn/state/learner_state.h"
#include "control/learn/values/learned_state.h"
#include "shm/hash.h"
#include "shm/memfd.h"

#define GEOS 256
#define SLOTS 4
#define SIGHT_TRIALS 20 /* auctions of a context before the first plan */
#define START_UNIX_S 1700000000
#define TICK_S 10

static const char *const sizes[SLOTS] = {"300x250", "728x90", "160x600", "320x50"};

struct targets {
    char geo[16], slot[24];
    char *value[2];
};

struct tick_desk {
    struct build_world *world;
    struct targets *targets;
    struct qbid_learner *learner;
    struct qbid_learner_money *money;
    struct qbid_learner_pace *pace;
    struct qbid_builder *builder;
    struct qbid_plan plan;
    uint64_t rolls;
    uint32_t contexts; /* of the finest level, first in the world's plan */
    int64_t second;
};

static void require(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench: %s failed\n", what);
        exit(1);
    }
}

static void targets_make(struct tick_desk *desk)
{
    struct qbid_account *a = &desk->world->account;
    desk->targets = calloc(a->line_item_cnt, sizeof *desk->targets);
    require(desk->targets != NULL, "memory");
    for (uint32_t i = 0; i < a->line_item_cnt; i++) {
        struct qbid_line_item_def *li = &a->line_items[i];
        struct targets *t = &desk->targets[i];
        snprintf(t->geo, sizeof t->geo, "CHN/%u", i % GEOS);
        snprintf(t->slot, sizeof t->slot, "banner:%s", sizes[i / GEOS % SLOTS]);
        t->value[0] = t->geo;
        t->value[1] = t->slot;
        memset(li->target, 0, sizeof li->target);
        li->target[QBID_DIM_GEO] = (struct qbid_target_def){&t->value[0], 1};
        li->target[QBID_DIM_SLOT] = (struct qbid_target_def){&t->value[1], 1};
    }
}

/* The line items that target a context are those of its geo and size; one of them shows there. */
static uint32_t line_item_of(const struct tick_desk *desk, uint64_t context, uint64_t roll)
{
    uint32_t first = qbid_dim_unpack(context, QBID_DIM_GEO) - 1 +
                     GEOS * (qbid_dim_unpack(context, QBID_DIM_SLOT) - 1);
    uint32_t cnt = (desk->world->line_items - first - 1) / (GEOS * SLOTS) + 1;
    return first + GEOS * SLOTS * (uint32_t)(roll % cnt);
}

static void outcome_post(struct tick_desk *desk, struct qbid_outcome *o, int kind)
{
    const struct qbid_account *a = &desk->world->account;
    const struct qbid_line_item_def *li = &a->line_items[o->line_item_idx];
    o->kind = (uint8_t)kind;
    o->first_win = kind == QBID_EVENT_WIN;
    qbid_learner_post(desk->learner, o, li, qbid_account_campaign(a, li->campaign_id),
                      kind == QBID_EVENT_BILL ? o->price_nanos : 0);
}

/* Clicks in 128 auctions, less one: what the geo and the exchange make of it. */
static uint64_t warmth_of(uint64_t context)
{
    return qbid_mix64(qbid_dim_unpack(context, QBID_DIM_GEO)) % 3 *
           (qbid_dim_unpack(context, QBID_DIM_EXCHANGE) % 2 + 1);
}

/* A won auction in a context, clicked and converted now and then. */
static void auction_post(struct tick_desk *desk, uint64_t context)
{
    uint64_t roll = qbid_mix64(++desk->rolls);
    uint64_t now_ns = (uint64_t)desk->second * QBID_NS_PER_S + roll % QBID_NS_PER_S;
    uint32_t idx = line_item_of(desk, context, qbid_mix64(context));
    struct qbid_outcome o = {.time_ns = now_ns,
                             .bid_time_ns = now_ns - (roll & 0xffff) * 1000000,
                             .context = context,
                             .bid_nanos = 1200000,
                             .price_nanos = 1000000,
                             .line_item_id = idx + 1,
                             .line_item_idx = idx,
                             .creative_id = idx * 4 + 1,
                             .value_micros = 1200000.0f,
                             .pace = 1.0f,
                             .propensity = 1.0f,
                             .joined = true};
    outcome_post(desk, &o, QBID_EVENT_BID);
    outcome_post(desk, &o, QBID_EVENT_WIN);
    outcome_post(desk, &o, QBID_EVENT_BILL);
    outcome_post(desk, &o, QBID_EVENT_IMP);
    if ((roll >> 16 & 0x7f) > warmth_of(context))
        return;
    outcome_post(desk, &o, QBID_EVENT_CLICK);
    if (!(roll >> 24 & 0xf))
        outcome_post(desk, &o, QBID_EVENT_CONV);
}

static void pace(struct tick_desk *desk)
{
    const struct qbid_account *a = &desk->world->account;
    uint64_t now_ns = (uint64_t)desk->second * QBID_NS_PER_S;
    int n = qbid_learner_pace(desk->learner, a, desk->money, now_ns,
                              (START_UNIX_S + desk->second) * (int64_t)QBID_NS_PER_S, desk->pace);
    require(n == (int)desk->world->line_items, "pace");
}

static void learner_open(struct tick_desk *desk, int trees)
{
    const struct build_world *w = desk->world;
    struct qbid_learner_params params = {
        .cell_max = w->contexts + w->line_items,
        .context_max = w->contexts * 2,
        .sample_max = 64,
        .explore = 0.05,
        .rotation_floor = 0.05,
        .pace_min = 0.01,
        .pace_max = 10,
        .pace_period_ns = TICK_S * QBID_NS_PER_S,
        .step_log2_max = 0.3,
        .learned = {.trees = trees != 0, .tree = qbid_trees_defaults()}};
    memcpy(params.level_mask, w->plan.level_mask, sizeof params.level_mask);
    params.segment_mask = qbid_dim_mask(QBID_DIM_EXCHANGE);
    require(qbid_learner_new(&params, &desk->learner) == 0, "learner");
    desk->money = calloc(w->account.campaign_cnt, sizeof *desk->money);
    desk->pace = calloc(w->line_items, sizeof *desk->pace);
    require(desk->money && desk->pace, "memory");
    for (uint32_t i = 0; i < w->account.campaign_cnt; i++)
        desk->money[i] = (struct qbid_learner_money){1000 * QBID_NANOS_PER_UNIT, 0, 0};
}

/* Bytes of the table from the plan, sealed as it would be sent. */
static double build(struct tick_desk *desk)
{
    struct build_world *w = desk->world;
    const char *why = "";
    void *base;
    int fd, ro, err;
    w->params.gen++;
    err = desk->builder ? qbid_builder_renew(desk->builder, &w->account, w->dictionary, &desk->plan,
                                             &w->params, &why)
                        : qbid_builder_new(&w->account, w->dictionary, &desk->plan, &w->params,
                                           &desk->builder, &why);
    require(err == 0, why);
    size_t bytes = qbid_builder_bytes(desk->builder);
    require(qbid_memfd_make(QBID_MEMFD_IMAGE, bytes, &fd, &base) == 0, "memory");
    qbid_builder_fill(desk->builder, base);
    require(qbid_memfd_seal_image(fd, base, bytes, &ro) == 0, "seal");
    close(fd);
    close(ro);
    return (double)bytes;
}

struct tick_desk *tick_desk_new(uint32_t line_items, uint32_t contexts, int trees)
{
    struct tick_desk *desk = calloc(1, sizeof *desk);
    require(desk != NULL, "memory");
    desk->world = build_world_new(line_items, contexts);
    desk->second = 1000;
    targets_make(desk);
    learner_open(desk, trees);
    pace(desk);
    const struct qbid_plan *known = &desk->world->plan;
    uint64_t mask = known->level_mask[0];
    while (desk->contexts < known->context_cnt && known->contexts[desk->contexts].key >> 62 == 0)
        desk->contexts++;
    for (uint32_t round = 0; round < SIGHT_TRIALS; round++)
        for (uint32_t i = 0; i < desk->contexts; i++)
            if (round == 0 || qbid_mix64(i * UINT64_C(977) + round) % 4 == 0)
                auction_post(desk, known->contexts[i].key & mask);
    return desk;
}

void tick_desk_free(struct tick_desk *desk)
{
    qbid_plan_done(&desk->plan);
    qbid_builder_free(desk->builder);
    qbid_learner_free(desk->learner);
    build_world_free(desk->world);
    free(desk->targets);
    free(desk->money);
    free(desk->pace);
    free(desk);
}

int tick_desk_trees_worst(struct tick_desk *desk, const char **ret_why)
{
    struct qbid_learned *learned = desk->learner->learned;
    *ret_why = qbid_learned_growth(learned)->why;
    if (qbid_learned_growth(learned)->grown == 0)
        return -1;
    for (unsigned h = 0; h < QBID_LEARNED_HEAD_CNT; h++) {
        struct qbid_learned_side *side = &learned->side[h];
        side->since = 1e15;
        for (uint32_t i = 0; i < side->record_cnt; i++)
            side->record[i].ranking.serving = QBID_LEARNED_TREES;
    }
    return 0;
}

static double served(const struct tick_desk *desk)
{
    double sum = 0;
    if (!desk->learner->learned)
        return 0;
    for (uint32_t i = 0; i < desk->plan.context_cnt; i++) {
        const struct qbid_plan_context *c = &desk->plan.contexts[i];
        for (uint32_t k = 0; k < c->cnt && c->key >> 62 == 0; k++)
            sum += qbid_learned_serves(desk->learner->learned,
                                       desk->plan.candidates[c->first + k].line_item_idx);
    }
    return sum;
}

static double lap(uint64_t *last_ns)
{
    uint64_t now_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    double ms = (double)(now_ns - *last_ns) / 1e6;
    *last_ns = now_ns;
    return ms;
}

void tick_desk_run(struct tick_desk *desk, uint32_t auctions, struct tick_step *ret_step)
{
    struct tick_step step = {0};
    const struct build_world *w = desk->world;
    uint64_t last_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    desk->second += TICK_S;
    pace(desk);
    for (uint32_t i = 0; i < auctions; i++) {
        uint64_t at = qbid_mix64(desk->rolls ^ UINT64_C(0x5851f42d4c957f2d)) % desk->contexts;
        auction_post(desk, w->plan.contexts[at].key & w->plan.level_mask[0]);
    }
    step.post_ms = lap(&last_ns);
    struct qbid_plan plan;
    require(qbid_learner_plan(desk->learner, &w->account, w->dictionary, &plan) == 0, "plan");
    qbid_plan_done(&desk->plan);
    desk->plan = plan;
    step.plan_ms = lap(&last_ns);
    step.bytes = build(desk);
    step.build_ms = lap(&last_ns);
    step.total_ms = step.post_ms + step.plan_ms + step.build_ms;
    step.contexts = desk->plan.context_cnt;
    step.candidates = desk->plan.candidate_cnt;
    step.cells = qbid_learner_cells(desk->learner);
    step.served = served(desk);
    *ret_step = step;
}
