/* SPDX-License-Identifier: Apache-2.0 */
/* The decision by brute force over the fixture's lists. */
#include "tests/fastpath/oracle.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* One impression, with everything spelled out. */
struct question {
    const struct qbid_request *request;
    uint32_t value[QBID_DIM_CNT]; /* of the packed context */
    uint32_t slot[QBID_REQUEST_SLOTS_MAX];
    uint32_t segment[QBID_REQUEST_SEGMENTS_MAX];
    float scale;
    const struct image_fixture_row *row; /* NULL = none */
    uint32_t market;
};

struct option {
    uint32_t item;
    float value, pace, price;
};

void oracle_init(struct oracle *o, const struct image_fixture *f)
{
    memset(o, 0, sizeof *o);
    o->f = f;
    uint32_t all = 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        all += f->value_cnt[dim];
    o->accepts = malloc((size_t)f->line_items.cnt * all + 1);
    uint8_t *at = o->accepts;
    for (uint32_t item = 0; item < f->line_items.cnt; item++) {
        for (uint32_t dim = 0; dim < QBID_DIM_CNT; dim++) {
            memset(at, 1, f->value_cnt[dim]);
            for (uint32_t t = 0; t < f->targets.cnt; t++)
                if (f->targets.item[t].line_item_idx == item && f->targets.item[t].dim == dim)
                    memset(at, 0, f->value_cnt[dim]);
            for (uint32_t t = 0; t < f->targets.cnt; t++)
                if (f->targets.item[t].line_item_idx == item && f->targets.item[t].dim == dim)
                    at[f->targets.item[t].value] = 1;
            at += f->value_cnt[dim];
        }
    }
}

void oracle_done(struct oracle *o)
{
    free(o->accepts);
}

static bool accepts(const struct oracle *o, uint32_t item, unsigned dim, uint32_t value)
{
    uint32_t all = 0, before = 0;
    for (unsigned d = 0; d < QBID_DIM_CNT; d++) {
        if (d < dim)
            before += o->f->value_cnt[d];
        all += o->f->value_cnt[d];
    }
    return o->accepts[(size_t)item * all + before + value];
}

static uint32_t value_of(const struct oracle *o, unsigned dim, uint64_t hash)
{
    for (uint32_t i = 0; i < o->f->dict.cnt; i++)
        if (o->f->dict.item[i].dim == dim && o->f->dict.item[i].hash == hash)
            return o->f->dict.item[i].index;
    return 0;
}

static void read_values(const struct oracle *o, struct question *q)
{
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        q->value[dim] = value_of(o, dim, q->request->dim[dim]);
    q->value[QBID_DIM_SLOT] = q->value[QBID_DIM_SEGMENT] = 0;
    for (int i = q->request->slot_cnt - 1; i >= 0; i--) {
        q->slot[i] = value_of(o, QBID_DIM_SLOT, q->request->slot[i]);
        if (q->slot[i])
            q->value[QBID_DIM_SLOT] = q->slot[i];
    }
    for (int i = 0; i < q->request->segment_cnt; i++) {
        uint32_t v = q->segment[i] = value_of(o, QBID_DIM_SEGMENT, q->request->segment[i]);
        uint32_t *low = &q->value[QBID_DIM_SEGMENT];
        if (v && (*low == 0 || v < *low))
            *low = v;
    }
}

/* Rows whose level is used and whose dimensions all agree; the finest level wins. */
static void find_row(const struct oracle *o, struct question *q, struct qbid_decision *d)
{
    d->level = QBID_LEVEL_DEFAULT;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        d->context += (uint64_t)q->value[dim] << qbid_dim_shift(dim);
    for (uint32_t r = 0; r < o->f->rows.cnt; r++) {
        const struct image_fixture_row *row = &o->f->rows.item[r];
        unsigned level = (unsigned)(row->key >> 62);
        bool same = level < d->level;
        for (unsigned dim = 0; dim < QBID_DIM_CNT && same; dim++)
            if (o->f->header.level_mask[level] & qbid_dim_mask(dim))
                same = qbid_dim_unpack(row->key, dim) == q->value[dim];
        if (same) {
            d->level = (uint8_t)level;
            q->row = row;
            q->market = row->segment;
        }
    }
}

static bool eligible(const struct oracle *o, const struct question *q, uint32_t item)
{
    if (o->f->line_items.item[item].id == 0)
        return false;
    bool slot = q->request->slot_cnt == 0 && accepts(o, item, QBID_DIM_SLOT, 0);
    bool segment = q->request->segment_cnt == 0 && accepts(o, item, QBID_DIM_SEGMENT, 0);
    for (int i = 0; i < q->request->slot_cnt; i++)
        slot = slot || accepts(o, item, QBID_DIM_SLOT, q->slot[i]);
    for (int i = 0; i < q->request->segment_cnt; i++)
        segment = segment || accepts(o, item, QBID_DIM_SEGMENT, q->segment[i]);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        if (dim != QBID_DIM_SLOT && dim != QBID_DIM_SEGMENT &&
            !accepts(o, item, dim, q->value[dim]))
            return false;
    return slot && segment;
}

static int deal_of(const struct oracle *o, const struct question *q, uint32_t item)
{
    for (int i = 0; i < q->request->deal_cnt; i++)
        if (q->request->deal[i].id_hash == o->f->line_items.item[item].deal_hash)
            return i + 1;
    return 0;
}

static struct option price(const struct oracle *o, const struct question *q, uint32_t item,
                           float value)
{
    struct option option = {.item = item, .value = value};
    if (item < o->line_item_max)
        option.pace = o->pace[item] * q->scale;
    option.price = option.pace < 0 ? -option.pace : value * option.pace;
    if (!isfinite(option.price) || option.price < 0)
        option.price = 0;
    return option;
}

static int dearer_first(const void *left, const void *right)
{
    const struct option *a = left, *b = right;
    if (a->price != b->price)
        return a->price > b->price ? -1 : 1;
    return (a->item > b->item) - (a->item < b->item);
}

/* The row's candidate of a line item, or NULL. */
static const struct image_fixture_candidate *row_holds(const struct oracle *o,
                                                       const struct question *q, uint32_t item)
{
    for (uint32_t i = 0; q->row && i < q->row->cnt; i++)
        if (o->f->candidates.item[q->row->first + i].line_item_idx == item)
            return &o->f->candidates.item[q->row->first + i];
    return NULL;
}

/* All candidates, dearest first, and how many there were before those without a deal left. */
static uint32_t list_options(const struct oracle *o, const struct question *q,
                             struct option *options, uint32_t *ret_candidates)
{
    uint32_t cnt = 0;
    if (q->request->candidate_cnt) {
        for (int i = 0; i < q->request->candidate_cnt; i++) {
            uint32_t item = q->request->candidate[i];
            const struct image_fixture_candidate *held = row_holds(o, q, item);
            if (held)
                options[cnt++] = price(o, q, item, held->value_micros);
            else if (item < o->f->line_items.cnt && o->f->line_items.item[item].id != 0)
                options[cnt++] = price(o, q, item, o->f->line_items.item[item].value_micros);
        }
    } else if (q->row) {
        for (uint32_t i = 0; i < q->row->cnt; i++) {
            const struct image_fixture_candidate *c = &o->f->candidates.item[q->row->first + i];
            options[cnt++] = price(o, q, c->line_item_idx, c->value_micros);
        }
    } else {
        for (uint32_t item = 0; item < o->f->line_items.cnt; item++)
            if (eligible(o, q, item))
                options[cnt++] = price(o, q, item, o->f->line_items.item[item].value_micros);
    }
    *ret_candidates = cnt;
    if (q->request->flags & QBID_REQUEST_PRIVATE_ONLY) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < cnt; i++)
            if (deal_of(o, q, options[i].item))
                options[kept++] = options[i];
        cnt = kept;
    }
    qsort(options, cnt, sizeof *options, dearer_first);
    return cnt;
}

static bool blocked(const struct oracle *o, const struct question *q, uint32_t item)
{
    for (int i = 0; i < q->request->badv_cnt; i++)
        if (q->request->badv[i] == o->f->line_items.item[item].adomain_hash)
            return true;
    for (uint32_t c = 0; c < o->f->cats.cnt; c++)
        for (int i = 0; i < q->request->bcat_cnt; i++)
            if (o->f->cats.item[c].line_item_idx == item &&
                o->f->cats.item[c].value == q->request->bcat[i])
                return true;
    return false;
}

static const struct image_fixture_dir *fitting(const struct oracle *o, const struct question *q,
                                               uint32_t item)
{
    if ((q->request->flags & QBID_REQUEST_SECURE) &&
        !(o->f->line_items.item[item].flags & QBID_LINE_ITEM_SECURE))
        return NULL;
    for (int i = 0; i < q->request->slot_cnt; i++)
        for (uint32_t d = 0; d < o->f->dirs.cnt; d++)
            if (q->slot[i] && o->f->dirs.item[d].line_item_idx == item &&
                o->f->dirs.item[d].dir.slot_idx == q->slot[i])
                return &o->f->dirs.item[d];
    return NULL;
}

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Probability of an action in 2^-32, one as UINT32_MAX. */
static uint32_t propensity_q32(const struct qbid_qrow *row, uint32_t action)
{
    uint32_t explore = row->n > 1 ? row->explore_q32 : 0;
    return row->n == 0 || action == row->greedy ? UINT32_MAX - explore : explore / (row->n - 1u);
}

/* Price, Q, shade, floor, ceiling; 0 = below the floor. */
static int64_t bid_for(const struct oracle *o, const struct question *q,
                       const struct option *option, int deal, struct qbid_decision *d)
{
    const struct qbid_line_item *item = &o->f->line_items.item[option->item];
    uint64_t roll = qbid_roll_start(q->request->id_hash, o->f->header.seed);
    uint32_t state = o->qstate[option->item] < QBID_QSTATES ? o->qstate[option->item] : 0, action;
    float propensity; /* rounded: stated in whole parts below */
    const struct qbid_qrow *row = &o->f->qrows.item[item->q_group * QBID_QSTATES + state];
    uint64_t which = qbid_mix64(roll) >> 32;
    d->q_ratio = qbid_qrow_pick(row, which << 32 | (uint32_t)roll, &action, &propensity);
    d->q_state = (uint16_t)state;
    d->q_action = (uint8_t)action;
    d->q_propensity_q32 = propensity_q32(row, action);
    bool fixed = option->pace < 0;
    if (fixed) { /* neither action nor market change it */
        d->q_ratio = 1;
        d->q_action = 0;
        d->q_propensity_q32 = UINT32_MAX;
    }
    float worth = option->price * d->q_ratio, bid = worth;
    if (q->request->auction == QBID_AUCTION_FIRST_PRICE && !fixed)
        bid = qbid_shade_eval(&o->f->shades.item[q->market], worth);
    d->shade_ratio = q->request->auction == QBID_AUCTION_FIRST_PRICE && !fixed ? bid / worth : 1;

    int64_t floor = deal ? q->request->deal[deal - 1].floor_micros : q->request->floor_micros;
    floor = greater(floor, item->floor_micros);
    int64_t micros = qbid_micros_from_float(bid);
    if (micros < floor) {
        if (qbid_micros_from_float(worth) < floor)
            return 0;
        micros = floor;
    }
    int64_t ceilings[] = {item->ceiling_micros, o->f->header.price_ceiling_micros};
    for (int i = 0; i < 2; i++)
        micros = micros > ceilings[i] ? ceilings[i] : micros;
    return micros < floor ? 0 : micros;
}

static bool affordable(const struct oracle *o, uint32_t budget, int64_t bid)
{
    if (budget >= o->limit_cnt || budget >= o->committed_cnt)
        return false;
    return o->committed[budget] <= INT64_MAX - bid &&
           o->committed[budget] + bid <= o->limit[budget];
}

static enum qbid_nobid try_option(struct oracle *o, const struct question *q,
                                  const struct option *option, struct qbid_decision *d)
{
    const struct qbid_line_item *item = &o->f->line_items.item[option->item];
    if (q->request->candidate_cnt == 0 && !eligible(o, q, option->item))
        return QBID_NOBID_NO_CANDIDATE;
    if (!(item->flags & QBID_LINE_ITEM_ACTIVE))
        return QBID_NOBID_NO_VALUE;
    int deal = item->deal_hash ? deal_of(o, q, option->item) : 0;
    if (item->deal_hash && !deal)
        return QBID_NOBID_NO_DEAL;
    if (blocked(o, q, option->item))
        return QBID_NOBID_BLOCKED;
    const struct image_fixture_dir *dir = fitting(o, q, option->item);
    if (!dir)
        return QBID_NOBID_NO_CREATIVE;
    struct qbid_decision out = *d;
    out.bid_micros = bid_for(o, q, option, deal, &out);
    if (out.bid_micros <= 0)
        return QBID_NOBID_BELOW_FLOOR;
    if (!affordable(o, item->budget_idx, out.bid_micros))
        return QBID_NOBID_NO_ALLOWANCE;
    if (!(q->request->flags & QBID_REQUEST_TEST))
        o->committed[item->budget_idx] += out.bid_micros;

    out.nonce = ((uint64_t)o->uid << 48) + o->seq++ % (UINT64_C(1) << 48);
    out.value_micros = option->value;
    out.pace = option->pace;
    out.line_item_idx = option->item;
    out.line_item_id = item->id;
    out.campaign_id = item->campaign_id;
    out.deal = (uint8_t)deal;
    out.auction = q->request->auction;
    out.segment = (uint16_t)q->market;
    out.slot_idx = dir->dir.slot_idx;
    uint32_t random = (uint32_t)(qbid_roll_start(q->request->id_hash, o->f->header.seed) >> 32);
    uint32_t c = 0;
    while (random > dir->draw[c].upto_q32)
        c++;
    uint64_t before = c ? (uint64_t)dir->draw[c - 1].upto_q32 + 1 : 0;
    uint64_t mass = (uint64_t)dir->draw[c].upto_q32 + 1 - before;
    out.creative_idx = dir->draw[c].creative_idx;
    out.creative_id = o->f->creatives.item[out.creative_idx].id;
    out.creative_propensity_q32 = mass > UINT32_MAX ? UINT32_MAX : (uint32_t)mass;
    *d = out;
    return QBID_NOBID_NONE;
}

static enum qbid_nobid try_all(struct oracle *o, const struct question *q, struct qbid_decision *d,
                               struct qbid_trace *trace)
{
    struct option *options = calloc(QBID_ROW_CANDIDATES_MAX, sizeof *options);
    uint32_t cnt = list_options(o, q, options, &d->candidates);
    enum qbid_nobid first = QBID_NOBID_NONE, last = QBID_NOBID_NONE;
    if (d->candidates == 0)
        first = last = QBID_NOBID_NO_CANDIDATE;
    else if (cnt == 0)
        first = last = QBID_NOBID_NO_DEAL;
    else if (options[0].price <= 0)
        first = last = QBID_NOBID_NO_VALUE;
    for (uint32_t i = 0; i < cnt && i < QBID_TRACE_MAX && options[i].price > 0; i++) {
        last = try_option(o, q, &options[i], d);
        trace->candidate[trace->cnt++] = (struct qbid_trace_candidate){
            options[i].item, options[i].value, options[i].pace, (uint8_t)last};
        if (i == 0)
            first = last;
        if (last == QBID_NOBID_NONE)
            break;
        d->skipped++;
    }
    free(options);
    return last == QBID_NOBID_NONE ? last : first;
}

enum qbid_nobid oracle_decide(struct oracle *o, const struct qbid_request *request, uint64_t now_ns,
                              struct qbid_decision *ret_decision, struct qbid_trace *ret_trace)
{
    struct question q = {.request = request, .scale = 1};
    bool stale = now_ns >= o->deadline_ns;
    memset(ret_decision, 0, sizeof *ret_decision);
    memset(ret_trace, 0, sizeof *ret_trace);
    ret_decision->gen = o->f->header.gen;
    if (stale)
        q.scale = o->f->header.stale_factor;
    if (stale && q.scale <= 0) {
        ret_decision->nobid = QBID_NOBID_STALE;
    } else if (o->valid_until_ns <= now_ns) {
        ret_decision->nobid = QBID_NOBID_NO_LEASE;
    } else {
        read_values(o, &q);
        find_row(o, &q, ret_decision);
        ret_decision->nobid = (uint8_t)try_all(o, &q, ret_decision, ret_trace);
        ret_decision->stale = stale && ret_decision->nobid == QBID_NOBID_NONE;
    }
    return ret_decision->nobid;
}
