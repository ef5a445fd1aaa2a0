/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a bid by its nonce, maps its generation, and does the fast path's arithmetic again. */
#include "tools/qbid/explain/event.h"

#include <errno.h>
#include <string.h>

#include "control/decisions/decision_files.h"
#include "fastpath/price.h"
#include "shm/error.h"
#include "tools/qbid/explain/explain.h"
#include "tools/qbid/explain/generations.h"
#include "tools/qbid/explain/print.h"

/* Value of the bid's row, or of the line item, as the bidder saw it: a candidate that the host
 * named may not be in the row. */
static float value_of(const struct qbid_image *image, const struct qbid_decision *d)
{
    if (d->level >= image->level_cnt)
        return image->line_items[d->line_item_idx].value_micros;
    struct qbid_row_ref row = qbid_image_row(
        image, qbid_context_key(d->context, image->header->level_mask[d->level], d->level));
    for (uint32_t i = 0; i < row.cnt; i++)
        if (qbid_row_line_item(&row, i) == d->line_item_idx)
            return row.value_micros[i];
    return image->line_items[d->line_item_idx].value_micros;
}

static float exposed_of(const struct qbid_image *image, const struct qbid_decision *d)
{
    const struct qbid_line_item *line_item = &image->line_items[d->line_item_idx];
    if (line_item->exposure_cnt == 0)
        return 1;
    unsigned last = line_item->exposure_cnt - 1u;
    return image
        ->exposure_values[line_item->exposure_first + (d->exposures < last ? d->exposures : last)];
}

static float ratio_of(const struct qbid_image *image, const struct qbid_decision *d)
{
    const struct qbid_qrow *row =
        &image->qrows[qbid_offer_q_place(image, d->line_item_idx, d->q_state)];
    return row->n > d->q_action ? row->ratio[d->q_action] : 1;
}

/* Whether what lies between offer and bid can be a floor, a ceiling or a deal's price. */
static enum qbid_explain_replay bounded(const struct qbid_explain_event *e, bool deal)
{
    int64_t bid = e->decision.bid_micros;
    if (bid == e->offer_micros)
        return QBID_EXPLAIN_IDENTICAL;
    if (bid > e->ceiling_micros)
        return QBID_EXPLAIN_DIFFERS;
    bool good =
        bid > e->offer_micros ? deal || bid <= e->worth_micros : deal || bid == e->ceiling_micros;
    return good ? QBID_EXPLAIN_BOUNDED : QBID_EXPLAIN_DIFFERS;
}

int qbid_explain_event_replay(const struct qbid_explain_world *world,
                              const struct qbid_decision_record *record,
                              struct qbid_explain_event *ret_event)
{
    const struct qbid_image *image = &world->image;
    struct qbid_explain_event e;
    struct qbid_decision *d = &e.decision;
    int64_t idx = qbid_explain_world_find(world, record->line_item_id);
    if (idx < 0)
        return (int)idx;
    if (record->u.bid.q_state >= QBID_QSTATES)
        return QBID_ERR_CORRUPT;
    memset(&e, 0, sizeof e);
    *d = (struct qbid_decision){.gen = image->header->gen,
                                .nonce = record->nonce,
                                .context = record->u.bid.context,
                                .bid_micros = record->u.bid.bid_nanos,
                                .value_micros = record->u.bid.value_micros,
                                .pace = record->u.bid.pace,
                                .line_item_idx = (uint32_t)idx,
                                .line_item_id = record->line_item_id,
                                .campaign_id = image->line_items[idx].campaign_id,
                                .creative_id = record->u.bid.creative_id,
                                .q_state = record->u.bid.q_state,
                                .q_action = record->u.bid.action,
                                .segment = record->u.bid.segment,
                                .level = record->level,
                                .exposures = record->u.bid.exposures};
    bool deal = (record->flags & QBID_EVENT_DEAL) != 0;
    bool first = (record->flags & QBID_EVENT_FIRST_PRICE) != 0;
    d->stale = (record->flags & QBID_EVENT_STALE) != 0;
    d->auction = first ? QBID_AUCTION_FIRST_PRICE : QBID_AUCTION_SECOND_PRICE;
    e.row_value_micros = value_of(image, d);
    e.exposed = exposed_of(image, d);
    e.value_differs = e.row_value_micros * e.exposed != d->value_micros &&
                      e.row_value_micros != d->value_micros; /* a user who is not counted */
    bool priced = d->pace < 0;
    d->q_ratio = priced ? 1 : ratio_of(image, d);
    float worth = qbid_pace_price(d->value_micros, d->pace) * d->q_ratio, bid = worth;
    d->shade_ratio = 1;
    if (first && !priced && d->segment < image->segment_cnt) {
        bid = qbid_shade_eval(&image->shades[d->segment], worth);
        d->shade_ratio = bid / worth;
    }
    e.worth_micros = qbid_micros_from_float(worth);
    e.offer_micros = qbid_micros_from_float(bid);
    const struct qbid_line_item *line_item = &image->line_items[idx];
    e.ceiling_micros = line_item->ceiling_micros < image->header->price_ceiling_micros
                           ? line_item->ceiling_micros
                           : image->header->price_ceiling_micros;
    e.replay = e.value_differs ? QBID_EXPLAIN_DIFFERS : bounded(&e, deal);
    qbid_explain_terms_fill(image, d, false, &e.terms);
    *ret_event = e;
    return 0;
}

/* --- the command */

struct search {
    uint64_t nonce; /* 0 = the last bid of the log */
    bool found;
    struct qbid_decision_record record;
    bool passed; /* the bid, in the second reading */
    bool paced;
    struct qbid_pace_terms terms; /* of its pace */
};

static int look(void *context, const struct qbid_decision_record *record)
{
    struct search *search = context;
    if (record->kind == QBID_EVENT_BID && (search->nonce == 0 || record->nonce == search->nonce)) {
        search->record = *record;
        search->found = true;
    }
    return 0;
}

/* What its pace was made of stands ahead of it, or of an earlier bid with the same pace. */
static int look_pace(void *context, const struct qbid_decision_record *record)
{
    struct search *search = context;
    const struct qbid_decision_record *bid = &search->record;
    search->passed |= record->kind == QBID_EVENT_BID && record->nonce == bid->nonce;
    if (!search->passed && record->kind == QBID_DECISION_PACE &&
        record->line_item_id == bid->line_item_id && record->u.pace.pace == bid->u.bid.pace) {
        search->terms = record->u.pace.terms;
        search->paced = true;
    }
    return 0;
}

static const char *const replays[][2] = {
    [QBID_EXPLAIN_IDENTICAL] = {"identical", "the generation gives this very price"},
    [QBID_EXPLAIN_BOUNDED] = {"bounded", "the generation's price, held to a floor, a ceiling or a "
                                         "deal's price"},
    [QBID_EXPLAIN_DIFFERS] = {"differs", "the generation does not give this bid"},
};

static void print_table(struct qbid_replay_buffer *text, const struct qbid_decision_record *record,
                        const struct qbid_explain_event *e)
{
    const struct qbid_decision *d = &e->decision;
    qbid_replay_buffer_print(text,
                             "bid         %llu  line item %u of campaign %u, creative %u (share "
                             "%.4f), generation %u\n",
                             (unsigned long long)d->nonce, d->line_item_id, d->campaign_id,
                             d->creative_id, (double)record->u.bid.creative_share, record->gen);
    qbid_replay_buffer_print(text,
                             "  level     %u, market segment %u, Q state %u, action %u (propensity "
                             "%.6f), %u exposure%s before\n",
                             d->level, d->segment, d->q_state, d->q_action,
                             (double)record->u.bid.propensity, d->exposures,
                             d->exposures == 1 ? "" : "s");
    qbid_explain_terms_table(text, &e->terms);
    qbid_replay_buffer_print(text, "  bid       %.6f, replayed %.6f: %s\n",
                             (double)d->bid_micros / 1e6, (double)e->offer_micros / 1e6,
                             replays[e->replay][1]);
    if (e->value_differs)
        qbid_replay_buffer_print(text, "  value     %.6f x r(k) %.6f there, %.6f in the event\n",
                                 (double)e->row_value_micros / 1e6, (double)e->exposed,
                                 (double)d->value_micros / 1e6);
}

static void print_json(struct qbid_replay_buffer *text, const struct qbid_decision_record *record,
                       const struct qbid_explain_event *e)
{
    const struct qbid_decision *d = &e->decision;
    qbid_replay_buffer_print(
        text, "{\"schema\":%d,\"nonce\":%llu,\"gen\":%u,\"unix_ms\":%llu,\"line_item\":%u,",
        QBID_EXPLAIN_SCHEMA, (unsigned long long)d->nonce, record->gen,
        (unsigned long long)record->unix_ms, d->line_item_id);
    qbid_replay_buffer_print(
        text,
        "\"campaign\":%u,\"creative\":%u,\"creative_share\":%.9g,\"level\":%u,\"segment\":%u,"
        "\"q_state\":%u,\"q_action\":%u,\"q_propensity\":%.9g,\"exposures\":%u",
        d->campaign_id, d->creative_id, (double)record->u.bid.creative_share, d->level, d->segment,
        d->q_state, d->q_action, (double)record->u.bid.propensity, d->exposures);
    qbid_replay_buffer_print(
        text, ",\"bid_micros\":%lld,\"replayed_micros\":%lld,\"replay\":\"%s\"",
        (long long)d->bid_micros, (long long)e->offer_micros, replays[e->replay][0]);
    qbid_explain_terms_json(text, &e->terms);
    qbid_replay_buffer_add_text(text, "}\n");
}

static int replay_found(const struct qbid_explain_options *options, const struct search *search,
                        FILE *out, FILE *err)
{
    const struct qbid_decision_record *record = &search->record;
    struct qbid_explain_generations folder;
    struct qbid_explain_world *world;
    struct qbid_explain_event event;
    struct qbid_replay_buffer text = {0};
    const char *name = NULL;
    int code = qbid_explain_generations_init(&folder, options->images);
    if (code == 0)
        code = qbid_explain_generations_find(&folder, record->gen, &world, &name);
    if (code == 0)
        code = qbid_explain_event_replay(world, record, &event);
    if (code != 0) {
        fprintf(err, "qbid explain: %s: generation %u: %s\n", options->images, record->gen,
                code == QBID_ERR_NOENT
                    ? "is not kept any more (images_kept), or lacks the line item"
                : code == QBID_ERR_SYS ? strerror(errno)
                                       : qbid_strerror(code));
        qbid_explain_generations_done(&folder);
        return QBID_EXPLAIN_FAILED;
    }
    if (search->paced)
        qbid_explain_terms_split(&event.terms, &event.decision, &search->terms);
    (options->json ? print_json : print_table)(&text, record, &event);
    bool written = !text.failed && fwrite(text.text, 1, text.len, out) == text.len;
    qbid_replay_buffer_done(&text);
    qbid_explain_generations_done(&folder);
    return written && event.replay != QBID_EXPLAIN_DIFFERS ? QBID_EXPLAIN_OK : QBID_EXPLAIN_FAILED;
}

int qbid_explain_event_run(const struct qbid_explain_options *options, FILE *out, FILE *err)
{
    struct search search = {.nonce = options->bid};
    struct qbid_decision_reading reading;
    int code = qbid_decision_files_read(options->log, look, &search, &reading);
    if (code != 0) {
        fprintf(err, "qbid explain: %s%s%s: %s\n", options->log, *reading.bad ? "/" : "",
                reading.bad, code == QBID_ERR_SYS ? strerror(errno) : qbid_strerror(code));
        return QBID_EXPLAIN_FAILED;
    }
    if (!search.found) {
        fprintf(err, "qbid explain: %s: no bid %llu among %llu records\n", options->log,
                (unsigned long long)options->bid, (unsigned long long)reading.records);
        return QBID_EXPLAIN_FAILED;
    }
    (void)qbid_decision_files_read(options->log, look_pace, &search, &reading);
    return replay_found(options, &search, out, err);
}
