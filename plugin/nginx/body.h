/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a bid request as the parser wants it: one piece with readable bytes behind it.
 *
 *   in one piece in nginx's header buffer, room behind it     used where it lies
 *   in nginx's buffers, in pieces or without room             copied once, into the worker's
 * scratch chunked, HTTP/2, or larger than client_body_buffer_size   copied as it arrives (the
 * filter here), so that it never goes to a file
 */
#ifndef QBID_PLUGIN_NGINX_BODY_H
#define QBID_PLUGIN_NGINX_BODY_H

#include "plugin/nginx/module.h"

/** Choose how the body of this request will be held; before ngx_http_read_client_request_body(). */
void qbid_ngx_body_plan(ngx_http_request_t *r, struct qbid_ngx_ctx *ctx);

/** Request body filter: gathers where that was planned, drops what passes the limit. */
ngx_int_t qbid_ngx_body_filter(ngx_http_request_t *r, ngx_chain_t *in);

/**
 * The whole body, followed by QBID_PADDING readable bytes.
 *
 * scratch holds max_body_bytes + QBID_PADDING; *ret_copied is 1 when the body was copied.
 * Returns: its first byte, valid as long as the request and until scratch is used again; NULL when
 *          it is longer than max_body_bytes, or a file of nginx's cannot be read.
 */
const u_char *qbid_ngx_body_get(ngx_http_request_t *r, const struct qbid_ngx_ctx *ctx,
                                u_char *scratch, size_t max_body_bytes, size_t *ret_bytes,
                                ngx_uint_t *ret_copied);

#endif
