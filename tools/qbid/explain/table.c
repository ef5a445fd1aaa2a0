/* SPDX-License-Identifier: Apache-2.0 */
/* The explanation for people. */
#include <string.h>

#include "shm/units.h"
#include "tools/qbid/explain/print.h"
#include "tools/qbid/explain/terms.h"

#define UNITS(micros) ((double)(micros) / 1e6)

struct qbid_explain_dim qbid_explain_dim_find(const struct qbid_explain_imp *imp,
                                              const struct qbid_explain_detail *detail,
                                              unsigned dim)
{
    struct qbid_explain_dim found = {
        .state = "absent",
        .index = qbid_dim_unpack(imp->decision.context, dim),
    };
    if (dim == QBID_DIM_SLOT) {
        found.list = detail->slot_idx;
        found.list_cnt = imp->request.slot_cnt;
    } else if (dim == QBID_DIM_SEGMENT) {
        found.list = detail->segment_idx;
        found.list_cnt = imp->request.segment_cnt;
    }
    if (found.index != 0) {
        found.state = "known";
        return found;
    }
    if (imp->request.dim[dim] != 0)
        found.state = "unknown";
    for (uint32_t i = 0; i < imp->unknown.cnt; i++)
        if (imp->unknown.value[i].dim == dim)
            found.state = "unknown";
    return found;
}

static void add_currency(struct qbid_replay_buffer *out, uint32_t currency)
{
    char letters[4];
    memcpy(letters, &currency, sizeof letters);
    qbid_replay_buffer_add(out, letters, 3);
}

static void add_text(struct qbid_replay_buffer *out, struct qbid_text text)
{
    qbid_replay_buffer_add_json(out, text.at, text.len);
}

void qbid_explain_table_begin(struct qbid_replay_buffer *out,
                              const struct qbid_explain_subject *subject)
{
    const struct qbid_openrtb_request *openrtb = &subject->ask->openrtb;
    const struct qbid_image_header *header = subject->world->image.header;
    struct qbid_privacy privacy = qbid_privacy_of(openrtb, &header->privacy);
    qbid_replay_buffer_add_text(out, "request     ");
    add_text(out, openrtb->id);
    qbid_replay_buffer_print(out, "  %s price, %u impression%s, exchange ",
                             openrtb->at == 2 ? "second" : "first", openrtb->imp_cnt,
                             openrtb->imp_cnt == 1 ? "" : "s");
    if (subject->exchange)
        qbid_replay_buffer_add_json(out, subject->exchange, strlen(subject->exchange));
    else
        qbid_replay_buffer_add_text(out, "none");
    if (privacy.reason != QBID_PRIVACY_REASON_NONE)
        qbid_replay_buffer_print(out, ", privacy class %s (%s)",
                                 qbid_privacy_class_word(qbid_privacy_class_of(privacy.reason)),
                                 qbid_privacy_reason_word(privacy.reason));
    qbid_replay_buffer_print(out, "\nimage       %s  generation %llu%s\n", subject->image_path,
                             (unsigned long long)header->gen, subject->stale ? ", stale" : "");
    if (subject->nobid != QBID_NOBID_NONE)
        qbid_replay_buffer_print(out, "no bid      %s: %s\n",
                                 qbid_explain_nobid_word(subject->nobid),
                                 qbid_explain_nobid_text(subject->nobid));
}

static void add_context(struct qbid_replay_buffer *out, const struct qbid_explain_imp *imp,
                        const struct qbid_explain_detail *detail)
{
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        struct qbid_explain_dim found = qbid_explain_dim_find(imp, detail, dim);
        qbid_replay_buffer_print(out, "  %-9s %-9s %5u  %s", dim == 0 ? "context" : "",
                                 qbid_dim_name(dim), found.index, found.state);
        for (uint32_t i = 0; found.list_cnt > 1 && i < found.list_cnt; i++)
            qbid_replay_buffer_print(out, "%s%u", i ? " " : ", all of: ", found.list[i]);
        for (uint32_t i = 0; i < imp->unknown.cnt; i++) {
            if (imp->unknown.value[i].dim != dim)
                continue;
            size_t len = imp->unknown.value[i].len;
            qbid_replay_buffer_add_text(out, *found.state == 'k' ? ", not known: " : " ");
            qbid_replay_buffer_add_json(out, imp->unknown.value[i].text,
                                        len < QBID_UNKNOWN_TEXT ? len : QBID_UNKNOWN_TEXT);
        }
        qbid_replay_buffer_add_text(out, "\n");
    }
}

static void add_level(struct qbid_replay_buffer *out, const struct qbid_explain_subject *subject,
                      const struct qbid_explain_imp *imp, const struct qbid_explain_detail *detail)
{
    unsigned level = imp->decision.level;
    qbid_replay_buffer_add_text(out, "  level     ");
    if (detail->row_cnt == 0) {
        qbid_replay_buffer_print(
            out, "%u: no row, line items by their targeting and default value\n", level);
    } else {
        qbid_replay_buffer_print(out, "%u:", level);
        for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
            if (subject->world->image.header->level_mask[level] & qbid_dim_mask(dim))
                qbid_replay_buffer_print(out, " %s", qbid_dim_name(dim));
        qbid_replay_buffer_print(out, ": row of %u candidate%s, market segment %u\n",
                                 detail->row_cnt, detail->row_cnt == 1 ? "" : "s", detail->segment);
    }
    qbid_replay_buffer_print(out, "  eligible  %u line item%s by targeting\n", detail->eligible_cnt,
                             detail->eligible_cnt == 1 ? "" : "s");
}

static void add_candidate(struct qbid_replay_buffer *out, uint32_t line_item_id, float value_micros,
                          float pace, const char *verdict)
{
    qbid_replay_buffer_print(out, "            %10u %14.6f %12.6f %14.6f  %s\n", line_item_id,
                             UNITS(value_micros), (double)pace,
                             UNITS(qbid_pace_price(value_micros, pace)), verdict);
}

static void add_candidates(struct qbid_replay_buffer *out,
                           const struct qbid_explain_subject *subject,
                           const struct qbid_explain_imp *imp,
                           const struct qbid_explain_detail *detail)
{
    const struct qbid_line_item *line_items = subject->world->image.line_items;
    if (imp->trace.cnt == 0 && detail->waiting_cnt == 0)
        return;
    qbid_replay_buffer_print(out, "  tried     %10s %14s %12s %14s\n", "line item", "value", "pace",
                             "price");
    for (uint32_t i = 0; i < imp->trace.cnt; i++) {
        const struct qbid_trace_candidate *c = &imp->trace.candidate[i];
        add_candidate(out, line_items[c->line_item_idx].id, c->value_micros, c->pace,
                      c->rejected ? qbid_explain_nobid_word(c->rejected) : "chosen");
    }
    for (uint32_t i = 0; i < detail->waiting_cnt; i++) {
        const struct qbid_explain_waiting *w = &detail->waiting[i];
        add_candidate(out, line_items[w->line_item_idx].id, w->value_micros, w->pace,
                      "not reached");
    }
}

static void add_factors(struct qbid_replay_buffer *out, const struct qbid_explain_subject *subject,
                        const struct qbid_explain_imp *imp,
                        const struct qbid_explain_detail *detail)
{
    const struct qbid_decision *d = &imp->decision;
    const struct qbid_offer *offer = &detail->offer;
    const struct qbid_creative *creative = &subject->world->image.creatives[d->creative_idx];
    if (d->pace < 0)
        qbid_replay_buffer_print(out, "  factors   fixed price %.6f, of value %.6f\n",
                                 UNITS(-d->pace), UNITS(d->value_micros));
    else
        qbid_replay_buffer_print(out, "  factors   value %.6f x pace %.9g = %.6f\n",
                                 UNITS(d->value_micros), (double)d->pace,
                                 UNITS(d->value_micros * d->pace));
    qbid_replay_buffer_print(out,
                             "            x Q ratio %.9g (state %u, action %u, propensity %.6f) "
                             "= %.6f\n",
                             (double)d->q_ratio, d->q_state, d->q_action,
                             (double)offer->q_propensity_q32 / 4294967295.0,
                             UNITS(qbid_micros_from_float(offer->worth)));
    qbid_replay_buffer_print(out, "            x shade ratio %.9g (%s) = %.6f\n",
                             (double)d->shade_ratio,
                             detail->fixed || d->pace < 0             ? "fixed price: not shaded"
                             : d->auction == QBID_AUCTION_FIRST_PRICE ? "first price"
                                                                      : "second price: not shaded",
                             UNITS(offer->bid_micros));
    qbid_replay_buffer_print(out,
                             "            floor %.6f (%s), %.6f (line item); ceiling %.6f (line "
                             "item), %.6f (account)\n",
                             UNITS(detail->floor_micros), d->deal ? "deal" : "impression",
                             UNITS(detail->line_floor_micros), UNITS(detail->line_ceiling_micros),
                             UNITS(detail->ceiling_micros));
    qbid_replay_buffer_print(out, "            = bid %.6f ", UNITS(d->bid_micros));
    add_currency(out, subject->world->image.header->currency);
    qbid_replay_buffer_print(out, "%s\n",
                             d->bid_micros > offer->bid_micros   ? ", raised to the floor"
                             : d->bid_micros < offer->bid_micros ? ", cut to the ceiling"
                                                                 : "");
    struct qbid_explain_terms terms;
    qbid_explain_terms_fill(&subject->world->image, d, detail->fixed, &terms);
    qbid_explain_options_split(subject->options, d, &terms);
    qbid_explain_terms_table(out, &terms);
    qbid_replay_buffer_print(out, "  creative  %u of slot %u (%ux%u), probability %.6f\n",
                             d->creative_id, d->slot_idx, creative->width, creative->height,
                             (double)d->creative_propensity_q32 / 4294967295.0);
}

void qbid_explain_table_imp(struct qbid_replay_buffer *out,
                            const struct qbid_explain_subject *subject,
                            const struct qbid_explain_imp *imp,
                            const struct qbid_explain_detail *detail)
{
    const struct qbid_decision *d = &imp->decision;
    qbid_replay_buffer_add_text(out, "\nimpression  ");
    add_text(out, imp->imp->id);
    qbid_replay_buffer_add_text(out, imp->part == QBID_EXPLAIN_DEALS  ? "  on its deals\n"
                                     : imp->part == QBID_EXPLAIN_OPEN ? "  in the open auction\n"
                                                                      : "\n");
    if (detail) {
        add_context(out, imp, detail);
        add_level(out, subject, imp, detail);
        add_candidates(out, subject, imp, detail);
        if (d->nobid == QBID_NOBID_NONE)
            add_factors(out, subject, imp, detail);
    }
    if (imp->nobid != QBID_NOBID_NONE) {
        qbid_replay_buffer_print(out, "  no bid    %s: %s\n", qbid_explain_nobid_word(imp->nobid),
                                 imp->reason);
        return;
    }
    qbid_replay_buffer_add_text(out, "  bid       ");
    qbid_replay_buffer_add_micros(out, imp->price_micros);
    qbid_replay_buffer_add_text(out, " ");
    add_currency(out, subject->ask->currency);
    qbid_replay_buffer_print(out, " by line item %u of campaign %u, creative %u", d->line_item_id,
                             d->campaign_id, d->creative_id);
    if (imp->deal) {
        qbid_replay_buffer_add_text(out, ", deal ");
        add_text(out, imp->deal->id);
    }
    qbid_replay_buffer_add_text(out, "\n");
}
