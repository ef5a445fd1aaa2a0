/* SPDX-License-Identifier: Apache-2.0 */
/* A bid as a product: the base value times what each stage made of it. */
#ifndef QBID_TOOLS_QBID_EXPLAIN_TERMS_H
#define QBID_TOOLS_QBID_EXPLAIN_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/decisions/pace_terms.h"
#include "shm/image.h"
#include "shm/request.h"
#include "tools/replay/text/buffer.h"

/* Kinds, in the order in which they are applied, and their words. */
/* clang-format off */
#define QBID_EXPLAIN_TERM_LIST(X)                                              \
    X(VALUE,   "value",   "the line item's value where no context knows better") \
    X(CONTEXT, "context", "a level of contexts against the coarser one")       \
    X(EXPOSED, "exposed", "r(k) of the user's exposures")                      \
    X(PRICE,   "operator", "the operator's fixed price, whatever it is worth") \
    X(STALE,   "stale",   "conservative factor of a stale table")              \
    X(PACE,    "pace",    "price of budget and targets")                       \
    X(PACED,   "",        "a factor of the pace")                              \
    X(ACTION,  "action",  "Q action, greedy or exploring")                     \
    X(SHADE,   "shade",   "to the market, in a first-price auction")           \
    X(FIXED,   "fixed",   "a deal's agreed price")                             \
    X(FLOOR,   "floor",   "raised to the floor")                               \
    X(CEILING, "ceiling", "cut to the ceiling")                                \
    X(MICROS,  "micros",  "whole micros, and single precision")
/* clang-format on */

enum qbid_explain_term_kind {
#define X(upper, word, text) QBID_EXPLAIN_TERM_##upper,
    QBID_EXPLAIN_TERM_LIST(X)
#undef X
        QBID_EXPLAIN_TERM_CNT
};

#define QBID_EXPLAIN_TERMS_MAX (QBID_EXPLAIN_TERM_CNT + QBID_LEVEL_MAX + QBID_PACE_TERM_CNT)

struct qbid_explain_term {
    enum qbid_explain_term_kind kind;
    unsigned level;      /* CONTEXT */
    unsigned pace_term;  /* PACED: enum qbid_pace_term */
    uint64_t dims;       /* CONTEXT: dimensions that the level adds to the coarser one, as a mask */
    double factor;       /* VALUE, PRICE: micros; all factors multiply to the bid */
    double price_micros; /* with the terms up to this one */
};

struct qbid_explain_terms {
    uint32_t cnt;
    struct qbid_explain_term term[QBID_EXPLAIN_TERMS_MAX];
};

/**
 * The terms of a bid.
 *
 * Shapes:  decision is a bid, made with image; fixed = its deal's floor is its price.
 * Returns: terms whose factors multiply to decision->bid_micros, but for double rounding, and whose
 *          last running price is exactly that. Terms that are 1 by nature (no context, no cap,
 *          second price) are left out.
 */
void qbid_explain_terms_fill(const struct qbid_image *image, const struct qbid_decision *decision,
                             bool fixed, struct qbid_explain_terms *ret_terms);

/** Put the factors of the pace in its place, as far as they are not 1; the first takes what single
 *  precision leaves over. A bid without a pace, or of another one than theirs (a stale table's), is
 *  left as it is. */
void qbid_explain_terms_split(struct qbid_explain_terms *terms,
                              const struct qbid_decision *decision,
                              const struct qbid_pace_terms *pace_terms);

/** As lines of a table, and as the member "terms" of JSON. */
void qbid_explain_terms_table(struct qbid_replay_buffer *out,
                              const struct qbid_explain_terms *terms);
void qbid_explain_terms_json(struct qbid_replay_buffer *out,
                             const struct qbid_explain_terms *terms);

#endif
