/* SPDX-License-Identifier: Apache-2.0 */
/* The decision, in the order of fastpath/decide.h. Its steps are stages over an `ask`, so that a
 * batch takes several impressions through each stage before the next: their cache misses overlap.
 */
#include "fastpath/decide.h"

#include <stdbool.h>
#include <string.h>

#include "fastpath/eligible.h"
#include "fastpath/filter.h"
#include "fastpath/prefetch.h"
#include "fastpath/price.h"
#include "fastpath/rank.h"
#include "fastpath/reserve.h"
#include "fastpath/resolve.h"
#include "fastpath/source.h"

#define BATCH 8

/* One impression on its way. */
struct ask {
    const struct qbid_view *view;
    const struct qbid_request *request;
    struct qbid_pricer pricer;
    struct qbid_place place;
    struct qbid_candidate best;
    uint32_t candidates;
    enum qbid_nobid nobid; /* NONE as long as there may be a bid */
    bool stale;
};

/* Whether this worker may bid at all, and with which factor on every pace. */
static void stage_gate(struct ask *ask, uint64_t now_ns)
{
    const struct qbid_view *view = ask->view;
    ask->nobid = QBID_NOBID_NO_TABLE;
    if (!view->image || !view->image->header)
        return;
    ask->stale = now_ns >= view->deadline_ns;
    float scale = ask->stale ? view->image->header->stale_factor : 1.0f;
    ask->nobid = QBID_NOBID_STALE;
    if (!(scale > 0.0f))
        return;
    ask->nobid = QBID_NOBID_NO_LEASE;
    if (!qbid_lease_valid(view, now_ns))
        return;
    ask->pricer = qbid_pricer_of(view->live, scale, view->image->line_item_cnt);
    ask->nobid = QBID_NOBID_NONE;
}

/* Value indices. */
static void stage_resolve(struct ask *ask)
{
    const struct qbid_image *image = ask->view->image;
    ask->place.context =
        qbid_place_context(image, ask->request, ask->place.slot_idx, ask->place.segment_idx);
}

/* The row of the finest level that has one. */
static void stage_row(struct ask *ask)
{
    qbid_place_find_row(ask->view->image, &ask->place);
}

/* The best candidate: of the row, or of the bitmaps, or of those with a deal. */
static void stage_best(struct ask *ask)
{
    const struct qbid_image *image = ask->view->image;
    const struct qbid_row_ref *row = &ask->place.row;
    ask->best = (struct qbid_candidate){0};
    if (row->cnt == 0 || (ask->request->flags & QBID_REQUEST_PRIVATE_ONLY)) {
        ask->nobid = qbid_source_best(image, ask->request, &ask->place, &ask->pricer, &ask->best,
                                      &ask->candidates);
    } else {
        struct qbid_span span = {row->line_item_idx, row->value_micros, row->cnt};
        ask->candidates = row->cnt;
        qbid_span_best(&ask->pricer, span, &ask->best);
        ask->nobid = ask->best.rank ? QBID_NOBID_NONE : QBID_NOBID_NO_VALUE;
    }
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
    decision->stale = ask->stale;
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

/* The best candidate fell for reason `first`: the next ones, QBID_TRACE_MAX tries in all. When all
 * fall the reason is the first. */
static enum qbid_nobid attempt_rest(const struct ask *ask, enum qbid_nobid first,
                                    struct qbid_decision *decision, struct qbid_trace *trace)
{
    struct qbid_shortlist list;
    qbid_source_rest(ask->view->image, ask->request, &ask->place, &ask->pricer,
                     qbid_candidate_line_item(&ask->best), &list);
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

/* Candidates in the order of their prices until one passes. */
static enum qbid_nobid stage_answer(const struct ask *ask, struct qbid_decision *decision,
                                    struct qbid_trace *trace)
{
    enum qbid_nobid nobid = ask->nobid;
    decision->gen = ask->view->image->header->gen;
    decision->context = ask->place.context;
    decision->level = (uint8_t)ask->place.level;
    decision->candidates = ask->candidates;
    if (nobid == QBID_NOBID_NONE) {
        nobid = attempt(ask, &ask->best, decision);
        trace_add(trace, &ask->best, nobid);
        if (nobid != QBID_NOBID_NONE)
            nobid = attempt_rest(ask, nobid, decision, trace);
    }
    decision->nobid = (uint8_t)nobid;
    return nobid;
}

/* The gate is closed: nothing of the request was looked at. */
static enum qbid_nobid decline(const struct ask *ask, struct qbid_decision *decision)
{
    if (ask->nobid != QBID_NOBID_NO_TABLE)
        decision->gen = ask->view->image->header->gen;
    decision->nobid = (uint8_t)ask->nobid;
    return ask->nobid;
}

enum qbid_nobid qbid_decide_one(const struct qbid_view *view, const struct qbid_request *request,
                                uint64_t now_ns, struct qbid_decision *ret_decision,
                                struct qbid_trace *trace)
{
    struct ask ask;
    memset(ret_decision, 0, sizeof *ret_decision);
    if (trace)
        trace->cnt = 0;
    ask.view = view;
    ask.request = request;
    stage_gate(&ask, now_ns);
    if (ask.nobid != QBID_NOBID_NONE)
        return decline(&ask, ret_decision);
    stage_resolve(&ask);
    stage_row(&ask);
    stage_best(&ask);
    return stage_answer(&ask, ret_decision, trace);
}

/* An impression behind a gate that is open. */
static void ask_open(struct ask *ask, const struct ask *gate, const struct qbid_request *request)
{
    ask->view = gate->view;
    ask->request = request;
    ask->pricer = gate->pricer;
    ask->nobid = QBID_NOBID_NONE;
    ask->stale = gate->stale;
}

/* Up to BATCH impressions, stage by stage: what one stage has found out the next one's reads depend
 * on, so they are asked for in between, for all impressions at once. */
static void decide_some(const struct ask *gate, const struct qbid_request *requests, unsigned n,
                        struct qbid_decision *ret_decisions)
{
    struct ask asks[BATCH];
    const struct qbid_image *image = gate->view->image;
    for (unsigned i = 0; i < n; i++) {
        ask_open(&asks[i], gate, &requests[i]);
        stage_resolve(&asks[i]);
    }
    for (unsigned i = 0; i < n; i++) {
        stage_row(&asks[i]);
        qbid_prefetch_row(&asks[i].place.row);
    }
    for (unsigned i = 0; i < n; i++) {
        stage_best(&asks[i]);
        qbid_prefetch_line_item(image, &asks[i].best);
    }
    for (unsigned i = 0; i < n; i++)
        qbid_prefetch_terms(image, gate->view->live, &asks[i].best);
    for (unsigned i = 0; i < n; i++)
        qbid_prefetch_creatives(image, &requests[i], &asks[i].place, &asks[i].best);
    for (unsigned i = 0; i < n; i++)
        (void)stage_answer(&asks[i], &ret_decisions[i], NULL);
}

void qbid_decide_many(const struct qbid_view *view, const struct qbid_request *requests, unsigned n,
                      uint64_t now_ns, struct qbid_decision *ret_decisions)
{
    struct ask gate;
    gate.view = view;
    memset(ret_decisions, 0, n * sizeof *ret_decisions);
    stage_gate(&gate, now_ns);
    for (unsigned i = 0; i < n; i += BATCH) {
        unsigned some = n - i < BATCH ? n - i : BATCH;
        if (gate.nobid == QBID_NOBID_NONE)
            decide_some(&gate, requests + i, some, ret_decisions + i);
        for (unsigned j = i; j < i + some && gate.nobid != QBID_NOBID_NONE; j++)
            (void)decline(&gate, &ret_decisions[j]);
    }
}
