/* SPDX-License-Identifier: Apache-2.0 */
/* The explanation for programs: floats with nine digits, which name them exactly. */
#include <string.h>

#include "tools/qbid/explain/print.h"
#include "tools/qbid/explain/terms.h"

static void add_string(struct qbid_replay_buffer *out, const char *text)
{
    qbid_replay_buffer_add_json(out, text, strlen(text));
}

static void add_text(struct qbid_replay_buffer *out, struct qbid_text text)
{
    qbid_replay_buffer_add_json(out, text.at, text.len);
}

static void add_float(struct qbid_replay_buffer *out, const char *name, float number)
{
    qbid_replay_buffer_print(out, ",\"%s\":%.9g", name, (double)number);
}

static void add_int(struct qbid_replay_buffer *out, const char *name, int64_t number)
{
    qbid_replay_buffer_print(out, ",\"%s\":%lld", name, (long long)number);
}

void qbid_explain_json_begin(struct qbid_replay_buffer *out,
                             const struct qbid_explain_subject *subject)
{
    const struct qbid_openrtb_request *openrtb = &subject->ask->openrtb;
    struct qbid_privacy privacy = qbid_privacy_of(openrtb, &subject->world->image.header->privacy);
    qbid_replay_buffer_print(out, "{\"schema\":%d,\"request\":", QBID_EXPLAIN_SCHEMA);
    add_text(out, openrtb->id);
    qbid_replay_buffer_add_text(out, ",\"image\":");
    add_string(out, subject->image_path);
    add_int(out, "gen", (int64_t)subject->world->image.header->gen);
    qbid_replay_buffer_print(out, ",\"stale\":%s", subject->stale ? "true" : "false");
    qbid_replay_buffer_add_text(out, ",\"exchange\":");
    if (subject->exchange)
        add_string(out, subject->exchange);
    else
        qbid_replay_buffer_add_text(out, "null");
    add_int(out, "unix_s", (int64_t)subject->unix_s);
    qbid_replay_buffer_print(
        out,
        ",\"auction\":\"%s\",\"restricted\":%s,\"privacy\":{\"class\":\"%s\",\"reason\":\"%s\"}",
        openrtb->at == 2 ? "second" : "first",
        privacy.reason != QBID_PRIVACY_REASON_NONE ? "true" : "false",
        qbid_privacy_class_word(qbid_privacy_class_of(privacy.reason)),
        qbid_privacy_reason_word(privacy.reason));
    qbid_replay_buffer_print(
        out, ",\"result\":\"%s\",\"reason\":",
        subject->nobid == QBID_NOBID_NONE ? "decided" : qbid_explain_nobid_word(subject->nobid));
    add_string(out, subject->nobid == QBID_NOBID_NONE ? "see the impressions"
                                                      : qbid_explain_nobid_text(subject->nobid));
    qbid_replay_buffer_add_text(out, ",\"impressions\":[");
}

static void add_context(struct qbid_replay_buffer *out, const struct qbid_explain_imp *imp,
                        const struct qbid_explain_detail *detail)
{
    qbid_replay_buffer_add_text(out, ",\"context\":[");
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        struct qbid_explain_dim found = qbid_explain_dim_find(imp, detail, dim);
        bool first = true;
        qbid_replay_buffer_print(out, "%s{\"dim\":\"%s\",\"state\":\"%s\",\"index\":%u,\"all\":[",
                                 dim ? "," : "", qbid_dim_name(dim), found.state, found.index);
        for (uint32_t i = 0; i < found.list_cnt; i++)
            qbid_replay_buffer_print(out, "%s%u", i ? "," : "", found.list[i]);
        qbid_replay_buffer_add_text(out, "],\"unknown\":[");
        for (uint32_t i = 0; i < imp->unknown.cnt; i++) {
            size_t len = imp->unknown.value[i].len;
            if (imp->unknown.value[i].dim != dim)
                continue;
            qbid_replay_buffer_add_text(out, first ? "" : ",");
            qbid_replay_buffer_add_json(out, imp->unknown.value[i].text,
                                        len < QBID_UNKNOWN_TEXT ? len : QBID_UNKNOWN_TEXT);
            first = false;
        }
        qbid_replay_buffer_add_text(out, "]}");
    }
    qbid_replay_buffer_add_text(out, "]");
}

static void add_level(struct qbid_replay_buffer *out, const struct qbid_explain_subject *subject,
                      const struct qbid_explain_imp *imp, const struct qbid_explain_detail *detail)
{
    unsigned level = imp->decision.level;
    bool first = true;
    add_int(out, "level", level);
    qbid_replay_buffer_add_text(out, ",\"level_dims\":[");
    for (unsigned dim = 0; dim < QBID_DIM_CNT && level < QBID_LEVEL_MAX; dim++) {
        if (!(subject->world->image.header->level_mask[level] & qbid_dim_mask(dim)))
            continue;
        qbid_replay_buffer_print(out, "%s\"%s\"", first ? "" : ",", qbid_dim_name(dim));
        first = false;
    }
    qbid_replay_buffer_add_text(out, "]");
    add_int(out, "row_candidates", detail->row_cnt);
    add_int(out, "segment", detail->segment);
    add_int(out, "eligible", detail->eligible_cnt);
    add_int(out, "skipped", imp->decision.skipped);
}

static void add_candidate(struct qbid_replay_buffer *out, bool first, uint32_t line_item_id,
                          float value_micros, float pace, const char *verdict)
{
    qbid_replay_buffer_print(out, "%s{\"line_item\":%u", first ? "" : ",", line_item_id);
    add_float(out, "value_micros", value_micros);
    add_float(out, "pace", pace);
    add_float(out, "price_micros", qbid_pace_price(value_micros, pace));
    qbid_replay_buffer_print(out, ",\"verdict\":\"%s\"}", verdict);
}

static void add_candidates(struct qbid_replay_buffer *out,
                           const struct qbid_explain_subject *subject,
                           const struct qbid_explain_imp *imp,
                           const struct qbid_explain_detail *detail)
{
    const struct qbid_line_item *line_items = subject->world->image.line_items;
    bool first = true;
    qbid_replay_buffer_add_text(out, ",\"candidates\":[");
    for (uint32_t i = 0; i < imp->trace.cnt; i++, first = false) {
        const struct qbid_trace_candidate *c = &imp->trace.candidate[i];
        add_candidate(out, first, line_items[c->line_item_idx].id, c->value_micros, c->pace,
                      c->rejected ? qbid_explain_nobid_word(c->rejected) : "chosen");
    }
    for (uint32_t i = 0; i < detail->waiting_cnt; i++, first = false) {
        const struct qbid_explain_waiting *w = &detail->waiting[i];
        add_candidate(out, first, line_items[w->line_item_idx].id, w->value_micros, w->pace,
                      "not_reached");
    }
    qbid_replay_buffer_add_text(out, "]");
}

/* The winner of the fast path; whether it may be sent is the impression's result. */
static void add_winner(struct qbid_replay_buffer *out, const struct qbid_explain_subject *subject,
                       const struct qbid_explain_imp *imp, const struct qbid_explain_detail *detail)
{
    const struct qbid_image *image = &subject->world->image;
    const struct qbid_decision *d = &imp->decision;
    const struct qbid_offer *offer = &detail->offer;
    qbid_replay_buffer_print(out, ",\"winner\":{\"line_item\":%u", d->line_item_id);
    add_int(out, "campaign", d->campaign_id);
    add_int(out, "creative", d->creative_id);
    add_int(out, "slot", d->slot_idx);
    qbid_replay_buffer_print(out, ",\"creative_propensity\":%.9g",
                             (double)d->creative_propensity_q32 / 4294967295.0);
    add_float(out, "value_micros", d->value_micros);
    add_float(out, "pace", d->pace);
    add_int(out, "q_state", d->q_state);
    add_int(out, "q_action", d->q_action);
    add_float(out, "q_ratio", d->q_ratio);
    qbid_replay_buffer_print(out, ",\"q_propensity\":%.9g",
                             (double)offer->q_propensity_q32 / 4294967295.0);
    add_int(out, "worth_micros", qbid_micros_from_float(offer->worth));
    add_float(out, "shade_ratio", d->shade_ratio);
    add_int(out, "shaded_micros", offer->bid_micros);
    add_int(out, "floor_micros", detail->floor_micros);
    add_int(out, "line_floor_micros", detail->line_floor_micros);
    add_int(out, "line_ceiling_micros", detail->line_ceiling_micros);
    add_int(out, "ceiling_micros", detail->ceiling_micros);
    add_int(out, "bid_micros", d->bid_micros);
    add_int(out, "exposures", d->exposures);
    struct qbid_explain_terms terms;
    qbid_explain_terms_fill(image, d, detail->fixed, &terms);
    qbid_explain_options_split(subject->options, d, &terms);
    qbid_explain_terms_json(out, &terms);
    qbid_replay_buffer_print(out, ",\"price_is_fixed\":%s", detail->fixed ? "true" : "false");
    qbid_replay_buffer_add_text(out, ",\"deal\":");
    if (imp->deal)
        add_text(out, imp->deal->id);
    else
        qbid_replay_buffer_add_text(out, "null");
    qbid_replay_buffer_add_text(out, "}");
}

void qbid_explain_json_imp(struct qbid_replay_buffer *out,
                           const struct qbid_explain_subject *subject,
                           const struct qbid_explain_imp *imp,
                           const struct qbid_explain_detail *detail, bool first)
{
    qbid_replay_buffer_print(out, "%s{\"id\":", first ? "" : ",");
    add_text(out, imp->imp->id);
    qbid_replay_buffer_print(
        out, ",\"part\":\"%s\",\"result\":\"%s\",\"reason\":", qbid_explain_part_word(imp->part),
        qbid_explain_nobid_word(imp->nobid));
    add_string(out, imp->reason);
    if (imp->nobid == QBID_NOBID_NONE) {
        qbid_replay_buffer_add_text(out, ",\"price\":");
        qbid_replay_buffer_add_micros(out, imp->price_micros);
        char letters[4];
        memcpy(letters, &subject->ask->currency, sizeof letters);
        qbid_replay_buffer_print(out, ",\"currency\":\"%.3s\"", letters);
    }
    if (detail) {
        add_context(out, imp, detail);
        add_level(out, subject, imp, detail);
        add_candidates(out, subject, imp, detail);
        if (imp->decision.nobid == QBID_NOBID_NONE)
            add_winner(out, subject, imp, detail);
    }
    qbid_replay_buffer_add_text(out, "}");
}

void qbid_explain_json_end(struct qbid_replay_buffer *out)
{
    qbid_replay_buffer_add_text(out, "]}\n");
}
