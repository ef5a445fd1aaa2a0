/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an answer keeps the rules of the specification for the request that it answers: an
 * exchange's view, from the two JSON texts and the account's facts alone.
 *
 * It does not know which bid is best, only what no bid may do. Each rule has a name, by which tests
 * see that a broken answer is found for what it breaks. A new rule is a line in the list, a few
 * lines in checker*.c and a mutation in test_checker.c, which fails without one.
 */
#ifndef QBID_TESTS_CONFORMANCE_CHECKER_H
#define QBID_TESTS_CONFORMANCE_CHECKER_H

#include "tests/conformance/facts.h"
#include "tests/conformance/rtb.h"

/* clang-format off */
#define CHECKER_LIST(X)                                                                      \
    X(JSON,            "the body is one JSON text in UTF-8, no key twice")                   \
    X(ID,              "id is the request's")                                                \
    X(SEATBID,         "seatbid has seats, each with bids")                                  \
    X(REQUIRED,        "a bid has id, impid, price and what exchanges ask for")              \
    X(BID_ID,          "ids of bids are unique")                                             \
    X(IMPID,           "impid names an impression")                                          \
    X(ONE_A_KIND,      "an impression has one bid on a deal and one without, at most")       \
    X(CUR,             "cur is allowed, and known to the account")                           \
    X(PRICE,           "price is a number above 0")                                          \
    X(FLOOR,           "price is at or above the deal's, else the impression's floor")       \
    X(AGREED,          "price is the deal's floor where that is the agreed price")           \
    X(CEILING,         "price is at or below what the line item may pay")                    \
    X(BADV,            "no blocked advertiser")                                              \
    X(BCAT,            "no blocked category")                                                \
    X(SEAT,            "seat is the line item's, and may bid on request and deal")           \
    X(DEALID,          "dealid is offered, and the line item's")                             \
    X(PRIVATE_AUCTION, "nothing but deals in a private auction")                             \
    X(MTYPE,           "mtype is offered, and the creative's")                               \
    X(SIZE,            "w and h are offered, and the creative's")                            \
    X(SECURE,          "HTTPS only where the impression is secure")                          \
    X(BATTR,           "no blocked attribute")                                               \
    X(API,             "no framework that is not supported")                                 \
    X(MIME,            "of an accepted content type")                                        \
    X(DURATION,        "dur is the creative's, and one that is asked for")                   \
    X(PROTOCOL,        "of an accepted protocol")                                            \
    X(LANGUAGE,        "in an allowed language")                                             \
    X(CREATIVE,        "adid, cid, crid, adomain and cat are those of one creative of ours") \
    X(NOTICE,          "notice URLs are ours, with their macros")                            \
    X(MARKUP,          "adm is the creative's, whole, with nothing left to replace")         \
    X(WANTED,          "there is something to answer: not for a request that is to be refused")
/* clang-format on */

enum checker_rule {
#define X(name, text) CHECKER_##name,
    CHECKER_LIST(X)
#undef X
        CHECKER_CNT
};

extern const char *const checker_text[CHECKER_CNT];

/**
 * Check an answer with a body.
 *
 * Returns: violated rules, bit by enum checker_rule; 0 = none. *ret_bids: how many bids it has.
 */
uint32_t checker_check(const json_t *request, const char *body, size_t len, unsigned *ret_bids);

/* For checker_markup.c and checker_terms.c. */
struct checker {
    const json_t *request, *response, *seat, *bid, *imp, *deal;
    const struct facts_line_item *item;
    const struct facts_creative *creative;
    int64_t rate; /* of the answer's currency */
    uint32_t violated;
};

void checker_demand(struct checker *c, bool good, enum checker_rule rule);

/** adm, nurl, burl, lurl of c->bid. */
void checker_markup(struct checker *c);

/** The creative of c->bid against what the impression asks of one. */
void checker_terms(struct checker *c);

#endif
