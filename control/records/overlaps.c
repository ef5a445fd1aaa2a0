/* SPDX-License-Identifier: Apache-2.0 */
#include "control/records/overlaps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/publish/build_image.h"
#include "shm/error.h"

#define NORMAL_90 1.6448536269514722

/* Bids of a tenant on a context. */
struct traffic {
    uint64_t context;
    uint32_t tenant;
    double bids;
};

/* Contexts that the same line items accept. */
struct pattern {
    uint64_t items; /* bit = item */
    double bids, squares;
    uint32_t contexts;
};

struct measuring {
    const struct qbid_overlaps_inputs *in;
    struct traffic *traffic; /* by tenant and context */
    uint32_t cnt, max;
    const struct qbid_line_item_def *item[QBID_OVERLAPS_ITEMS_MAX]; /* of one tenant, by id */
    uint32_t item_cnt;
    uint64_t *accepts[QBID_DIM_CNT]; /* by value index: bit = item; NULL = contexts do not tell */
    uint64_t bound;                  /* items that ask for what they do not tell */
    struct pattern *pattern;
    uint32_t pattern_cnt;
};

static int traffic_add(void *context, struct qbid_series_key key, const struct qbid_stats *all)
{
    struct measuring *m = context;
    if (all->bids == 0)
        return 0;
    const struct qbid_line_item_def *item = qbid_account_line_item(m->in->account, key.id);
    const struct qbid_campaign_def *campaign =
        item ? qbid_account_campaign(m->in->account, item->campaign_id) : NULL;
    struct qbid_stats day =
        qbid_snapshot_query(m->in->snapshot, key, QBID_WINDOW_24H, m->in->now_ns);
    if (!campaign || day.bids == 0)
        return 0;
    if (m->cnt == m->max) {
        uint32_t max = m->max ? 2 * m->max : 1024;
        struct traffic *more = realloc(m->traffic, max * sizeof *more);
        if (!more)
            return QBID_ERR_NOMEM;
        m->traffic = more;
        m->max = max;
    }
    m->traffic[m->cnt++] = (struct traffic){key.context, campaign->tenant_id, (double)day.bids};
    return 0;
}

static int by_context(const void *a, const void *b)
{
    const struct traffic *x = a, *y = b;
    if (x->tenant != y->tenant)
        return x->tenant < y->tenant ? -1 : 1;
    return (x->context > y->context) - (x->context < y->context);
}

/* Line items of a tenant become one. */
static void traffic_merge(struct measuring *m)
{
    uint32_t kept = 0;
    if (m->cnt)
        qsort(m->traffic, m->cnt, sizeof *m->traffic, by_context);
    for (uint32_t i = 0; i < m->cnt; i++) {
        if (kept && by_context(&m->traffic[kept - 1], &m->traffic[i]) == 0)
            m->traffic[kept - 1].bids += m->traffic[i].bids;
        else
            m->traffic[kept++] = m->traffic[i];
    }
    m->cnt = kept;
}

/* --- whose audiences */

struct candidate {
    const struct qbid_line_item_def *item;
    uint64_t bids;
};

static int by_bids(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->bids != y->bids)
        return x->bids > y->bids ? -1 : 1;
    return (x->item->id > y->item->id) - (x->item->id < y->item->id);
}

static int by_id(const void *a, const void *b)
{
    const struct qbid_line_item_def *x = *(const struct qbid_line_item_def *const *)a;
    const struct qbid_line_item_def *y = *(const struct qbid_line_item_def *const *)b;
    return (x->id > y->id) - (x->id < y->id);
}

static int items_choose(struct measuring *m, uint32_t tenant)
{
    const struct qbid_account *a = m->in->account;
    struct candidate *list = malloc((a->line_item_cnt + 1) * sizeof *list);
    uint32_t cnt = 0;
    if (!list)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < a->line_item_cnt; i++) {
        const struct qbid_line_item_def *item = &a->line_items[i];
        const struct qbid_campaign_def *campaign = qbid_account_campaign(a, item->campaign_id);
        struct qbid_series_key key = {.kind = QBID_SERIES_LINE_ITEM, .id = item->id};
        if (item->active && campaign && campaign->active && campaign->tenant_id == tenant)
            list[cnt++] = (struct candidate){
                item,
                qbid_snapshot_query(m->in->snapshot, key, QBID_WINDOW_24H, m->in->now_ns).bids};
    }
    qsort(list, cnt, sizeof *list, by_bids);
    m->item_cnt = 0;
    while (m->item_cnt < cnt && m->item_cnt < QBID_OVERLAPS_ITEMS_MAX &&
           list[m->item_cnt].bids > 0) {
        m->item[m->item_cnt] = list[m->item_cnt].item;
        m->item_cnt++;
    }
    qsort(m->item, m->item_cnt, sizeof(m->item[0]), by_id);
    free(list);
    return 0;
}

/* --- who accepts what */

static int accepts_make(struct measuring *m, unsigned dim)
{
    uint32_t most = qbid_dim_index_max(dim), seen = qbid_dictionary_dim_cnt(m->in->dictionary, dim);
    uint64_t any = 0;
    m->accepts[dim] = calloc((size_t)most + 1, sizeof *m->accepts[dim]);
    if (!m->accepts[dim])
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < m->item_cnt; i++)
        any |= (uint64_t)(m->item[i]->target[dim].cnt == 0) << i;
    for (uint32_t v = 0; v <= most; v++)
        m->accepts[dim][v] = any;
    for (uint32_t i = 0; i < m->item_cnt; i++)
        for (uint32_t v = 0; m->item[i]->target[dim].cnt > 0 && v <= seen && v <= most; v++)
            if (qbid_target_accepts(m->item[i], dim, v, m->in->dictionary))
                m->accepts[dim][v] |= UINT64_C(1) << i;
    return 0;
}

static int dims_make(struct measuring *m)
{
    uint64_t told = qbid_snapshot_mask(m->in->snapshot);
    int err = 0;
    m->bound = 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT && !err; dim++) {
        if (told & qbid_dim_mask(dim)) {
            err = accepts_make(m, dim);
            continue;
        }
        for (uint32_t i = 0; i < m->item_cnt; i++)
            m->bound |= (uint64_t)(m->item[i]->target[dim].cnt > 0) << i;
    }
    return err;
}

static void dims_done(struct measuring *m)
{
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        free(m->accepts[dim]);
        m->accepts[dim] = NULL;
    }
}

static uint64_t who_accepts(const struct measuring *m, uint64_t context)
{
    uint64_t who = (UINT64_C(1) << m->item_cnt) - 1;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        if (m->accepts[dim])
            who &= m->accepts[dim][qbid_dim_unpack(context, dim)];
    return who;
}

static int by_items(const void *a, const void *b)
{
    const struct pattern *x = a, *y = b;
    return (x->items > y->items) - (x->items < y->items);
}

static void patterns_make(struct measuring *m, uint32_t from, uint32_t end)
{
    uint32_t kept = 0;
    for (uint32_t i = from; i < end; i++) {
        double bids = m->traffic[i].bids;
        m->pattern[i - from] =
            (struct pattern){who_accepts(m, m->traffic[i].context), bids, bids * bids, 1};
    }
    qsort(m->pattern, end - from, sizeof *m->pattern, by_items);
    for (uint32_t i = 0; i < end - from; i++) {
        const struct pattern *p = &m->pattern[i];
        if (kept == 0 || m->pattern[kept - 1].items != p->items) {
            m->pattern[kept++] = *p;
            continue;
        }
        m->pattern[kept - 1].bids += p->bids;
        m->pattern[kept - 1].squares += p->squares;
        m->pattern[kept - 1].contexts += p->contexts;
    }
    m->pattern_cnt = kept;
}

/* --- pairs */

static void interval(struct qbid_store_overlap *o, double either, double squares, double spread)
{
    double j = o->jaccard, se = sqrt(spread) / either, contexts = either * either / squares;
    double one_sided = pow(0.05, 1 / contexts); /* none of so many: below 1 - this */
    o->low = o->both_bids >= either ? one_sided : fmax(j - NORMAL_90 * se, 0);
    o->high = o->both_bids > 0 ? fmin(j + NORMAL_90 * se, 1) : 1 - one_sided;
}

static struct qbid_store_overlap pair_measure(const struct measuring *m, uint32_t i, uint32_t k)
{
    uint64_t one = UINT64_C(1) << i, other = UINT64_C(1) << k;
    struct qbid_store_overlap o = {.line_item = m->item[i]->id,
                                   .other = m->item[k]->id,
                                   .from_unix_s = m->in->from_unix_s,
                                   .to_unix_s = m->in->to_unix_s,
                                   .bound = (m->bound & (one | other)) != 0};
    double either = 0, squares = 0, spread = 0;
    for (uint32_t p = 0; p < m->pattern_cnt; p++) {
        const struct pattern *pattern = &m->pattern[p];
        bool has_one = pattern->items & one, has_other = pattern->items & other;
        o.bids += has_one ? pattern->bids : 0;
        o.other_bids += has_other ? pattern->bids : 0;
        o.both_bids += has_one && has_other ? pattern->bids : 0;
        either += has_one || has_other ? pattern->bids : 0;
        squares += has_one || has_other ? pattern->squares : 0;
        o.contexts += has_one || has_other ? pattern->contexts : 0;
    }
    if (!(either > 0))
        return o;
    o.jaccard = o.both_bids / either;
    o.contained = o.bids > 0 ? o.both_bids / o.bids : 0;
    o.other_contained = o.other_bids > 0 ? o.both_bids / o.other_bids : 0;
    for (uint32_t p = 0; p < m->pattern_cnt; p++) {
        const struct pattern *pattern = &m->pattern[p];
        double shared = (pattern->items & one) && (pattern->items & other) ? 1 : 0;
        if (pattern->items & (one | other))
            spread += pattern->squares * (shared - o.jaccard) * (shared - o.jaccard);
    }
    interval(&o, either, squares, spread);
    return o;
}

static int tenant_measure(struct measuring *m, uint32_t from, uint32_t end,
                          qbid_store_overlap_fn *fn, void *context)
{
    int err = items_choose(m, m->traffic[from].tenant), given = 0;
    if (!err)
        err = dims_make(m);
    if (!err)
        patterns_make(m, from, end);
    dims_done(m);
    for (uint32_t i = 0; i < m->item_cnt && !err; i++)
        for (uint32_t k = i + 1; k < m->item_cnt && !err; k++) {
            struct qbid_store_overlap o = pair_measure(m, i, k);
            o.tenant = m->traffic[from].tenant;
            err = o.contexts > 0 ? fn(context, &o) : 0;
            given += o.contexts > 0;
        }
    return err ? err : given;
}

int qbid_overlaps_measure(const struct qbid_overlaps_inputs *inputs, qbid_store_overlap_fn *fn,
                          void *context)
{
    struct measuring *m = calloc(1, sizeof *m);
    if (!m)
        return QBID_ERR_NOMEM;
    m->in = inputs;
    int err = qbid_snapshot_scan(inputs->snapshot, QBID_SERIES_CONTEXT, traffic_add, m), given = 0;
    if (!err) {
        traffic_merge(m);
        m->pattern = malloc((m->cnt + 1) * sizeof *m->pattern);
        err = m->pattern ? 0 : QBID_ERR_NOMEM;
    }
    for (uint32_t i = 0, end; i < m->cnt && !err; i = end) {
        double bids = 0;
        for (end = i; end < m->cnt && m->traffic[end].tenant == m->traffic[i].tenant; end++)
            bids += m->traffic[end].bids;
        int r = bids >= QBID_OVERLAPS_BIDS_MIN ? tenant_measure(m, i, end, fn, context) : 0;
        err = r < 0 ? r : 0;
        given += r > 0 ? r : 0;
    }
    free(m->traffic);
    free(m->pattern);
    free(m);
    return err ? err : given;
}

static int keep(void *context, const struct qbid_store_overlap *overlap)
{
    return qbid_store_set_overlap(context, overlap);
}

int qbid_overlaps_record(struct qbid_store *store, const struct qbid_overlaps_inputs *inputs)
{
    return qbid_overlaps_measure(inputs, keep, store);
}
