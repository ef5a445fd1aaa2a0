/* SPDX-License-Identifier: Apache-2.0 */
/* The decision, in the order of fastpath/decide.h: the stages of an ask, then its answer. A batch
 * takes several impressions through each stage before the next: their cache misses overlap.
 *
 * decide_avx2.c compiles this file a second time, so that on processors that have them the vector
 * instructions stand in line. */
#include "fastpath/decide.h"

#include <stdbool.h>
#include <string.h>

#include "fastpath/ask.h"
#include "fastpath/capped.h"
#include "fastpath/decide_avx2.h"
#include "fastpath/eligible.h"
#include "fastpath/filter.h"
#include "fastpath/prefetch.h"
#include "fastpath/price.h"
#include "fastpath/terms.h"

#define BATCH 8

/* The two functions that are made twice. Everything that is not marked noinline stands in line in
 * them: the stages' calls and the registers that they saved were a tenth of the decision. */
#if defined(QBID_DECIDE_AVX2)
#define FLAT __attribute__((flatten, noinline))
#define DECIDE_ONE qbid_decide_one_avx2
#define DECIDE_MANY qbid_decide_many_avx2
#else
#define FLAT static __attribute__((flatten, noinline))
#define DECIDE_ONE decide_one
#define DECIDE_MANY decide_many
#endif

/* The best candidate passes as a rule: its try stands in line, those of others do not. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* In pieces that the compiler makes plain stores of: of the whole it makes a string instruction,
 * which takes ten nanoseconds to start. */
static inline void clear(struct qbid_decision *decision)
{
    char *at = (char *)decision;
    _Static_assert(sizeof *decision > 64 && sizeof *decision <= 128, "two pieces");
    memset(at, 0, 64);
    memset(at + 64, 0, sizeof *decision - 64);
}

/* What a bid has to keep to. */
struct bounds {
    int64_t floor_micros;
    int64_t ceiling_micros;
    enum qbid_auction auction;
    bool fixed;      /* the floor is the price: what is agreed is not shaded */
    bool guaranteed; /* whatever it is worth */
};

static ALWAYS_INLINE struct bounds bounds_plain(const struct qbid_ask *ask,
                                                const struct qbid_summary *line_item, unsigned deal)
{
    const struct qbid_request *request = ask->request;
    int64_t floor = deal ? request->deal[deal - 1].floor_micros : request->floor_micros;
    int64_t ceiling = ask->view->image->header->price_ceiling_micros;
    return (struct bounds){
        .floor_micros = line_item->floor_micros > floor ? line_item->floor_micros : floor,
        .ceiling_micros = line_item->ceiling_micros < ceiling ? line_item->ceiling_micros : ceiling,
        .auction = (enum qbid_auction)request->auction,
    };
}

/* With the terms of the impression and of the deal: the floor may go by the creative. */
static struct bounds bounds_by_terms(const struct qbid_ask *ask,
                                     const struct qbid_summary *line_item, unsigned deal,
                                     uint32_t creative_idx)
{
    const struct qbid_image *image = ask->view->image;
    const struct qbid_request *request = ask->request;
    struct bounds b = bounds_plain(ask, line_item, deal);
    if (!request->terms) /* it is the line item that needs something */
        return b;
    int64_t floor = qbid_terms_floor(request, deal, image->creatives[creative_idx].format,
                                     &image->traits[creative_idx]);
    const struct qbid_deal_terms *terms = deal ? &request->terms->deal[deal - 1] : NULL;
    b.floor_micros = line_item->floor_micros > floor ? line_item->floor_micros : floor;
    if (!terms)
        return b;
    if (terms->auction != 0)
        b.auction = (enum qbid_auction)terms->auction;
    if (line_item->floor_micros <= floor) {
        b.fixed = terms->fixed;
        b.guaranteed = terms->guaranteed;
    } else if (terms->fixed) { /* the agreed price is below what this line item bids */
        b.ceiling_micros = 0;
    }
    return b;
}

/* Hold an offer between its bounds; false when that is no bid. */
static ALWAYS_INLINE bool bound(struct qbid_offer *offer, const struct bounds *b)
{
    if (b->fixed && offer->bid_micros > b->floor_micros)
        offer->bid_micros = b->floor_micros;
    return qbid_offer_bound(offer, b->floor_micros, b->ceiling_micros, b->guaranteed);
}

/* Out of the way of the bids that are made. A test request tells nothing: no bid was wanted. */
static __attribute__((noinline, cold)) enum qbid_nobid
refuse(const struct qbid_ask *ask, uint32_t budget_idx, int64_t bid_micros)
{
    if (!(ask->request->flags & QBID_REQUEST_TEST))
        qbid_allowance_refuse(ask->view, budget_idx, bid_micros);
    return QBID_NOBID_NO_ALLOWANCE;
}

/* The price and the reservation. On success the decision holds all but the creative. */
static ALWAYS_INLINE enum qbid_nobid place_bid(const struct qbid_ask *ask,
                                               const struct qbid_candidate *candidate,
                                               const struct qbid_lead *lead, unsigned deal,
                                               const struct bounds *b, uint64_t random,
                                               struct qbid_decision *decision)
{
    const struct qbid_view *view = ask->view;
    const struct qbid_image *image = view->image;
    uint32_t idx = qbid_candidate_line_item(candidate);
    const struct qbid_summary *line_item = &image->summaries[idx];
    struct qbid_offer offer = qbid_offer_make(
        image, lead->q_place, lead->q_state, candidate->pace, qbid_candidate_price(candidate),
        ask->place.row.segment, b->fixed ? QBID_AUCTION_SECOND_PRICE : b->auction, random);
    if (!bound(&offer, b))
        return QBID_NOBID_BELOW_FLOOR;
    if (!qbid_allowance_take(&lead->allowance, offer.bid_micros,
                             !(ask->request->flags & QBID_REQUEST_TEST)))
        return refuse(ask, line_item->budget_idx, offer.bid_micros);

    decision->nonce = qbid_nonce_next(view);
    decision->bid_micros = offer.bid_micros;
    decision->value_micros = candidate->value_micros;
    decision->pace = candidate->pace;
    decision->q_ratio = offer.q_ratio;
    decision->shade_ratio = offer.shade_ratio;
    decision->line_item_idx = idx;
    decision->line_item_id = line_item->id;
    decision->campaign_id = line_item->campaign_id;
    decision->q_propensity_q32 = offer.q_propensity_q32;
    decision->q_state = offer.q_state;
    decision->q_action = offer.q_action;
    decision->segment = (uint16_t)ask->place.row.segment;
    decision->deal = (uint8_t)deal;
    decision->stale = ask->stale;
    decision->auction = (uint8_t)(b->fixed ? QBID_AUCTION_FIRST_PRICE : b->auction);
    return QBID_NOBID_NONE;
}

/* The one creative of this bid and the probability with which it was drawn. */
static ALWAYS_INLINE void note_creative(const struct qbid_draw *draw, uint32_t slot_idx,
                                        struct qbid_decision *decision)
{
    decision->creative_propensity_q32 = draw->propensity_q32;
    decision->slot_idx = (uint16_t)slot_idx;
    decision->creative_idx = draw->creative_idx;
    decision->creative_id = draw->creative_id;
}

/* A candidate whose creatives have to bear terms. */
static __attribute__((noinline)) enum qbid_nobid
attempt_terms(const struct qbid_ask *ask, const struct qbid_candidate *candidate,
              const struct qbid_terms *terms, unsigned deal, struct qbid_decision *decision)
{
    const struct qbid_image *image = ask->view->image;
    const struct qbid_request *request = ask->request;
    uint32_t idx = qbid_candidate_line_item(candidate);
    uint64_t random = qbid_request_random(image, request);
    struct qbid_draw draw;
    uint32_t slot_idx;
    enum qbid_nobid nobid = qbid_terms_line_item(image, idx, terms, deal);
    if (nobid == QBID_NOBID_NONE)
        nobid = qbid_terms_draw(image, idx, request, terms, ask->place.slot_idx,
                                qbid_random_creative(random), &draw, &slot_idx);
    if (nobid != QBID_NOBID_NONE)
        return nobid;
    struct bounds bounds = bounds_by_terms(ask, &image->summaries[idx], deal, draw.creative_idx);
    struct qbid_lead lead;
    qbid_lead_find(ask->view, request, &ask->place, idx, &lead);
    nobid = place_bid(ask, candidate, &lead, deal, &bounds, random, decision);
    if (nobid == QBID_NOBID_NONE)
        note_creative(&draw, slot_idx, decision);
    return nobid;
}

/* A candidate whose creatives bear what is asked as they are. */
static ALWAYS_INLINE enum qbid_nobid attempt_plain(const struct qbid_ask *ask,
                                                   const struct qbid_candidate *candidate,
                                                   const struct qbid_lead *lead, unsigned deal,
                                                   struct qbid_decision *decision)
{
    const struct qbid_image *image = ask->view->image;
    uint32_t idx = qbid_candidate_line_item(candidate);
    struct qbid_lead found;
    if (!lead) {
        qbid_lead_find(ask->view, ask->request, &ask->place, idx, &found);
        lead = &found;
    }
    if (!lead->fills)
        return QBID_NOBID_NO_CREATIVE;
    uint64_t random = qbid_request_random(image, ask->request);
    struct bounds bounds = bounds_plain(ask, &image->summaries[idx], deal);
    enum qbid_nobid nobid = place_bid(ask, candidate, lead, deal, &bounds, random, decision);
    if (nobid == QBID_NOBID_NONE)
        note_creative(qbid_draw_pick(&image->draws[lead->slot.draw], lead->slot.cnt,
                                     qbid_random_creative(random)),
                      lead->slot.slot_idx, decision);
    return nobid;
}

/* Try one candidate: every filter, the price, the reservation. On success the decision is whole.
 * lead is NULL where nobody has looked for it, exposure where no cap applies. */
static ALWAYS_INLINE enum qbid_nobid attempt(const struct qbid_ask *ask,
                                             const struct qbid_candidate *candidate,
                                             const struct qbid_lead *lead,
                                             const struct qbid_exposure *exposure,
                                             struct qbid_decision *decision)
{
    const struct qbid_image *image = ask->view->image;
    const struct qbid_request *request = ask->request;
    uint32_t idx = qbid_candidate_line_item(candidate);
    const struct qbid_summary *line_item = &image->summaries[idx];

    if (request->candidate_cnt == 0 && !qbid_eligible_test(image, request, &ask->place, idx))
        return QBID_NOBID_NO_CANDIDATE;
    if (!(line_item->flags & QBID_LINE_ITEM_ACTIVE))
        return QBID_NOBID_NO_VALUE;
    unsigned deal = 0;
    if (line_item->deal && (deal = qbid_filter_deal(&image->line_items[idx], request)) == 0)
        return QBID_NOBID_NO_DEAL;
    if (qbid_filter_blocked(image, idx, request))
        return QBID_NOBID_BLOCKED;
    const struct qbid_terms *terms = qbid_terms_of(request, line_item->flags);
    enum qbid_nobid nobid = __builtin_expect(terms != NULL, 0)
                                ? attempt_terms(ask, candidate, terms, deal, decision)
                                : attempt_plain(ask, candidate, lead, deal, decision);
    if (nobid == QBID_NOBID_NONE && exposure)
        qbid_exposure_keep(ask->view, request, exposure, decision);
    return nobid;
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
static __attribute__((noinline)) enum qbid_nobid attempt_rest(const struct qbid_ask *ask,
                                                              enum qbid_nobid first,
                                                              struct qbid_decision *decision,
                                                              struct qbid_trace *trace)
{
    struct qbid_shortlist list;
    qbid_source_rest(ask->view->image, ask->request, &ask->place, &ask->pricer,
                     qbid_candidate_line_item(&ask->best), &list);
    decision->skipped = 1;
    for (uint32_t i = 0; i < list.cnt && decision->skipped < QBID_TRACE_MAX; i++) {
        enum qbid_nobid rejected = attempt(ask, &list.candidate[i], NULL, NULL, decision);
        trace_add(trace, &list.candidate[i], rejected);
        if (rejected == QBID_NOBID_NONE)
            return QBID_NOBID_NONE;
        decision->skipped++;
    }
    return first;
}

/* The candidates from the best on, or from the one behind it when it fell for reason `first`. */
static __attribute__((noinline)) enum qbid_nobid attempt_capped(const struct qbid_ask *ask,
                                                                enum qbid_nobid first,
                                                                struct qbid_decision *decision,
                                                                struct qbid_trace *trace)
{
    struct qbid_shortlist rest;
    struct qbid_capped list;
    struct qbid_capped_entry entry;
    enum qbid_nobid rejected;
    qbid_source_rest(ask->view->image, ask->request, &ask->place, &ask->pricer,
                     qbid_candidate_line_item(&ask->best), &rest);
    qbid_capped_init(&list, &rest, first == QBID_NOBID_NONE ? &ask->best : NULL);
    decision->skipped = first != QBID_NOBID_NONE;
    while (decision->skipped < QBID_TRACE_MAX && qbid_capped_next(ask, &list, &entry, &rejected)) {
        if (rejected == QBID_NOBID_NONE)
            rejected = attempt(ask, &entry.candidate, NULL, &entry.exposure, decision);
        trace_add(trace, &entry.candidate, rejected);
        if (rejected == QBID_NOBID_NONE)
            return QBID_NOBID_NONE;
        first = first == QBID_NOBID_NONE ? rejected : first;
        decision->skipped++;
    }
    return first;
}

/* Where caps apply: when the best candidate is worth what it was, the others need no look. */
static __attribute__((noinline)) enum qbid_nobid
answer_capped(const struct qbid_ask *ask, struct qbid_decision *decision, struct qbid_trace *trace)
{
    struct qbid_candidate best = ask->best;
    struct qbid_exposure exposure;
    enum qbid_nobid nobid = qbid_exposure_weigh(ask, &best, &exposure);
    if (nobid == QBID_NOBID_NONE && best.rank != ask->best.rank)
        return attempt_capped(ask, QBID_NOBID_NONE, decision, trace);
    if (nobid == QBID_NOBID_NONE)
        nobid = attempt(ask, &best, NULL, &exposure, decision);
    trace_add(trace, &ask->best, nobid);
    return nobid == QBID_NOBID_NONE ? nobid : attempt_capped(ask, nobid, decision, trace);
}

/* Candidates in the order of their prices until one passes. lead is that of the best, or NULL. */
static ALWAYS_INLINE enum qbid_nobid answer(const struct qbid_ask *ask,
                                            const struct qbid_lead *lead,
                                            struct qbid_decision *decision,
                                            struct qbid_trace *trace)
{
    enum qbid_nobid nobid = ask->nobid;
    decision->gen = ask->view->image->header->gen;
    decision->context = ask->place.context;
    decision->level = (uint8_t)ask->place.level;
    decision->candidates = ask->candidates;
    if (nobid == QBID_NOBID_NONE && qbid_frequency_applies(ask->view, ask->request)) {
        nobid = answer_capped(ask, decision, trace);
    } else if (nobid == QBID_NOBID_NONE) {
        nobid = attempt(ask, &ask->best, lead, NULL, decision);
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

/* An impression behind an open gate, by itself. What the winner leads to is asked for at once:
 * where the answer reads it, hundreds of instructions apart, the processor is not yet there to
 * begin with the next miss while it waits for one. */
static ALWAYS_INLINE enum qbid_nobid
decide_alone(struct qbid_ask *ask, struct qbid_decision *decision, struct qbid_trace *trace)
{
    qbid_ask_resolve(ask);
    qbid_ask_locate(ask);
    qbid_prefetch_row(ask);
    qbid_ask_row(ask);
    qbid_ask_best(ask);
    qbid_prefetch_line_item(ask);
    qbid_prefetch_lead(ask);
    return answer(ask, &ask->lead, decision, trace);
}

FLAT enum qbid_nobid DECIDE_ONE(const struct qbid_view *view, const struct qbid_request *request,
                                uint64_t now_ns, struct qbid_decision *ret_decision,
                                struct qbid_trace *trace)
{
    struct qbid_ask ask;
    clear(ret_decision);
    if (trace)
        trace->cnt = 0;
    ask.view = view;
    ask.request = request;
    qbid_ask_gate(&ask, now_ns);
    if (ask.nobid != QBID_NOBID_NONE)
        return decline(&ask, ret_decision);
    return decide_alone(&ask, ret_decision, trace);
}

/* The last of a batch that it does not fill. */
static __attribute__((flatten, noinline)) void decide_last(const struct qbid_ask *gate,
                                                           const struct qbid_request *request,
                                                           struct qbid_decision *ret_decision)
{
    struct qbid_ask ask;
    qbid_ask_open(&ask, gate, request);
    (void)decide_alone(&ask, ret_decision, NULL);
}

/* Up to BATCH impressions, stage by stage: what one stage has found out the next one's reads depend
 * on, so they are asked for in between, for all impressions at once. */
static void decide_some(const struct qbid_ask *gate, const struct qbid_request *requests,
                        unsigned n, struct qbid_decision *ret_decisions)
{
    struct qbid_ask asks[BATCH];
    if (n == 1) {
        decide_last(gate, requests, ret_decisions);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        qbid_ask_open(&asks[i], gate, &requests[i]);
        qbid_ask_resolve(&asks[i]); /* look-ups overlap by themselves: asking ahead cost 3 % */
    }
    for (unsigned i = 0; i < n; i++) {
        qbid_ask_locate(&asks[i]);
        qbid_prefetch_row(&asks[i]);
    }
    for (unsigned i = 0; i < n; i++) {
        qbid_ask_row(&asks[i]);
        qbid_ask_best(&asks[i]);
        qbid_prefetch_line_item(&asks[i]);
    }
    for (unsigned i = 0; i < n; i++)
        qbid_prefetch_lead(&asks[i]);
    for (unsigned i = 0; i < n; i++)
        (void)answer(&asks[i], &asks[i].lead, &ret_decisions[i], NULL);
}

FLAT void DECIDE_MANY(const struct qbid_view *view, const struct qbid_request *requests, unsigned n,
                      uint64_t now_ns, struct qbid_decision *ret_decisions)
{
    struct qbid_ask gate;
    gate.view = view;
    qbid_ask_gate(&gate, now_ns);
    for (unsigned i = 0; i < n; i++)
        clear(&ret_decisions[i]);
    for (unsigned i = 0; i < n; i += BATCH) {
        unsigned some = n - i < BATCH ? n - i : BATCH;
        if (gate.nobid == QBID_NOBID_NONE)
            decide_some(&gate, requests + i, some, ret_decisions + i);
        for (unsigned j = i; j < i + some && gate.nobid != QBID_NOBID_NONE; j++)
            (void)decline(&gate, &ret_decisions[j]);
    }
}

#if !defined(QBID_DECIDE_AVX2)
enum qbid_nobid qbid_decide_one(const struct qbid_view *view, const struct qbid_request *request,
                                uint64_t now_ns, struct qbid_decision *ret_decision,
                                struct qbid_trace *trace)
{
#if defined(__x86_64__)
    if (view->isa >= QBID_ISA_AVX2)
        return qbid_decide_one_avx2(view, request, now_ns, ret_decision, trace);
#endif
    return DECIDE_ONE(view, request, now_ns, ret_decision, trace);
}

void qbid_decide_many(const struct qbid_view *view, const struct qbid_request *requests, unsigned n,
                      uint64_t now_ns, struct qbid_decision *ret_decisions)
{
#if defined(__x86_64__)
    if (view->isa >= QBID_ISA_AVX2) {
        qbid_decide_many_avx2(view, requests, n, now_ns, ret_decisions);
        return;
    }
#endif
    DECIDE_MANY(view, requests, n, now_ns, ret_decisions);
}
#endif
