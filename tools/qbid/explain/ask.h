/* SPDX-License-Identifier: Apache-2.0 */
/* A saved bid request on its way to the fast path, step by step as plugin/bid.c goes. */
#ifndef QBID_TOOLS_QBID_EXPLAIN_ASK_H
#define QBID_TOOLS_QBID_EXPLAIN_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fastpath/decide.h"
#include "plugin/impression.h"
#include "plugin/openrtb/openrtb.h"

/* A parsed request against one image. */
struct qbid_explain_ask {
    struct qbid_openrtb *parser;
    char *body;
    size_t body_max;
    const struct qbid_image *image;
    uint32_t currency; /* of the answer */
    const struct qbid_partner *partner;
    int64_t rate_micros;         /* account currency for one unit of it */
    struct qbid_unknown unknown; /* raw values that all impressions share */
    struct qbid_openrtb_request openrtb;
    struct qbid_common common;
    struct qbid_terms terms; /* of the impression at hand */
};

/* Deals and the open auction of an impression do not compete: each may get a bid. */
enum qbid_explain_part { QBID_EXPLAIN_WHOLE, QBID_EXPLAIN_DEALS, QBID_EXPLAIN_OPEN };

/* What one impression, or a part of it, came to. Borrows ask, until its next impression, and the
 * image. */
struct qbid_explain_imp {
    enum qbid_explain_part part;
    const struct qbid_openrtb_imp *imp;
    const struct qbid_openrtb_deal *deal; /* of the bid; NULL = open auction */
    enum qbid_nobid nobid;
    const char *reason;   /* text of nobid, or of what stood in the way after the decision */
    bool decided;         /* the fast path was asked: request, decision and trace are set */
    int64_t price_micros; /* of a bid, in the currency of the answer */
    struct qbid_request request;
    struct qbid_decision decision;
    struct qbid_trace trace;
    struct qbid_unknown unknown; /* raw values that the dictionary lacks */
};

int qbid_explain_ask_new(struct qbid_explain_ask **ret_ask);
void qbid_explain_ask_free(struct qbid_explain_ask *ask);

/** Parse a body (copied). Returns: what qbid_openrtb_parse() does; QBID_ERR_LIMIT also for too many
 *  impressions or blocked names; QBID_ERR_NOMEM. */
int qbid_explain_ask_parse(struct qbid_explain_ask *ask, const char *body, size_t len);

/** Hold the parsed request against an image. Returns: why nothing of it can be decided, or NONE. */
enum qbid_nobid qbid_explain_ask_open(struct qbid_explain_ask *ask, const struct qbid_image *image,
                                      const char *exchange, uint64_t unix_s);

/** Decide an impression of an opened request; view is of the same image. Returns the count of its
 *  parts, 1 or 2, in ret_imp[]: of two the first is its deals, the second the open auction. */
unsigned qbid_explain_ask_decide(struct qbid_explain_ask *ask, const struct qbid_view *view,
                                 unsigned imp_idx, struct qbid_explain_imp ret_imp[2]);

/** Word ("whole") of a part. */
const char *qbid_explain_part_word(enum qbid_explain_part part);

/** Word ("below_floor") and text of a reason. */
const char *qbid_explain_nobid_word(unsigned nobid);
const char *qbid_explain_nobid_text(unsigned nobid);

#endif
