/* SPDX-License-Identifier: Apache-2.0 */
/* Parser, impression and decision of the server, called one after the other. */
#include "tools/qbid/explain/ask.h"

#include <stdlib.h>
#include <string.h>

#include "plugin/currency.h"
#include "plugin/openrtb/response.h"
#include "shm/error.h"
#include "tools/qbid/explain/world.h"

static const struct {
    const char *word;
    const char *text;
} reasons[QBID_NOBID_CNT] = {
#define X(name, nbr, word, text) {word, text},
    QBID_NOBID_LIST(X)
#undef X
};

const char *qbid_explain_nobid_word(unsigned nobid)
{
    return nobid < QBID_NOBID_CNT ? reasons[nobid].word : "?";
}

const char *qbid_explain_nobid_text(unsigned nobid)
{
    return nobid < QBID_NOBID_CNT ? reasons[nobid].text : "?";
}

int qbid_explain_ask_new(struct qbid_explain_ask **ret_ask)
{
    struct qbid_explain_ask *ask = calloc(1, sizeof *ask);
    if (!ask)
        return QBID_ERR_NOMEM;
    int err = qbid_openrtb_new(&ask->parser);
    if (err) {
        free(ask);
        return err;
    }
    *ret_ask = ask;
    return 0;
}

void qbid_explain_ask_free(struct qbid_explain_ask *ask)
{
    if (!ask)
        return;
    qbid_openrtb_free(ask->parser);
    free(ask->body);
    free(ask);
}

int qbid_explain_ask_parse(struct qbid_explain_ask *ask, const char *body, size_t len)
{
    if (len + QBID_PADDING > ask->body_max) {
        size_t bytes = len + QBID_PADDING + len / 2;
        char *bigger = realloc(ask->body, bytes);
        if (!bigger)
            return QBID_ERR_NOMEM;
        ask->body = bigger;
        ask->body_max = bytes;
    }
    memcpy(ask->body, body, len);
    memset(ask->body + len, 0, QBID_PADDING);
    int err = qbid_openrtb_parse(ask->parser, ask->body, len, &ask->openrtb);
    return err == 0 && ask->openrtb.over ? QBID_ERR_LIMIT : err;
}

enum qbid_nobid qbid_explain_ask_open(struct qbid_explain_ask *ask, const struct qbid_image *image,
                                      const char *exchange, uint64_t unix_s)
{
    ask->image = image;
    ask->partner = qbid_response_partner(image, qbid_response_exchange(exchange));
    if (ask->openrtb.test && (ask->partner->flags & QBID_PARTNER_TEST_DECLINE))
        return QBID_NOBID_BLOCKED;
    if (!qbid_seat_any(&ask->openrtb.wseat))
        return QBID_NOBID_SEAT;
    if (ask->openrtb.site + ask->openrtb.app + ask->openrtb.dooh > 1)
        return QBID_NOBID_SUPPLY;
    ask->currency = qbid_response_currency(image, &ask->openrtb, ask->partner, &ask->rate_micros);
    if (ask->currency == QBID_CURRENCY_NONE)
        return QBID_NOBID_CURRENCY;
    qbid_common_fill(image, &ask->openrtb, exchange, unix_s, &ask->common);
    ask->unknown = ask->common.unknown;
    return qbid_privacy_class_of(ask->common.privacy.reason) == QBID_PRIVACY_NO_BID
               ? QBID_NOBID_PRIVACY
               : QBID_NOBID_NONE;
}

static void decline(struct qbid_explain_imp *imp, enum qbid_nobid nobid, const char *reason)
{
    imp->nobid = nobid;
    imp->reason = reason ? reason : qbid_explain_nobid_text(nobid);
}

/* The decision is a bid: whether it may be sent, and at which price. */
static void make_offer(const struct qbid_explain_ask *ask, const uint8_t *deal_idx,
                       struct qbid_explain_imp *imp)
{
    const struct qbid_decision *decision = &imp->decision;
    if (decision->deal)
        imp->deal = &imp->imp->deal[deal_idx[decision->deal - 1]];
    imp->price_micros = qbid_currency_from_account(decision->bid_micros, ask->rate_micros);
    if (!qbid_response_complete(ask->partner, &ask->image->creatives[decision->creative_idx]))
        decline(imp, QBID_NOBID_NO_CREATIVE,
                "the creative lacks a field that the partner requires");
    else if (imp->price_micros <= 0)
        decline(imp, QBID_NOBID_CURRENCY, "the price vanishes in the currency of the answer");
}

/* One part of a filled impression. */
static void decide_part(struct qbid_explain_ask *ask, const struct qbid_view *view,
                        const uint8_t *deal_idx, struct qbid_explain_imp *imp)
{
    imp->decided = true;
    enum qbid_nobid nobid =
        qbid_explain_world_decide(view, &imp->request, &imp->decision, &imp->trace);
    decline(imp, nobid, NULL);
    if (nobid == QBID_NOBID_NONE)
        make_offer(ask, deal_idx, imp);
}

unsigned qbid_explain_ask_decide(struct qbid_explain_ask *ask, const struct qbid_view *view,
                                 unsigned imp_idx, struct qbid_explain_imp ret_imp[2])
{
    uint8_t deal_idx[QBID_REQUEST_DEALS_MAX];
    struct qbid_request request[2];
    memset(ret_imp, 0, 2 * sizeof *ret_imp);
    ret_imp->imp = &ask->openrtb.imp[imp_idx];
    ask->common.unknown = ask->unknown;
    enum qbid_nobid nobid =
        qbid_impression_fill(&ask->common, imp_idx, deal_idx, &ask->terms, request);
    ret_imp->unknown = ask->common.unknown;
    decline(ret_imp, nobid, NULL);
    if (nobid != QBID_NOBID_NONE)
        return 1;
    unsigned parts = qbid_impression_split(ask->image, request);
    for (unsigned i = 0; i < parts; i++) {
        ret_imp[i].imp = ret_imp->imp;
        ret_imp[i].unknown = ret_imp->unknown;
        ret_imp[i].request = request[i];
        ret_imp[i].part = parts == 1 ? QBID_EXPLAIN_WHOLE : QBID_EXPLAIN_DEALS + i;
        decide_part(ask, view, deal_idx, &ret_imp[i]);
    }
    return parts;
}

const char *qbid_explain_part_word(enum qbid_explain_part part)
{
    static const char *const words[] = {"whole", "deals", "open"};
    return words[part];
}
