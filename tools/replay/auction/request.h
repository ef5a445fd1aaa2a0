/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what the exchange sends: OpenRTB 2.6 bid requests and the HTTP around them. */
#ifndef QBID_TOOLS_REPLAY_AUCTION_REQUEST_H
#define QBID_TOOLS_REPLAY_AUCTION_REQUEST_H

#include "tools/replay/source/row.h"

enum qbid_replay_auction_kind {
    QBID_REPLAY_FIRST_PRICE = 1, /* the values of OpenRTB's `at` */
    QBID_REPLAY_SECOND_PRICE = 2,
};

struct qbid_replay_request_terms {
    enum qbid_replay_auction_kind auction;
    uint32_t tmax_ms;
    bool omit_tags; /* leave user.data out */
};

/* Longest request id: a bidid, '-', a repeat number. */
#define QBID_REPLAY_REQUEST_ID_BYTES (QBID_REPLAY_ROW_ID_MAX + 12)

/**
 * The id of the row's bid request: its bidid; when rows before it had the same, with "-2", "-3",
 * ...
 *
 * Returns: bytes written without the terminating zero.
 */
size_t qbid_replay_request_id(const struct qbid_replay_row *row,
                              char out[QBID_REPLAY_REQUEST_ID_BYTES]);

/** Add the row's bid request as JSON. */
void qbid_replay_request_body(struct qbid_replay_buffer *out, const struct qbid_replay_row *row,
                              const struct qbid_replay_request_terms *terms);

/**
 * Add a whole POST: the path gets ?x=<exchange of the log>.
 *
 * Shapes:  body is the JSON made before; authority is what the Host header says.
 */
void qbid_replay_request_post(struct qbid_replay_buffer *out, const char *authority,
                              const char *path, uint32_t exchange,
                              const struct qbid_replay_buffer *body);

/** Add a whole GET for a notice. */
void qbid_replay_request_get(struct qbid_replay_buffer *out, const char *authority,
                             struct qbid_replay_span path);

#endif
