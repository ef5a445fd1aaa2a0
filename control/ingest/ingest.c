/* SPDX-License-Identifier: Apache-2.0 */
/* Checks events, joins notices with bids, suppresses repeats, and hands out outcomes. */
#include "control/ingest/ingest.h"

#include <math.h>
#include <stdlib.h>

#include "control/ingest/pending.h"
#include "control/ingest/repeats.h"
#include "shm/error.h"
#include "shm/live.h"
#include "shm/units.h"

#define BATCH 256
#define CLOCK_SLACK_NS QBID_NS_PER_S   /* an event may be this much ahead of our clock */
#define WAIT_NS (250 * QBID_NS_PER_MS) /* for the bid of a notice that overtook it */
#define WAITING_MAX 4096
#define PACE_MAX 1e6
#define VALUE_NANOS_MAX (INT64_C(1000000000) * QBID_NANOS_PER_UNIT) /* of a conversion */
#define MONEY_KINDS ((1u << QBID_EVENT_WIN) | (1u << QBID_EVENT_LOSS) | (1u << QBID_EVENT_BILL))

/* A notice whose bid has not been read yet: they may come through different rings. */
struct waiting {
    struct qbid_outcome notice;
    uint64_t since_ns;
};

/* How far the bids of a worker's ring were taken before their turn. */
struct ahead {
    uint16_t uid;
    uint64_t position; /* of the ring: behind the last bid taken */
};

/* The last EXPOSE of a worker: its bid comes next in the same ring. */
struct exposed {
    uint64_t nonce, key;
    uint8_t exposures;
};

struct qbid_ingest {
    struct qbid_ingest_params params;
    struct qbid_ingest_counters counters;
    struct qbid_reasons reasons;
    struct qbid_pending pending;
    struct qbid_repeats money;  /* wins, losses and bills whose bid is not pending */
    struct qbid_repeats events; /* imp, click, conv, video: known for longer */
    struct waiting *waiting;
    uint32_t waiting_head, waiting_cnt;            /* a ring of WAITING_MAX */
    struct ahead ahead[QBID_LIVE_WORKERS_MAX];     /* by slot */
    struct exposed exposed[QBID_LIVE_WORKERS_MAX]; /* by slot */
    uint64_t drops[QBID_LIVE_WORKERS_MAX];         /* by slot, as last read, of the worker below */
    uint16_t drops_uid[QBID_LIVE_WORKERS_MAX];
};

/* Where outcomes of one call go. */
struct sink {
    qbid_outcome_fn *fn;
    void *context;
};

int qbid_ingest_new(const struct qbid_ingest_params *params, struct qbid_ingest **ret_ingest)
{
    struct qbid_ingest *ingest = calloc(1, sizeof *ingest);
    if (!ingest)
        return QBID_ERR_NOMEM;
    ingest->params = *params;
    ingest->waiting = calloc(WAITING_MAX, sizeof *ingest->waiting);
    int err = ingest->waiting ? 0 : QBID_ERR_NOMEM;
    if (!err)
        err = qbid_pending_init(&ingest->pending, params->pending_max);
    if (!err)
        err = qbid_repeats_init(&ingest->money, (params->seen_max + 1) / 2, params->notice_ttl_ns);
    if (!err)
        err = qbid_repeats_init(&ingest->events, (params->seen_max + 1) / 2, params->event_ttl_ns);
    if (err) {
        qbid_ingest_free(ingest);
        return err;
    }
    *ret_ingest = ingest;
    return 0;
}

void qbid_ingest_free(struct qbid_ingest *ingest)
{
    if (!ingest)
        return;
    qbid_pending_done(&ingest->pending);
    qbid_repeats_done(&ingest->money);
    qbid_repeats_done(&ingest->events);
    free(ingest->waiting);
    free(ingest);
}

struct qbid_ingest_counters qbid_ingest_counters_load(const struct qbid_ingest *ingest)
{
    struct qbid_ingest_counters counters = ingest->counters;
    counters.evicted += ingest->money.evicted + ingest->events.evicted;
    return counters;
}

const struct qbid_reasons *qbid_ingest_reasons(const struct qbid_ingest *ingest)
{
    return &ingest->reasons;
}

static void emit(const struct sink *sink, const struct qbid_outcome *outcome)
{
    sink->fn(sink->context, outcome);
}

/* What a bid's own worker says of it, before any notice. */
static bool is_own(uint32_t kind)
{
    return kind == QBID_EVENT_BID || kind == QBID_EVENT_EXPOSE;
}

static bool is_money(uint32_t kind)
{
    return ((1u << kind) & MONEY_KINDS) != 0;
}

/* What money notices are remembered of a nonce whose bid is not pending, as bits by kind. */
static uint32_t money_known(const struct qbid_ingest *ingest, uint64_t nonce)
{
    uint32_t seen = 0;
    for (uint32_t kind = QBID_EVENT_WIN; kind <= QBID_EVENT_BILL; kind++)
        if (qbid_repeats_known(&ingest->money, nonce, kind))
            seen |= 1u << kind;
    return seen;
}

/* The oldest bid leaves for lack of room: what came for it must still be known. */
static void money_keep(struct qbid_ingest *ingest, uint64_t now_ns)
{
    const struct qbid_pending_bid *oldest = qbid_pending_oldest(&ingest->pending);
    for (uint32_t kind = QBID_EVENT_WIN; kind <= QBID_EVENT_BILL; kind++)
        if (oldest->seen & (1u << kind))
            qbid_repeats_note(&ingest->money, oldest->bid.nonce, kind, now_ns);
}

static void expire_oldest(struct qbid_ingest *ingest, const struct sink *sink)
{
    struct qbid_pending_bid *oldest = qbid_pending_oldest(&ingest->pending);
    if (!(oldest->seen & MONEY_KINDS)) {
        struct qbid_outcome expired = oldest->bid;
        expired.kind = QBID_OUTCOME_EXPIRED;
        ingest->counters.expired++;
        emit(sink, &expired);
    }
    qbid_pending_drop(&ingest->pending);
}

/* Fields that every event of a bid or notice has; false for what no honest worker writes. */
static bool common_ok(const struct qbid_outcome *o, uint64_t now_ns)
{
    return o->time_ns <= now_ns + CLOCK_SLACK_NS && o->bid_time_ns <= o->time_ns &&
           o->bid_nanos > 0 && o->bid_nanos <= QBID_PRICE_MICROS_MAX && o->price_nanos >= 0 &&
           o->price_nanos <=
               (o->kind == QBID_EVENT_CONV ? VALUE_NANOS_MAX : QBID_PRICE_MICROS_MAX) &&
           o->nonce >> 48 != 0 && o->context >> QBID_DIM_SHIFT_END == 0 &&
           o->level <= QBID_LEVEL_DEFAULT && o->action < QBID_QROW_ACTIONS &&
           o->privacy < QBID_PRIVACY_NO_BID;
}

static bool float_ok(float x, double max)
{
    return isfinite(x) && x >= 0 && (double)x <= max;
}

/* A factor, or below 0 a fixed price. */
static bool pace_ok(float pace)
{
    return pace < 0 ? float_ok(-pace, (double)QBID_PRICE_MICROS_MAX) : float_ok(pace, PACE_MAX);
}

/* Whom a bid counts for, when its EXPOSE came just before. */
static void exposed_join(const struct qbid_ingest *ingest, struct qbid_outcome *o)
{
    if (o->worker_slot >= QBID_LIVE_WORKERS_MAX ||
        ingest->exposed[o->worker_slot].nonce != o->nonce)
        return;
    o->exposure_key = ingest->exposed[o->worker_slot].key;
    o->exposures = ingest->exposed[o->worker_slot].exposures;
}

static void take_bid(struct qbid_ingest *ingest, const struct qbid_event *event,
                     struct qbid_outcome *o, uint64_t now_ns, const struct sink *sink)
{
    o->value_micros = event->u.bid.value_micros;
    o->pace = event->u.bid.pace;
    o->propensity = (float)((double)event->u.bid.q_propensity_q32 / (double)UINT32_MAX);
    o->creative_share = qbid_event_share_load(event->u.bid.creative_share_q16);
    o->q_state = event->u.bid.q_state;
    o->segment = event->u.bid.segment;
    o->bid_time_ns = event->time_ns;
    exposed_join(ingest, o);
    o->joined = true;
    if (!common_ok(o, now_ns) || !float_ok(o->value_micros, (double)QBID_PRICE_MICROS_MAX) ||
        !pace_ok(o->pace) || o->q_state >= QBID_QSTATES || event->nonce >> 48 != o->worker_uid ||
        qbid_pending_find(&ingest->pending, o->nonce)) {
        ingest->counters.invalid++;
        return;
    }
    if (ingest->pending.head - ingest->pending.tail == ingest->pending.max) {
        money_keep(ingest, now_ns);
        expire_oldest(ingest, sink);
        ingest->counters.evicted++;
    }
    if (qbid_pending_add(&ingest->pending, o))
        ingest->counters.evicted++; /* without memory its notices stay unjoined */
    else
        qbid_pending_find(&ingest->pending, o->nonce)->seen = money_known(ingest, o->nonce);
    emit(sink, o);
}

/* A notice with its bid, or without it when that is not known. */
static void take_notice(struct qbid_ingest *ingest, struct qbid_outcome *o,
                        struct qbid_pending_bid *bid, const struct sink *sink)
{
    uint32_t bit = 1u << o->kind, seen = bid ? bid->seen : 0;
    if (!bid && is_money(o->kind))
        seen = money_known(ingest, o->nonce);
    /* A bid is lost or won, whatever came first stands: its money is released or kept. */
    bool lost = (seen & (1u << QBID_EVENT_LOSS)) != 0;
    bool won = (seen & MONEY_KINDS & ~(1u << QBID_EVENT_LOSS)) != 0;
    bool contrary = (o->kind == QBID_EVENT_LOSS && won) ||
                    ((o->kind == QBID_EVENT_WIN || o->kind == QBID_EVENT_BILL) && lost);
    if (contrary ||
        (bid && (bid->bid.bid_nanos != o->bid_nanos || bid->bid.line_item_id != o->line_item_id))) {
        ingest->counters.invalid++;
        ingest->counters.convs_refused += o->kind == QBID_EVENT_CONV;
        return;
    }
    bool repeated = (seen & bit) != 0;
    if (!is_money(o->kind))
        repeated = qbid_repeats_note(&ingest->events, o->nonce, o->kind | (uint32_t)o->code << 8,
                                     o->time_ns);
    else if (!bid)
        qbid_repeats_note(&ingest->money, o->nonce, o->kind, o->time_ns);
    if (repeated) {
        ingest->counters.duplicates++;
        return;
    }
    if (bid) {
        o->first_win = (o->kind == QBID_EVENT_WIN || o->kind == QBID_EVENT_BILL) && !won;
        bid->seen |= bit;
        o->value_micros = bid->bid.value_micros;
        o->pace = bid->bid.pace;
        o->propensity = bid->bid.propensity;
        o->creative_share = bid->bid.creative_share;
        o->exposure_key = bid->bid.exposure_key;
        o->exposures = bid->bid.exposures;
        o->q_state = bid->bid.q_state;
        o->segment = bid->bid.segment;
        o->bid_time_ns = bid->bid.bid_time_ns;
        o->joined = true;
    } else {
        o->first_win = o->kind == QBID_EVENT_WIN;
        ingest->counters.unjoined++;
    }
    if (o->kind == QBID_EVENT_LOSS || o->kind == QBID_EVENT_VIDEO)
        qbid_reasons_count(&ingest->reasons, o->kind, o->code, o->flags);
    ingest->counters.price_above += (o->flags & QBID_EVENT_PRICE_ABOVE) != 0;
    ingest->counters.price_unknown += (o->flags & QBID_EVENT_PRICE_UNKNOWN) != 0;
    emit(sink, o);
}

static void wait_for_bid(struct qbid_ingest *ingest, const struct qbid_outcome *o, uint64_t now_ns)
{
    uint32_t i = (ingest->waiting_head + ingest->waiting_cnt) % WAITING_MAX;
    ingest->waiting[i] = (struct waiting){*o, now_ns};
    ingest->waiting_cnt++;
}

/* Notices whose bid has come by now, or has had its time. */
static void waiting_look(struct qbid_ingest *ingest, uint64_t now_ns, const struct sink *sink)
{
    for (uint32_t n = ingest->waiting_cnt; n > 0; n--) {
        struct waiting w = ingest->waiting[ingest->waiting_head];
        ingest->waiting_head = (ingest->waiting_head + 1) % WAITING_MAX;
        ingest->waiting_cnt--;
        struct qbid_pending_bid *bid = qbid_pending_find(&ingest->pending, w.notice.nonce);
        if (bid || now_ns - w.since_ns >= WAIT_NS) {
            take_notice(ingest, &w.notice, bid, sink);
        } else {
            uint32_t i = (ingest->waiting_head + ingest->waiting_cnt) % WAITING_MAX;
            ingest->waiting[i] = w;
            ingest->waiting_cnt++;
        }
    }
}

static void meet_notice(struct qbid_ingest *ingest, const struct qbid_event *event,
                        struct qbid_outcome *o, uint64_t now_ns, const struct sink *sink)
{
    if (o->kind == QBID_EVENT_LOSS || o->kind == QBID_EVENT_VIDEO) {
        o->price_nanos = qbid_event_detail_nanos(event->u.notice.detail);
        o->code = qbid_event_detail_code(event->u.notice.detail);
    } else {
        o->price_nanos = event->u.notice.price_nanos;
    }
    o->bid_time_ns = event->u.notice.bid_time_ns;
    bool money = is_money(o->kind);
    /* The bid's clock may be another boot's for the kinds that outlive one: then it is not known.
     */
    if (!money && o->bid_time_ns > o->time_ns)
        o->bid_time_ns = 0;
    bool late = money && o->time_ns > o->bid_time_ns + ingest->params.notice_ttl_ns;
    if (!common_ok(o, now_ns) || late ||
        (o->kind == QBID_EVENT_BILL && o->price_nanos > o->bid_nanos &&
         !(o->flags & QBID_EVENT_PRICE_ABOVE))) {
        ingest->counters.invalid++;
        ingest->counters.convs_refused += o->kind == QBID_EVENT_CONV;
        return;
    }
    struct qbid_pending_bid *bid = qbid_pending_find(&ingest->pending, o->nonce);
    bool young = now_ns < o->bid_time_ns + ingest->params.notice_ttl_ns;
    /* A bill never waits: once its ring is let go of, money that is only in memory could be lost.
     */
    if (!bid && young && o->kind != QBID_EVENT_BILL && ingest->waiting_cnt < WAITING_MAX)
        wait_for_bid(ingest, o, now_ns);
    else
        take_notice(ingest, o, bid, sink);
}

static void take_seen(struct qbid_ingest *ingest, struct qbid_dictionary *dictionary,
                      const struct qbid_event *event)
{
    unsigned dim = event->u.seen.dim;
    size_t len = event->u.seen.len, kept = sizeof event->u.seen.text;
    char text[sizeof event->u.seen.text + 1] = {0};
    if (dim >= QBID_DIM_CNT || event->u.seen.hash == 0 ||
        (len <= kept && qbid_hash_dim(dim, event->u.seen.text, len) != event->u.seen.hash)) {
        ingest->counters.invalid++;
        return;
    }
    if (dim == QBID_DIM_SLOT)
        return; /* only slots that a creative fills are of use: those come with the account */
    for (size_t i = 0; i < kept && i < len; i++) {
        unsigned char c = (unsigned char)event->u.seen.text[i];
        text[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
    qbid_dictionary_add_hashed(dictionary, dim, event->u.seen.hash, text);
}

/* Whom a bid would count for. Whether the nonce has a bid is told by what follows. */
static void take_exposure(struct qbid_ingest *ingest, const struct qbid_account *account,
                          const struct qbid_event *event, uint16_t slot, uint16_t uid,
                          const struct sink *sink)
{
    const struct qbid_line_item_def *li =
        qbid_account_line_item(account, event->u.expose.line_item_id);
    if (!li) {
        ingest->counters.unknown++;
        return;
    }
    if (event->nonce >> 48 != uid || event->u.expose.key == 0) {
        ingest->counters.invalid++;
        return;
    }
    uint32_t counted = event->u.expose.counted;
    struct qbid_outcome o = {.time_ns = event->time_ns,
                             .nonce = event->nonce,
                             .exposure_key = event->u.expose.key,
                             .exposures = (uint8_t)(counted < UINT8_MAX ? counted : UINT8_MAX),
                             .line_item_id = li->id,
                             .line_item_idx = li->idx,
                             .worker_slot = slot,
                             .worker_uid = uid,
                             .kind = QBID_EVENT_EXPOSE};
    if (slot < QBID_LIVE_WORKERS_MAX)
        ingest->exposed[slot] = (struct exposed){o.nonce, o.exposure_key, o.exposures};
    emit(sink, &o);
}

static void take_event(struct qbid_ingest *ingest, const struct qbid_account *account,
                       struct qbid_dictionary *dictionary, const struct qbid_event *event,
                       uint16_t slot, uint16_t uid, uint64_t now_ns, const struct sink *sink)
{
    if (event->kind == QBID_EVENT_SEEN) {
        take_seen(ingest, dictionary, event);
        return;
    }
    if (event->kind == QBID_EVENT_EXPOSE) {
        take_exposure(ingest, account, event, slot, uid, sink);
        return;
    }
    if ((event->kind < QBID_EVENT_BID || event->kind > QBID_EVENT_CONV) &&
        event->kind != QBID_EVENT_VIDEO) {
        ingest->counters.invalid += event->kind != QBID_EVENT_NOBID;
        return;
    }
    if (event->flags & QBID_EVENT_TEST) {
        ingest->counters.tests++;
        return;
    }
    /* Bids and notices share the layout up to creative_id. */
    const struct qbid_line_item_def *li =
        qbid_account_line_item(account, event->u.bid.line_item_id);
    const struct qbid_campaign_def *campaign =
        li ? qbid_account_campaign(account, li->campaign_id) : NULL;
    if (!campaign) {
        ingest->counters.unknown++;
        ingest->counters.convs_refused += event->kind == QBID_EVENT_CONV;
        return;
    }
    struct qbid_outcome o = {.time_ns = event->time_ns,
                             .nonce = event->nonce,
                             .context = event->u.bid.context,
                             .bid_nanos = event->u.bid.bid_nanos,
                             .line_item_id = li->id,
                             .line_item_idx = li->idx,
                             .budget_idx = campaign->budget_idx,
                             .creative_id = event->u.bid.creative_id,
                             .gen = event->gen,
                             .worker_slot = slot,
                             .worker_uid = uid,
                             .kind = event->kind,
                             .level = event->level,
                             .privacy = event->privacy,
                             .action = event->action,
                             .flags = event->flags};
    if (event->kind == QBID_EVENT_BID)
        take_bid(ingest, event, &o, now_ns, sink);
    else
        meet_notice(ingest, event, &o, now_ns, sink);
}

static void drops_follow(struct qbid_ingest *ingest, const struct qbid_page *page, uint16_t slot,
                         uint16_t uid)
{
    if (slot >= QBID_LIVE_WORKERS_MAX)
        return;
    uint64_t drops = atomic_load_explicit(&page->ring->drops, memory_order_relaxed);
    if (ingest->drops_uid[slot] != uid)
        ingest->drops[slot] = 0;
    if (drops > ingest->drops[slot])
        ingest->counters.drops += drops - ingest->drops[slot];
    ingest->drops[slot] = drops;
    ingest->drops_uid[slot] = uid;
}

/* Events behind the ring's tail whose bids were taken already. */
static uint64_t ahead_of_tail(const struct qbid_ingest *ingest, const struct qbid_page *page,
                              uint16_t slot, uint16_t uid)
{
    if (slot >= QBID_LIVE_WORKERS_MAX || ingest->ahead[slot].uid != uid)
        return 0;
    uint64_t tail = atomic_load_explicit(&page->ring->tail, memory_order_relaxed);
    uint64_t ahead = ingest->ahead[slot].position - tail;
    return ahead <= page->event_mask + 1 ? ahead : 0; /* the tail has passed it */
}

int qbid_ingest_bids(struct qbid_ingest *ingest, const struct qbid_account *account,
                     const struct qbid_page *page, uint16_t slot, uint16_t uid, uint64_t now_ns,
                     qbid_outcome_fn *fn, void *context)
{
    struct sink sink = {fn, context};
    struct qbid_event batch[BATCH];
    if (slot >= QBID_LIVE_WORKERS_MAX)
        return 0;
    uint64_t skip = ahead_of_tail(ingest, page, slot, uid);
    for (int got = BATCH; got == BATCH && skip <= page->event_mask;) {
        got = qbid_ring_peek(page->ring, page->events, page->event_mask, skip, batch, BATCH);
        if (got < 0)
            return got;
        for (int i = 0; i < got; i++)
            if (is_own(batch[i].kind))
                take_event(ingest, account, NULL, &batch[i], slot, uid, now_ns, &sink);
        skip += (uint64_t)got;
    }
    uint64_t tail = atomic_load_explicit(&page->ring->tail, memory_order_relaxed);
    ingest->ahead[slot] = (struct ahead){uid, tail + skip};
    return 0;
}

int qbid_ingest_drain(struct qbid_ingest *ingest, const struct qbid_account *account,
                      struct qbid_dictionary *dictionary, const struct qbid_page *page,
                      uint16_t slot, uint16_t uid, uint64_t now_ns, int max, qbid_outcome_fn *fn,
                      void *context)
{
    struct sink sink = {fn, context};
    struct qbid_event batch[BATCH];
    int total = 0;
    uint64_t ahead = ahead_of_tail(ingest, page, slot, uid);
    drops_follow(ingest, page, slot, uid);
    while (total < max) {
        int want = max - total < BATCH ? max - total : BATCH;
        int got = qbid_ring_peek(page->ring, page->events, page->event_mask, (uint64_t)total, batch,
                                 want);
        if (got < 0)
            return got;
        for (int i = 0; i < got; i++)
            if (!is_own(batch[i].kind) || (uint64_t)(total + i) >= ahead)
                take_event(ingest, account, dictionary, &batch[i], slot, uid, now_ns, &sink);
        ingest->counters.events += (uint64_t)got;
        total += got;
        if (got < want)
            break;
    }
    return total;
}

int qbid_ingest_tick(struct qbid_ingest *ingest, uint64_t now_ns, int max, qbid_outcome_fn *fn,
                     void *context)
{
    struct sink sink = {fn, context};
    int cnt = 0;
    waiting_look(ingest, now_ns, &sink);
    for (; cnt < max; cnt++) {
        const struct qbid_pending_bid *oldest = qbid_pending_oldest(&ingest->pending);
        if (!oldest || now_ns <= oldest->bid.bid_time_ns + ingest->params.notice_ttl_ns + WAIT_NS)
            break;
        expire_oldest(ingest, &sink);
    }
    return cnt;
}
