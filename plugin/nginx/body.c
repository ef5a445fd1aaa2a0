/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a bid request in one padded piece. */
#include "plugin/nginx/body.h"

#define BODY_FIRST_BYTES 8192 /* first allocation for a body whose length is not announced */

void qbid_ngx_body_plan(ngx_http_request_t *r, struct qbid_ngx_ctx *ctx)
{
    ngx_http_core_loc_conf_t *core = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    struct qbid_ngx_main_conf *main = ngx_http_get_module_main_conf(r, ngx_http_qbid_module);

    ctx->over = r->headers_in.content_length_n > (off_t)main->max_body_bytes;
    r->request_body_in_single_buf = 1;
    r->request_body_in_file_only = 0; /* client_body_in_file_only: warned of by nginx -t */
    ctx->gather = r->headers_in.chunked || r->http_version == NGX_HTTP_VERSION_20 ||
                  r->headers_in.content_length_n > (off_t)core->client_body_buffer_size;
}

/* Room for `more` bytes behind what is gathered: exact where the length is known, else doubling. */
static ngx_int_t reserve(ngx_http_request_t *r, struct qbid_ngx_ctx *ctx, size_t more)
{
    size_t need = ctx->body_bytes + more;
    size_t max = ctx->body_max > 0 ? ctx->body_max : BODY_FIRST_BYTES;
    u_char *wider;

    if (need <= ctx->body_max)
        return NGX_OK;
    if (!r->headers_in.chunked && r->headers_in.content_length_n > 0)
        max = (size_t)r->headers_in.content_length_n;
    while (max < need)
        max *= 2;
    wider = ngx_pnalloc(r->pool, max + QBID_PADDING);
    if (wider == NULL)
        return NGX_ERROR;
    if (ctx->body_bytes > 0)
        ngx_memcpy(wider, ctx->body, ctx->body_bytes);
    if (ctx->body != NULL)
        ngx_pfree(r->pool, ctx->body);
    ctx->body = wider;
    ctx->body_max = max;
    return NGX_OK;
}

ngx_int_t qbid_ngx_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    struct qbid_ngx_main_conf *main = ngx_http_get_module_main_conf(r, ngx_http_qbid_module);
    struct qbid_ngx_ctx *ctx = ngx_http_get_module_ctx(r, ngx_http_qbid_module);

    if (ctx == NULL || !ctx->gather)
        return main->next_body_filter(r, in);
    for (ngx_chain_t *cl = in; cl != NULL; cl = cl->next) {
        ngx_buf_t *b = cl->buf;
        size_t n = ngx_buf_in_memory(b) ? (size_t)(b->last - b->pos) : 0;

        ctx->over |= ctx->body_bytes + n > main->max_body_bytes;
        if (n > 0 && !ctx->over) {
            if (reserve(r, ctx, n) != NGX_OK)
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            ngx_memcpy(ctx->body + ctx->body_bytes, b->pos, n);
            ctx->body_bytes += n;
        }
        b->pos = b->last; /* consumed: nginx reuses its buffer for the next piece */
        /* This filter stands in for the one that keeps the body, so it reports the end as that one
         * does. */
        if (b->last_buf)
            r->request_body->last_saved = 1;
    }
    return NGX_OK;
}

/* Copy a piece behind what is in the scratch buffer. One that is in a file was put there for
 * another location, of which this request is a part (mirror); it is in the page cache. */
static ngx_int_t copy(u_char *to, const ngx_buf_t *b)
{
    size_t n = (size_t)ngx_buf_size(b);

    if (n == 0)
        return NGX_OK;
    if (ngx_buf_in_memory(b)) {
        ngx_memcpy(to, b->pos, n);
        return NGX_OK;
    }
    return ngx_read_file(b->file, to, n, b->file_pos) == (ssize_t)n ? NGX_OK : NGX_ERROR;
}

/* 1 = the pieces lie one behind the other in one buffer with room for the padding. */
static ngx_uint_t lies_in_place(const ngx_chain_t *first)
{
    const ngx_chain_t *cl = first;

    for (; cl->next != NULL; cl = cl->next) {
        if (!ngx_buf_in_memory(cl->buf) || cl->buf->last != cl->next->buf->pos)
            return 0;
    }
    return ngx_buf_in_memory(cl->buf) && cl->buf->end - cl->buf->last >= QBID_PADDING;
}

const u_char *qbid_ngx_body_get(ngx_http_request_t *r, const struct qbid_ngx_ctx *ctx,
                                u_char *scratch, size_t max_body_bytes, size_t *ret_bytes,
                                ngx_uint_t *ret_copied)
{
    /* a subrequest may come without one */
    const ngx_chain_t *first = r->request_body != NULL ? r->request_body->bufs : NULL;
    size_t bytes = 0;

    if (ctx->gather && ctx->body != NULL) {
        *ret_bytes = ctx->body_bytes;
        *ret_copied = 1;
        return ctx->body;
    }
    for (const ngx_chain_t *cl = first; cl != NULL; cl = cl->next) {
        off_t n = ngx_buf_size(cl->buf);

        if (n < 0 || n > (off_t)(max_body_bytes - bytes))
            return NULL;
        bytes += (size_t)n;
    }
    *ret_bytes = bytes;
    if (bytes > 0 && lies_in_place(first)) {
        *ret_copied = 0;
        return first->buf->pos;
    }
    bytes = 0;
    for (const ngx_chain_t *cl = first; cl != NULL; cl = cl->next) {
        if (copy(scratch + bytes, cl->buf) != NGX_OK)
            return NULL;
        bytes += (size_t)ngx_buf_size(cl->buf);
    }
    *ret_copied = bytes > 0;
    return scratch;
}
