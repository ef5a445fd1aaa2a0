/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the image and the fast path's own steps for what a decision does not return. */
#include "tools/qbid/explain/detail.h"

#include <math.h>
#include <string.h>

#include "fastpath/eligible.h"
#include "fastpath/filter.h"
#include "fastpath/scan.h"
#include "fastpath/terms.h"

static float price_of(const struct qbid_explain_waiting *waiting)
{
    return qbid_pace_price(waiting->value_micros, waiting->pace);
}

static bool tried(const struct qbid_trace *trace, uint32_t line_item_idx)
{
    for (uint32_t i = 0; i < trace->cnt; i++)
        if (trace->candidate[i].line_item_idx == line_item_idx)
            return true;
    return false;
}

/* Keep the best ones, sorted; equal prices stand in the order of the line items. */
static void insert(struct qbid_explain_detail *detail, struct qbid_explain_waiting item)
{
    uint32_t at = detail->waiting_cnt;
    while (at > 0) {
        const struct qbid_explain_waiting *other = &detail->waiting[at - 1];
        if (price_of(other) > price_of(&item) ||
            (price_of(other) == price_of(&item) && other->line_item_idx < item.line_item_idx))
            break;
        at--;
    }
    if (at == QBID_EXPLAIN_WAITING_MAX)
        return;
    uint32_t last = detail->waiting_cnt < QBID_EXPLAIN_WAITING_MAX ? detail->waiting_cnt
                                                                   : QBID_EXPLAIN_WAITING_MAX - 1;
    memmove(&detail->waiting[at + 1], &detail->waiting[at],
            (last - at) * sizeof detail->waiting[0]);
    detail->waiting[at] = item;
    detail->waiting_cnt = last + 1;
}

static void consider(const struct qbid_view *view, const struct qbid_explain_imp *imp,
                     uint32_t line_item_idx, float value_micros, struct qbid_explain_detail *detail)
{
    struct qbid_explain_waiting item = {line_item_idx, value_micros,
                                        qbid_live_pace(view->live, line_item_idx)};
    if (!(price_of(&item) > 0.0f && isfinite(price_of(&item))) || tried(&imp->trace, line_item_idx))
        return;
    if ((imp->request.flags & QBID_REQUEST_PRIVATE_ONLY) &&
        !qbid_filter_deal(&view->image->line_items[line_item_idx], &imp->request))
        return;
    insert(detail, item);
}

static void find_candidates(const struct qbid_view *view, const struct qbid_explain_imp *imp,
                            struct qbid_explain_detail *detail)
{
    const struct qbid_image *image = view->image;
    struct qbid_place place = {.context = imp->decision.context, .level = imp->decision.level};
    struct qbid_eligible eligible;
    uint32_t line_item_idx[QBID_SCAN_SPAN], cnt;
    memcpy(place.slot_idx, detail->slot_idx, sizeof place.slot_idx);
    memcpy(place.segment_idx, detail->segment_idx, sizeof place.segment_idx);
    if (place.level < image->level_cnt)
        place.row = qbid_image_row(
            image,
            qbid_context_key(place.context, image->header->level_mask[place.level], place.level));
    detail->row_cnt = place.row.cnt;
    detail->segment = place.row.segment;
    for (uint32_t i = 0; i < place.row.cnt; i++)
        consider(view, imp, qbid_row_line_item(&place.row, i), place.row.value_micros[i], detail);

    qbid_eligible_init(&eligible, image, &imp->request, &place);
    while ((cnt = qbid_scan_next(&eligible, QBID_ISA_SCALAR, line_item_idx)) != 0) {
        detail->eligible_cnt += cnt;
        for (uint32_t i = 0; i < cnt && place.row.cnt == 0; i++)
            consider(view, imp, line_item_idx[i], image->line_items[line_item_idx[i]].value_micros,
                     detail);
    }
}

static void find_factors(const struct qbid_view *view, const struct qbid_explain_imp *imp,
                         struct qbid_explain_detail *detail)
{
    const struct qbid_image *image = view->image;
    const struct qbid_request *request = &imp->request;
    const struct qbid_decision *decision = &imp->decision;
    const struct qbid_line_item *line_item = &image->line_items[decision->line_item_idx];
    unsigned deal = decision->deal;
    detail->floor_micros = deal ? request->deal[deal - 1].floor_micros : request->floor_micros;
    if (request->terms)
        detail->floor_micros =
            qbid_terms_floor(request, deal, image->creatives[decision->creative_idx].format,
                             &image->traits[decision->creative_idx]);
    detail->fixed = request->terms && deal && request->terms->deal[deal - 1].fixed;
    uint16_t q_state = qbid_offer_q_state(view->live, decision->line_item_idx);
    size_t q_place = qbid_offer_q_place(image, decision->line_item_idx, q_state);
    detail->offer =
        qbid_offer_make(image, q_place, q_state, decision->pace,
                        qbid_pace_price(decision->value_micros, decision->pace), decision->segment,
                        detail->fixed ? QBID_AUCTION_SECOND_PRICE : decision->auction,
                        qbid_request_random(image, request));
    detail->line_floor_micros = line_item->floor_micros;
    detail->line_ceiling_micros = line_item->ceiling_micros;
    detail->ceiling_micros = image->header->price_ceiling_micros;
}

void qbid_explain_detail_fill(const struct qbid_view *view, const struct qbid_explain_imp *imp,
                              struct qbid_explain_detail *ret_detail)
{
    memset(ret_detail, 0, sizeof *ret_detail);
    (void)qbid_request_resolve(view->image, &imp->request, ret_detail->slot_idx,
                               ret_detail->segment_idx);
    find_candidates(view, imp, ret_detail);
    if (imp->decision.nobid == QBID_NOBID_NONE)
        find_factors(view, imp, ret_detail);
}
