/* SPDX-License-Identifier: Apache-2.0 */
/* The decision, in the order of fastpath/decide.h. */
#include "fastpath/decide.h"

#include <stdbool.h>
#include <string.h>

#include "fastpath/eligible.h"
#include "fastpath/filter.h"
#include "fastpath/price.h"
#include "fastpath/rank.h"
#include "fastpath/reserve.h"
#include "fastpath/resolve.h"

/* One impression and all that its steps read. */
struct ask {
    const struct qbid_view *view;
    const struct qbid_request *request;
    struct qbid_place place;
    struct qbid_pricer pricer;
};

/* Whether this worker may bid at all, and with which factor on every pace. */
static enum qbid_nobid gate(const struct qbid_view *view, uint64_t now_ns,
                            struct qbid_pricer *ret_pricer, uint8_t *ret_stale)
{
    if (!view->image || !view->image->header)
        return QBID_NOBID_NO_TABLE;
    *ret_pricer = (struct qbid_pricer){view->live, 1.0f};
    *ret_stale = now_ns >= view->deadline_ns;
    if (*ret_stale) {
        ret_pricer->scale = view->image->header->stale_factor;
        if (!(ret_pricer->scale > 0.0f))
            return QBID_NOBID_STALE;
    }
    return qbid_lease_valid(view, now_ns) ? QBID_NOBID_NONE : QBID_NOBID_NO_LEASE;
}

/* Where candidates come from, a span at a time: the context row, or the bitmaps; for a private
 * auction only those that bid on one of its deals. */
struct source {
    struct qbid_eligible eligible;
    uint32_t row_at;
    uint32_t seen; /* candidates so far */
    uint32_t line_item_idx[64];
    float value_micros[64];
};

static void source_init(struct source *source, const struct ask *ask)
{
    source->row_at = source->seen = 0;
    if (ask->place.row.cnt == 0)
        qbid_eligible_init(&source->eligible, ask->view->image, ask->request, &ask->place);
}

/* The next up to 64 candidates as they are, copied; 0 at the end. */
static uint32_t source_load(struct source *source, const struct ask *ask)
{
    const struct qbid_row_ref *row = &ask->place.row;
    uint32_t cnt;
    if (row->cnt == 0) {
        cnt = qbid_eligible_next(&source->eligible, source->line_item_idx);
        for (uint32_t i = 0; i < cnt; i++)
            source->value_micros[i] =
                ask->view->image->line_items[source->line_item_idx[i]].value_micros;
    } else {
        cnt = row->cnt - source->row_at < 64 ? row->cnt - source->row_at : 64;
        memcpy(source->line_item_idx, row->line_item_idx + source->row_at, cnt * sizeof(uint32_t));
        memcpy(source->value_micros, row->value_micros + source->row_at, cnt * sizeof(float));
        source->row_at += cnt;
    }
    source->seen += cnt;
    return cnt;
}

/* False at the end; a span may be empty. */
static bool source_next(struct source *source, const struct ask *ask, struct qbid_span *ret_span)
{
    uint32_t cnt = source_load(source, ask), kept = cnt;
    if (ask->request->flags & QBID_REQUEST_PRIVATE_ONLY) {
        kept = 0;
        for (uint32_t i = 0; i < cnt; i++) {
            uint32_t idx = source->line_item_idx[i];
            source->line_item_idx[kept] = idx;
            source->value_micros[kept] = source->value_micros[i];
            kept += qbid_filter_deal(&ask->view->image->line_items[idx], ask->request) != 0;
        }
    }
    *ret_span = (struct qbid_span){source->line_item_idx, source->value_micros, kept};
    return cnt != 0;
}

/* The best candidate of the bitmaps or of a private auction. */
static enum qbid_nobid best_of_source(const struct ask *ask, struct qbid_candidate *best,
                                      uint32_t *ret_candidates)
{
    struct source source;
    struct qbid_span span;
    uint32_t kept = 0;
    source_init(&source, ask);
    while (source_next(&source, ask, &span)) {
        kept += span.cnt;
        qbid_span_best(&ask->pricer, span, best);
    }
    *ret_candidates = source.seen;
    if (source.seen == 0)
        return QBID_NOBID_NO_CANDIDATE;
    if (kept == 0)
        return QBID_NOBID_NO_DEAL;
    return best->rank ? QBID_NOBID_NONE : QBID_NOBID_NO_VALUE;
}

/* The candidates after the best one, best first. */
static void next_of_source(const struct ask *ask, uint32_t except, struct qbid_shortlist *list)
{
    struct source source;
    struct qbid_span span;
    source_init(&source, ask);
    while (source_next(&source, ask, &span))
        qbid_shortlist_add_span(list, &ask->pricer, span, except);
    qbid_shortlist_sort(list);
}

static enum qbid_nobid best_candidate(const struct ask *ask, struct qbid_candidate *best,
                                      uint32_t *ret_candidates)
{
    const struct qbid_row_ref *row = &ask->place.row;
    *best = (struct qbid_candidate){0};
    if (row->cnt == 0 || (ask->request->flags & QBID_REQUEST_PRIVATE_ONLY))
        return best_of_source(ask, best, ret_candidates);
    *ret_candidates = row->cnt;
    qbid_span_best(&ask->pricer,
                   (struct qbid_span){row->line_item_idx, row->value_micros, row->cnt}, best);
    return best->rank ? QBID_NOBID_NONE : QBID_NOBID_NO_VALUE;
}

/* The one creative of this bid and the probability with which it was drawn. */
static void draw_creative(const struct ask *ask, const struct qbid_alias_dir *dir,
                          struct qbid_decision *decision)
{
    const struct qbid_image *image = ask->view->image;
    const struct qbid_alias *line = &image->aliases[dir->alias];
    uint16_t creative = qbid_alias_pick(
        line, dir->cnt, qbid_roll(ask->request->id_hash, image->header->seed, QBID_ROLL_CREATIVE));
    decision->slot_idx = dir->slot_idx;
    decision->creative_idx = dir->creative_first + creative;
    decision->creative_id = image->creatives[decision->creative_idx].id;
    decision->creative_propensity_q32 =
        qbid_q32_from_float(qbid_alias_propensity(line, dir->cnt, creative));
}

/* Try one candidate: every filter, the price, the reservation. On success the decision is whole. */
static enum qbid_nobid attempt(const struct ask *ask, const struct qbid_candidate *candidate,
                               struct qbid_decision *decision)
{
    const struct qbid_view *view = ask->view;
    const struct qbid_image *image = view->image;
    const struct qbid_request *request = ask->request;
    uint32_t idx = qbid_candidate_line_item(candidate);
    const struct qbid_line_item *line_item = &image->line_items[idx];

    if (!qbid_eligible_test(image, request, &ask->place, idx))
        return QBID_NOBID_NO_CANDIDATE;
    if (!(line_item->flags & QBID_LINE_ITEM_ACTIVE))
        return QBID_NOBID_NO_VALUE;
    unsigned deal = qbid_filter_deal(line_item, request);
    if (!deal && line_item->deal_hash)
        return QBID_NOBID_NO_DEAL;
    if (qbid_filter_blocked(image, line_item, request))
        return QBID_NOBID_BLOCKED;
    const struct qbid_alias_dir *dir =
        qbid_filter_creative(image, line_item, request, ask->place.slot_idx);
    if (!dir)
        return QBID_NOBID_NO_CREATIVE;

    struct qbid_offer offer = qbid_offer_make(
        image, view->live, idx, qbid_candidate_price(candidate), ask->place.row.segment,
        request->auction, qbid_roll(request->id_hash, image->header->seed, QBID_ROLL_Q));
    int64_t floor = deal ? request->deal[deal - 1].floor_micros : request->floor_micros;
    int64_t ceiling = image->header->price_ceiling_micros;
    floor = line_item->floor_micros > floor ? line_item->floor_micros : floor;
    ceiling = line_item->ceiling_micros < ceiling ? line_item->ceiling_micros : ceiling;
    if (!qbid_offer_bound(&offer, floor, ceiling))
        return QBID_NOBID_BELOW_FLOOR;
    if (!qbid_allowance_reserve(view, line_item->budget_idx, offer.bid_micros,
                                !(request->flags & QBID_REQUEST_TEST)))
        return QBID_NOBID_NO_ALLOWANCE;

    decision->nonce = qbid_nonce_next(view);
    decision->bid_micros = offer.bid_micros;
    decision->value_micros = candidate->value_micros;
    decision->pace = candidate->pace;
    decision->q_ratio = offer.q_ratio;
    decision->shade_ratio = offer.shade_ratio;
    decision->line_item_idx = idx;
    decision->line_item_id = line_item->id;
    decision->campaign_id = line_item->campaign_id;
    decision->q_propensity_q32 = qbid_q32_from_float(offer.q_propensity);
    decision->q_state = offer.q_state;
    decision->q_action = offer.q_action;
    decision->segment = (uint16_t)ask->place.row.segment;
    decision->deal = (uint8_t)deal;
    draw_creative(ask, dir, decision);
    return QBID_NOBID_NONE;
}

static void trace_add(struct qbid_trace *trace, const struct qbid_candidate *candidate,
                      enum qbid_nobid rejected)
{
    if (!trace || trace->cnt == QBID_TRACE_MAX)
        return;
    trace->candidate[trace->cnt++] =
        (struct qbid_trace_candidate){qbid_candidate_line_item(candidate), candidate->value_micros,
                                      candidate->pace, (uint8_t)rejected};
}

/* The best candidate fell for reason `first`: the next ones, QBID_TRACE_MAX tries in all. */
static enum qbid_nobid choose_next(const struct ask *ask, const struct qbid_candidate *best,
                                   enum qbid_nobid first, struct qbid_decision *decision,
                                   struct qbid_trace *trace)
{
    struct qbid_shortlist list;
    list.cnt = 0;
    next_of_source(ask, qbid_candidate_line_item(best), &list);
    decision->skipped = 1;
    for (uint32_t i = 0; i < list.cnt && decision->skipped < QBID_TRACE_MAX; i++) {
        enum qbid_nobid rejected = attempt(ask, &list.candidate[i], decision);
        trace_add(trace, &list.candidate[i], rejected);
        if (rejected == QBID_NOBID_NONE)
            return QBID_NOBID_NONE;
        decision->skipped++;
    }
    return first;
}

static enum qbid_nobid choose(const struct ask *ask, struct qbid_decision *decision,
                              struct qbid_trace *trace)
{
    struct qbid_candidate best;
    enum qbid_nobid nobid = best_candidate(ask, &best, &decision->candidates);
    if (nobid != QBID_NOBID_NONE)
        return nobid;
    nobid = attempt(ask, &best, decision);
    trace_add(trace, &best, nobid);
    return nobid == QBID_NOBID_NONE ? nobid : choose_next(ask, &best, nobid, decision, trace);
}

/* A resolved impression to its end. */
static enum qbid_nobid finish(const struct ask *ask, uint8_t stale, struct qbid_decision *decision,
                              struct qbid_trace *trace)
{
    decision->gen = ask->view->image->header->gen;
    decision->context = ask->place.context;
    decision->level = (uint8_t)ask->place.level;
    enum qbid_nobid nobid = choose(ask, decision, trace);
    decision->nobid = (uint8_t)nobid;
    decision->stale = nobid == QBID_NOBID_NONE ? stale : 0;
    return nobid;
}

static enum qbid_nobid decline(const struct qbid_view *view, enum qbid_nobid nobid,
                               struct qbid_decision *decision)
{
    if (nobid != QBID_NOBID_NO_TABLE)
        decision->gen = view->image->header->gen;
    decision->nobid = (uint8_t)nobid;
    return nobid;
}

enum qbid_nobid qbid_decide_one(const struct qbid_view *view, const struct qbid_request *request,
                                uint64_t now_ns, struct qbid_decision *ret_decision,
                                struct qbid_trace *trace)
{
    struct ask ask;
    uint8_t stale;
    memset(ret_decision, 0, sizeof *ret_decision);
    if (trace)
        trace->cnt = 0;
    ask.view = view;
    ask.request = request;
    enum qbid_nobid nobid = gate(view, now_ns, &ask.pricer, &stale);
    if (nobid != QBID_NOBID_NONE)
        return decline(view, nobid, ret_decision);
    ask.place.context =
        qbid_place_context(view->image, request, ask.place.slot_idx, ask.place.segment_idx);
    qbid_place_prefetch(view->image, ask.place.context);
    qbid_place_find_row(view->image, &ask.place);
    return finish(&ask, stale, ret_decision, trace);
}

void qbid_decide_many(const struct qbid_view *view, const struct qbid_request *requests, unsigned n,
                      uint64_t now_ns, struct qbid_decision *ret_decisions)
{
    for (unsigned i = 0; i < n; i++)
        (void)qbid_decide_one(view, &requests[i], now_ns, &ret_decisions[i], NULL);
}
