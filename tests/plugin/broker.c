/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that answers the watcher of the library under test. */
#include "tests/plugin/broker.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/error.h"
#include "shm/image.h"
#include "shm/memfd.h"

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "broker: %s\n", what);
        abort();
    }
}

static void send_msg(struct broker *b, const struct qbid_msg *msg, int fd)
{
    (void)qbid_handover_send(b->conn, msg, fd); /* a hang-up is seen by the next receive */
    if (fd >= 0)
        close(fd);
}

static void send_image(struct broker *b)
{
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_STAGE);
    msg.u.n.a = b->gen;
    msg.u.n.b = b->image_bytes;
    send_msg(b, &msg, dup(b->image_fd));
    msg = qbid_handover_msg(QBID_MSG_COMMIT);
    msg.u.n.a = b->gen;
    send_msg(b, &msg, -1);
}

static void send_keys(struct broker *b)
{
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_KEYS);
    msg.u.keys = b->keys;
    send_msg(b, &msg, -1);
    for (unsigned i = 0; i < 2 && b->partner_key[i].partner != 0; i++) {
        msg = qbid_handover_msg(QBID_MSG_PARTNER);
        msg.u.partner_key = b->partner_key[i];
        send_msg(b, &msg, -1);
    }
}

static void greet(struct broker *b)
{
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_WELCOME);
    int fd;
    msg.u.n.a = (uint64_t)getpid();
    msg.u.n.b = qbid_clock_boot_ns();
    send_msg(b, &msg, -1);
    send_keys(b);
    must(qbid_memfd_reopen_ro(b->live_fd, &fd) == 0, "live page");
    msg = qbid_handover_msg(QBID_MSG_LIVE);
    msg.u.n.a = (uint64_t)qbid_live_footprint(b->live.shape);
    send_msg(b, &msg, fd);
    send_image(b);
}

static void answer_worker(struct broker *b, uint64_t cookie, int fd)
{
    must(cookie < BROKER_WORKERS, "more workers than the test has places for");
    size_t bytes = (size_t)qbid_page_footprint(b->shape.budget_max, b->lg_events);
    void *base;
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_PAGE);
    msg.u.n.a = cookie;
    msg.u.n.b = cookie;
    msg.u.n.c = 100 + cookie;
    if (fd >= 0)
        close(fd);
    must(qbid_memfd_make(QBID_MEMFD_PAGE, bytes, &fd, &base) == 0, "page");
    must(qbid_page_format(base, b->shape.budget_max, b->lg_events, &b->page[cookie]) == 0, "page");
    send_msg(b, &msg, fd);
}

static void handle(struct broker *b, const struct qbid_msg *msg, int fd)
{
    if (msg->type == QBID_MSG_HELLO)
        greet(b);
    else if (msg->type == QBID_MSG_WORKER)
        answer_worker(b, msg->u.n.a, fd);
    else if (msg->type == QBID_MSG_ADOPTED)
        atomic_store(&b->adopted, msg->u.n.a);
    else if (msg->type == QBID_MSG_REFUSED)
        atomic_fetch_add(&b->refused, 1);
}

/* One message of the connection. */
static void receive(struct broker *b)
{
    struct qbid_msg msg;
    int fd = -1;
    int got = qbid_handover_recv(b->conn, &msg, &fd);
    if (got > 0) {
        handle(b, &msg, fd);
    } else if (got < 0) {
        close(b->conn);
        b->conn = -1;
    }
}

static void *serve(void *arg)
{
    struct broker *b = arg;
    for (;;) {
        struct pollfd p[3] = {{b->wake[0], POLLIN, 0}, {b->listener, POLLIN, 0}, {-1, POLLIN, 0}};
        pthread_mutex_lock(&b->lock);
        p[2].fd = b->conn;
        pthread_mutex_unlock(&b->lock);
        if (poll(p, 3, -1) < 0 || p[0].revents)
            return NULL;
        pthread_mutex_lock(&b->lock);
        if (p[1].revents && b->conn < 0)
            b->conn = accept(b->listener, NULL, NULL);
        else if (p[2].revents)
            receive(b);
        pthread_mutex_unlock(&b->lock);
    }
}

static void set_image(struct broker *b, const void *image, size_t bytes)
{
    void *base;
    int fd;
    if (b->image_fd >= 0)
        close(b->image_fd);
    must(qbid_memfd_make(QBID_MEMFD_IMAGE, bytes, &fd, &base) == 0, "image");
    memcpy(base, image, bytes);
    must(qbid_memfd_seal_image(fd, base, bytes, &b->image_fd) == 0, "image");
    b->image_bytes = bytes;
    b->gen = ((const struct qbid_image_header *)image)->gen;
}

static void make_live(struct broker *b)
{
    const struct qbid_live_shape shape = b->shape;
    void *base;
    size_t bytes = (size_t)qbid_live_footprint(shape);
    must(qbid_memfd_make(QBID_MEMFD_LIVE, bytes, &b->live_fd, &base) == 0, "live page");
    must(qbid_live_format(base, shape, (uint32_t)getpid(), &b->live) == 0, "live page");
    for (uint32_t i = 0; i < shape.line_item_max; i++)
        qbid_live_set_pace(&b->live, i, 1.0f);
    for (uint32_t w = 0; w < shape.worker_max; w++) {
        atomic_store(&b->live.lease[w].valid_until_ns, qbid_clock_boot_ns() + 3600 * QBID_NS_PER_S);
        for (uint32_t i = 0; i < shape.budget_max; i++)
            atomic_store(&b->live.limit[w * shape.budget_max + i], BROKER_LIMIT_NANOS);
    }
}

void broker_start(struct broker *b, const void *image, size_t bytes, unsigned lg_events)
{
    const struct qbid_live_shape shape = {BROKER_LINE_ITEMS, BROKER_BUDGETS, BROKER_WORKERS};
    broker_start_shape(b, image, bytes, lg_events, shape);
}

void broker_start_shape(struct broker *b, const void *image, size_t bytes, unsigned lg_events,
                        struct qbid_live_shape shape)
{
    memset(b, 0, sizeof *b);
    b->shape = shape;
    b->image_fd = b->conn = -1;
    b->lg_events = lg_events;
    strcpy(b->folder, "/tmp/qbid-test-XXXXXX");
    must(mkdtemp(b->folder) != NULL, "folder");
    snprintf(b->path, sizeof b->path, "%s/s.sock", b->folder);
    broker_keys(b, 1, 2);
    make_live(b);
    set_image(b, image, bytes);
    b->listener = qbid_handover_listen(b->path, 0600);
    must(b->listener >= 0 && pipe(b->wake) == 0, "socket");
    pthread_mutex_init(&b->lock, NULL);
    must(pthread_create(&b->thread, NULL, serve, b) == 0, "thread");
}

void broker_keys(struct broker *b, uint8_t first, uint8_t second)
{
    b->keys.id[0] = first;
    b->keys.id[1] = second;
    memset(b->keys.secret[0], first, QBID_KEY_BYTES);
    memset(b->keys.secret[1], second, QBID_KEY_BYTES);
}

void broker_publish(struct broker *b, const void *image, size_t bytes)
{
    pthread_mutex_lock(&b->lock);
    set_image(b, image, bytes);
    if (b->conn >= 0) {
        send_keys(b);
        send_image(b);
    }
    pthread_mutex_unlock(&b->lock);
    for (unsigned i = 0; i < 500 && atomic_load(&b->adopted) != b->gen; i++)
        usleep(10000);
    must(atomic_load(&b->adopted) == b->gen, "the image is not adopted");
}

unsigned broker_events(struct broker *b, unsigned cookie, struct qbid_event *out, unsigned max)
{
    struct qbid_page *page = &b->page[cookie];
    int n = qbid_ring_pop(page->ring, page->events, page->event_mask, out, (int)max);
    must(n >= 0, "ring");
    return (unsigned)n;
}

uint64_t broker_counter(const struct broker *b, unsigned cookie, enum qbid_counter which)
{
    return atomic_load(&b->page[cookie].header->counter[which]);
}

uint64_t broker_nobid(const struct broker *b, unsigned cookie, enum qbid_nobid which)
{
    return atomic_load(&b->page[cookie].header->nobid[which]);
}

void broker_stop(struct broker *b)
{
    must(write(b->wake[1], "x", 1) == 1, "wake");
    pthread_join(b->thread, NULL);
    if (b->conn >= 0)
        close(b->conn);
    close(b->listener);
    close(b->wake[0]);
    close(b->wake[1]);
    close(b->image_fd);
    close(b->live_fd);
    unlink(b->path);
    char lock[128];
    snprintf(lock, sizeof lock, "%s.lock", b->path);
    unlink(lock);
    rmdir(b->folder);
    pthread_mutex_destroy(&b->lock);
}
