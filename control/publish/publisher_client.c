/* SPDX-License-Identifier: Apache-2.0 */
/* One connected process: who it is, what it asks, which generations it holds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "control/publish/publisher_state.h"
#include "shm/clock.h"
#include "shm/error.h"

#define BATCH_MAX 32 /* messages of one client in one tick */

static bool uid_allowed(const struct qbid_publisher *p, uid_t uid)
{
    if (uid == 0 || uid == geteuid())
        return true;
    for (uint32_t i = 0; i < p->params.allow_uid_cnt; i++)
        if (p->allow_uid[i] == uid)
            return true;
    return false;
}

/* Tell a peer why; the caller hangs up next. What the peer has said is read first: the kernel would
 * report unread messages to it as a reset, in place of the answer. */
static void deny(struct qbid_publisher *p, int sock, int err)
{
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_DENIED);
    msg.u.n.b = (uint64_t)-err;
    qbid_handover_send(sock, &msg, -1);
    p->counters.denied++;
    int fd;
    for (int i = 0; i < BATCH_MAX && qbid_handover_recv(sock, &msg, &fd) > 0; i++)
        if (fd >= 0)
            close(fd);
}

struct qbid_publisher_client *qbid_publisher_client_new(struct qbid_publisher *p, int sock)
{
    pid_t pid;
    uid_t uid;
    gid_t gid;
    if (qbid_handover_peer(sock, &pid, &uid, &gid) < 0)
        return NULL;
    if (!uid_allowed(p, uid)) {
        qbid_publisher_log(p, QBID_PUBLISHER_LOG_DENIED,
                           "process %ld of user %ld is not allowed to connect", (long)pid,
                           (long)uid);
        deny(p, sock, QBID_ERR_DENIED);
        return NULL;
    }
    struct qbid_publisher_client *client =
        p->client_cnt < QBID_PUBLISHER_CLIENTS_MAX ? calloc(1, sizeof *client) : NULL;
    if (!client) {
        qbid_publisher_log(p, QBID_PUBLISHER_LOG_FULL, "too many processes are connected");
        deny(p, sock, QBID_ERR_FULL);
        return NULL;
    }
    client->sock = sock;
    client->pid = pid;
    client->since_ns = qbid_clock_boot_ns();
    for (unsigned c = 0; c < QBID_HANDOVER_COOKIES_MAX; c++)
        client->slot[c] = QBID_LIVE_SLOT_NONE;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = client};
    if (epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, sock, &event) < 0) {
        free(client);
        return NULL;
    }
    p->client[p->client_cnt++] = client;
    p->counters.connections++;
    return client;
}

void qbid_publisher_client_drop(struct qbid_publisher *p, struct qbid_publisher_client *client)
{
    if (client->gone)
        return;
    client->gone = true;
    for (unsigned c = 0; c < QBID_HANDOVER_COOKIES_MAX; c++) {
        if (client->slot[c] == QBID_LIVE_SLOT_NONE)
            continue;
        qbid_publisher_slot_close(p, client->slot[c], false);
        p->counters.workers_gone++;
    }
    client->held_cnt = 0;
    /* close() alone would leave it in the set if a child of ours has inherited the socket */
    epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, client->sock, NULL);
    close(client->sock);
    client->sock = -1;
}

void qbid_publisher_client_send(struct qbid_publisher *p, struct qbid_publisher_client *client,
                                const struct qbid_msg *msg, int fd)
{
    if (client->gone)
        return;
    int err = qbid_handover_send(client->sock, msg, fd);
    if (!err)
        return;
    if (err != QBID_ERR_CLOSED)
        qbid_publisher_log(p, QBID_PUBLISHER_LOG_SLOW,
                           "process %ld does not read what it is sent and is dropped (%s)",
                           (long)client->pid, strerror(errno));
    qbid_publisher_client_drop(p, client);
}

bool qbid_publisher_client_stage(struct qbid_publisher *p, struct qbid_publisher_client *client,
                                 const struct qbid_publisher_image *image)
{
    if (client->gone || client->held_cnt == QBID_PUBLISHER_HELD_MAX)
        return false;
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_STAGE);
    msg.u.n.a = image->gen;
    msg.u.n.b = image->bytes;
    client->held[client->held_cnt++] = image->gen;
    qbid_publisher_client_send(p, client, &msg, image->fd);
    return !client->gone;
}

void qbid_publisher_client_commit(struct qbid_publisher *p, struct qbid_publisher_client *client,
                                  uint64_t gen)
{
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_COMMIT);
    msg.u.n.a = gen;
    qbid_publisher_client_send(p, client, &msg, -1);
}

static void held_remove(struct qbid_publisher_client *client, uint64_t gen)
{
    for (uint32_t i = 0; i < client->held_cnt; i++)
        if (client->held[i] == gen)
            client->held[i--] = client->held[--client->held_cnt];
}

/* --- messages: 0, or an error upon which the connection ends */

static int on_hello(struct qbid_publisher *p, struct qbid_publisher_client *client)
{
    if (client->greeted)
        return QBID_ERR_PEER;
    client->greeted = true;
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_WELCOME);
    msg.u.n.a = (uint64_t)getpid();
    msg.u.n.b = qbid_clock_boot_ns();
    qbid_publisher_client_send(p, client, &msg, -1);
    msg = qbid_handover_msg(QBID_MSG_KEYS);
    msg.u.keys = p->keys;
    qbid_publisher_client_send(p, client, &msg, -1);
    qbid_publisher_partner_greet(p, client);
    msg = qbid_handover_msg(QBID_MSG_LIVE);
    msg.u.n.a = p->live_bytes;
    qbid_publisher_client_send(p, client, &msg, p->live_ro_fd);
    qbid_publisher_image_greet(p, client);
    return 0;
}

static int on_worker(struct qbid_publisher *p, struct qbid_publisher_client *client,
                     uint64_t cookie, uint64_t uid, int fd)
{
    if (cookie >= QBID_HANDOVER_COOKIES_MAX)
        return QBID_ERR_PEER;
    if (client->slot[cookie] != QBID_LIVE_SLOT_NONE)
        qbid_publisher_slot_close(p, client->slot[cookie], true);
    int new_fd, slot = qbid_publisher_slot_open(p, client, fd, uid, &new_fd);
    if (slot < 0) {
        qbid_publisher_log(p, QBID_PUBLISHER_LOG_FULL, "process %ld gets no worker slot: %s",
                           (long)client->pid, qbid_strerror(slot));
        deny(p, client->sock, slot);
        return QBID_ERR_DENIED;
    }
    client->slot[cookie] = (uint16_t)slot;
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_PAGE);
    msg.u.n.a = cookie;
    msg.u.n.b = (uint64_t)slot;
    msg.u.n.c = p->slots[slot].uid;
    qbid_publisher_client_send(p, client, &msg, new_fd);
    if (new_fd >= 0)
        close(new_fd);
    return 0;
}

static int on_refused(struct qbid_publisher *p, struct qbid_publisher_client *client, uint64_t gen,
                      uint64_t why)
{
    held_remove(client, gen);
    if (p->staged.fd >= 0 && gen == p->staged.gen)
        client->staged = QBID_PUBLISHER_STAGED_NONE;
    p->counters.readers_refused++;
    qbid_publisher_log(p, QBID_PUBLISHER_LOG_REFUSED, "process %ld refused generation %llu: %s",
                       (long)client->pid, (unsigned long long)gen,
                       qbid_strerror(why < 1000 ? -(int)why : QBID_ERR_PEER));
    return 0;
}

static int on_gone(struct qbid_publisher *p, struct qbid_publisher_client *client, uint64_t cookie)
{
    if (cookie >= QBID_HANDOVER_COOKIES_MAX)
        return QBID_ERR_PEER;
    if (client->slot[cookie] != QBID_LIVE_SLOT_NONE) {
        qbid_publisher_slot_close(p, client->slot[cookie], true);
        p->counters.workers_gone++;
    }
    return 0;
}

static int handle(struct qbid_publisher *p, struct qbid_publisher_client *client,
                  const struct qbid_msg *msg, int fd)
{
    if (client->greeted == (msg->type == QBID_MSG_HELLO))
        return QBID_ERR_PEER;
    if (fd >= 0 && msg->type != QBID_MSG_WORKER)
        return QBID_ERR_PEER;
    switch (msg->type) {
    case QBID_MSG_HELLO:
        return on_hello(p, client);
    case QBID_MSG_WORKER:
        return on_worker(p, client, msg->u.n.a, msg->u.n.b, fd);
    case QBID_MSG_READY:
        if (client->staged == QBID_PUBLISHER_STAGED_SENT && msg->u.n.a == p->staged.gen)
            client->staged = QBID_PUBLISHER_STAGED_READY;
        return 0;
    case QBID_MSG_ADOPTED:
        client->adopted_gen = msg->u.n.a;
        qbid_publisher_slot_settle(p, client);
        return 0;
    case QBID_MSG_REFUSED:
        return on_refused(p, client, msg->u.n.a, msg->u.n.b);
    case QBID_MSG_RELEASED:
        held_remove(client, msg->u.n.a);
        return 0;
    case QBID_MSG_GONE:
        return on_gone(p, client, msg->u.n.a);
    default:
        return QBID_ERR_PEER;
    }
}

int qbid_publisher_client_receive(struct qbid_publisher *p, struct qbid_publisher_client *client)
{
    int handled = 0;
    while (handled < BATCH_MAX && !client->gone) {
        struct qbid_msg msg;
        int fd = -1, err = qbid_handover_recv(client->sock, &msg, &fd);
        if (err == 0)
            return handled;
        if (err > 0) {
            handled++;
            err = handle(p, client, &msg, fd);
            if (fd >= 0)
                close(fd);
        }
        if (err < 0) {
            if (err == QBID_ERR_VERSION)
                deny(p, client->sock, err);
            if (err != QBID_ERR_CLOSED && err != QBID_ERR_DENIED)
                qbid_publisher_log(p, QBID_PUBLISHER_LOG_PEER, "process %ld is dropped: %s",
                                   (long)client->pid, qbid_strerror(err));
            qbid_publisher_client_drop(p, client);
        }
    }
    return handled;
}
