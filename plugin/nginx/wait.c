/* SPDX-License-Identifier: Apache-2.0 */
/* How long a request has waited for its worker. */
#include "plugin/nginx/wait.h"

#include <netinet/tcp.h>

#include "plugin/qbid.h"

#define WAIT_TURN_NS UINT64_C(5000000) /* a longer turn is followed by a question */
#define WAIT_TURN_SHARE 8              /* or one of this share of what is allowed */
#define WAIT_LATE_SHARE 4              /* from this share on each request is asked about */

static uint64_t turn_max_ns(const struct qbid_ngx_wait *wait)
{
    uint64_t share_ns = (uint64_t)wait->max_ms * 1000000 / WAIT_TURN_SHARE;

    return share_ns < WAIT_TURN_NS ? share_ns : WAIT_TURN_NS;
}

static void turn_ends(ngx_event_t *event)
{
    struct qbid_ngx_wait *wait = event->data;

    wait->behind = qbid_now_ns() - wait->turn_ns > turn_max_ns(wait);
    wait->turn_ns = 0;
}

void qbid_ngx_wait_init(struct qbid_ngx_wait *wait, ngx_uint_t max_ms, ngx_log_t *log)
{
    ngx_memzero(wait, sizeof(*wait));
    wait->max_ms = max_ms;
    wait->ident.fd = -1;
    wait->event.data = wait;
    wait->event.handler = turn_ends;
    wait->event.log = log;
}

static ngx_uint_t ask(const ngx_connection_t *c)
{
    struct tcp_info info;
    socklen_t bytes = sizeof(info);

    ngx_memzero(&info, sizeof(info));
    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0)
        return 0;
    return info.tcpi_last_data_recv;
}

ngx_uint_t qbid_ngx_wait_begin(struct qbid_ngx_wait *wait, const ngx_connection_t *c,
                               uint64_t now_ns)
{
    ngx_uint_t first = wait->turn_ns == 0, waited;

    if (wait->max_ms == 0)
        return 0;
    if (first) {
        wait->turn_ns = now_ns;
        wait->late = 0;
        ngx_post_event(&wait->event, &ngx_posted_events);
    }
    if (!wait->late && !(first && wait->behind))
        return 0;
    waited = ask(c);
    if (first)
        wait->late = waited >= wait->max_ms / WAIT_LATE_SHARE;
    return waited;
}
