/* SPDX-License-Identifier: Apache-2.0 */
/* A stand-in for qbidd that only hands over: images on command, full allowances, empty ears.
 *
 *     table_server SOCKET GEN
 *
 * Commands on standard input, one a line; each answers with one line:
 *     publish          the next generation to everybody
 *     report           "gen N hosts N workers N adopted N refused N released N EVENT N ..." where
 *                      adopted is the lowest generation that a host has adopted
 *     save PATH        the present image into a file
 *     token AGE_S      a valid token of a bid that was made AGE_S seconds ago
 * The end of the input ends the program, as does SIGTERM.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/socket.h>

#include "plugin/notice/token.h"
#include "shm/clock.h"
#include "shm/error.h"
#include "shm/live.h"
#include "shm/memfd.h"
#include "shm/page.h"
#include "tests/e2e/nginx/table_image.h"

#define HOSTS_MAX 32
#define WORKERS_MAX 64
#define BUDGETS 64
#define RING_LG 12
#define LEASE_NS (10 * QBID_NS_PER_S)
#define TICK_MS 20

struct host {
    int sock; /* -1 = free */
    uint64_t adopted;
};

struct worker {
    int host; /* -1 = free */
    uint64_t cookie;
    struct qbid_page page;
    size_t bytes;
};

struct server {
    int listener;
    int image_fd, live_fd;
    uint64_t gen, image_bytes, live_bytes;
    uint64_t refused, released, events[QBID_EVENT_KIND_END];
    struct qbid_keys keys;
    struct qbid_live live;
    struct host host[HOSTS_MAX];
    struct worker worker[WORKERS_MAX];
};

static void die(const char *what, int rc)
{
    fprintf(stderr, "table_server: %s: %s\n", what, qbid_strerror(rc));
    exit(1);
}

static void make_image(struct server *s, uint64_t gen)
{
    size_t bytes;
    void *built = table_image_build(gen, &bytes), *base;
    int fd, rc = qbid_memfd_make(QBID_MEMFD_IMAGE, bytes, &fd, &base);

    if (rc < 0)
        die("image", rc);
    memcpy(base, built, bytes);
    free(built);
    if (s->image_fd >= 0)
        close(s->image_fd);
    rc = qbid_memfd_seal_image(fd, base, bytes, &s->image_fd);
    if (rc < 0)
        die("seal", rc);
    close(fd);
    s->gen = gen;
    s->image_bytes = bytes;
}

static void make_live(struct server *s)
{
    struct qbid_live_shape shape = {TABLE_LINE_ITEMS, BUDGETS, WORKERS_MAX};
    int64_t bytes = qbid_live_footprint(shape);
    void *base;
    int fd, rc = qbid_memfd_make(QBID_MEMFD_LIVE, (size_t)bytes, &fd, &base);

    if (rc < 0)
        die("live page", rc);
    s->live_bytes = (uint64_t)bytes;
    qbid_live_format(base, shape, (uint32_t)getpid(), &s->live);
    for (uint32_t i = 0; i < TABLE_LINE_ITEMS; i++)
        qbid_live_set_pace(&s->live, i, 1.0f);
    for (size_t i = 0; i < (size_t)BUDGETS * WORKERS_MAX; i++)
        atomic_store_explicit(&s->live.limit[i], INT64_MAX / 2, memory_order_release);
    rc = qbid_memfd_reopen_ro(fd, &s->live_fd);
    if (rc < 0)
        die("live page", rc);
    close(fd);
}

static void drop_worker(struct worker *w)
{
    munmap(w->page.header, w->bytes);
    w->host = -1;
}

static void drop_host(struct server *s, int h)
{
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        if (s->worker[i].host == h)
            drop_worker(&s->worker[i]);
    }
    close(s->host[h].sock);
    s->host[h].sock = -1;
}

static void send_msg(struct server *s, int h, enum qbid_msg_type type, uint64_t a, uint64_t b,
                     uint64_t c, int fd)
{
    struct qbid_msg msg = qbid_handover_msg(type);

    msg.u.n.a = a;
    msg.u.n.b = b;
    msg.u.n.c = c;
    if (s->host[h].sock >= 0 && qbid_handover_send(s->host[h].sock, &msg, fd) < 0)
        drop_host(s, h);
}

static void send_image(struct server *s, int h)
{
    send_msg(s, h, QBID_MSG_STAGE, s->gen, s->image_bytes, 0, s->image_fd);
    send_msg(s, h, QBID_MSG_COMMIT, s->gen, 0, 0, -1);
}

static void on_hello(struct server *s, int h)
{
    struct qbid_msg keys = qbid_handover_msg(QBID_MSG_KEYS);

    keys.u.keys = s->keys;
    send_msg(s, h, QBID_MSG_WELCOME, (uint64_t)getpid(), qbid_clock_boot_ns(), 0, -1);
    if (s->host[h].sock >= 0)
        qbid_handover_send(s->host[h].sock, &keys, -1);
    send_msg(s, h, QBID_MSG_LIVE, s->live_bytes, 0, 0, s->live_fd);
    send_image(s, h);
}

static int find_free_worker(const struct server *s)
{
    for (int i = 0; i < WORKERS_MAX; i++) {
        if (s->worker[i].host < 0)
            return i;
    }
    return -1;
}

/* fd is the page that the worker goes on with, or -1: then it gets a new one. */
static void on_worker(struct server *s, int h, uint64_t cookie, int fd)
{
    int slot = find_free_worker(s), made = fd, rc;
    struct worker *w;
    void *base;

    if (slot < 0) {
        drop_host(s, h);
        return;
    }
    w = &s->worker[slot];
    w->bytes = (size_t)qbid_page_footprint(BUDGETS, RING_LG);
    if (fd >= 0) {
        rc = qbid_memfd_map(fd, QBID_MEMFD_PAGE, 1, (size_t)1 << 30, &base, &w->bytes);
        rc = rc < 0 ? rc : qbid_page_attach(base, w->bytes, &w->page);
    } else {
        rc = qbid_memfd_make(QBID_MEMFD_PAGE, w->bytes, &made, &base);
        rc = rc < 0 ? rc : qbid_page_format(base, BUDGETS, RING_LG, &w->page);
    }
    if (rc < 0)
        die("worker page", rc);
    w->host = h;
    w->cookie = cookie;
    send_msg(s, h, QBID_MSG_PAGE, cookie, (uint64_t)slot, (uint64_t)slot + 1, fd >= 0 ? -1 : made);
    if (fd < 0)
        close(made);
}

static void on_gone(struct server *s, int h, uint64_t cookie)
{
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        if (s->worker[i].host == h && s->worker[i].cookie == cookie)
            drop_worker(&s->worker[i]);
    }
}

static void receive(struct server *s, int h)
{
    struct qbid_msg msg;
    int fd = -1, rc;

    while (s->host[h].sock >= 0 && (rc = qbid_handover_recv(s->host[h].sock, &msg, &fd)) != 0) {
        if (rc < 0) {
            drop_host(s, h);
            return;
        }
        if (msg.type == QBID_MSG_HELLO)
            on_hello(s, h);
        else if (msg.type == QBID_MSG_WORKER)
            on_worker(s, h, msg.u.n.a, fd);
        else if (msg.type == QBID_MSG_ADOPTED)
            s->host[h].adopted = msg.u.n.a;
        else if (msg.type == QBID_MSG_REFUSED)
            s->refused++;
        else if (msg.type == QBID_MSG_RELEASED)
            s->released++;
        else if (msg.type == QBID_MSG_GONE)
            on_gone(s, h, msg.u.n.a);
        if (fd >= 0)
            close(fd);
    }
}

static void accept_host(struct server *s)
{
    int sock = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    for (int h = 0; sock >= 0 && h < HOSTS_MAX; h++) {
        if (s->host[h].sock < 0) {
            s->host[h] = (struct host){.sock = sock};
            return;
        }
    }
    if (sock >= 0)
        close(sock);
}

/* Leases for everybody, and the rings emptied: a full one would refuse notices. */
static void tick(struct server *s)
{
    uint64_t until = qbid_clock_boot_ns() + LEASE_NS;

    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        struct worker *w = &s->worker[i];
        struct qbid_event events[256];
        int n;

        atomic_store_explicit(&s->live.lease[i].valid_until_ns, until, memory_order_release);
        while (w->host >= 0 && (n = qbid_ring_pop(w->page.ring, w->page.events, w->page.event_mask,
                                                  events, 256)) > 0) {
            for (int j = 0; j < n; j++)
                s->events[events[j].kind % QBID_EVENT_KIND_END]++;
        }
    }
}

static void print_report(const struct server *s)
{
    static const char *const word[QBID_EVENT_KIND_END] = {
#define X(name, code, word) [code] = word,
        QBID_EVENT_LIST(X)
#undef X
    };
    uint64_t adopted = UINT64_MAX;
    unsigned hosts = 0, workers = 0;

    for (unsigned i = 0; i < HOSTS_MAX; i++) {
        if (s->host[i].sock >= 0) {
            hosts++;
            adopted = s->host[i].adopted < adopted ? s->host[i].adopted : adopted;
        }
    }
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        workers += s->worker[i].host >= 0;
    printf("gen %lu hosts %u workers %u adopted %lu refused %lu released %lu", s->gen, hosts,
           workers, hosts > 0 ? adopted : 0, s->refused, s->released);
    for (unsigned i = 1; i < QBID_EVENT_KIND_END; i++)
        printf(" %s %lu", word[i], s->events[i]);
    printf("\n");
}

static void print_token(const struct server *s, uint64_t age_s)
{
    uint64_t age_ns = age_s * QBID_NS_PER_S;
    struct qbid_token token = {
        .version = QBID_TOKEN_VERSION,
        .key_id = s->keys.id[0],
        .tenant = 1,
        .nonce = 1,
        .bid_nanos = 1000000,
        /* from before the boot: beyond any time of this one, as a token of the boot before may be
         */
        .bid_time_ns = qbid_clock_boot_ns() - age_ns,
        .bid_unix_s = (uint32_t)((qbid_clock_unix_ns() - age_ns) / QBID_NS_PER_S),
        .gen = (uint32_t)s->gen,
        .line_item_id = 100,
        .creative_id = 200,
    };
    char text[QBID_TOKEN_CHARS];
    int rc = qbid_token_sign(&s->keys, &token, text);

    if (rc < 0)
        die("token", rc);
    printf("%.*s\n", QBID_TOKEN_CHARS, text);
}

static void save(const struct server *s, const char *path)
{
    FILE *file = fopen(path, "wb");
    void *base = mmap(NULL, s->image_bytes, PROT_READ, MAP_SHARED, s->image_fd, 0);

    if (file == NULL || base == MAP_FAILED || fwrite(base, s->image_bytes, 1, file) != 1)
        die(path, QBID_ERR_SYS);
    fclose(file);
    munmap(base, s->image_bytes);
    printf("saved\n");
}

static bool command(struct server *s)
{
    char line[512];
    ssize_t n = 0;

    /* byte by byte: what follows the line must wait in the pipe for the next poll */
    while (n < (ssize_t)sizeof(line) - 1 && read(STDIN_FILENO, line + n, 1) == 1) {
        if (line[n] == '\n')
            break;
        n++;
    }
    line[n] = '\0';
    if (n == 0)
        return false;
    if (strcmp(line, "publish") == 0) {
        make_image(s, s->gen + 1);
        for (int h = 0; h < HOSTS_MAX; h++)
            send_image(s, h);
        printf("gen %lu\n", s->gen);
    } else if (strcmp(line, "report") == 0) {
        tick(s);
        print_report(s);
    } else if (strncmp(line, "save ", 5) == 0) {
        save(s, line + 5);
    } else if (strncmp(line, "token ", 6) == 0) {
        print_token(s, strtoul(line + 6, NULL, 10));
    } else {
        printf("no command\n");
    }
    fflush(stdout);
    return true;
}

int main(int argc, char **argv)
{
    static struct server s = {.image_fd = -1, .keys = {.id = {1, 0}, .secret = {{7, 7, 7}}}};
    struct pollfd p[HOSTS_MAX + 2];

    if (argc != 3) {
        fprintf(stderr, "usage: table_server SOCKET GEN\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    for (unsigned i = 0; i < HOSTS_MAX; i++)
        s.host[i].sock = -1;
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        s.worker[i].host = -1;
    make_image(&s, strtoul(argv[2], NULL, 10));
    make_live(&s);
    s.listener = qbid_handover_listen(argv[1], 0666);
    if (s.listener < 0)
        die(argv[1], s.listener);
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        p[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
        p[1] = (struct pollfd){.fd = s.listener, .events = POLLIN};
        for (int h = 0; h < HOSTS_MAX; h++)
            p[2 + h] = (struct pollfd){.fd = s.host[h].sock, .events = POLLIN};
        if (poll(p, HOSTS_MAX + 2, TICK_MS) < 0 && errno != EINTR)
            return 1;
        tick(&s);
        if (p[1].revents)
            accept_host(&s);
        for (int h = 0; h < HOSTS_MAX; h++) {
            if (p[2 + h].revents && s.host[h].sock == p[2 + h].fd)
                receive(&s, h);
        }
        if (p[0].revents && !command(&s))
            break;
    }
    unlink(argv[1]);
    return 0;
}
