/* SPDX-License-Identifier: Apache-2.0 */
/* Series by key, one map for each kind; contexts are bounded and go by least recent use. */
#include "control/snapshot/snapshot.h"

#include <stdlib.h>

#include "control/keymap.h"
#include "control/snapshot/series.h"
#include "shm/error.h"

#define KINDS (QBID_SERIES_CONTEXT + 1)
#define NO_PLACE UINT32_MAX

/* A series in its list of use: contexts are linked from the most to the least recent. */
struct node {
    struct qbid_series series;
    uint32_t newer, older;
};

struct qbid_snapshot {
    struct qbid_snapshot_params params;
    struct node **node; /* in order of arrival; stable addresses */
    uint32_t cnt, capacity;
    struct qbid_keymap map[KINDS];
    uint32_t context_cnt;
    uint32_t newest, oldest; /* contexts */
    uint64_t evicted;
};

int qbid_snapshot_new(const struct qbid_snapshot_params *params,
                      struct qbid_snapshot **ret_snapshot)
{
    if (params->context_max == 0)
        return QBID_ERR_INVAL;
    struct qbid_snapshot *s = calloc(1, sizeof *s);
    if (!s)
        return QBID_ERR_NOMEM;
    s->params = *params;
    s->newest = s->oldest = NO_PLACE;
    *ret_snapshot = s;
    return 0;
}

void qbid_snapshot_free(struct qbid_snapshot *snapshot)
{
    if (!snapshot)
        return;
    for (uint32_t i = 0; i < snapshot->cnt; i++)
        free(snapshot->node[i]);
    for (unsigned kind = 0; kind < KINDS; kind++)
        qbid_keymap_done(&snapshot->map[kind]);
    free(snapshot->node);
    free(snapshot);
}

static void use_unlink(struct qbid_snapshot *s, uint32_t i)
{
    struct node *n = s->node[i];
    if (n->newer == NO_PLACE)
        s->newest = n->older;
    else
        s->node[n->newer]->older = n->older;
    if (n->older == NO_PLACE)
        s->oldest = n->newer;
    else
        s->node[n->older]->newer = n->newer;
}

static void use_link(struct qbid_snapshot *s, uint32_t i)
{
    struct node *n = s->node[i];
    n->newer = NO_PLACE;
    n->older = s->newest;
    if (s->newest == NO_PLACE)
        s->oldest = i;
    else
        s->node[s->newest]->newer = i;
    s->newest = i;
}

/* A place for a new series: a fresh one, or for contexts at their bound the least recently used. */
static uint32_t place_take(struct qbid_snapshot *s, uint32_t kind)
{
    if (kind == QBID_SERIES_CONTEXT && s->context_cnt == s->params.context_max) {
        uint32_t i = s->oldest;
        const struct qbid_series_key *key = &s->node[i]->series.key;
        qbid_keymap_remove(&s->map[kind], key->context, key->id);
        use_unlink(s, i);
        s->context_cnt--;
        s->evicted++;
        return i;
    }
    if (s->cnt == s->capacity) {
        uint32_t capacity = s->capacity ? s->capacity * 2 : 64;
        struct node **node = realloc(s->node, capacity * sizeof *node);
        if (!node)
            return NO_PLACE;
        s->node = node;
        s->capacity = capacity;
    }
    struct node *fresh = malloc(sizeof *fresh);
    if (!fresh)
        return NO_PLACE;
    s->node[s->cnt] = fresh;
    return s->cnt++;
}

static struct qbid_series *series_touch(struct qbid_snapshot *s, struct qbid_series_key key)
{
    struct qbid_keymap *map = &s->map[key.kind];
    uint32_t i = qbid_keymap_find(map, key.context, key.id);
    if (i == QBID_KEYMAP_NONE) {
        i = place_take(s, key.kind);
        if (i == NO_PLACE)
            return NULL;
        *s->node[i] = (struct node){.series.key = key, .newer = NO_PLACE, .older = NO_PLACE};
        if (qbid_keymap_add(map, key.context, key.id, i)) {
            s->node[i]->series.key.kind = 0; /* nothing refers to the place any more */
            return NULL;
        }
        if (key.kind == QBID_SERIES_CONTEXT) {
            s->context_cnt++;
            use_link(s, i);
        }
    } else if (key.kind == QBID_SERIES_CONTEXT && s->newest != i) {
        use_unlink(s, i);
        use_link(s, i);
    }
    return &s->node[i]->series;
}

static void video_count(struct qbid_stats *delta, uint16_t code)
{
    delta->views = code == QBID_VIDEO_VIEWABLE;
    delta->starts = code == QBID_VIDEO_START;
    delta->completes = code == QBID_VIDEO_COMPLETE;
}

static struct qbid_stats delta_of(const struct qbid_outcome *outcome, int64_t spent_nanos)
{
    struct qbid_stats d = {0};
    switch (outcome->kind) {
    case QBID_EVENT_BID:
        d.bids = 1;
        d.bid_nanos = outcome->bid_nanos;
        break;
    case QBID_EVENT_WIN:
        d.wins = 1;
        break;
    case QBID_EVENT_LOSS:
        d.losses = 1;
        break;
    case QBID_EVENT_BILL:
        d.bills = 1;
        d.spend_nanos = spent_nanos;
        break;
    case QBID_EVENT_IMP:
        d.imps = 1;
        break;
    case QBID_EVENT_CLICK:
        d.clicks = 1;
        break;
    case QBID_EVENT_CONV:
        d.convs = 1;
        d.value_nanos = outcome->price_nanos;
        break;
    case QBID_EVENT_VIDEO:
        video_count(&d, outcome->code);
        break;
    default:
        break;
    }
    return d;
}

void qbid_snapshot_post(struct qbid_snapshot *snapshot, const struct qbid_outcome *outcome,
                        uint32_t campaign_id, int64_t spent_nanos)
{
    bool counted = outcome->kind >= QBID_EVENT_BID && outcome->kind <= QBID_EVENT_CONV;
    struct qbid_stats delta = delta_of(outcome, spent_nanos);
    if (!counted && delta.views + delta.starts + delta.completes == 0)
        return;
    const struct qbid_series_key keys[] = {
        {0, campaign_id, QBID_SERIES_CAMPAIGN},
        {0, outcome->line_item_id, QBID_SERIES_LINE_ITEM},
        {0, outcome->creative_id, QBID_SERIES_CREATIVE},
        {outcome->context & snapshot->params.context_mask, outcome->line_item_id,
         QBID_SERIES_CONTEXT},
    };
    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct qbid_series *series = series_touch(snapshot, keys[i]);
        if (series)
            qbid_series_add(series, &delta, outcome->time_ns);
    }
}

struct qbid_stats qbid_snapshot_query(const struct qbid_snapshot *snapshot,
                                      struct qbid_series_key key, enum qbid_window window,
                                      uint64_t now_ns)
{
    uint32_t i = QBID_KEYMAP_NONE;
    if (key.kind >= QBID_SERIES_CAMPAIGN && key.kind < KINDS && window < QBID_WINDOW_CNT)
        i = qbid_keymap_find(&snapshot->map[key.kind], key.context, key.id);
    if (i == QBID_KEYMAP_NONE)
        return (struct qbid_stats){0};
    return qbid_series_query(&snapshot->node[i]->series, window, now_ns);
}

static int key_order(const void *a, const void *b)
{
    const struct qbid_series_key *x = &(*(struct node *const *)a)->series.key;
    const struct qbid_series_key *y = &(*(struct node *const *)b)->series.key;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->context < y->context ? -1 : x->context > y->context;
}

int qbid_snapshot_visit(const struct qbid_snapshot *snapshot, qbid_snapshot_fn *fn, void *context)
{
    if (snapshot->cnt == 0)
        return 0;
    struct node **sorted = malloc(snapshot->cnt * sizeof *sorted);
    if (!sorted)
        return QBID_ERR_NOMEM;
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < snapshot->cnt; i++)
        if (snapshot->node[i]->series.key.kind != 0)
            sorted[cnt++] = snapshot->node[i];
    qsort(sorted, cnt, sizeof *sorted, key_order);
    int stop = 0;
    for (uint32_t i = 0; i < cnt && !stop; i++)
        stop = fn(context, sorted[i]->series.key, &sorted[i]->series.all);
    free(sorted);
    return stop;
}

int qbid_snapshot_scan(const struct qbid_snapshot *snapshot, enum qbid_series_kind kind,
                       qbid_snapshot_fn *fn, void *context)
{
    int stop = 0;
    for (uint32_t i = 0; i < snapshot->cnt && !stop; i++) {
        const struct qbid_series *series = &snapshot->node[i]->series;
        if (series->key.kind == kind)
            stop = fn(context, series->key, &series->all);
    }
    return stop;
}

int qbid_snapshot_restore(struct qbid_snapshot *snapshot, struct qbid_series_key key,
                          const struct qbid_stats *all)
{
    if (key.kind < QBID_SERIES_CAMPAIGN || key.kind >= KINDS)
        return QBID_ERR_INVAL;
    struct qbid_series *series = series_touch(snapshot, key);
    if (!series)
        return QBID_ERR_NOMEM;
    series->all = *all;
    return 0;
}

uint64_t qbid_snapshot_mask(const struct qbid_snapshot *snapshot)
{
    return snapshot->params.context_mask;
}

uint64_t qbid_snapshot_evicted(const struct qbid_snapshot *snapshot)
{
    return snapshot->evicted;
}
