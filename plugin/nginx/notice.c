/* SPDX-License-Identifier: Apache-2.0 */
/* qbid_notice: win, loss, billing, impression, click, conversion and video notices. */
#include "plugin/nginx/handlers.h"
#include "plugin/nginx/host.h"
#include "plugin/nginx/reply.h"

#define NOTICE_LOCATION_MAX 4096

/* One transparent pixel. */
static const u_char pixel[] = {'G',  'I',  'F',  '8',  '9',  'a',  0x01, 0x00, 0x01, 0x00, 0x80,
                               0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0x21, 0xf9, 0x04,
                               0x01, 0x00, 0x00, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x00, 0x01,
                               0x00, 0x01, 0x00, 0x00, 0x02, 0x02, 0x44, 0x01, 0x00, 0x3b};
_Static_assert(sizeof(pixel) == 43, "the shortest GIF that every browser takes");

/* Kinds that a page may load as an image. */
static ngx_uint_t is_pixel(const ngx_str_t *kind)
{
    static const ngx_str_t kinds[] = {ngx_string("imp"), ngx_string("conv"), ngx_string("win"),
                                      ngx_string("video")};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kind->len == kinds[i].len && ngx_memcmp(kind->data, kinds[i].data, kind->len) == 0)
            return 1;
    }
    return 0;
}

static ngx_str_t last_segment(const ngx_str_t *uri)
{
    size_t at = uri->len;

    while (at > 0 && uri->data[at - 1] != '/')
        at--;
    return (ngx_str_t){.data = uri->data + at, .len = uri->len - at};
}

/* 503 asks the sender to repeat the notice: it is money, and there is no place for it now. */
static ngx_int_t refused(ngx_http_request_t *r, struct qbid_ngx_host *host, ngx_uint_t status)
{
    if (host != NULL)
        qbid_ngx_host_count(host, status == NGX_HTTP_SERVICE_UNAVAILABLE
                                      ? QBID_NGX_COUNTER_NOTICE_LATER
                                      : QBID_NGX_COUNTER_NOTICE_REFUSED);
    return qbid_ngx_reply_empty(r, status);
}

static ngx_int_t redirect(ngx_http_request_t *r, struct qbid_ngx_host *host, const char *location,
                          size_t len)
{
    ngx_str_t value = {.data = ngx_pnalloc(r->pool, len), .len = len};

    for (size_t i = 0; i < len; i++) {
        if ((u_char)location[i] <= ' ' || location[i] == 0x7f) /* would break the header */
            return refused(r, host, NGX_HTTP_BAD_REQUEST);
    }
    if (value.data == NULL)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    ngx_memcpy(value.data, location, len);
    if (qbid_ngx_reply_header(r, "Location", value) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    qbid_ngx_host_count(host, QBID_NGX_COUNTER_NOTICE_REDIRECT);
    return qbid_ngx_reply_empty(r, NGX_HTTP_MOVED_TEMPORARILY);
}

static ngx_int_t accepted(ngx_http_request_t *r, struct qbid_ngx_host *host, const ngx_str_t *kind)
{
    ngx_str_t no_store = ngx_string("no-store");

    qbid_ngx_host_count(host, QBID_NGX_COUNTER_NOTICE_OK);
    if (r->method != NGX_HTTP_GET || !is_pixel(kind))
        return qbid_ngx_reply_empty(r, NGX_HTTP_OK);
    if (qbid_ngx_reply_header(r, "Cache-Control", no_store) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    return qbid_ngx_reply_body(r, "image/gif", pixel, sizeof(pixel));
}

ngx_int_t qbid_ngx_notice_handler(ngx_http_request_t *r)
{
    struct qbid_ngx_main_conf *main = ngx_http_get_module_main_conf(r, ngx_http_qbid_module);
    struct qbid_ngx_host *host = main->host;
    ngx_str_t kind = last_segment(&r->uri);
    char location[NOTICE_LOCATION_MAX];
    size_t location_bytes = 0;
    ngx_int_t rc;
    int status;

    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_POST))) {
        if (host != NULL)
            qbid_ngx_host_count(host, QBID_NGX_COUNTER_METHOD);
        return qbid_ngx_reply_method(r, "GET, POST");
    }
    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK)
        return rc;
    if (host == NULL || host->worker == NULL)
        return refused(r, host, NGX_HTTP_SERVICE_UNAVAILABLE);
    if (r->http_version < NGX_HTTP_VERSION_20)
        qbid_ngx_drain_note(&host->drain, r->connection);
    status = qbid_worker_notice(host->worker, (const char *)kind.data, kind.len,
                                (const char *)r->args.data, r->args.len, qbid_now_ns(), location,
                                sizeof(location), &location_bytes);
    if (status == NGX_HTTP_OK)
        return accepted(r, host, &kind);
    if (status == NGX_HTTP_MOVED_TEMPORARILY)
        return redirect(r, host, location, location_bytes);
    return refused(r, host, status >= 400 ? (ngx_uint_t)status : NGX_HTTP_BAD_REQUEST);
}
