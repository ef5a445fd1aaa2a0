/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the nginx module. */
#include "plugin/nginx/reply.h"

#include <string.h>

ngx_int_t qbid_ngx_reply_header(ngx_http_request_t *r, const char *name, ngx_str_t value)
{
    ngx_table_elt_t *header = ngx_list_push(&r->headers_out.headers);

    if (header == NULL)
        return NGX_ERROR;
    ngx_memzero(header, sizeof(*header)); /* later versions of nginx have more fields */
    header->hash = 1;
    header->key.data = (u_char *)(uintptr_t)name;
    header->key.len = strlen(name);
    header->value = value;
    return NGX_OK;
}

ngx_int_t qbid_ngx_reply_encoding(ngx_http_request_t *r, ngx_str_t encoding)
{
    if (qbid_ngx_reply_header(r, "Content-Encoding", encoding) != NGX_OK)
        return NGX_ERROR;
    /* the list's last element is the one that was just pushed */
    r->headers_out.content_encoding = (ngx_table_elt_t *)r->headers_out.headers.last->elts +
                                      r->headers_out.headers.last->nelts - 1;
    return NGX_OK;
}

ngx_int_t qbid_ngx_reply_empty(ngx_http_request_t *r, ngx_uint_t status)
{
    r->headers_out.status = status;
    r->headers_out.content_length_n = 0;
    r->header_only = 1;
    return ngx_http_send_header(r);
}

ngx_int_t qbid_ngx_reply_body(ngx_http_request_t *r, const char *type, const u_char *body,
                              size_t len)
{
    ngx_buf_t *b = ngx_calloc_buf(r->pool);
    ngx_chain_t out = {.buf = b, .next = NULL};
    ngx_int_t rc;

    if (b == NULL)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    b->pos = (u_char *)(uintptr_t)body;
    b->last = b->pos + len;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = (off_t)len;
    r->headers_out.content_type.data = (u_char *)(uintptr_t)type;
    r->headers_out.content_type.len = strlen(type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
        return rc;
    return ngx_http_output_filter(r, &out);
}

ngx_int_t qbid_ngx_reply_method(ngx_http_request_t *r, const char *allowed)
{
    ngx_str_t value = {.data = (u_char *)(uintptr_t)allowed, .len = strlen(allowed)};
    ngx_int_t rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK)
        return rc;
    if (qbid_ngx_reply_header(r, "Allow", value) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    return qbid_ngx_reply_empty(r, NGX_HTTP_NOT_ALLOWED);
}
