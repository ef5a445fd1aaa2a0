/* SPDX-License-Identifier: Apache-2.0 */
/* The decision as it is written first: right, general, and one cache miss after another. */
#include "bench/decision/decide_naive.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shm/hash.h"

#define SLOTS_LG 22 /* 1.7 million values: load 0.4 */
#define LEVELS 3

struct key {
    uint64_t line_item_id, level, a, b; /* a and b: raw value hashes */
};

struct slot {
    uint64_t hash; /* 0 = empty */
    float value;
};

struct naive_creative {
    uint32_t id;
    uint64_t slot;
    float weight;
};

struct naive_campaign {
    uint32_t id;
    bool active;
    float value;
    int64_t floor_micros, ceiling_micros, spent, budget;
    uint64_t adomain, cats[2];
    uint32_t creative_cnt;
    struct naive_creative *creatives;
    float *q;                               /* multiplier by state and action */
    float budget_left, time_left, win_rate; /* the state */
    struct qbid_shade *shade;
};

struct bench_naive {
    struct naive_campaign *campaign[BENCH_LINE_ITEMS];
    struct slot *slots;
    struct qbid_shade shade;
};

static uint64_t hash_of(uint64_t line_item_id, uint64_t level, uint64_t a, uint64_t b)
{
    const struct key key = {line_item_id, level, a, b};
    uint64_t h = XXH3_64bits(&key, sizeof key);
    return h ? h : 1;
}

static struct slot *find(struct bench_naive *naive, uint64_t hash)
{
    uint64_t at = hash & ((UINT64_C(1) << SLOTS_LG) - 1);
    while (naive->slots[at].hash != 0 && naive->slots[at].hash != hash)
        at = (at + 1) & ((UINT64_C(1) << SLOTS_LG) - 1);
    return &naive->slots[at];
}

static uint64_t raw(unsigned dim, uint32_t i)
{
    char name[BENCH_NAME_LEN];
    bench_value_name(i, name);
    return qbid_hash_dim(dim, name, sizeof name);
}

static void add(struct bench_naive *naive, uint32_t idx, unsigned level, uint32_t a, uint32_t b,
                uint64_t raw_a, uint64_t raw_b)
{
    float value;
    if (!bench_value_known(idx, level, a, b, &value))
        return;
    uint64_t hash = hash_of(idx + 1, level, raw_a, raw_b);
    *find(naive, hash) = (struct slot){hash, value};
}

static void add_values(struct bench_naive *naive, uint32_t idx)
{
    for (uint32_t slot = 0; slot < BENCH_SLOTS; slot++)
        for (uint32_t site = 0; site < BENCH_SITES; site++)
            add(naive, idx, 0, slot, site, raw(QBID_DIM_SLOT, slot), raw(QBID_DIM_SITE, site));
    for (uint32_t geo = 0; geo < BENCH_GEOS; geo++)
        add(naive, idx, 1, geo, 0, raw(QBID_DIM_GEO, geo), 0);
    for (uint32_t exchange = 0; exchange < BENCH_EXCHANGES; exchange++)
        add(naive, idx, 2, exchange, 0, raw(QBID_DIM_EXCHANGE, exchange), 0);
}

static struct naive_campaign *new_campaign(struct bench_naive *naive, uint32_t idx)
{
    struct naive_campaign *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->id = idx + 1;
    c->budget_left = (float)(idx % 97) / 97.0f;
    c->time_left = (float)(idx % 89) / 89.0f;
    c->win_rate = (float)(idx % 83) / 83.0f;
    c->q = malloc(QBID_QSTATES * QBID_QROW_ACTIONS * sizeof *c->q);
    if (!c->q)
        abort();
    for (uint32_t state = 0; state < QBID_QSTATES; state++)
        bench_q_multipliers(state * BENCH_LINE_ITEMS + idx, c->q + state * QBID_QROW_ACTIONS);
    float *now = c->q + QBID_QROW_ACTIONS * qbid_qstate(c->budget_left, c->time_left, c->win_rate);
    bench_q_multipliers(idx, now); /* what qbid has folded into the pace */
    c->active = bench_pace(idx, now) > 0.0f;
    c->value = bench_line_item_value(idx);
    c->ceiling_micros = c->budget = INT64_MAX;
    c->shade = &naive->shade;
    c->creative_cnt = 2 * BENCH_SLOTS;
    c->creatives = calloc(c->creative_cnt, sizeof *c->creatives);
    if (!c->creatives)
        abort();
    for (uint32_t i = 0; i < c->creative_cnt; i++)
        c->creatives[i] = (struct naive_creative){.id = idx * 8 + i,
                                                  .slot = raw(QBID_DIM_SLOT, i % BENCH_SLOTS),
                                                  .weight = 1.0f + (float)(i / BENCH_SLOTS)};
    return c;
}

struct bench_naive *bench_naive_new(void)
{
    static struct bench_naive *shared;
    if (shared)
        return shared;
    struct bench_naive *naive = calloc(1, sizeof *naive);
    if (!naive)
        return NULL;
    size_t bytes = sizeof *naive->slots << SLOTS_LG;
    naive->slots = aligned_alloc(UINT64_C(2) << 20, bytes);
    if (!naive->slots)
        return NULL;
    (void)madvise(naive->slots, bytes, MADV_HUGEPAGE); /* as the image has them */
    memset(naive->slots, 0, bytes);
    for (unsigned i = 0; i < QBID_SHADE_KNOTS; i++)
        naive->shade.ratio[i] = naive->shade.win[i] = 0.95f - 0.006f * (float)i;
    for (uint32_t i = 0; i < BENCH_LINE_ITEMS; i++) {
        naive->campaign[i] = new_campaign(naive, i);
        if (!naive->campaign[i])
            return NULL;
        add_values(naive, i);
    }
    shared = naive;
    return naive;
}

static float value_of(struct bench_naive *naive, const struct naive_campaign *c,
                      const struct qbid_request *request)
{
    const uint64_t a[LEVELS] = {request->slot[0], request->dim[QBID_DIM_GEO],
                                request->dim[QBID_DIM_EXCHANGE]};
    const uint64_t b[LEVELS] = {request->dim[QBID_DIM_SITE], 0, 0};
    for (unsigned level = 0; level < LEVELS; level++) {
        const struct slot *slot = find(naive, hash_of(c->id, level, a[level], b[level]));
        if (slot->hash != 0)
            return slot->value;
    }
    return c->value;
}

static bool listed(const uint64_t *hashes, unsigned cnt, uint64_t hash)
{
    for (unsigned i = 0; i < cnt; i++) {
        if (hashes[i] == hash)
            return true;
    }
    return false;
}

static uint32_t choose_creative(const struct naive_campaign *c, const struct qbid_request *request)
{
    float total = 0.0f;
    for (uint32_t i = 0; i < c->creative_cnt; i++) {
        if (c->creatives[i].slot == request->slot[0])
            total += c->creatives[i].weight;
    }
    float left = total * (float)(request->id_hash >> 40) * 0x1p-24f;
    for (uint32_t i = 0; i < c->creative_cnt; i++) {
        if (c->creatives[i].slot != request->slot[0])
            continue;
        left -= c->creatives[i].weight;
        if (left < 0.0f)
            return c->creatives[i].id;
    }
    return UINT32_MAX;
}

struct bench_naive_answer bench_naive_decide(struct bench_naive *naive,
                                             const struct qbid_request *request,
                                             const struct bench_list *candidates)
{
    struct bench_naive_answer answer = {UINT32_MAX, 0, 0};
    float best = 0.0f;
    for (uint32_t i = 0; i < candidates->cnt; i++) {
        const struct naive_campaign *c = naive->campaign[candidates->line_item_idx[i]];
        if (!c->active)
            continue;
        const float *q =
            c->q + QBID_QROW_ACTIONS * qbid_qstate(c->budget_left, c->time_left, c->win_rate);
        unsigned action = 0;
        for (unsigned a = 1; a < QBID_QROW_ACTIONS; a++)
            action = q[a] > q[action] ? a : action;
        float price = value_of(naive, c, request) * q[action];
        if (price > best) {
            best = price;
            answer.line_item_idx = candidates->line_item_idx[i];
        }
    }
    if (answer.line_item_idx == UINT32_MAX)
        return answer;
    struct naive_campaign *c = naive->campaign[answer.line_item_idx];
    int64_t bid = qbid_micros_from_float(qbid_shade_eval(c->shade, best));
    int64_t floor =
        request->floor_micros > c->floor_micros ? request->floor_micros : c->floor_micros;
    answer.creative = choose_creative(c, request);
    bid = bid < c->ceiling_micros ? bid : c->ceiling_micros;
    if (bid < floor || bid > c->budget - c->spent || answer.creative == UINT32_MAX ||
        listed(request->badv, request->badv_cnt, c->adomain) ||
        listed(request->bcat, request->bcat_cnt, c->cats[0]) ||
        listed(request->bcat, request->bcat_cnt, c->cats[1])) {
        answer.line_item_idx = UINT32_MAX;
        return answer;
    }
    c->spent += bid;
    answer.bid_micros = bid;
    return answer;
}
