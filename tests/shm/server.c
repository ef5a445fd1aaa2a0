/* SPDX-License-Identifier: Apache-2.0 */
/* The server process: a loop of steps, each told and answered over a control socket. */
#include "tests/shm/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/error.h"
#include "shm/memfd.h"
#include "tests/shm/server_fd.h"

#define WAIT_MS 3000
#define LINE_ITEMS 100
#define PAGE_LG_EVENTS 8

enum step_kind {
    STEP_ACCEPT,
    STEP_SERVE,
    STEP_HANGUP,
    STEP_WELCOME,
    STEP_KEYS,
    STEP_LIVE,
    STEP_IMAGES,
    STEP_STAGE,
    STEP_COMMIT,
    STEP_PAGE,
    STEP_GARBAGE,
    STEP_HEAR,
    STEP_DRAIN,
    STEP_LIMIT
};

struct step {
    enum step_kind kind;
    enum server_fault fault;
    uint64_t a, b, c, d;
};

struct answer {
    int64_t rc;
    struct server_heard heard;
    uint64_t value;
};

/* Inside the server process. */
struct state {
    int listener, conn;
    struct qbid_live live;
    int live_fd;
    size_t live_bytes;
    struct qbid_page page[QBID_HANDOVER_COOKIES_MAX];
};

/* --- what goes out */

static void send_with(struct state *s, const struct qbid_msg *msg, int fd, enum server_fault fault)
{
    int rc;
    if (fault == SERVER_TWO_FDS) {
        char control[CMSG_SPACE(2 * sizeof fd)] = {0};
        struct iovec part = {(void *)(uintptr_t)msg, sizeof *msg};
        struct msghdr header = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = 24};
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        *c = (struct cmsghdr){CMSG_LEN(2 * sizeof fd), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
        memcpy(CMSG_DATA(c) + sizeof fd, &fd, sizeof fd);
        rc = sendmsg(s->conn, &header, MSG_NOSIGNAL) == sizeof *msg ? 0 : QBID_ERR_SYS;
    } else {
        rc = qbid_handover_send(s->conn, msg, fd);
    }
    server_must(rc == 0 || rc == QBID_ERR_CLOSED,
                "send"); /* it may have hung up on an earlier fault */
    if (fd >= 0)
        close(fd);
}

static void send_stage(struct state *s, uint64_t gen, enum server_fault fault)
{
    size_t len;
    unsigned char *bytes = server_image_build(gen, &len);
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_STAGE);
    msg.u.n.a = gen + (fault == SERVER_GEN);
    msg.u.n.b = len - (fault == SERVER_SHORT ? 64 : 0) + (fault == SERVER_SIZE);
    send_with(s, &msg, server_fd(fault, bytes, len), fault);
    free(bytes);
}

static void send_commit(struct state *s, uint64_t gen)
{
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_COMMIT);
    msg.u.n.a = gen;
    send_with(s, &msg, -1, SERVER_GOOD);
}

/* Staged and committed at once. */
static void send_image(struct state *s, uint64_t gen, enum server_fault fault)
{
    send_stage(s, gen, fault);
    send_commit(s, gen + (fault == SERVER_GEN));
}

/* The live page outlives connections, not the process. */
static void make_live(struct state *s)
{
    struct qbid_live_shape shape = {LINE_ITEMS, SERVER_BUDGETS, SERVER_WORKERS};
    void *base;
    s->live_bytes = (size_t)qbid_live_footprint(shape);
    server_must(qbid_memfd_make(QBID_MEMFD_LIVE, s->live_bytes, &s->live_fd, &base) == 0,
                "live page");
    qbid_live_format(base, shape, (uint32_t)getpid(), &s->live);
}

static void send_live(struct state *s, enum server_fault fault)
{
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_LIVE);
    msg.u.n.a = s->live_bytes + (fault == SERVER_SIZE);
    int fd = -1;
    if (fault == SERVER_GOOD || fault == SERVER_SIZE || fault == SERVER_TWO_FDS) {
        server_must(qbid_memfd_reopen_ro(s->live_fd, &fd) == 0, "live page");
    } else if (fault == SERVER_MAGIC || fault == SERVER_VERSION || fault == SERVER_BYTE) {
        void *base;
        server_must(qbid_memfd_make(QBID_MEMFD_LIVE, s->live_bytes, &fd, &base) == 0, "live page");
        memcpy(base, s->live.header, s->live_bytes);
        ((unsigned char *)base)[fault == SERVER_MAGIC ? 0 : fault == SERVER_VERSION ? 8 : 24] ^= 1;
        munmap(base, s->live_bytes);
    } else {
        unsigned char *copy = malloc(s->live_bytes);
        memcpy(copy, s->live.header, s->live_bytes);
        fd = server_fd(fault, copy, s->live_bytes);
        free(copy);
    }
    send_with(s, &msg, fd, fault);
}

/* A new page, kept mapped here; spoiled ones are not kept. */
static int new_page(struct state *s, uint64_t cookie, enum server_fault fault)
{
    size_t bytes = (size_t)qbid_page_footprint(SERVER_BUDGETS, PAGE_LG_EVENTS);
    int fd;
    void *base;
    struct qbid_page page;
    server_must(qbid_memfd_make(QBID_MEMFD_PAGE, bytes, &fd, &base) == 0, "page");
    qbid_page_format(base, SERVER_BUDGETS, PAGE_LG_EVENTS, &page);
    if (fault == SERVER_GOOD || fault == SERVER_SLOT || fault == SERVER_COOKIE) {
        s->page[cookie % QBID_HANDOVER_COOKIES_MAX] = page;
        return fd;
    }
    if (fault == SERVER_MAGIC || fault == SERVER_VERSION || fault == SERVER_BYTE) {
        ((unsigned char *)base)[fault == SERVER_MAGIC ? 0 : fault == SERVER_VERSION ? 8 : 25] ^= 1;
        munmap(base, bytes);
        return fd;
    }
    close(fd);
    fd = server_fd(fault, base, bytes);
    munmap(base, bytes);
    return fd;
}

static void send_page(struct state *s, const struct step *step)
{
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_PAGE);
    msg.u.n.a = step->a + (step->fault == SERVER_COOKIE ? 17 : 0);
    msg.u.n.b = step->fault == SERVER_SLOT ? SERVER_WORKERS : step->b;
    msg.u.n.c = step->c;
    send_with(s, &msg, step->d ? new_page(s, step->a, step->fault) : -1, step->fault);
}

static void send_garbage(struct state *s, uint64_t which)
{
    struct qbid_msg msg[2] = {qbid_handover_msg(QBID_MSG_KEYS)};
    size_t len = which == 0 ? 63 : which == 1 ? 128 : 64;
    if (which == 2)
        msg->magic ^= 1;
    if (which == 3)
        msg->abi_major++;
    if (which >= 4)
        msg->type = which == 4 ? 99 : QBID_MSG_WORKER;
    server_must(send(s->conn, msg, len, MSG_NOSIGNAL) == (ssize_t)len, "garbage");
}

static void send_plain(struct state *s, enum qbid_msg_type type, uint64_t a)
{
    struct qbid_msg msg = qbid_handover_msg(type);
    if (type == QBID_MSG_KEYS) {
        msg.u.keys.id[0] = (uint8_t)a;
        memset(msg.u.keys.secret[0], (int)a, QBID_KEY_BYTES);
    } else {
        msg.u.n.a = a;
    }
    send_with(s, &msg, -1, SERVER_GOOD);
}

/* --- what comes in */

static int wait_for(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    return poll(&p, 1, WAIT_MS) == 1;
}

static void keep_page(struct state *s, uint64_t cookie, int fd)
{
    void *base;
    size_t bytes;
    server_must(cookie < QBID_HANDOVER_COOKIES_MAX, "cookie");
    server_must(qbid_memfd_map(fd, QBID_MEMFD_PAGE, 64, (size_t)1 << 30, &base, &bytes) == 0,
                "page");
    server_must(qbid_page_attach(base, bytes, &s->page[cookie]) == 0, "page");
    close(fd);
}

static void hear_any(struct state *s, struct server_heard *heard)
{
    struct qbid_msg msg;
    int fd;
    heard->type = -1;
    if (!wait_for(s->conn))
        return;
    int rc = qbid_handover_recv(s->conn, &msg, &fd);
    heard->type = 0;
    if (rc != 1)
        return;
    *heard = (struct server_heard){msg.type, fd >= 0, msg.u.n.a, msg.u.n.b};
    if (fd >= 0)
        keep_page(s, msg.u.n.a, fd);
}

static void hear(struct state *s, struct server_heard *heard, bool all)
{
    do
        hear_any(s, heard);
    while (heard->type == QBID_MSG_READY && !all);
}

static bool hung_up(int conn)
{
    struct pollfd p = {conn, POLLRDHUP, 0};
    return poll(&p, 1, 0) == 1;
}

/* On a busy machine a watcher may have given up on earlier ones by now: it waits a second. */
static int64_t accept_next(struct state *s)
{
    struct qbid_msg msg;
    int fd;
    do {
        if (s->conn >= 0)
            close(s->conn);
        s->conn = wait_for(s->listener) ? accept4(s->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
    } while (s->conn >= 0 && hung_up(s->conn));
    if (s->conn < 0 || !wait_for(s->conn) || qbid_handover_recv(s->conn, &msg, &fd) != 1 ||
        msg.type != QBID_MSG_HELLO)
        return -1;
    return (int64_t)msg.u.n.a;
}

static int64_t serve_next(struct state *s, uint64_t gen)
{
    int64_t rc = accept_next(s);
    if (rc <= 0)
        return rc;
    send_plain(s, QBID_MSG_WELCOME, (uint64_t)getpid());
    send_plain(s, QBID_MSG_KEYS, 1);
    send_live(s, SERVER_GOOD);
    if (gen != 0)
        send_image(s, gen, SERVER_GOOD);
    return rc;
}

static void drain(struct state *s, const struct step *step, struct answer *answer)
{
    struct qbid_page *page = &s->page[step->a];
    struct qbid_event event;
    server_must(page->ring != NULL, "no page of this worker");
    while (qbid_ring_pop(page->ring, page->events, page->event_mask, &event, 1) == 1) {
        answer->rc++;
        answer->value += event.nonce;
    }
}

static void do_step(struct state *s, const struct step *step, struct answer *answer)
{
    switch (step->kind) {
    case STEP_ACCEPT:
        answer->rc = accept_next(s);
        break;
    case STEP_SERVE:
        answer->rc = serve_next(s, step->a);
        break;
    case STEP_HANGUP:
        close(s->conn);
        s->conn = -1;
        break;
    case STEP_WELCOME:
        send_plain(s, QBID_MSG_WELCOME, (uint64_t)getpid());
        break;
    case STEP_KEYS:
        send_plain(s, QBID_MSG_KEYS, step->a);
        break;
    case STEP_LIVE:
        send_live(s, step->fault);
        break;
    case STEP_IMAGES:
        for (uint64_t i = 0; i < step->b; i++)
            send_image(s, step->a + i, step->fault);
        break;
    case STEP_STAGE:
        send_stage(s, step->a, SERVER_GOOD);
        break;
    case STEP_COMMIT:
        send_commit(s, step->a);
        break;
    case STEP_PAGE:
        send_page(s, step);
        break;
    case STEP_GARBAGE:
        send_garbage(s, step->a);
        break;
    case STEP_HEAR:
        hear(s, &answer->heard, step->a != 0);
        break;
    case STEP_DRAIN:
        drain(s, step, answer);
        break;
    case STEP_LIMIT:
        atomic_store_explicit(&s->live.limit[step->a * SERVER_BUDGETS + step->b], (int64_t)step->c,
                              memory_order_release);
        break;
    }
}

/* Close every descriptor but the first three and one more. */
static void close_others(int keep)
{
    if (keep > 3)
        close_range(3, (unsigned)keep - 1, 0);
    close_range((unsigned)keep + 1, ~0u, 0);
}

static void serve(int ctl, const char *path)
{
    struct state s = {.conn = -1};
    struct step step;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close_others(ctl); /* the test's own connections must end when the test ends them */
    s.listener = qbid_handover_listen(path, 0600);
    server_must(s.listener >= 0, "listen");
    make_live(&s);
    struct answer ready = {0};
    server_must(send(ctl, &ready, sizeof ready, 0) == sizeof ready, "control socket");
    while (recv(ctl, &step, sizeof step, 0) == sizeof step) {
        struct answer answer = {0};
        do_step(&s, &step, &answer);
        server_must(send(ctl, &answer, sizeof answer, 0) == sizeof answer, "control socket");
    }
    _exit(0);
}

/* --- inside the test */

static struct answer ask(struct server *server, struct step step)
{
    struct answer answer;
    server_must(send(server->ctl, &step, sizeof step, MSG_NOSIGNAL) == sizeof step &&
                    recv(server->ctl, &answer, sizeof answer, 0) == sizeof answer,
                "the server is gone");
    return answer;
}

void server_start(struct server *server, const char *path)
{
    int end[2];
    struct answer ready;
    server_must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end) == 0, "socketpair");
    server->pid = fork();
    server_must(server->pid >= 0, "fork");
    if (server->pid == 0) {
        close(end[0]);
        serve(end[1], path);
    }
    close(end[1]);
    server->ctl = end[0];
    server_must(recv(server->ctl, &ready, sizeof ready, 0) == sizeof ready,
                "the server did not start");
}

void server_kill(struct server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    close(server->ctl);
}

int server_accept(struct server *server)
{
    return (int)ask(server, (struct step){.kind = STEP_ACCEPT}).rc;
}

void server_hangup(struct server *server)
{
    ask(server, (struct step){.kind = STEP_HANGUP});
}

void server_welcome(struct server *server)
{
    ask(server, (struct step){.kind = STEP_WELCOME});
}

void server_keys(struct server *server, uint8_t id)
{
    ask(server, (struct step){.kind = STEP_KEYS, .a = id});
}

void server_live(struct server *server, enum server_fault fault)
{
    ask(server, (struct step){.kind = STEP_LIVE, .fault = fault});
}

void server_image(struct server *server, uint64_t gen, enum server_fault fault)
{
    ask(server, (struct step){.kind = STEP_IMAGES, .fault = fault, .a = gen, .b = 1});
}

void server_stage(struct server *server, uint64_t gen)
{
    ask(server, (struct step){.kind = STEP_STAGE, .a = gen});
}

void server_commit(struct server *server, uint64_t gen)
{
    ask(server, (struct step){.kind = STEP_COMMIT, .a = gen});
}

void server_images(struct server *server, uint64_t first_gen, unsigned cnt)
{
    ask(server, (struct step){.kind = STEP_IMAGES, .a = first_gen, .b = cnt});
}

void server_page(struct server *server, uint64_t cookie, uint16_t slot, uint16_t uid, int fresh,
                 enum server_fault fault)
{
    ask(server, (struct step){.kind = STEP_PAGE,
                              .fault = fault,
                              .a = cookie,
                              .b = slot,
                              .c = uid,
                              .d = (uint64_t)(fresh != 0)});
}

void server_garbage(struct server *server, unsigned which)
{
    ask(server, (struct step){.kind = STEP_GARBAGE, .a = which});
}

struct server_heard server_hear(struct server *server)
{
    return ask(server, (struct step){.kind = STEP_HEAR}).heard;
}

struct server_heard server_hear_all(struct server *server)
{
    return ask(server, (struct step){.kind = STEP_HEAR, .a = 1}).heard;
}

void server_serve_soon(struct server *server, uint64_t gen)
{
    struct step step = {.kind = STEP_SERVE, .a = gen};
    server_must(send(server->ctl, &step, sizeof step, MSG_NOSIGNAL) == sizeof step,
                "the server is gone");
}

void server_served(struct server *server)
{
    struct answer answer;
    server_must(recv(server->ctl, &answer, sizeof answer, 0) == sizeof answer && answer.rc > 0,
                "the watcher did not come");
}

void server_serve(struct server *server, uint64_t gen)
{
    server_serve_soon(server, gen);
    server_served(server);
}

uint64_t server_drain(struct server *server, uint64_t cookie, uint64_t *ret_nonce_sum)
{
    struct answer answer = ask(server, (struct step){.kind = STEP_DRAIN, .a = cookie});
    *ret_nonce_sum = answer.value;
    return (uint64_t)answer.rc;
}

void server_limit(struct server *server, uint16_t slot, uint32_t budget_idx, int64_t limit)
{
    ask(server,
        (struct step){.kind = STEP_LIMIT, .a = slot, .b = budget_idx, .c = (uint64_t)limit});
}
