/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a bid apart and prints the pieces. */
#include "tools/qbid/explain/terms.h"

#include <math.h>
#include <string.h>

#include "fastpath/price.h"

static void add(struct qbid_explain_terms *t, enum qbid_explain_term_kind kind, double price)
{
    double before = t->cnt ? t->term[t->cnt - 1].price_micros : 1;
    t->term[t->cnt++] = (struct qbid_explain_term){
        .kind = kind, .factor = before != 0 ? price / before : 0, .price_micros = price};
}

static double price_now(const struct qbid_explain_terms *t)
{
    return t->cnt ? t->term[t->cnt - 1].price_micros : 0;
}

static void times(struct qbid_explain_terms *t, enum qbid_explain_term_kind kind, double factor)
{
    double price = price_now(t) * factor;
    t->term[t->cnt++] =
        (struct qbid_explain_term){.kind = kind, .factor = factor, .price_micros = price};
}

/* What a level's row says of a line item; false when it has none. */
static bool row_value(const struct qbid_image *image, const struct qbid_decision *d, unsigned level,
                      double *ret_value)
{
    struct qbid_row_ref row = qbid_image_row(
        image, qbid_context_key(d->context, image->header->level_mask[level], level));
    for (uint32_t i = 0; i < row.cnt; i++)
        if (qbid_row_line_item(&row, i) == d->line_item_idx && row.value_micros[i] > 0) {
            *ret_value = (double)row.value_micros[i];
            return true;
        }
    return false;
}

/* From the default value through the levels, coarsest first, to the one that answered. */
static void values_add(const struct qbid_image *image, const struct qbid_decision *d,
                       struct qbid_explain_terms *t)
{
    double value = (double)image->line_items[d->line_item_idx].value_micros;
    uint64_t known = 0;
    if (value > 0)
        add(t, QBID_EXPLAIN_TERM_VALUE, value);
    double answered;
    bool in_row = d->level < image->level_cnt && row_value(image, d, d->level, &answered);
    for (unsigned level = image->level_cnt; in_row && level-- > d->level;) {
        if (!row_value(image, d, level, &value))
            continue;
        add(t, t->cnt ? QBID_EXPLAIN_TERM_CONTEXT : QBID_EXPLAIN_TERM_VALUE, value);
        t->term[t->cnt - 1].level = level;
        t->term[t->cnt - 1].dims = image->header->level_mask[level] & ~known;
        known = image->header->level_mask[level];
    }
    if (t->cnt == 0) /* what the decision names stands for it */
        add(t, QBID_EXPLAIN_TERM_VALUE, (double)d->value_micros);
}

/* What holding the offer between its bounds has done. */
static enum qbid_explain_term_kind bound_kind(const struct qbid_decision *d, double offer,
                                              bool fixed)
{
    if (fixed)
        return QBID_EXPLAIN_TERM_FIXED;
    return (double)d->bid_micros > offer ? QBID_EXPLAIN_TERM_FLOOR : QBID_EXPLAIN_TERM_CEILING;
}

void qbid_explain_terms_fill(const struct qbid_image *image, const struct qbid_decision *d,
                             bool fixed, struct qbid_explain_terms *ret_terms)
{
    struct qbid_explain_terms *t = ret_terms;
    const struct qbid_line_item *line_item = &image->line_items[d->line_item_idx];
    double stale = d->stale ? (double)image->header->stale_factor : 1;
    t->cnt = 0;
    if (d->pace < 0) /* what it is worth may be 0 and leads nowhere */
        add(t, QBID_EXPLAIN_TERM_PRICE, -(double)d->pace / stale);
    else
        values_add(image, d, t);
    if (d->pace >= 0 && (line_item->exposure_cnt != 0 || price_now(t) != (double)d->value_micros))
        add(t, QBID_EXPLAIN_TERM_EXPOSED, (double)d->value_micros);
    if (d->stale)
        times(t, QBID_EXPLAIN_TERM_STALE, stale);
    if (d->pace >= 0) {
        times(t, QBID_EXPLAIN_TERM_PACE, (double)d->pace / stale);
        times(t, QBID_EXPLAIN_TERM_ACTION, (double)d->q_ratio);
    }
    /* where nothing is worth offering but a floor is met, the floor is what leads there */
    if (d->auction == QBID_AUCTION_FIRST_PRICE && !fixed && d->pace >= 0 && d->shade_ratio > 0)
        times(t, QBID_EXPLAIN_TERM_SHADE, (double)d->shade_ratio);
    double offer = price_now(t), bid = (double)d->bid_micros;
    /* single precision of up to four products, and the micro that is cut */
    double slack = 1 + offer * 4e-7;
    if (bid > offer + slack || bid < offer - slack)
        add(t, bound_kind(d, offer, fixed), bid);
    else
        add(t, QBID_EXPLAIN_TERM_MICROS, bid);
}

static bool shown(const struct qbid_pace_terms *pace_terms, unsigned i)
{
    return i == 0 || pace_terms->factor[i] != 1;
}

void qbid_explain_terms_split(struct qbid_explain_terms *terms,
                              const struct qbid_decision *decision,
                              const struct qbid_pace_terms *pace_terms)
{
    struct qbid_explain_terms whole = *terms, *t = terms;
    double others = 1;
    uint32_t at = 0;
    while (at < whole.cnt && whole.term[at].kind != QBID_EXPLAIN_TERM_PACE)
        at++;
    for (unsigned i = 1; i < QBID_PACE_TERM_CNT; i++)
        others *= (double)pace_terms->factor[i];
    double first = (double)decision->pace / others;
    bool theirs = fabs(first / (double)pace_terms->factor[0] - 1) < 1e-5; /* else of another pace */
    if (at == whole.cnt || decision->stale || !theirs)
        return;
    t->cnt = at;
    for (unsigned i = 0; i < QBID_PACE_TERM_CNT; i++) {
        if (!shown(pace_terms, i))
            continue;
        times(t, QBID_EXPLAIN_TERM_PACED, i == 0 ? first : (double)pace_terms->factor[i]);
        t->term[t->cnt - 1].pace_term = i;
    }
    memcpy(&t->term[t->cnt], &whole.term[at + 1], (whole.cnt - at - 1) * sizeof *t->term);
    t->cnt += whole.cnt - at - 1;
}

static const char *const pace_words[][2] = {
#define X(upper, word, text) {word, text},
    QBID_PACE_TERM_LIST(X)
#undef X
};

static const char *const words[][2] = {
#define X(upper, word, text) {word, text},
    QBID_EXPLAIN_TERM_LIST(X)
#undef X
};

/* Word (0) or text (1) of a term. */
static const char *words_of(const struct qbid_explain_term *term, unsigned which)
{
    return term->kind == QBID_EXPLAIN_TERM_PACED ? pace_words[term->pace_term][which]
                                                 : words[term->kind][which];
}

void qbid_explain_terms_table(struct qbid_replay_buffer *out,
                              const struct qbid_explain_terms *terms)
{
    for (uint32_t i = 0; i < terms->cnt; i++) {
        const struct qbid_explain_term *term = &terms->term[i];
        qbid_replay_buffer_print(out, "  %-9s %-8s ", i == 0 ? "terms" : "", words_of(term, 0));
        if (i == 0)
            qbid_replay_buffer_print(out, "%14s", "");
        else
            qbid_replay_buffer_print(out, "x %12.9g", term->factor);
        qbid_replay_buffer_print(out, " = %14.6f  %s", term->price_micros / 1e6, words_of(term, 1));
        for (unsigned dim = 0, first = 1; dim < QBID_DIM_CNT; dim++)
            if (term->dims & qbid_dim_mask(dim)) {
                qbid_replay_buffer_print(out, "%s%s", first ? ": " : ", ", qbid_dim_name(dim));
                first = 0;
            }
        qbid_replay_buffer_add_text(out, "\n");
    }
}

void qbid_explain_terms_json(struct qbid_replay_buffer *out, const struct qbid_explain_terms *terms)
{
    qbid_replay_buffer_add_text(out, ",\"terms\":[");
    for (uint32_t i = 0; i < terms->cnt; i++) {
        const struct qbid_explain_term *term = &terms->term[i];
        const char *comma = "";
        qbid_replay_buffer_print(
            out, "%s{\"term\":\"%s\",\"factor\":%.17g,\"price_micros\":%.17g,\"dims\":[",
            i ? "," : "", words_of(term, 0), term->factor, term->price_micros);
        for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
            if (!(term->dims & qbid_dim_mask(dim)))
                continue;
            qbid_replay_buffer_print(out, "%s\"%s\"", comma, qbid_dim_name(dim));
            comma = ",";
        }
        qbid_replay_buffer_add_text(out, "]}");
    }
    qbid_replay_buffer_add_text(out, "]");
}
