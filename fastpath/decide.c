/* SPDX-License-Identifier: Apache-2.0 */
/* The decision, in the order of fastpath/decide.h: the stages of an ask, then its answer. A batch
 * takes several impressions through each stage before the next: their cache misses overlap. */
#include "fastpath/decide.h"

#include <stdbool.h>
#include <string.h>

#include "fastpath/ask.h"
#include "fastpath/eligible.h"
#include "fastpath/filter.h"
#include "fastpath/prefetch.h"
#include "fastpath/price.h"
#include "fastpath/terms.h"

#define BATCH 8

/* The one creative of this bid and the probability with which it was drawn. */
static void draw_creative(const struct qbid_ask *ask, struct qbid_pick *pick)
{
    const struct qbid_image *image = ask->view->image;
    pick->number = pick->slot.only;
    pick->propensity = 1.0f;
    if (pick->number == QBID_ALIAS_NONE) {
        const struct qbid_alias *line = &image->aliases[pick->slot.alias];
        uint64_t roll = qbid_roll(ask->request->id_hash, image->header->seed, QBID_ROLL_CREATIVE);
        pick->number = qbid_alias_pick(line, pick->slot.cnt, roll);
        pick->propensity = qbid_alias_propensity(line, pick->slot.cnt, pick->number);
    }
}

/* A creative that fits, and nothing else of the line item that stands against it. */
static enum qbid_nobid choose_creative(const struct qbid_ask *ask, uint32_t idx,
                                       const struct qbid_terms *terms, unsigned deal,
                                       struct qbid_pick *pick)
{
    const struct qbid_image *image = ask->view->image;
    const struct qbid_request *request = ask->request;
    if (terms) {
        uint64_t roll = qbid_roll(request->id_hash, image->header->seed, QBID_ROLL_CREATIVE);
        enum qbid_nobid nobid = qbid_terms_line_item(image, idx, terms, deal);
        return nobid != QBID_NOBID_NONE
                   ? nobid
                   : qbid_terms_draw(image, idx, request, terms, ask->place.slot_idx, roll, pick);
    }
    if (!qbid_filter_creative(image, idx, request, ask->place.slot_idx, &pick->slot))
        return QBID_NOBID_NO_CREATIVE;
    draw_creative(ask, pick);
    return QBID_NOBID_NONE;
}

/* What a bid has to keep to. */
struct bounds {
    int64_t floor_micros;
    int64_t ceiling_micros;
    enum qbid_auction auction;
    bool fixed;      /* the floor is the price */
    bool guaranteed; /* whatever it is worth */
};

static struct bounds bounds_of(const struct qbid_ask *ask, uint32_t idx, unsigned deal,
                               const struct qbid_pick *pick)
{
    const struct qbid_image *image = ask->view->image;
    const struct qbid_request *request = ask->request;
    const struct qbid_line_item *line_item = &image->line_items[idx];
    int64_t ceiling = image->header->price_ceiling_micros;
    struct bounds b = {
        .floor_micros = deal ? request->deal[deal - 1].floor_micros : request->floor_micros,
        .auction = (enum qbid_auction)request->auction,
    };
    b.ceiling_micros = line_item->ceiling_micros < ceiling ? line_item->ceiling_micros : ceiling;
    if (request->terms) {
        uint32_t creative = pick->slot.creative_first + pick->number;
        b.floor_micros = qbid_terms_floor(request, deal, image->creatives[creative].format,
                                          &image->traits[creative]);
    }
    if (request->terms && deal) {
        const struct qbid_deal_terms *terms = &request->terms->deal[deal - 1];
        b.fixed = terms->fixed;
        b.guaranteed = terms->guaranteed;
        if (terms->auction != 0)
            b.auction = (enum qbid_auction)terms->auction;
    }
    if (line_item->floor_micros > b.floor_micros) {
        b.floor_micros = line_item->floor_micros;
        b.fixed = b.guaranteed = false; /* the agreed price is below what this line item bids */
        b.ceiling_micros =
            deal && request->terms && request->terms->deal[deal - 1].fixed ? 0 : b.ceiling_micros;
    }
    return b;
}

/* Hold an offer between its bounds; false when that is no bid. */
static bool bound(struct qbid_offer *offer, const struct bounds *b)
{
    if (b->guaranteed && offer->worth_micros < b->floor_micros)
        offer->worth_micros = b->floor_micros;
    if (b->fixed && offer->bid_micros > b->floor_micros)
        offer->bid_micros = b->floor_micros;
    return qbid_offer_bound(offer, b->floor_micros, b->ceiling_micros);
}

static void placing_note(const struct qbid_ask *ask, uint32_t idx, unsigned deal,
                         const struct qbid_pick *pick, struct qbid_decision *decision)
{
    const struct qbid_image *image = ask->view->image;
    decision->line_item_idx = idx;
    decision->line_item_id = image->line_items[idx].id;
    decision->campaign_id = image->line_items[idx].campaign_id;
    decision->deal = (uint8_t)deal;
    decision->segment = (uint16_t)ask->place.row.segment;
    decision->stale = ask->stale;
    decision->slot_idx = pick->slot.slot_idx;
    decision->creative_idx = pick->slot.creative_first + pick->number;
    decision->creative_id = image->creative_ids[decision->creative_idx];
    decision->creative_propensity_q32 = qbid_q32_from_float(pick->propensity);
}

static void offer_note(const struct qbid_offer *offer, const struct qbid_candidate *candidate,
                       struct qbid_decision *decision)
{
    decision->bid_micros = offer->bid_micros;
    decision->value_micros = candidate->value_micros;
    decision->pace = candidate->pace;
    decision->q_ratio = offer->q_ratio;
    decision->shade_ratio = offer->shade_ratio;
    decision->q_propensity_q32 = qbid_q32_from_float(offer->q_propensity);
    decision->q_state = offer->q_state;
    decision->q_action = offer->q_action;
}

/* Try one candidate: every filter, the price, the reservation. On success the decision is whole. */
static enum qbid_nobid attempt(const struct qbid_ask *ask, const struct qbid_candidate *candidate,
                               struct qbid_decision *decision)
{
    const struct qbid_view *view = ask->view;
    const struct qbid_image *image = view->image;
    const struct qbid_request *request = ask->request;
    uint32_t idx = qbid_candidate_line_item(candidate);
    const struct qbid_line_item *line_item = &image->line_items[idx];

    if (request->candidate_cnt == 0 && !qbid_eligible_test(image, request, &ask->place, idx))
        return QBID_NOBID_NO_CANDIDATE;
    if (!(line_item->flags & QBID_LINE_ITEM_ACTIVE))
        return QBID_NOBID_NO_VALUE;
    unsigned deal = qbid_filter_deal(line_item, request);
    if (!deal && line_item->deal_hash)
        return QBID_NOBID_NO_DEAL;
    if (qbid_filter_blocked(image, idx, request))
        return QBID_NOBID_BLOCKED;
    struct qbid_pick pick;
    enum qbid_nobid nobid =
        choose_creative(ask, idx, qbid_terms_of(request, line_item), deal, &pick);
    if (nobid != QBID_NOBID_NONE)
        return nobid;

    struct bounds bounds = bounds_of(ask, idx, deal, &pick);
    struct qbid_offer offer = qbid_offer_make(
        image, view->live, idx, qbid_candidate_price(candidate), ask->place.row.segment,
        bounds.fixed ? QBID_AUCTION_SECOND_PRICE
                     : bounds.auction, /* no shading of what is agreed */
        qbid_roll(request->id_hash, image->header->seed, QBID_ROLL_Q));
    if (!bound(&offer, &bounds))
        return QBID_NOBID_BELOW_FLOOR;
    if (!qbid_allowance_reserve(view, line_item->budget_idx, offer.bid_micros,
                                !(request->flags & QBID_REQUEST_TEST)))
        return QBID_NOBID_NO_ALLOWANCE;

    decision->nonce = qbid_nonce_next(view);
    decision->auction = (uint8_t)(bounds.fixed ? QBID_AUCTION_FIRST_PRICE : bounds.auction);
    offer_note(&offer, candidate, decision);
    placing_note(ask, idx, deal, &pick, decision);
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
static enum qbid_nobid attempt_rest(const struct qbid_ask *ask, enum qbid_nobid first,
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
static enum qbid_nobid answer(const struct qbid_ask *ask, struct qbid_decision *decision,
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
static enum qbid_nobid decline(const struct qbid_ask *ask, struct qbid_decision *decision)
{
    if (ask->nobid != QBID_NOBID_NO_TABLE)
        decision->gen = ask->view->image->header->gen;
    decision->nobid = (uint8_t)ask->nobid;
    return ask->nobid;
}

/* An impression behind an open gate, by itself. */
static enum qbid_nobid decide_alone(struct qbid_ask *ask, struct qbid_decision *decision,
                                    struct qbid_trace *trace)
{
    qbid_ask_resolve(ask);
    qbid_ask_row(ask);
    qbid_ask_best(ask);
    return answer(ask, decision, trace);
}

enum qbid_nobid qbid_decide_one(const struct qbid_view *view, const struct qbid_request *request,
                                uint64_t now_ns, struct qbid_decision *ret_decision,
                                struct qbid_trace *trace)
{
    struct qbid_ask ask;
    memset(ret_decision, 0, sizeof *ret_decision);
    if (trace)
        trace->cnt = 0;
    ask.view = view;
    ask.request = request;
    qbid_ask_gate(&ask, now_ns);
    if (ask.nobid != QBID_NOBID_NONE)
        return decline(&ask, ret_decision);
    return decide_alone(&ask, ret_decision, trace);
}

/* Up to BATCH impressions, stage by stage: what one stage has found out the next one's reads depend
 * on, so they are asked for in between, for all impressions at once. */
static void decide_some(const struct qbid_ask *gate, const struct qbid_request *requests,
                        unsigned n, struct qbid_decision *ret_decisions)
{
    struct qbid_ask asks[BATCH];
    if (n == 1) {
        qbid_ask_open(&asks[0], gate, requests);
        (void)decide_alone(&asks[0], ret_decisions, NULL);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        qbid_ask_open(&asks[i], gate, &requests[i]);
        qbid_ask_resolve(&asks[i]); /* look-ups overlap by themselves: asking ahead cost 3 % */
    }
    for (unsigned i = 0; i < n; i++) {
        qbid_ask_row(&asks[i]);
        qbid_prefetch_row(&asks[i]);
    }
    for (unsigned i = 0; i < n; i++) {
        qbid_ask_best(&asks[i]);
        qbid_prefetch_line_item(&asks[i]);
    }
    for (unsigned i = 0; i < n; i++) {
        qbid_prefetch_terms(&asks[i]);
        qbid_prefetch_creatives(&asks[i]);
    }
    for (unsigned i = 0; i < n; i++)
        (void)answer(&asks[i], &ret_decisions[i], NULL);
}

void qbid_decide_many(const struct qbid_view *view, const struct qbid_request *requests, unsigned n,
                      uint64_t now_ns, struct qbid_decision *ret_decisions)
{
    struct qbid_ask gate;
    gate.view = view;
    memset(ret_decisions, 0, n * sizeof *ret_decisions);
    qbid_ask_gate(&gate, now_ns);
    for (unsigned i = 0; i < n; i += BATCH) {
        unsigned some = n - i < BATCH ? n - i : BATCH;
        if (gate.nobid == QBID_NOBID_NONE)
            decide_some(&gate, requests + i, some, ret_decisions + i);
        for (unsigned j = i; j < i + some && gate.nobid != QBID_NOBID_NONE; j++)
            (void)decline(&gate, &ret_decisions[j]);
    }
}
