/* SPDX-License-Identifier: Apache-2.0 */
/* A bid of the decision log made again from its event and its generation, without the request. */
#ifndef QBID_TOOLS_QBID_EXPLAIN_EVENT_H
#define QBID_TOOLS_QBID_EXPLAIN_EVENT_H

#include "control/decisions/decision_record.h"
#include "tools/qbid/explain/options.h"
#include "tools/qbid/explain/terms.h"
#include "tools/qbid/explain/world.h"

enum qbid_explain_replay {
    QBID_EXPLAIN_IDENTICAL, /* the price that was bid */
    QBID_EXPLAIN_BOUNDED,   /* that price held to a floor, a ceiling or a deal's price, as it may be
                             */
    QBID_EXPLAIN_DIFFERS    /* this generation does not give this bid */
};

struct qbid_explain_event {
    struct qbid_decision decision; /* what the event and the generation say */
    float row_value_micros;        /* of the generation, before r(k) */
    float exposed;                 /* r(k) */
    int64_t worth_micros;          /* before shading */
    int64_t offer_micros;          /* before floors and ceilings */
    int64_t ceiling_micros;        /* the lower one of line item and account */
    bool value_differs;            /* the generation has another value there */
    enum qbid_explain_replay replay;
    struct qbid_explain_terms terms;
};

/** Replay a BID record. Returns: 0; NOENT for a line item that the generation lacks,
 *  CORRUPT for a record that no bidder writes. */
int qbid_explain_event_replay(const struct qbid_explain_world *world,
                              const struct qbid_decision_record *record,
                              struct qbid_explain_event *ret_event);

/** `qbid explain --bid`: find, replay, print. Returns an exit code of explain. */
int qbid_explain_event_run(const struct qbid_explain_options *options, FILE *out, FILE *err);

#endif
