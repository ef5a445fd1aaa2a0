/* SPDX-License-Identifier: Apache-2.0 */
/* The content handlers of the three locations. */
#ifndef QBID_PLUGIN_NGINX_HANDLERS_H
#define QBID_PLUGIN_NGINX_HANDLERS_H

#include "plugin/nginx/module.h"

/** qbid_bid: POST of an OpenRTB bid request, 200 with the response, 204, or 400; empty but for 200.
 */
ngx_int_t qbid_ngx_bid_handler(ngx_http_request_t *r);

/** qbid_notice: GET or POST; the last path segment is the kind. */
ngx_int_t qbid_ngx_notice_handler(ngx_http_request_t *r);

/** qbid_status: GET; the counters of all workers of this nginx. */
ngx_int_t qbid_ngx_status_handler(ngx_http_request_t *r);

/** Add $qbid_decision, $qbid_reason, $qbid_generation, $qbid_ns; before the configuration is read.
 */
ngx_int_t qbid_ngx_variables_add(ngx_conf_t *cf);

#endif
