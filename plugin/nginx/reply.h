/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the nginx module: status line, few headers, a body in memory or none. */
#ifndef QBID_PLUGIN_NGINX_REPLY_H
#define QBID_PLUGIN_NGINX_REPLY_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

/** Add a response header; name and value must live as long as the request. NGX_OK or NGX_ERROR. */
ngx_int_t qbid_ngx_reply_header(ngx_http_request_t *r, const char *name, ngx_str_t value);

/** Say how the body is encoded; nginx's own gzip filter then leaves it as it is. */
ngx_int_t qbid_ngx_reply_encoding(ngx_http_request_t *r, ngx_str_t encoding);

/** Send a status without body; the connection stays open for the next request. Returns what
 *  ngx_http_finalize_request() wants. */
ngx_int_t qbid_ngx_reply_empty(ngx_http_request_t *r, ngx_uint_t status);

/** Send 200 with len bytes that live as long as the request. */
ngx_int_t qbid_ngx_reply_body(ngx_http_request_t *r, const char *type, const u_char *body,
                              size_t len);

/** Drop the request's body, then send 405 with the methods that are allowed ("POST"). */
ngx_int_t qbid_ngx_reply_method(ngx_http_request_t *r, const char *allowed);

#endif
