/* SPDX-License-Identifier: Apache-2.0 */
/* The watcher's end of the hand-over: what qbidd may say when, and what is done with it. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/watcher_state.h"

#define WELCOME_NS QBID_NS_PER_S      /* HELLO until WELCOME */
#define GATHER_NS (2 * QBID_NS_PER_S) /* WELCOME until the live page and all pages are there */
#define STAGE_POLL_NS (50 * QBID_NS_PER_MS) /* beyond that, while an image is being verified */
#define RETRY_NS_MIN (10 * QBID_NS_PER_MS)
#define BATCH_MAX 16 /* messages handled before the thread looks whether it shall stop */

void qbid_watcher_link_send(struct qbid_watcher *watcher, enum qbid_msg_type type, uint64_t a,
                            uint64_t b, int fd)
{
    if (watcher->link == QBID_LINK_DOWN)
        return;
    struct qbid_msg msg = qbid_handover_msg(type);
    msg.u.n.a = a;
    msg.u.n.b = b;
    if (qbid_handover_send(watcher->sock, &msg, fd) < 0)
        shutdown(watcher->sock, SHUT_RDWR);
}

void qbid_watcher_link_open(struct qbid_watcher *watcher, int sock)
{
    watcher->sock = sock;
    watcher->link = QBID_LINK_GREETED;
    watcher->link_deadline_ns = qbid_clock_boot_ns() + WELCOME_NS;
    qbid_watcher_link_send(watcher, QBID_MSG_HELLO, (uint64_t)getpid(), 0, -1);
}

void qbid_watcher_link_close(struct qbid_watcher *watcher)
{
    if (watcher->sock >= 0)
        close(watcher->sock);
    watcher->sock = -1;
    watcher->link = QBID_LINK_DOWN;
    watcher->unacked = false;
    watcher->tried = true;
    qbid_watcher_stage_forget(watcher);
    atomic_store_explicit(&watcher->stats.connected, 0, memory_order_relaxed);
    qbid_watcher_worker_forget(watcher);
    qbid_bundle_done(&watcher->next);
    qbid_bundle_copy(&watcher->next, &watcher->now);

    uint64_t max_ns = watcher->options.retry_ms_max * QBID_NS_PER_MS;
    uint64_t wait_ns = watcher->retry_ns < RETRY_NS_MIN ? RETRY_NS_MIN : watcher->retry_ns;
    wait_ns = wait_ns < max_ns ? wait_ns : max_ns;
    watcher->retry_at_ns = qbid_clock_boot_ns() + wait_ns;
    watcher->retry_ns = 2 * wait_ns;
    pthread_cond_broadcast(&watcher->changed);
}

void qbid_watcher_link_released(struct qbid_watcher *watcher, uint64_t gen)
{
    const struct qbid_part *now = watcher->now.image, *next = watcher->next.image;
    if ((now == NULL || now->as.image.header->gen != gen) &&
        (next == NULL || next->as.image.header->gen != gen) &&
        !qbid_watcher_stage_has(watcher, gen))
        qbid_watcher_link_send(watcher, QBID_MSG_RELEASED, gen, 0, -1);
}

/* The set of this connection is whole: readers get it. */
static void settle(struct qbid_watcher *watcher)
{
    if (qbid_watcher_publish(watcher, &watcher->next) < 0) {
        /* No memory: try it all again later. The watcher's thread may be polling this socket, so
         * it is not closed here, but found closed there. */
        shutdown(watcher->sock, SHUT_RDWR);
        return;
    }
    watcher->link = QBID_LINK_SETTLED;
    watcher->retry_ns = 0;
    watcher->tried |= watcher->now.image != NULL;
    pthread_cond_broadcast(&watcher->changed);
}

void qbid_watcher_link_advance(struct qbid_watcher *watcher)
{
    if (watcher->link == QBID_LINK_SETTLED) {
        qbid_watcher_publish(watcher, &watcher->next);
        watcher->tried |= watcher->now.image != NULL;
    } else if (watcher->link == QBID_LINK_GATHERING && watcher->next.live != NULL &&
               qbid_watcher_worker_ready(watcher) && !qbid_watcher_stage_due(watcher)) {
        settle(watcher);
    }
}

void qbid_watcher_link_tick(struct qbid_watcher *watcher, uint64_t now_ns)
{
    if (watcher->link == QBID_LINK_DOWN || watcher->link == QBID_LINK_SETTLED ||
        now_ns < watcher->link_deadline_ns)
        return;
    if (watcher->link == QBID_LINK_GATHERING && qbid_watcher_stage_due(watcher)) {
        watcher->link_deadline_ns = now_ns + STAGE_POLL_NS; /* qbidd has done its part */
        return;
    }
    if (watcher->link == QBID_LINK_GATHERING && watcher->next.live != NULL) {
        settle(watcher); /* a worker that got no answer has no slot: it declines, others go on */
        return;
    }
    qbid_watcher_log(watcher, QBID_CAUSE_PEER, "qbidd does not answer");
    qbid_watcher_link_close(watcher);
}

/* --- messages: each handler returns 0, or an error upon which the connection ends */

static int on_welcome(struct qbid_watcher *watcher)
{
    if (watcher->link != QBID_LINK_GREETED)
        return QBID_ERR_PEER;
    watcher->link = QBID_LINK_GATHERING;
    watcher->link_deadline_ns = qbid_clock_boot_ns() + GATHER_NS;
    if (watcher->met)
        qbid_count_add(&watcher->stats.reconnects, 1);
    watcher->met = true;
    atomic_store_explicit(&watcher->stats.connected, 1, memory_order_relaxed);
    qbid_part_drop(watcher->next.live);
    watcher->next.live = NULL;
    explicit_bzero(watcher->next.partner_keys,
                   sizeof watcher->next.partner_keys); /* all come anew */
    for (unsigned c = 0; c < QBID_HANDOVER_COOKIES_MAX; c++)
        watcher->next.seat[c].slot = QBID_LIVE_SLOT_NONE;
    qbid_watcher_worker_ask_all(watcher);
    return 0;
}

static int on_keys(struct qbid_watcher *watcher, const struct qbid_msg *msg)
{
    watcher->next.keys = msg->u.keys;
    qbid_watcher_link_advance(watcher);
    return 0;
}

static int on_partner(struct qbid_watcher *watcher, const struct qbid_msg *msg)
{
    int rc = qbid_partner_keys_put(watcher->next.partner_keys, &msg->u.partner_key);
    if (rc < 0)
        return QBID_ERR_PEER;
    qbid_watcher_link_advance(watcher);
    return 0;
}

static int on_live(struct qbid_watcher *watcher, const struct qbid_msg *msg, int fd)
{
    if (watcher->link != QBID_LINK_GATHERING || watcher->next.live != NULL)
        return QBID_ERR_PEER;
    int rc = qbid_part_live(fd, msg->u.n.a, &watcher->next.live);
    if (rc < 0) {
        qbid_watcher_refuse(watcher, QBID_CAUSE_LIVE, rc, 0);
        return rc;
    }
    qbid_watcher_link_advance(watcher);
    return 0;
}

static int on_page(struct qbid_watcher *watcher, const struct qbid_msg *msg, int fd)
{
    int rc = qbid_watcher_worker_page(watcher, msg, fd);
    if (rc < 0) {
        qbid_watcher_refuse(watcher, QBID_CAUSE_PAGE, rc, 0);
        return rc;
    }
    qbid_watcher_link_advance(watcher);
    return 0;
}

static int on_denied(struct qbid_watcher *watcher, const struct qbid_msg *msg)
{
    int why = msg->u.n.b < 1000 ? -(int)msg->u.n.b : QBID_ERR_DENIED;
    atomic_store_explicit(&watcher->stats.last_refusal, why, memory_order_relaxed);
    qbid_watcher_log(watcher, QBID_CAUSE_DENIED, "qbidd does not serve this process: %s",
                     qbid_strerror(why));
    return QBID_ERR_DENIED;
}

static int handle(struct qbid_watcher *watcher, const struct qbid_msg *msg, int fd)
{
    bool with_fd = msg->type == QBID_MSG_LIVE || msg->type == QBID_MSG_STAGE;
    if (msg->type != QBID_MSG_PAGE && with_fd != (fd >= 0))
        return QBID_ERR_PEER;
    if (msg->type == QBID_MSG_WELCOME)
        return on_welcome(watcher);
    if (msg->type == QBID_MSG_DENIED)
        return on_denied(watcher, msg);
    if (!qbid_watcher_linked(watcher))
        return QBID_ERR_PEER;
    switch (msg->type) {
    case QBID_MSG_KEYS:
        return on_keys(watcher, msg);
    case QBID_MSG_PARTNER:
        return on_partner(watcher, msg);
    case QBID_MSG_LIVE:
        return on_live(watcher, msg, fd);
    case QBID_MSG_STAGE:
        qbid_watcher_stage_add(watcher, msg->u.n.a, msg->u.n.b, fd);
        return 0;
    case QBID_MSG_COMMIT:
        return qbid_watcher_stage_commit(watcher, msg->u.n.a);
    case QBID_MSG_PAGE:
        return on_page(watcher, msg, fd);
    default:
        return QBID_ERR_PEER;
    }
}

static void other_version(struct qbid_watcher *watcher)
{
    atomic_store_explicit(&watcher->stats.last_refusal, QBID_ERR_VERSION, memory_order_relaxed);
    qbid_watcher_log(watcher, QBID_CAUSE_DENIED,
                     "qbidd speaks another version of the hand-over; the table stays");
}

void qbid_watcher_link_receive(struct qbid_watcher *watcher)
{
    for (int i = 0; i < BATCH_MAX && watcher->link != QBID_LINK_DOWN; i++) {
        struct qbid_msg msg;
        int fd, rc = qbid_handover_recv(watcher->sock, &msg, &fd);
        if (rc == 0)
            return;
        if (rc > 0) {
            rc = handle(watcher, &msg, fd);
            if (fd >= 0 && (rc < 0 || msg.type == QBID_MSG_LIVE))
                close(fd);
        }
        if (rc < 0) {
            if (rc == QBID_ERR_CLOSED)
                qbid_watcher_log(watcher, QBID_CAUSE_GONE, "qbidd hung up; the table stays");
            else if (rc == QBID_ERR_PEER)
                qbid_watcher_log(watcher, QBID_CAUSE_PEER, "%s", qbid_strerror(rc));
            else if (rc == QBID_ERR_VERSION)
                other_version(watcher);
            qbid_watcher_link_close(watcher);
            return;
        }
    }
}
