/* SPDX-License-Identifier: Apache-2.0 */
/* Headers, in the order in which a client learns most from a refusal. */
#include "control/http/gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libwebsockets.h>
#include <sodium.h>

#define TEXT_MAX 512 /* of one header */
#define KEY_HEADER "idempotency-key:"

static const struct {
    const char *path;
    enum qbid_http_operation operation;
} routes[] = {{"/api/v1/optimization/analyze", QBID_HTTP_ANALYZE},
              {"/api/v1/optimization/execute", QBID_HTTP_EXECUTE}};
#define ROUTE_CNT (sizeof routes / sizeof routes[0])

/* One header as a text; false when it is missing, or longer than any that is right. */
static bool header_read(struct lws *wsi, enum lws_token_indexes token, char text[TEXT_MAX])
{
    text[0] = '\0';
    return lws_hdr_total_length(wsi, token) > 0 && lws_hdr_copy(wsi, text, TEXT_MAX, token) > 0;
}

static void route_find(struct lws *wsi, struct qbid_gate *gate, struct qbid_refusal *refusal)
{
    static const enum lws_token_indexes methods[] = {
        WSI_TOKEN_POST_URI,  WSI_TOKEN_GET_URI,    WSI_TOKEN_HEAD_URI,   WSI_TOKEN_PUT_URI,
        WSI_TOKEN_PATCH_URI, WSI_TOKEN_DELETE_URI, WSI_TOKEN_OPTIONS_URI};
    char path[TEXT_MAX] = "";
    size_t method = 0;
    while (method < sizeof methods / sizeof methods[0] && !header_read(wsi, methods[method], path))
        method++;
    gate->head = method == 2;
    size_t i = 0;
    while (i < ROUTE_CNT && strcmp(routes[i].path, path) != 0)
        i++;
    if (i == ROUTE_CNT)
        qbid_refuse(refusal, 404,
                    "there is POST /api/v1/optimization/analyze and "
                    "/api/v1/optimization/execute");
    else if (method != 0)
        qbid_refuse(refusal, 405, "this operation is asked for with POST");
    else
        gate->operation = routes[i].operation;
}

/* How much is to be read before an answer; refused or not, it has to be. */
static void length_find(struct lws *wsi, const struct qbid_gate_limits *limits,
                        struct qbid_gate *gate, struct qbid_refusal *refusal)
{
    char text[TEXT_MAX];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        gate->unbounded = true;
        qbid_refuse(refusal, 411, "a body has its Content-Length; Transfer-Encoding is not taken");
        return;
    }
    bool post = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0;
    if (!header_read(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text)) {
        gate->unbounded = post || lws_hdr_total_length(wsi, WSI_TOKEN_PUT_URI) > 0 ||
                          lws_hdr_total_length(wsi, WSI_TOKEN_PATCH_URI) > 0;
        if (post)
            qbid_refuse(refusal, 411, "Content-Length is missing");
        return;
    }
    unsigned long long len = strtoull(text, NULL, 10);
    if (strspn(text, "0123456789") != strlen(text) || strlen(text) > 18) {
        gate->unbounded = true;
        qbid_refuse(refusal, 400, "Content-Length is not a number");
    } else if (len > limits->body_max) {
        gate->unbounded = true;
        qbid_refuse(refusal, 413, "the body has %llu bytes, at most %zu are taken", len,
                    limits->body_max);
    } else {
        gate->unbounded = !post && len > 0; /* libwebsockets reads no body then */
        gate->body_len = post ? (size_t)len : 0;
    }
}

/* "application/json", with parameters or without. */
static void type_check(struct lws *wsi, struct qbid_refusal *refusal)
{
    static const char json[] = "application/json";
    char text[TEXT_MAX];
    bool there = header_read(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, text);
    char after = there && strlen(text) >= sizeof json - 1 ? text[sizeof json - 1] : 'x';
    if (strncasecmp(text, json, sizeof json - 1) != 0 ||
        (after != '\0' && after != ';' && after != ' '))
        qbid_refuse(refusal, 415, "Content-Type is not application/json");
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_ENCODING) > 0)
        qbid_refuse(refusal, 415, "Content-Encoding is not taken");
}

static void token_check(struct lws *wsi, const struct qbid_gate_limits *limits,
                        struct qbid_gate *gate, struct qbid_refusal *refusal)
{
    static const char bearer[] = "Bearer ";
    char text[TEXT_MAX];
    bool there = header_read(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, text);
    const char *token = text + sizeof bearer - 1;
    if (!there || strncasecmp(text, bearer, sizeof bearer - 1) != 0)
        qbid_refuse(refusal, 401, "Authorization: Bearer and a token are needed");
    else if (!qbid_tokens_find(limits->tokens, token, strlen(token), &gate->principal))
        qbid_refuse(refusal, 401, "the token is not known");
    sodium_memzero(text, sizeof text);
    unsigned enough =
        QBID_RIGHT_READ | (gate->operation == QBID_HTTP_EXECUTE ? QBID_RIGHT_EXECUTE : 0u);
    if (refusal->status == 0 && !(gate->principal.rights & enough))
        qbid_refuse(refusal, 403, "%s may not read", gate->principal.actor);
}

static void key_read(struct lws *wsi, struct qbid_gate *gate, struct qbid_refusal *refusal)
{
    int len = lws_hdr_custom_length(wsi, KEY_HEADER, (int)strlen(KEY_HEADER));
    char *key = gate->idempotency_key;
    if (len < 0)
        return;
    bool ok = len > 0 && len < QBID_IDEMPOTENCY_KEY_MAX &&
              lws_hdr_custom_copy(wsi, key, QBID_IDEMPOTENCY_KEY_MAX, KEY_HEADER,
                                  (int)strlen(KEY_HEADER)) > 0;
    for (const char *at = key; ok && *at; at++)
        ok = *at > ' ' && *at < 0x7f;
    if (!ok)
        qbid_refuse(refusal, 400,
                    "Idempotency-Key is not 1 to %d printable characters without "
                    "spaces",
                    QBID_IDEMPOTENCY_KEY_MAX - 1);
}

void qbid_gate_pass(struct lws *wsi, const struct qbid_gate_limits *limits,
                    struct qbid_gate *ret_gate, struct qbid_refusal *refusal)
{
    struct qbid_gate gate = {.operation = QBID_HTTP_ANALYZE};
    route_find(wsi, &gate, refusal);
    length_find(wsi, limits, &gate, refusal);
    if (refusal->status == 0)
        type_check(wsi, refusal);
    if (refusal->status == 0)
        token_check(wsi, limits, &gate, refusal);
    if (refusal->status == 0)
        key_read(wsi, &gate, refusal);
    if (refusal->status == 0) {
        gate.retry_s = qbid_rate_limit_take(limits->limit, gate.principal.actor, limits->rate,
                                            limits->burst, limits->now_ns);
        if (gate.retry_s)
            qbid_refuse(refusal, 429, "%s asks more than %.3g times a second", gate.principal.actor,
                        limits->rate);
    }
    *ret_gate = gate;
}
