/* SPDX-License-Identifier: Apache-2.0 */
/* The publisher's life: socket, live page, connections. */
#include "control/publish/publisher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "control/publish/publisher_state.h"
#include "shm/clock.h"
#include "shm/error.h"
#include "shm/memfd.h"

#define EVENTS_MAX 64
#define ACCEPTS_MAX 32 /* in one tick */
#define HELLO_NS (5 * QBID_NS_PER_S)
#define LOG_PERIOD_NS (60 * QBID_NS_PER_S)
#define LOG_LINE_MAX 256

void qbid_publisher_log(struct qbid_publisher *p, enum qbid_publisher_cause cause,
                        const char *format, ...)
{
    uint64_t now_ns = qbid_clock_boot_ns();
    if (!p->params.log ||
        (p->logged_ns[cause] != 0 && now_ns - p->logged_ns[cause] < LOG_PERIOD_NS))
        return;
    p->logged_ns[cause] = now_ns;
    char line[LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    p->params.log(p->params.context, line);
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

static int live_make(struct qbid_publisher *p)
{
    int64_t bytes = qbid_live_footprint_counting(p->params.shape, p->params.frequency_lg);
    if (bytes < 0)
        return (int)bytes;
    int fd, err = qbid_memfd_make(QBID_MEMFD_LIVE, (size_t)bytes, &fd, &p->live_base);
    if (err)
        return err;
    p->live_bytes = (size_t)bytes;
    err = qbid_live_format_counting(p->live_base, p->params.shape, p->params.frequency_lg,
                                    (uint32_t)getpid(), &p->live);
    if (!err)
        err = qbid_memfd_reopen_ro(fd, &p->live_ro_fd);
    close(fd);
    return err;
}

static int socket_make(struct qbid_publisher *p)
{
    p->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (p->spare_fd < 0 || p->epoll_fd < 0)
        return QBID_ERR_SYS;
    int fd = qbid_handover_listen(p->params.socket_path, p->params.socket_mode);
    if (fd < 0)
        return fd;
    p->listen_fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    return epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? QBID_ERR_SYS : 0;
}

/* The latest time of a commit, among what the owner polls. */
static int timer_make(struct qbid_publisher *p)
{
    p->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &p->timer_fd};
    return p->timer_fd < 0 || epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->timer_fd, &event) < 0
               ? QBID_ERR_SYS
               : 0;
}

int qbid_publisher_new(const struct qbid_publisher_params *params,
                       struct qbid_publisher **ret_publisher)
{
    int64_t page = qbid_page_footprint(params->shape.budget_max, params->page_lg_events);
    if (page < 0 || !params->attached || !params->detached || !params->socket_path)
        return page < 0 ? (int)page : QBID_ERR_INVAL;
    struct qbid_publisher *p = calloc(1, sizeof *p);
    if (!p)
        return QBID_ERR_NOMEM;
    p->epoll_fd = p->listen_fd = p->spare_fd = p->live_ro_fd = p->timer_fd = -1;
    p->current.fd = p->staged.fd = -1;
    p->params = *params;
    if (p->params.commit_ms == 0)
        p->params.commit_ms = QBID_PUBLISHER_COMMIT_MS;
    p->keys = params->keys;
    memcpy(p->partner_keys, params->partner_keys, sizeof p->partner_keys);
    p->next_uid = params->first_uid;
    p->socket_path = strdup(params->socket_path);
    p->params.socket_path = p->socket_path;
    p->allow_uid = calloc(params->allow_uid_cnt + 1, sizeof *p->allow_uid);
    p->slots = calloc(params->shape.worker_max + 1, sizeof *p->slots);
    int err = p->socket_path && p->allow_uid && p->slots ? live_make(p) : QBID_ERR_NOMEM;
    if (!err && params->allow_uid_cnt)
        memcpy(p->allow_uid, params->allow_uid, params->allow_uid_cnt * sizeof *p->allow_uid);
    if (!err)
        err = socket_make(p);
    if (!err)
        err = timer_make(p);
    if (err) {
        qbid_publisher_free(p);
        return err;
    }
    *ret_publisher = p;
    return 0;
}

static void clients_reap(struct qbid_publisher *p)
{
    for (uint32_t i = 0; i < p->client_cnt; i++) {
        if (!p->client[i]->gone)
            continue;
        free(p->client[i]);
        p->client[i--] = p->client[--p->client_cnt];
    }
}

void qbid_publisher_free(struct qbid_publisher *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->client_cnt; i++)
        qbid_publisher_client_drop(p, p->client[i]);
    clients_reap(p);
    if (p->listen_fd >= 0)
        unlink(p->socket_path);
    close_if_open(p->listen_fd);
    close_if_open(p->epoll_fd);
    close_if_open(p->spare_fd);
    close_if_open(p->live_ro_fd);
    close_if_open(p->timer_fd);
    close_if_open(p->current.fd);
    close_if_open(p->staged.fd);
    if (p->live_base)
        munmap(p->live_base, p->live_bytes);
    free(p->slots);
    free(p->allow_uid);
    free(p->socket_path);
    free(p);
}

int qbid_publisher_fd(const struct qbid_publisher *p)
{
    return p->epoll_fd;
}

/* No descriptor is left: take the connection with the spare one and hang up, else it would be
 * reported for ever. */
static void accept_refuse(struct qbid_publisher *p)
{
    qbid_publisher_log(p, QBID_PUBLISHER_LOG_SYS, "a connection cannot be taken: %s",
                       strerror(errno));
    close_if_open(p->spare_fd);
    int sock = accept4(p->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    close_if_open(sock);
    p->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    p->counters.denied++;
}

static void connections_accept(struct qbid_publisher *p)
{
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int sock = accept4(p->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (sock < 0) {
            if (errno == EMFILE || errno == ENFILE)
                accept_refuse(p);
            return;
        }
        if (!qbid_publisher_client_new(p, sock))
            close(sock);
    }
}

/* Who connects and says nothing only takes a place. */
static void silent_drop(struct qbid_publisher *p, uint64_t now_ns)
{
    for (uint32_t i = 0; i < p->client_cnt; i++)
        if (!p->client[i]->greeted && !p->client[i]->gone &&
            now_ns > p->client[i]->since_ns + HELLO_NS)
            qbid_publisher_client_drop(p, p->client[i]);
}

/* Rung: what is due is found by its time. */
static void timer_read(const struct qbid_publisher *p)
{
    uint64_t times;
    ssize_t n = read(p->timer_fd, &times, sizeof times);
    (void)n;
}

int qbid_publisher_tick(struct qbid_publisher *p)
{
    struct epoll_event event[EVENTS_MAX];
    uint64_t now_ns = qbid_clock_boot_ns();
    atomic_store_explicit(&p->live.header->heartbeat_ns, now_ns, memory_order_relaxed);
    int handled = 0, n = epoll_wait(p->epoll_fd, event, EVENTS_MAX, 0);
    for (int i = 0; i < n; i++) {
        if (!event[i].data.ptr)
            connections_accept(p);
        else if (event[i].data.ptr == &p->timer_fd)
            timer_read(p);
        else
            handled += qbid_publisher_client_receive(p, event[i].data.ptr);
    }
    silent_drop(p, now_ns);
    clients_reap(p);
    qbid_publisher_image_tick(p, now_ns);
    clients_reap(p);
    return handled;
}

int qbid_publisher_publish(struct qbid_publisher *p, int image_ro_fd, uint64_t gen, uint64_t bytes)
{
    int err = qbid_publisher_image_stage(
        p, &(struct qbid_publisher_image){.fd = image_ro_fd, .gen = gen, .bytes = bytes});
    if (!err)
        qbid_publisher_image_tick(p, qbid_clock_boot_ns());
    clients_reap(p);
    return err;
}

int qbid_publisher_set_keys(struct qbid_publisher *p, const struct qbid_keys *keys)
{
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_KEYS);
    msg.u.keys = p->keys = *keys;
    for (uint32_t i = 0; i < p->client_cnt; i++)
        if (p->client[i]->greeted)
            qbid_publisher_client_send(p, p->client[i], &msg, -1);
    clients_reap(p);
    return 0;
}

static struct qbid_msg partner_msg(const struct qbid_partner_keys *keys, uint8_t part, uint8_t len)
{
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_PARTNER);
    msg.u.partner_key = (struct qbid_partner_key){.partner = keys->id, .part = part, .len = len};
    memcpy(msg.u.partner_key.secret, keys->secret[part], len);
    return msg;
}

void qbid_publisher_partner_greet(struct qbid_publisher *p, struct qbid_publisher_client *client)
{
    for (unsigned i = 0; i < QBID_PARTNERS_MAX; i++)
        for (uint8_t part = 0; part < 2 && p->partner_keys[i].id != 0; part++) {
            struct qbid_msg msg =
                partner_msg(&p->partner_keys[i], part, p->partner_keys[i].len[part]);
            if (msg.u.partner_key.len != 0)
                qbid_publisher_client_send(p, client, &msg, -1);
        }
}

static void partner_withdraw(struct qbid_publisher *p, struct qbid_publisher_client *client)
{
    for (unsigned i = 0; i < QBID_PARTNERS_MAX; i++)
        for (uint8_t part = 0; part < 2 && p->partner_keys[i].id != 0; part++) {
            struct qbid_msg msg = partner_msg(&p->partner_keys[i], part, 0);
            qbid_publisher_client_send(p, client, &msg, -1);
        }
}

void qbid_publisher_set_partner_keys(struct qbid_publisher *p, const struct qbid_partner_keys *list)
{
    if (memcmp(p->partner_keys, list, sizeof p->partner_keys) == 0)
        return;
    for (uint32_t i = 0; i < p->client_cnt; i++)
        if (p->client[i]->greeted)
            partner_withdraw(p, p->client[i]);
    memcpy(p->partner_keys, list, sizeof p->partner_keys);
    for (uint32_t i = 0; i < p->client_cnt; i++)
        if (p->client[i]->greeted)
            qbid_publisher_partner_greet(p, p->client[i]);
    clients_reap(p);
}

void qbid_publisher_drop(struct qbid_publisher *p, uint16_t slot)
{
    if (slot >= p->params.shape.worker_max || p->slots[slot].state != QBID_PUBLISHER_SLOT_USED)
        return;
    struct qbid_publisher_client *client = p->slots[slot].client;
    qbid_publisher_log(p, QBID_PUBLISHER_LOG_PAGE, "process %ld is dropped: a page is impossible",
                       (long)client->pid);
    qbid_publisher_client_drop(p, client);
    clients_reap(p);
}

const struct qbid_live *qbid_publisher_live(const struct qbid_publisher *p)
{
    return &p->live;
}

uint32_t qbid_publisher_workers(const struct qbid_publisher *p, struct qbid_publisher_worker *out,
                                uint32_t max)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < p->params.shape.worker_max && cnt < max; i++) {
        const struct qbid_publisher_slot *s = &p->slots[i];
        if (s->state != QBID_PUBLISHER_SLOT_USED)
            continue;
        out[cnt++] =
            (struct qbid_publisher_worker){.slot = (uint16_t)i,
                                           .uid = s->uid,
                                           .pid = s->pid,
                                           .adopted_gen = s->client->adopted_gen,
                                           .heartbeat_ns = atomic_load_explicit(
                                               &s->page.header->heartbeat_ns, memory_order_relaxed),
                                           .page = &s->page};
    }
    return cnt;
}

struct qbid_publisher_counters qbid_publisher_counters_load(const struct qbid_publisher *p)
{
    struct qbid_publisher_counters counters = p->counters;
    counters.held_generations = qbid_publisher_image_held(p);
    counters.staged_gen = p->staged.fd >= 0 ? p->staged.gen : 0;
    return counters;
}
