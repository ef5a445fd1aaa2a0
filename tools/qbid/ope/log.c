/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers the records of a decision log and joins them by nonce. */
#include "tools/qbid/ope/log.h"

#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define OUTCOME_EXPIRED 100

/* What came of a bid. */
struct notice {
    uint64_t nonce;
    int64_t price_nanos;
    uint8_t kind, flags;
};

struct gathering {
    struct qbid_ope_log *log;
    struct qbid_ope_wanted wanted;
    struct notice *notice;
    uint64_t notice_cnt, notice_max, bid_max;
    uint32_t row_max;
};

/* Room for one more element; false without memory. */
static bool grow(void **array, uint64_t cnt, uint64_t *max, size_t bytes)
{
    if (cnt < *max)
        return true;
    uint64_t more = *max ? *max * 2 : 4096;
    void *bigger = realloc(*array, more * bytes);
    if (!bigger)
        return false;
    *array = bigger;
    *max = more;
    return true;
}

static int take_bid(struct gathering *g, const struct qbid_decision_record *r)
{
    void *array = g->log->bid;
    if (r->u.bid.pace < 0) /* a fixed price of the operator's: no policy chose it */
        return 0;
    if (!grow(&array, g->log->bid_cnt, &g->bid_max, sizeof *g->log->bid))
        return QBID_ERR_NOMEM;
    g->log->bid = array;
    g->log->bid[g->log->bid_cnt++] = (struct qbid_ope_bid){
        .nonce = r->nonce,
        .context = r->u.bid.context,
        .unix_ms = r->unix_ms,
        .bid_nanos = r->u.bid.bid_nanos,
        .value_micros = r->u.bid.value_micros,
        .pace = r->u.bid.pace,
        .propensity = r->u.bid.propensity,
        .creative_share = r->u.bid.creative_share,
        .gen = r->gen,
        .line_item_id = r->line_item_id,
        .creative_id = r->u.bid.creative_id,
        .q_group = r->u.bid.q_group,
        .q_state = r->u.bid.q_state,
        .action = r->u.bid.action,
        .flags = r->flags,
        .exposures = r->u.bid.exposures,
        .level = r->level,
        .segment = r->u.bid.segment,
    };
    return 0;
}

static int take_notice(struct gathering *g, const struct qbid_decision_record *r)
{
    void *array = g->notice;
    if (!grow(&array, g->notice_cnt, &g->notice_max, sizeof *g->notice))
        return QBID_ERR_NOMEM;
    g->notice = array;
    g->notice[g->notice_cnt++] =
        (struct notice){r->nonce, r->u.notice.price_nanos, r->kind, r->flags};
    return 0;
}

static int take_row(struct gathering *g, const struct qbid_decision_record *r)
{
    uint64_t max = g->row_max;
    void *array = g->log->row;
    if (!grow(&array, g->log->row_cnt, &max, sizeof *g->log->row))
        return QBID_ERR_NOMEM;
    g->log->row = array;
    g->row_max = (uint32_t)max;
    struct qbid_ope_row *row = &g->log->row[g->log->row_cnt];
    *row = (struct qbid_ope_row){
        .key = (uint32_t)r->u.row.q_group * QBID_QSTATES + r->u.row.q_state,
        .gen = r->gen,
        .order = g->log->row_cnt++,
        .row = {.explore_q32 = r->u.row.explore_q32, .n = r->u.row.n, .greedy = r->u.row.greedy}};
    memcpy(row->row.ratio, r->u.row.ratio, sizeof row->row.ratio);
    return 0;
}

static int take(void *context, const struct qbid_decision_record *r)
{
    struct gathering *g = context;
    if (r->kind == QBID_DECISION_HEAD)
        g->log->share = (double)r->u.head.share;
    if (r->kind == QBID_DECISION_ROW)
        return take_row(g, r);
    if (r->kind == QBID_DECISION_HEAD || r->kind == QBID_DECISION_PACE ||
        (g->wanted.line_item_id != 0 && r->line_item_id != g->wanted.line_item_id))
        return 0;
    if (r->kind != QBID_EVENT_BID)
        return take_notice(g, r);
    return r->unix_ms >= g->wanted.since_ms ? take_bid(g, r) : 0;
}

static int bid_order(const void *a, const void *b)
{
    const struct qbid_ope_bid *x = a, *y = b;
    return (x->nonce > y->nonce) - (x->nonce < y->nonce);
}

static int notice_order(const void *a, const void *b)
{
    const struct notice *x = a, *y = b;
    if (x->nonce != y->nonce)
        return x->nonce > y->nonce ? 1 : -1;
    if (x->kind != y->kind)
        return x->kind > y->kind ? 1 : -1;
    return (x->price_nanos > y->price_nanos) - (x->price_nanos < y->price_nanos);
}

static int row_order(const void *a, const void *b)
{
    const struct qbid_ope_row *x = a, *y = b;
    if (x->key != y->key)
        return x->key > y->key ? 1 : -1;
    return (x->order > y->order) - (x->order < y->order);
}

/* An unreadable clearing price counts as the bid, as the ledger has it. */
static void win(struct qbid_ope_bid *bid, const struct notice *n)
{
    bool unknown = (n->flags & QBID_EVENT_PRICE_UNKNOWN) != 0 || n->price_nanos > bid->bid_nanos;
    bid->closed = bid->won = true;
    if (n->kind == QBID_EVENT_BILL || bid->cost_nanos == 0)
        bid->cost_nanos = unknown ? bid->bid_nanos : n->price_nanos;
}

static void apply(struct qbid_ope_bid *bid, const struct notice *n)
{
    switch (n->kind) {
    case QBID_EVENT_WIN:
    case QBID_EVENT_BILL:
        win(bid, n);
        break;
    case QBID_EVENT_IMP:
        bid->closed = bid->won = bid->shown = true;
        break;
    case QBID_EVENT_CLICK:
        bid->closed = bid->won = bid->shown = bid->clicked = true;
        break;
    case QBID_EVENT_CONV:
        bid->conversions++;
        bid->revenue += (double)n->price_nanos / (double)QBID_NANOS_PER_UNIT;
        break;
    default: /* lost, or nothing came in time */
        bid->closed = true;
    }
}

static bool same(const struct notice *a, const struct notice *b)
{
    return a->nonce == b->nonce && a->kind == b->kind;
}

/* Both sides are in the order of their nonces; a record that was logged twice counts once. */
static void join(struct gathering *g)
{
    struct qbid_ope_log *log = g->log;
    uint64_t kept = 0, at = 0;
    for (uint64_t i = 0; i < log->bid_cnt; i++) {
        struct qbid_ope_bid bid = log->bid[i];
        if (i > 0 && bid.nonce == log->bid[i - 1].nonce)
            continue;
        for (; at < g->notice_cnt && g->notice[at].nonce < bid.nonce; at++)
            log->orphan++;
        for (; at < g->notice_cnt && g->notice[at].nonce == bid.nonce; at++)
            if (at == 0 || !same(&g->notice[at], &g->notice[at - 1]))
                apply(&bid, &g->notice[at]);
        log->open += !bid.closed;
        if (bid.closed)
            log->bid[kept++] = bid;
    }
    log->orphan += g->notice_cnt - at;
    log->bid_cnt = kept;
}

int qbid_ope_log_read(const char *folder, const struct qbid_ope_wanted *wanted,
                      struct qbid_ope_log *ret_log)
{
    memset(ret_log, 0, sizeof *ret_log);
    struct gathering g = {.log = ret_log, .wanted = *wanted};
    int err = qbid_decision_files_read(folder, take, &g, &ret_log->reading);
    if (!err) {
        if (ret_log->bid_cnt)
            qsort(ret_log->bid, ret_log->bid_cnt, sizeof *ret_log->bid, bid_order);
        if (g.notice_cnt)
            qsort(g.notice, g.notice_cnt, sizeof *g.notice, notice_order);
        if (ret_log->row_cnt)
            qsort(ret_log->row, ret_log->row_cnt, sizeof *ret_log->row, row_order);
        join(&g);
    }
    free(g.notice);
    return err;
}

void qbid_ope_log_done(struct qbid_ope_log *log)
{
    free(log->bid);
    free(log->row);
    memset(log, 0, sizeof *log);
}

/* The latest row of a key up to a generation. A row at the head of a file (generation 0) only says
 * what is in force there: it counts where nothing else is known. */
static const struct qbid_qrow *row_find(const struct qbid_ope_log *log, uint32_t key, uint32_t gen)
{
    const struct qbid_ope_row *best = NULL;
    uint32_t low = 0, high = log->row_cnt;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (log->row[mid].key < key)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < log->row_cnt && log->row[low].key == key; low++)
        if (log->row[low].gen <= gen && (!best || log->row[low].gen > 0))
            best = &log->row[low];
    return best && best->row.n > 0 ? &best->row : NULL;
}

const struct qbid_qrow *qbid_ope_log_row(const struct qbid_ope_log *log,
                                         const struct qbid_ope_bid *bid)
{
    return row_find(log, (uint32_t)bid->q_group * QBID_QSTATES + bid->q_state, bid->gen);
}

const struct qbid_qrow *qbid_ope_log_row_now(const struct qbid_ope_log *log,
                                             const struct qbid_ope_bid *bid)
{
    return row_find(log, (uint32_t)bid->q_group * QBID_QSTATES + bid->q_state, UINT32_MAX);
}
