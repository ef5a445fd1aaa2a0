/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the nginx module share: its configuration and the context of a request. */
#ifndef QBID_PLUGIN_NGINX_MODULE_H
#define QBID_PLUGIN_NGINX_MODULE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "plugin/qbid.h"

extern ngx_module_t ngx_http_qbid_module;

struct qbid_ngx_host;

struct qbid_ngx_main_conf {
    ngx_str_t socket_path;
    ngx_str_t image_file;
    ngx_str_t notice_url;
    ngx_flag_t trace;
    ngx_flag_t nbr;
    ngx_uint_t schain; /* enum qbid_schain_rule */
    ngx_int_t tmax_ms;
    ngx_int_t tmax_margin_ms;
    ngx_int_t wait_ms;       /* 0 = off */
    ngx_int_t latency_every; /* 0 = off */
    size_t max_body_bytes;
    ngx_uint_t locations;       /* that need the library, 0 = the module stays idle */
    ngx_shm_zone_t *zone;       /* holds the status board */
    struct qbid_ngx_host *host; /* of this process; NULL in the master and in helpers */
    ngx_http_request_body_filter_pt next_body_filter;
};

enum qbid_ngx_status_format {
    QBID_NGX_STATUS_JSON,
    QBID_NGX_STATUS_PROMETHEUS,
    QBID_NGX_STATUS_HTML
};

struct qbid_ngx_loc_conf {
    ngx_http_complex_value_t *exchange;
    ngx_flag_t gzip;          /* 1 = answer in gzip whoever accepts it */
    ngx_uint_t bid;           /* 1 = qbid_bid stands in this very location */
    ngx_uint_t status_format; /* enum qbid_ngx_status_format */
    ngx_str_t bid_file;       /* where qbid_bid stands, for warnings */
    ngx_uint_t bid_line;
};

/* A bid request on its way: what the body filter collects and what the variables show. */
struct qbid_ngx_ctx {
    struct qbid_answer answer;
    ngx_uint_t waited_ms; /* for the worker, as far as is known */
    ngx_uint_t decided;   /* 1 = answer is filled in */
    ngx_uint_t gather;    /* 1 = the body filter copies the body instead of nginx keeping it */
    ngx_uint_t over;      /* 1 = the body passed qbid_max_body, the rest of it is dropped */
    u_char *body;         /* gathered so far */
    size_t body_bytes;
    size_t body_max; /* capacity without the padding */
};

#endif
