/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP operations of qbidd: POST /api/v1/optimization/analyze and .../execute.
 *
 *   client ---- sockets' thread (libwebsockets) ------ exchange ------ engine's thread
 *               headers, token, rights, rate, body                     models, executor, store
 *
 * Why a thread of its own and not libwebsockets inside the engine's loop: reading, hashing and
 * parsing what strangers send costs the control loop nothing then, however many or slow they are,
 * and a stall of the engine (a publish, a slow disk) still lets clients be told so in time. The
 * engine sees whole, checked requests of known tenants, at most one a turn of its loop.
 *
 * Everything is bounded: connections, headers (4 KiB), body, depth of the JSON, jobs under way,
 * time for a request to arrive and to be answered, requests a second of one token.
 */
#ifndef QBID_CONTROL_HTTP_SERVER_H
#define QBID_CONTROL_HTTP_SERVER_H

#include <stdint.h>

#include "control/access/tokens.h"
#include "control/config/config.h"
#include "control/http/exchange.h"

#define QBID_HTTP_WHY_MAX 256

struct qbid_http; /* opaque */

struct qbid_http_counters {
    uint64_t connections, requests;
    uint64_t answered; /* with 200 */
    uint64_t refused;  /* with another status */
    uint64_t dropped;  /* connections above the limit */
};

/** Listen and begin; signals are best blocked before. tokens must outlive it. SYS with why when the
 *  address cannot be had. */
int qbid_http_new(const struct qbid_config *config, struct qbid_tokens *tokens,
                  struct qbid_http **ret_http, char why[QBID_HTTP_WHY_MAX]);
/** Hang up and end the thread. */
void qbid_http_free(struct qbid_http *http);

/** Take over body_kb, timeout_s, rate and burst of a new configuration. Any thread. */
void qbid_http_set(struct qbid_http *http, const struct qbid_config *config);

/** Where the engine's thread finds the requests. */
struct qbid_exchange *qbid_http_exchange(struct qbid_http *http);

struct qbid_http_counters qbid_http_counters_load(struct qbid_http *http);

#endif
