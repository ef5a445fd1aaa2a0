/* SPDX-License-Identifier: Apache-2.0 */
/* How long a request has waited for its worker: how a worker knows that it is overloaded.
 *
 * When requests come faster than a worker answers them, each waits in its socket until the event
 * loop gets to it. An answer after tmax is worth nothing to the exchange and costs as much as one
 * in time, so the longer the queue, the less of the work is of use. A request that has waited too
 * long is therefore answered 204 unread, which costs a fraction, and the worker catches up.
 *
 * Only the kernel knows since when a request has lain there: TCP_INFO has the time since the
 * connection's last bytes came. Asking is a system call, so nobody is asked about while the worker
 * keeps up. It does so as long as the turns of its event loop are short, for what came during a
 * turn waits at most until the next. After a long turn one request is asked about, the first: the
 * kernel hands out what is ready in the order of its coming. When that one has waited for a good
 * part of what is allowed, each request of the turn is asked about. Memory does not grow with the
 * queue: it is the kernel's, and as long as the exchanges' connections.
 */
#ifndef QBID_PLUGIN_NGINX_WAIT_H
#define QBID_PLUGIN_NGINX_WAIT_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

struct qbid_ngx_wait {
    ngx_connection_t ident; /* first: nginx's debug log reads data->fd of any event */
    ngx_event_t event;      /* posted by a turn's first request, runs at the turn's end */
    ngx_uint_t max_ms;      /* that a request may have waited, 0 = as long as it likes */
    uint64_t turn_ns;       /* when this turn's first request was begun, 0 = it had none yet */
    ngx_uint_t behind;      /* 1 = the turn before this one was long */
    ngx_uint_t late;        /* 1 = each request of this turn is asked about */
};

void qbid_ngx_wait_init(struct qbid_ngx_wait *wait, ngx_uint_t max_ms, ngx_log_t *log);

/**
 * Begin a request.
 *
 * Units:   now_ns is qbid_now_ns().
 * Returns: milliseconds since the last bytes of this connection came; 0 when the worker keeps up,
 * and where nobody knows (Unix sockets). Over HTTP/2 and where the body is still coming it is less
 * than the request has waited. Cost:    a few ns; a system call, as above, when the worker is
 * behind.
 */
ngx_uint_t qbid_ngx_wait_begin(struct qbid_ngx_wait *wait, const ngx_connection_t *c,
                               uint64_t now_ns);

#endif
