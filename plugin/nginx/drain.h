/* SPDX-License-Identifier: Apache-2.0 */
/* Leaving without losing a request.
 *
 * A worker that is told to quit closes every keep-alive connection that is between two requests at
 * once. An exchange that keeps its connections busy has, at that moment, requests on the wire for
 * most of them: they would be lost. So a connection that a bid request came in on is taken out of
 * nginx's idle set after each answer. When the worker leaves, such a connection gets its next
 * answer with "Connection: close", and is closed by us only after a second or more without a
 * request. nginx 1.27.4 has keepalive_min_timeout for the same purpose; Debian's 1.22 has not.
 */
#ifndef QBID_PLUGIN_NGINX_DRAIN_H
#define QBID_PLUGIN_NGINX_DRAIN_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#define QBID_NGX_DRAIN_PENDING 1024 /* answers in one turn of the event loop */

struct qbid_ngx_drain {
    ngx_connection_t ident; /* first: nginx's debug log reads data->fd of any event */
    ngx_event_t event;
    ngx_event_handler_pt waiting; /* read handler of a connection between two requests */
    ngx_msec_t since;             /* when the worker was first seen leaving, 0 = it is not */
    ngx_uint_t pending;
    struct {
        ngx_connection_t *connection;
        ngx_atomic_uint_t number; /* tells a reused connection apart */
    } item[QBID_NGX_DRAIN_PENDING];
};

void qbid_ngx_drain_init(struct qbid_ngx_drain *drain, ngx_log_t *log);

/** This HTTP/1 connection is about to be answered: look at it again when this turn of the event
 *  loop has brought it to rest. */
void qbid_ngx_drain_note(struct qbid_ngx_drain *drain, ngx_connection_t *c);

/** Once a second: closes what has been quiet for linger_ms or more since the worker began to
 *  leave. */
void qbid_ngx_drain_tick(struct qbid_ngx_drain *drain, ngx_cycle_t *cycle, ngx_msec_t linger_ms);

#endif
