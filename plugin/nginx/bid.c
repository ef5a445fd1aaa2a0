/* SPDX-License-Identifier: Apache-2.0 */
/* qbid_bid: reads the body, has the library answer, sends the answer. */
#include "plugin/nginx/body.h"
#include "plugin/nginx/handlers.h"
#include "plugin/nginx/host.h"
#include "plugin/nginx/reply.h"

#define BID_EXCHANGE_MAX 64 /* a longer name is no partner's */

static ngx_int_t decline(ngx_http_request_t *r, struct qbid_ngx_host *host,
                         struct qbid_ngx_ctx *ctx, enum qbid_nobid nobid)
{
    ctx->answer.status = NGX_HTTP_NO_CONTENT;
    ctx->answer.nobid = nobid;
    ctx->decided = 1;
    if (host != NULL)
        qbid_ngx_host_count(host, QBID_NGX_COUNTER_NOBID);
    return qbid_ngx_reply_empty(r, NGX_HTTP_NO_CONTENT);
}

/* The partner as a C string in name; NULL = none is known. */
static const char *exchange_of(ngx_http_request_t *r, char *name)
{
    struct qbid_ngx_loc_conf *loc = ngx_http_get_module_loc_conf(r, ngx_http_qbid_module);
    ngx_str_t value;

    if (ngx_http_complex_value(r, loc->exchange, &value) != NGX_OK || value.len == 0 ||
        value.len > BID_EXCHANGE_MAX)
        return NULL;
    ngx_memcpy(name, value.data, value.len);
    name[value.len] = '\0';
    return name;
}

static ngx_int_t send_bid(ngx_http_request_t *r, struct qbid_ngx_host *host,
                          const struct qbid_answer *answer)
{
    u_char *body = ngx_pnalloc(r->pool, answer->body_bytes);
    ngx_str_t version = ngx_string("2.6");

    if (body == NULL || qbid_ngx_reply_header(r, "x-openrtb-version", version) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    qbid_ngx_host_count(host, QBID_NGX_COUNTER_BID);
    /* the worker's buffer is the next request's as soon as this returns, the socket may block */
    ngx_memcpy(body, host->answer, answer->body_bytes);
    return qbid_ngx_reply_body(r, "application/json", body, answer->body_bytes);
}

static ngx_int_t answer_with(ngx_http_request_t *r, struct qbid_ngx_host *host,
                             struct qbid_ngx_ctx *ctx, const u_char *body, size_t bytes)
{
    char name[BID_EXCHANGE_MAX + 1];
    int rc = qbid_worker_openrtb(host->worker, exchange_of(r, name), (const char *)body, bytes,
                                 qbid_now_ns(), host->answer, QBID_NGX_ANSWER_MAX, &ctx->answer);

    if (rc < 0) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "qbid: %s", qbid_strerror(rc));
        return decline(r, host, ctx, QBID_NOBID_INVALID);
    }
    ctx->decided = 1;
    if (ctx->answer.status == NGX_HTTP_OK)
        return send_bid(r, host, &ctx->answer);
    if (ctx->answer.status == NGX_HTTP_BAD_REQUEST) {
        qbid_ngx_host_count(host, QBID_NGX_COUNTER_MALFORMED);
        return qbid_ngx_reply_empty(r, NGX_HTTP_BAD_REQUEST);
    }
    return decline(r, host, ctx, ctx->answer.nobid);
}

static ngx_int_t answer(ngx_http_request_t *r)
{
    struct qbid_ngx_main_conf *main = ngx_http_get_module_main_conf(r, ngx_http_qbid_module);
    struct qbid_ngx_ctx *ctx = ngx_http_get_module_ctx(r, ngx_http_qbid_module);
    struct qbid_ngx_host *host = main->host;
    ngx_uint_t copied;
    size_t bytes;
    const u_char *body;

    if (host == NULL || host->worker == NULL)
        return decline(r, host, ctx, QBID_NOBID_NO_TABLE);
    if (r->http_version < NGX_HTTP_VERSION_20)
        qbid_ngx_drain_note(&host->drain, r->connection);
    if (ctx->over) {
        qbid_ngx_host_count(host, QBID_NGX_COUNTER_OVER_BODY);
        return decline(r, host, ctx, QBID_NOBID_OVER_LIMIT);
    }
    body = qbid_ngx_body_get(r, ctx, host->body, host->max_body_bytes, &bytes, &copied);
    if (body == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "qbid: request body is not in memory");
        return decline(r, host, ctx, QBID_NOBID_INVALID);
    }
    host->counter[QBID_NGX_COUNTER_COPIED] += copied;
    return answer_with(r, host, ctx, body, bytes);
}

static void body_ready(ngx_http_request_t *r)
{
    ngx_http_finalize_request(r, answer(r));
}

/* 204 without looking at the body, which nginx reads and drops: the connection stays open. */
static ngx_int_t decline_unread(ngx_http_request_t *r, struct qbid_ngx_host *host,
                                struct qbid_ngx_ctx *ctx, enum qbid_nobid nobid)
{
    ngx_int_t rc = ngx_http_discard_request_body(r);

    return rc == NGX_OK ? decline(r, host, ctx, nobid) : rc;
}

ngx_int_t qbid_ngx_bid_handler(ngx_http_request_t *r)
{
    struct qbid_ngx_main_conf *main = ngx_http_get_module_main_conf(r, ngx_http_qbid_module);
    struct qbid_ngx_host *host = main->host;
    struct qbid_ngx_ctx *ctx;
    ngx_int_t rc;

    if (r->method != NGX_HTTP_POST) {
        if (host != NULL)
            qbid_ngx_host_count(host, QBID_NGX_COUNTER_METHOD);
        return qbid_ngx_reply_method(r, "POST");
    }
    ctx = ngx_pcalloc(r->pool, sizeof(*ctx));
    if (ctx == NULL)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    ngx_http_set_ctx(r, ctx, ngx_http_qbid_module);
    if (host == NULL || host->worker == NULL) {
        if (host != NULL)
            qbid_ngx_host_count(host, QBID_NGX_COUNTER_CLOSED);
        return decline_unread(r, host, ctx, QBID_NOBID_NO_TABLE);
    }
    /* over HTTP/2 the body is read and dropped: an answer before its end resets the stream */
    if (r->headers_in.content_length_n > (off_t)main->max_body_bytes &&
        r->http_version < NGX_HTTP_VERSION_20) {
        qbid_ngx_host_count(host, QBID_NGX_COUNTER_OVER_BODY);
        return decline_unread(r, host, ctx, QBID_NOBID_OVER_LIMIT);
    }
    qbid_ngx_body_plan(r, ctx);
    rc = ngx_http_read_client_request_body(r, body_ready);
    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}
