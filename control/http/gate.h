/* SPDX-License-Identifier: Apache-2.0 */
/* What the headers of a request say, and whether it may go on: path, method, length, type, token,
 * rights, rate. */
#ifndef QBID_CONTROL_HTTP_GATE_H
#define QBID_CONTROL_HTTP_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/access/tokens.h"
#include "control/http/exchange.h"
#include "control/http/rate_limit.h"
#include "control/http/refusal.h"

struct lws;

struct qbid_gate_limits {
    struct qbid_tokens *tokens;
    struct qbid_rate_limit *limit;
    size_t body_max;
    double rate, burst;
    uint64_t now_ns;
};

struct qbid_gate {
    enum qbid_http_operation operation;
    struct qbid_principal principal;
    char idempotency_key[QBID_IDEMPOTENCY_KEY_MAX];
    size_t body_len;
    bool unbounded;   /* the body has no end, or is too long: it cannot be read */
    bool head;        /* HEAD: an answer has no body */
    uint32_t retry_s; /* 0 = no word on it */
};

/** Judge the headers of a request in LWS_CALLBACK_HTTP; what is wrong first goes to *refusal. */
void qbid_gate_pass(struct lws *wsi, const struct qbid_gate_limits *limits,
                    struct qbid_gate *ret_gate, struct qbid_refusal *refusal);

#endif
