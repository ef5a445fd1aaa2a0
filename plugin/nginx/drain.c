/* SPDX-License-Identifier: Apache-2.0 */
/* Leaving without losing a request: keeps busy connections out of nginx's idle set. */
#include "plugin/nginx/drain.h"

#include <sys/socket.h>

/* Runs at the end of the turn, before the worker looks whether it was told to quit. */
static void hold(ngx_event_t *event)
{
    struct qbid_ngx_drain *drain = event->data;

    for (ngx_uint_t i = 0; i < drain->pending; i++) {
        ngx_connection_t *c = drain->item[i].connection;

        if (c->fd == -1 || c->number != drain->item[i].number || !c->idle)
            continue;
        c->idle = 0;
        drain->waiting = c->read->handler;
    }
    drain->pending = 0;
}

void qbid_ngx_drain_init(struct qbid_ngx_drain *drain, ngx_log_t *log)
{
    ngx_memzero(drain, sizeof(*drain));
    drain->ident.fd = -1;
    drain->event.data = drain;
    drain->event.handler = hold;
    drain->event.log = log;
}

void qbid_ngx_drain_note(struct qbid_ngx_drain *drain, ngx_connection_t *c)
{
    if (drain->pending == QBID_NGX_DRAIN_PENDING)
        return; /* stays in the idle set, as without this file */
    drain->item[drain->pending].connection = c;
    drain->item[drain->pending].number = c->number;
    drain->pending++;
    ngx_post_event(&drain->event, &ngx_posted_events);
}

/* A request that the kernel holds and that nginx has not read yet. */
static int has_bytes(const ngx_connection_t *c)
{
    char byte;

    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void qbid_ngx_drain_tick(struct qbid_ngx_drain *drain, ngx_cycle_t *cycle, ngx_msec_t linger_ms)
{
    if (!ngx_exiting)
        return;
    if (drain->since == 0) {
        drain->since = ngx_current_msec;
        return;
    }
    if (ngx_current_msec - drain->since < linger_ms || drain->waiting == NULL)
        return;
    for (ngx_uint_t i = 0; i < cycle->connection_n; i++) {
        ngx_connection_t *c = &cycle->connections[i];

        if (c->fd == -1 || c->idle || !c->reusable || c->read->handler != drain->waiting)
            continue;
        if (has_bytes(c))
            continue;
        c->close = 1;
        c->read->handler(c->read);
    }
}
