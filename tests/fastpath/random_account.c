/* SPDX-License-Identifier: Apache-2.0 */
/* Draws accounts and requests; values and names come from small sets, so that they often meet. */
#include "tests/fastpath/random_account.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "shm/hash.h"

#define DEALS 5
#define DOMAINS 5
#define CATEGORIES 7
#define Q_GROUPS 3
#define ROWS_MAX 40

/* Value indices of a dimension beside 0. */
static const uint32_t values[QBID_DIM_CNT] = {2, 5, 2, 3, 4, 5, 9, 3};

static int chance(struct rng *r, uint32_t percent)
{
    return rng_below(r, 100) < percent;
}

static const char *name_of(char out[16], char kind, uint32_t i)
{
    snprintf(out, 16, "%c%u", kind, i);
    return out;
}

static uint64_t name_hash(char kind, uint32_t i)
{
    char name[16];
    name_of(name, kind, i);
    return qbid_hash_name(name, strlen(name));
}

/* Index 0 or above all known ones: absent, or a value that nobody knows. */
static uint64_t value_hash(unsigned dim, uint32_t index)
{
    char name[16];
    return index ? stage_hash(dim, name_of(name, 'v', index)) : 0;
}

static float random_value(struct rng *r)
{
    static const float some[] = {0, 1e-30f, 0.4f, 0.5f, 1, 1000, 3e38f};
    if (chance(r, 10))
        return some[rng_below(r, sizeof some / sizeof *some)];
    if (chance(r, 50))
        return (float)(1 + rng_below(r, 8)) * 250000.0f; /* ties */
    return (float)rng_lognormal(r, 13, 1);
}

static void fill_header(struct qbid_image_header *h, struct rng *r)
{
    unsigned levels = rng_below(r, QBID_LEVEL_MAX + 1);
    for (unsigned level = 0; level < QBID_LEVEL_MAX; level++) {
        h->level_mask[level] = 0;
        for (unsigned dim = 0; dim < QBID_DIM_CNT && level < levels; dim++)
            if (chance(r, 40) || h->level_mask[level] == 0)
                h->level_mask[level] |= qbid_dim_mask(dim);
    }
    h->seed = rng_next(r);
    h->stale_factor = chance(r, 30) ? 0.0f : (float)rng_uniform(r);
    if (chance(r, 20))
        h->price_ceiling_micros = (int64_t)rng_below(r, 2000000);
}

static void fill_shades_and_q(struct image_fixture *f, struct rng *r)
{
    for (unsigned s = rng_below(r, 3); s > 0; s--) {
        struct qbid_shade shade;
        for (unsigned i = 0; i < QBID_SHADE_KNOTS; i++) {
            shade.ratio[i] = chance(r, 5) ? 0.0f : (float)rng_uniform(r);
            shade.win[i] = (float)rng_uniform(r);
        }
        image_fixture_shade(f, &shade);
    }
    for (unsigned g = 1; g < Q_GROUPS; g++) {
        struct qbid_qrow row = {0};
        image_fixture_q_group(f, &row);
        for (unsigned state = 0; state < QBID_QSTATES; state++) {
            struct qbid_qrow *q = &f->qrows.item[g * QBID_QSTATES + state];
            q->n = (uint8_t)(1 + rng_below(r, QBID_QROW_ACTIONS));
            q->greedy = (uint8_t)rng_below(r, q->n);
            q->explore_q32 = chance(r, 50) ? (uint32_t)rng_next(r) : 0;
            for (unsigned a = 0; a < QBID_QROW_ACTIONS; a++)
                q->ratio[a] = a < q->n ? (float)exp(1.3 * (2 * rng_uniform(r) - 1)) : 1.0f;
            q->ratio[q->greedy] = 1;
        }
    }
}

static void add_creatives(struct image_fixture *f, struct rng *r, uint32_t idx)
{
    uint32_t slots = f->value_cnt[QBID_DIM_SLOT];
    for (uint16_t slot = 0; slot < slots; slot++) {
        uint32_t creative[QBID_DRAW_MAX];
        double weight[QBID_DRAW_MAX];
        if (!chance(r, 65))
            continue;
        unsigned n = 1 + rng_below(r, chance(r, 50) ? 1 : QBID_DRAW_MAX);
        for (unsigned i = 0; i < n; i++) {
            creative[i] = image_fixture_creative(
                f, &(struct image_fixture_creative){.id = 1 + (uint32_t)rng_below(r, 100000),
                                                    .line_item_id = f->line_items.item[idx].id,
                                                    .slot_idx = slot});
            weight[i] = rng_uniform(r);
        }
        image_fixture_draws(f, idx, slot, n, creative, weight);
    }
}

static void add_line_item(struct image_fixture *f, struct rng *r, uint32_t i)
{
    char name[16];
    struct qbid_line_item item = {
        .id = 5000 + i,
        .campaign_id = 1 + rng_below(r, 9),
        .budget_idx = rng_below(r, STAGE_BUDGETS + (chance(r, 10) ? 3 : 0)),
        .value_micros = random_value(r),
        .floor_micros = chance(r, 70) ? 0 : (int64_t)rng_below(r, 1000000),
        .ceiling_micros = chance(r, 80) ? 0 : (int64_t)rng_below(r, 1500000),
        .deal_hash = chance(r, 75) ? 0 : name_hash('d', rng_below(r, DEALS)),
        .adomain_hash = name_hash('a', rng_below(r, DOMAINS)),
        .q_group = (uint16_t)rng_below(r, Q_GROUPS),
    };
    item.flags = (uint8_t)((chance(r, 93) ? QBID_LINE_ITEM_ACTIVE : 0) |
                           (chance(r, 75) ? QBID_LINE_ITEM_SECURE : 0));
    if (chance(r, 3)) { /* a hole */
        item.id = 0;
        image_fixture_line_item(f, item);
        return;
    }
    uint32_t idx = image_fixture_line_item(f, item);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        for (unsigned n = chance(r, 7) ? 1 + rng_below(r, 3) : 0; n > 0; n--)
            image_fixture_target(f, idx, dim, rng_below(r, f->value_cnt[dim]));
    }
    for (unsigned n = rng_below(r, 3); n > 0; n--)
        image_fixture_cat(f, idx, name_of(name, 'c', rng_below(r, CATEGORIES)));
    add_creatives(f, r, idx);
}

static int has_key(const struct image_fixture *f, uint64_t key)
{
    for (uint32_t i = 0; i < f->rows.cnt; i++)
        if (f->rows.item[i].key == key)
            return 1;
    return 0;
}

static void add_row(struct image_fixture *f, struct rng *r, unsigned level)
{
    uint64_t context = 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        context = qbid_dim_pack(context, dim, rng_below(r, f->value_cnt[dim]));
    if (has_key(f, qbid_context_key(context, f->header.level_mask[level], level)))
        return;
    uint32_t idx[512], cnt = 0, keep = 1 + rng_below(r, 100);
    float value[512];
    for (uint32_t i = 0; i < f->line_items.cnt; i++)
        if (chance(r, keep))
            idx[cnt++] = i;
    for (uint32_t i = 0; i < cnt; i++) {
        uint32_t other = i + rng_below(r, cnt - i), swap = idx[i];
        idx[i] = idx[other];
        idx[other] = swap;
        value[i] = random_value(r);
    }
    if (cnt)
        image_fixture_row(f, level, context, rng_below(r, f->shades.cnt), cnt, idx, value);
}

void random_account_fill(struct stage *s, struct rng *r, uint32_t line_item_max)
{
    struct image_fixture *f = &s->f;
    char name[16];
    f->dict.cnt = 0; /* of the stage: one slot under another name */
    f->value_cnt[QBID_DIM_SLOT] = 1;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        for (uint32_t v = 1; v <= values[dim]; v++)
            image_fixture_value(f, dim, name_of(name, 'v', v));
    fill_header(&f->header, r);
    fill_shades_and_q(f, r);
    uint32_t items = rng_below(r, line_item_max + 1);
    for (uint32_t i = 0; i < items; i++)
        add_line_item(f, r, i);
    unsigned levels = 0;
    while (levels < QBID_LEVEL_MAX && f->header.level_mask[levels])
        levels++;
    for (unsigned n = levels ? rng_below(r, ROWS_MAX) : 0; n > 0; n--)
        add_row(f, r, rng_below(r, levels));
    if (chance(r, 20))
        s->line_item_max = 1 + rng_below(r, items + 1);
}

static float random_pace(struct rng *r)
{
    static const float odd[] = {0, -0.0f, -1, NAN, INFINITY, -INFINITY, 3e38f, 1e-38f, -1e-38f};
    if (chance(r, 12))
        return odd[rng_below(r, sizeof odd / sizeof *odd)];
    if (chance(r, 10)) /* a fixed price */
        return -(float)rng_below(r, 1500000);
    return chance(r, 60) ? 1.0f : (float)(2 * rng_uniform(r));
}

/* Overrides that have ended, do so now, or will. */
static void random_overrides(struct stage *s, struct rng *r)
{
    uint64_t earliest_ns = 0;
    for (uint32_t i = 0; i < s->live.shape.line_item_max; i++) {
        if (!chance(r, 30))
            continue;
        uint64_t until_ns = STAGE_NOW_NS - 1 + rng_below(r, 4);
        qbid_live_set_override(&s->live, i, random_pace(r), until_ns, random_pace(r));
        if (earliest_ns == 0 || until_ns < earliest_ns)
            earliest_ns = until_ns;
    }
    qbid_live_set_override_until(&s->live, earliest_ns);
}

void random_account_scramble(struct stage *s, struct rng *r)
{
    for (uint32_t i = 0; i < s->live.shape.line_item_max; i++) {
        qbid_live_set_pace(&s->live, i, random_pace(r));
        atomic_store(&s->live.qstate[i],
                     (uint8_t)rng_below(r, chance(r, 90) ? QBID_QSTATES : UINT8_MAX + 1));
    }
    if (chance(r, 30))
        random_overrides(s, r);
    for (uint32_t b = 0; b < STAGE_BUDGETS; b++) {
        int64_t limit = chance(r, 50) ? STAGE_LIMIT_NANOS : (int64_t)rng_below(r, 20000000);
        int64_t committed = chance(r, 60) ? 0 : (int64_t)rng_below(r, 20000000);
        if (chance(r, 5)) {
            committed = INT64_MAX - (int64_t)rng_below(r, 3000000);
            limit = chance(r, 50) ? INT64_MAX : INT64_MIN;
        }
        stage_set_limit(s, b, limit);
        atomic_store(&s->page.committed[b], committed);
    }
    atomic_store(&s->page.header->seq, chance(r, 50) ? 0 : (UINT64_C(1) << 48) - 3);
    atomic_store(&s->live.lease[STAGE_SLOT].valid_until_ns, STAGE_NOW_NS + !chance(r, 3));
    s->view.deadline_ns = STAGE_NOW_NS + !chance(r, 20);
}

/* Often the price of some line item, or one micro beside it. */
static int64_t random_floor(const struct stage *s, struct rng *r)
{
    if (chance(r, 40))
        return 0;
    if (chance(r, 60) || s->f.line_items.cnt == 0)
        return (int64_t)rng_below(r, 1500000);
    uint32_t i = rng_below(r, s->f.line_items.cnt);
    float value = s->f.line_items.item[i].value_micros;
    if (s->f.candidates.cnt && chance(r, 80)) {
        const struct image_fixture_candidate *c =
            &s->f.candidates.item[rng_below(r, s->f.candidates.cnt)];
        i = c->line_item_idx;
        value = c->value_micros;
    }
    float pace = i < s->live.shape.line_item_max ? qbid_live_pace(&s->live, i) : 0.0f;
    int64_t price = qbid_micros_from_float(qbid_pace_price(value, pace));
    return price > 0 ? price - 1 + (int64_t)rng_below(r, 3) : 0;
}

/* A context that a row has, or any. */
static uint64_t random_context(const struct stage *s, struct rng *r)
{
    uint64_t context = 0;
    uint64_t key = 0, mask = 0;
    if (s->f.rows.cnt && chance(r, 75)) {
        key = s->f.rows.item[rng_below(r, s->f.rows.cnt)].key;
        mask = s->f.header.level_mask[key >> 62];
    }
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        uint32_t any = chance(r, 20) ? 0 : rng_below(r, s->f.value_cnt[dim]);
        bool fixed = (mask & qbid_dim_mask(dim)) != 0;
        context = qbid_dim_pack(context, dim, fixed ? qbid_dim_unpack(key, dim) : any);
    }
    return context;
}

/* A list whose first known (slot) or lowest (segment) value is `main`, 0 = none known. */
static uint8_t random_list(const struct stage *s, struct rng *r, unsigned dim, uint32_t main,
                           uint64_t *list, uint32_t max)
{
    uint32_t cnt = 0, known = s->f.value_cnt[dim];
    while (chance(r, 25) && cnt < max)
        list[cnt++] = value_hash(dim, known + rng_below(r, 3));
    if (main && cnt < max)
        list[cnt++] = value_hash(dim, main);
    while (main && chance(r, 50) && cnt < max) {
        uint32_t low = dim == QBID_DIM_SEGMENT ? main : 1;
        list[cnt++] = value_hash(dim, low + rng_below(r, known + 1 - low));
    }
    return (uint8_t)cnt;
}

/* A host's own list: ascending, some of it line items that the image does not have. */
static void random_candidates(const struct stage *s, struct rng *r, struct random_request *random)
{
    struct qbid_request *q = &random->request;
    uint32_t share = 1 + rng_below(r, 100), end = s->f.line_items.cnt + 3;
    for (uint32_t i = 0; i < end && q->candidate_cnt < RANDOM_CANDIDATES_MAX; i++)
        if (chance(r, share))
            random->candidate[q->candidate_cnt++] = i;
    q->candidate = random->candidate;
}

void random_request_fill(const struct stage *s, struct rng *r, struct random_request *ret_request)
{
    struct qbid_request *q = &ret_request->request;
    uint64_t context = random_context(s, r);
    memset(ret_request, 0, sizeof *ret_request);
    q->id_hash = rng_next(r);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        q->dim[dim] = value_hash(dim, qbid_dim_unpack(context, dim));
    q->slot_cnt = random_list(s, r, QBID_DIM_SLOT, qbid_dim_unpack(context, QBID_DIM_SLOT), q->slot,
                              chance(r, 5) ? QBID_REQUEST_SLOTS_MAX : 4);
    q->segment_cnt = random_list(s, r, QBID_DIM_SEGMENT, qbid_dim_unpack(context, QBID_DIM_SEGMENT),
                                 q->segment, chance(r, 5) ? QBID_REQUEST_SEGMENTS_MAX : 6);
    q->floor_micros = random_floor(s, r);
    while (chance(r, 40) && q->deal_cnt < QBID_REQUEST_DEALS_MAX)
        q->deal[q->deal_cnt++] =
            (struct qbid_deal){name_hash('d', rng_below(r, DEALS)), random_floor(s, r)};
    q->badv = ret_request->badv;
    q->bcat = ret_request->bcat;
    while (chance(r, 20) && q->badv_cnt < RANDOM_BLOCKS_MAX)
        ret_request->badv[q->badv_cnt++] = name_hash('a', rng_below(r, DOMAINS));
    while (chance(r, 20) && q->bcat_cnt < RANDOM_BLOCKS_MAX)
        ret_request->bcat[q->bcat_cnt++] = name_hash('c', rng_below(r, CATEGORIES));
    q->auction = chance(r, 50) ? QBID_AUCTION_FIRST_PRICE : QBID_AUCTION_SECOND_PRICE;
    q->flags = (chance(r, 50) ? QBID_REQUEST_SECURE : 0u) |
               (chance(r, 10) ? QBID_REQUEST_PRIVATE_ONLY : 0u) |
               (chance(r, 10) ? QBID_REQUEST_TEST : 0u);
    if (chance(r, 15))
        random_candidates(s, r, ret_request);
}
