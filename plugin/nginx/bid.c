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

static ngx_str_t text(const char *word)
{
    return (ngx_str_t){.data = (u_char *)(uintptr_t)word, .len = ngx_strlen(word)};
}

static ngx_int_t send_bid(ngx_http_request_t *r, struct qbid_ngx_host *host,
                          const struct qbid_http_answer *answer)
{
    size_t bytes = answer->answer.body_bytes;
    u_char *body = ngx_pnalloc(r->pool, bytes);

    if (body == NULL ||
        qbid_ngx_reply_header(r, "x-openrtb-version", text(answer->openrtb_version)) != NGX_OK ||
        (answer->content_encoding != NULL &&
         qbid_ngx_reply_encoding(r, text(answer->content_encoding)) != NGX_OK))
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    qbid_ngx_host_count(host, QBID_NGX_COUNTER_BID);
    /* the worker's buffer is the next request's as soon as this returns, the socket may block */
    ngx_memcpy(body, host->answer, bytes);
    return qbid_ngx_reply_body(r, answer->content_type, body, bytes);
}

/* The headers that say how the body is written and how the answer may be. A header that comes again
 * replaces what the earlier one said. */
static void read_headers(ngx_http_request_t *r, struct qbid_http_request *request)
{
    static const ngx_str_t type = ngx_string("content-type");
    static const ngx_str_t encoding = ngx_string("content-encoding");
    static const ngx_str_t accept = ngx_string("accept-encoding");
    static const ngx_str_t version = ngx_string("x-openrtb-version");
    ngx_str_t query;

    for (ngx_list_part_t *part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        const ngx_table_elt_t *header = part->elts;

        for (ngx_uint_t i = 0; i < part->nelts; i++) {
            struct qbid_bytes value = {(const char *)header[i].value.data, header[i].value.len};
            size_t len = header[i].key.len;
            const u_char *name = header[i].lowcase_key;

            if (len == type.len && ngx_memcmp(name, type.data, len) == 0)
                request->content_type = value;
            else if (len == encoding.len && ngx_memcmp(name, encoding.data, len) == 0)
                request->content_encoding = value;
            else if (len == accept.len && ngx_memcmp(name, accept.data, len) == 0)
                request->accept_encoding = value;
            else if (len == version.len && ngx_memcmp(name, version.data, len) == 0)
                request->openrtb_version = value;
        }
    }
    request->gzip_query = ngx_http_arg(r, (u_char *)"gzip", 4, &query) == NGX_OK &&
                          query.len == 1 && query.data[0] == '1';
}

static ngx_int_t answer_with(ngx_http_request_t *r, struct qbid_ngx_host *host,
                             struct qbid_ngx_ctx *ctx, const u_char *body, size_t bytes)
{
    struct qbid_ngx_loc_conf *loc = ngx_http_get_module_loc_conf(r, ngx_http_qbid_module);
    char name[BID_EXCHANGE_MAX + 1];
    struct qbid_http_request request = {.size = sizeof(request),
                                        .gzip_answer = loc->gzip != 0,
                                        .exchange = exchange_of(r, name),
                                        .body = {(const char *)body, bytes},
                                        .waited_ms = (unsigned)ctx->waited_ms};
    struct qbid_http_answer answer = {.size = sizeof(answer)};
    int rc;

    read_headers(r, &request);
    rc = qbid_worker_http(host->worker, &request, qbid_now_ns(), host->answer, QBID_NGX_ANSWER_MAX,
                          &answer);
    ctx->answer = answer.answer;
    if (rc < 0) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "qbid: %s", qbid_strerror(rc));
        return decline(r, host, ctx, QBID_NOBID_INVALID);
    }
    ctx->decided = 1;
    switch (ctx->answer.status) {
    case NGX_HTTP_OK:
        return send_bid(r, host, &answer);
    case NGX_HTTP_BAD_REQUEST:
        qbid_ngx_host_count(host, QBID_NGX_COUNTER_MALFORMED);
        return qbid_ngx_reply_empty(r, NGX_HTTP_BAD_REQUEST);
    case NGX_HTTP_UNSUPPORTED_MEDIA_TYPE:
        qbid_ngx_host_count(host, QBID_NGX_COUNTER_UNSUPPORTED);
        return qbid_ngx_reply_empty(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE);
    default:
        return decline(r, host, ctx, ctx->answer.nobid);
    }
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
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "qbid: the request body cannot be read");
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

    if (host != NULL && r->http_version < NGX_HTTP_VERSION_20)
        qbid_ngx_drain_note(&host->drain, r->connection);
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
    ctx->waited_ms = qbid_ngx_wait_begin(&host->wait, r->connection, qbid_now_ns());
    if (host->wait.max_ms > 0 && ctx->waited_ms >= host->wait.max_ms) {
        qbid_ngx_host_count(host, QBID_NGX_COUNTER_WAITED);
        return decline_unread(r, host, ctx, QBID_NOBID_TIMEOUT);
    }
    qbid_ngx_body_plan(r, ctx);
    rc = ngx_http_read_client_request_body(r, body_ready);
    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}
