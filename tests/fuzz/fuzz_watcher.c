/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any sequence of messages, hang-ups and workers, right ones and wrong ones, to the
 * watcher. After every step the table must be one consistent set, and at the end nothing is left.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/memfd.h"
#include "shm/watcher_state.h"
#include "tests/fuzz/fuzz.h"
#include "tests/shm/process.h"
#include "tests/shm/server.h"

#define STEPS_MAX 64
#define GENS 6
#define WORKERS 4

const unsigned fuzz_replays = 600;

enum step {
    STEP_CONNECT,
    STEP_WELCOME,
    STEP_KEYS,
    STEP_LIVE,
    STEP_LIVE_WRONG,
    STEP_IMAGE,
    STEP_IMAGE_WRONG,
    STEP_PAGE,
    STEP_PAGE_YOURS,
    STEP_PAGE_WRONG,
    STEP_HANGUP,
    STEP_ADD,
    STEP_REMOVE,
    STEP_RAW,
    STEP_SILENCE,
    STEP_STAGE,
    STEP_COMMIT,
    STEP_REST,
    STEP_CNT
};

struct world {
    struct qbid_watcher *watcher;
    int peer;         /* our end of the connection; -1 = none */
    uint16_t epoch;   /* number of the connection: its uids, and in its live page */
    uint8_t asked[4]; /* cookies that wait for a PAGE, oldest first */
    unsigned asked_cnt;
    unsigned open[QBID_HANDOVER_COOKIES_MAX];
    unsigned open_cnt;
    uint64_t gen;
};

static int image_fd[GENS + 1]; /* by generation, made once */
static size_t image_bytes[GENS + 1];

static void require(int condition)
{
    if (!condition)
        abort();
}

static void make_images(void)
{
    for (uint64_t gen = 1; gen <= GENS && image_fd[gen] == 0; gen++) {
        void *base, *bytes = server_image_build(gen, &image_bytes[gen]);
        int fd;
        require(qbid_memfd_make(QBID_MEMFD_IMAGE, image_bytes[gen], &fd, &base) == 0);
        memcpy(base, bytes, image_bytes[gen]);
        require(qbid_memfd_seal_image(fd, base, image_bytes[gen], &image_fd[gen]) == 0);
        close(fd);
        free(bytes);
    }
}

static void tell(struct world *w, enum qbid_msg_type type, uint64_t a, uint64_t b, uint64_t c,
                 int fd)
{
    if (w->peer < 0)
        return;
    struct qbid_msg msg = qbid_handover_msg(type);
    msg.u.n.a = a;
    msg.u.n.b = b;
    msg.u.n.c = c;
    (void)qbid_handover_send(w->peer, &msg, fd);
}

/* A live page that carries the number of its connection, and is ours no longer. */
static void tell_live(struct world *w)
{
    struct qbid_live_shape shape = {8, 2, WORKERS};
    size_t bytes = (size_t)qbid_live_footprint(shape);
    struct qbid_live live;
    void *base;
    int fd;
    require(qbid_memfd_make(QBID_MEMFD_LIVE, bytes, &fd, &base) == 0);
    qbid_live_format(base, shape, 1, &live);
    atomic_store(&live.limit[0], w->epoch);
    tell(w, QBID_MSG_LIVE, bytes, 0, 0, fd);
    munmap(base, bytes);
    close(fd);
}

static void tell_page(struct world *w, uint64_t cookie, uint64_t slot, int fresh)
{
    size_t bytes = (size_t)qbid_page_footprint(2, QBID_PAGE_RING_LG_MIN);
    struct qbid_page page;
    void *base;
    int fd = -1;
    if (fresh) {
        require(qbid_memfd_make(QBID_MEMFD_PAGE, bytes, &fd, &base) == 0);
        qbid_page_format(base, 2, QBID_PAGE_RING_LG_MIN, &page);
        munmap(base, bytes);
    }
    tell(w, QBID_MSG_PAGE, cookie, slot, w->epoch, fd);
    if (fd >= 0)
        close(fd);
}

static void answer_page(struct world *w, uint8_t arg, int fresh)
{
    if (w->asked_cnt == 0)
        return;
    tell_page(w, w->asked[0], arg % 8 == 7 ? QBID_LIVE_SLOT_NONE : arg % WORKERS, fresh);
    memmove(w->asked, w->asked + 1, --w->asked_cnt);
}

/* What the watcher said: remember the questions. */
static void listen_to(struct world *w)
{
    struct qbid_msg msg;
    int fd;
    while (w->peer >= 0 && qbid_handover_recv(w->peer, &msg, &fd) == 1) {
        if (fd >= 0)
            close(fd);
        if (msg.type == QBID_MSG_WORKER && w->asked_cnt < sizeof w->asked)
            w->asked[w->asked_cnt++] = (uint8_t)msg.u.n.a;
    }
}

static void hang_up(struct world *w)
{
    if (w->peer >= 0)
        close(w->peer);
    w->peer = -1;
    w->asked_cnt = 0;
}

static void connect_to(struct world *w)
{
    int end[2];
    hang_up(w);
    require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, end) == 0);
    pthread_mutex_lock(&w->watcher->lock);
    qbid_watcher_link_receive(w->watcher); /* sees the hang-up */
    if (w->watcher->link != QBID_LINK_DOWN)
        qbid_watcher_link_close(w->watcher);
    qbid_watcher_link_open(w->watcher, end[0]);
    pthread_mutex_unlock(&w->watcher->lock);
    w->peer = end[1];
    w->epoch++;
}

static void add_worker(struct world *w)
{
    unsigned cookie;
    if (w->open_cnt < WORKERS && qbid_watcher_add_worker(w->watcher, 0, &cookie) == 0)
        w->open[w->open_cnt++] = cookie;
}

/* With a socket path, so that the watcher keeps the pages of workers that leave while nobody is
 * connected. Its thread must not connect there, so that is not due before the path is taken away.
 */
static void leave(struct world *w, unsigned cookie)
{
    static char path[] = "/nowhere";
    pthread_mutex_lock(&w->watcher->lock);
    uint64_t retry_at_ns = w->watcher->retry_at_ns;
    uint64_t hour_ns = qbid_clock_boot_ns() + 3600 * UINT64_C(1000000000);
    w->watcher->socket_path = path;
    w->watcher->retry_at_ns = hour_ns;
    pthread_mutex_unlock(&w->watcher->lock);
    qbid_watcher_remove_worker(w->watcher, cookie);
    pthread_mutex_lock(&w->watcher->lock);
    w->watcher->socket_path = NULL;
    if (w->watcher->retry_at_ns == hour_ns) /* else the link went down in between */
        w->watcher->retry_at_ns = retry_at_ns;
    pthread_mutex_unlock(&w->watcher->lock);
}

static void remove_worker(struct world *w, uint8_t arg)
{
    if (w->open_cnt == 0) {
        leave(w, arg);
        return;
    }
    unsigned i = arg % w->open_cnt;
    leave(w, w->open[i]);
    w->open[i] = w->open[--w->open_cnt];
}

static void say_wrong_image(struct world *w, uint8_t arg)
{
    unsigned gen = 1u + arg % GENS, other = 1u + (arg + 1u) % GENS;
    int fd = arg & 16 ? -1 : arg & 32 ? w->peer : image_fd[other];
    tell(w, QBID_MSG_STAGE, gen, image_bytes[gen], 0, fd);
}

static void do_step(struct world *w, unsigned step, uint8_t arg)
{
    switch ((enum step)step) {
    case STEP_CONNECT:
        connect_to(w);
        break;
    case STEP_WELCOME:
        tell(w, QBID_MSG_WELCOME, 1, 0, 0, -1);
        break;
    case STEP_KEYS:
        tell(w, QBID_MSG_KEYS, arg, arg, arg, -1);
        break;
    case STEP_LIVE:
        tell_live(w);
        break;
    case STEP_LIVE_WRONG:
        tell(w, QBID_MSG_LIVE, image_bytes[1], 0, 0, arg & 1 ? image_fd[1] : arg & 2 ? 2 : -1);
        break;
    case STEP_STAGE:
    case STEP_IMAGE:
        tell(w, QBID_MSG_STAGE, 1 + arg % GENS, image_bytes[1 + arg % GENS], 0,
             image_fd[1 + arg % GENS]);
        if (step == STEP_IMAGE)
            tell(w, QBID_MSG_COMMIT, 1 + arg % GENS, 0, 0, -1);
        break;
    case STEP_COMMIT:
        tell(w, QBID_MSG_COMMIT, 1 + arg % GENS, 0, 0, -1);
        break;
    case STEP_REST:
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* the stager comes to its end */
        break;
    case STEP_IMAGE_WRONG:
        say_wrong_image(w, arg);
        break;
    case STEP_PAGE:
    case STEP_PAGE_YOURS:
        answer_page(w, arg, step == STEP_PAGE);
        break;
    case STEP_PAGE_WRONG:
        tell_page(w, arg % 80, arg, arg & 1);
        break;
    case STEP_HANGUP:
        hang_up(w);
        break;
    case STEP_ADD:
        add_worker(w);
        break;
    case STEP_REMOVE:
        remove_worker(w, arg);
        break;
    case STEP_RAW:
        tell(w, (enum qbid_msg_type)arg, arg, arg, arg, arg & 1 ? 2 : -1);
        break;
    case STEP_SILENCE:
        pthread_mutex_lock(&w->watcher->lock);
        qbid_watcher_link_tick(w->watcher, UINT64_MAX);
        pthread_mutex_unlock(&w->watcher->lock);
        break;
    case STEP_CNT:
        break;
    }
}

static void check_table(struct world *w)
{
    const struct qbid_table *table = qbid_watcher_read_lock(w->watcher);
    uint64_t gen = table->image.header != NULL ? table->image.header->gen : 0;
    require(gen >= w->gen); /* these images never expire, so there is no way back */
    if (gen != w->gen)
        require(server_image_is_whole(&table->image));
    w->gen = gen;
    for (unsigned c = 0; c < QBID_HANDOVER_COOKIES_MAX; c++) {
        if (table->slot[c] == QBID_LIVE_SLOT_NONE)
            continue;
        require(table->page[c].header != NULL && table->live.header != NULL);
        require(table->slot[c] < table->live.shape.worker_max);
        require(atomic_load(&table->live.limit[0]) == table->uid[c]); /* of one connection */
    }
    for (unsigned i = 0; i < w->open_cnt; i++) {
        const struct qbid_page *page = &table->page[w->open[i]];
        struct qbid_event event = {.nonce = 1};
        require(page->header != NULL);
        qbid_page_push(page, &event);
    }
    qbid_watcher_read_unlock(w->watcher);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct qbid_watcher_options none = {.retry_ms_max = 1};
    struct world w = {.peer = -1};
    make_images();
    unsigned fds = process_fds(), maps = process_maps();
    qbid_watcher_thread_online();
    /* Its own thread sleeps, since it is told of no socket; the stager works beside us. */
    require(qbid_watcher_new(&none, &w.watcher) == 0);
    for (size_t i = 0; i + 1 < size && i < 2 * STEPS_MAX; i += 2) {
        do_step(&w, data[i] % STEP_CNT, data[i + 1]);
        pthread_mutex_lock(&w.watcher->lock);
        qbid_watcher_link_receive(w.watcher);
        pthread_mutex_unlock(&w.watcher->lock);
        listen_to(&w);
        check_table(&w);
    }
    qbid_watcher_thread_offline();
    qbid_watcher_free(w.watcher);
    hang_up(&w);
    require(process_fds() == fds && process_maps() == maps);
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    /* connect, adopt, workers of our own, restart, hand-over, leave */
    static const uint8_t life[] = {
        STEP_CONNECT, 0, STEP_WELCOME,    0, STEP_KEYS,    1, STEP_LIVE,    0, STEP_IMAGE,   0,
        STEP_IMAGE,   1, STEP_ADD,        0, STEP_ADD,     0, STEP_CONNECT, 0, STEP_WELCOME, 0,
        STEP_LIVE,    0, STEP_PAGE,       0, STEP_IMAGE,   2, STEP_PAGE,    1, STEP_IMAGE,   3,
        STEP_HANGUP,  0, STEP_REMOVE,     0, STEP_CONNECT, 0, STEP_WELCOME, 0, STEP_LIVE,    0,
        STEP_PAGE,    2, STEP_PAGE_YOURS, 3, STEP_IMAGE,   4};
    static const uint8_t wrong[] = {STEP_CONNECT,     0,  STEP_IMAGE,      0, STEP_CONNECT,     0,
                                    STEP_WELCOME,     0,  STEP_LIVE_WRONG, 1, STEP_CONNECT,     0,
                                    STEP_WELCOME,     0,  STEP_LIVE,       0, STEP_IMAGE_WRONG, 0,
                                    STEP_IMAGE_WRONG, 16, STEP_CONNECT,    0, STEP_WELCOME,     0,
                                    STEP_LIVE,        0,  STEP_PAGE_WRONG, 1, STEP_RAW,         99};
    static const uint8_t slow[] = {STEP_CONNECT, 0, STEP_SILENCE, 0, STEP_ADD,   0, STEP_ADD,  0,
                                   STEP_CONNECT, 0, STEP_WELCOME, 0, STEP_LIVE,  0, STEP_PAGE, 0,
                                   STEP_SILENCE, 0, STEP_PAGE,    1, STEP_IMAGE, 5};
    fn(context, life, sizeof life);
    fn(context, wrong, sizeof wrong);
    /* ahead: ready and not, replaced, behind a committed one, hung up before the commit */
    static const uint8_t ahead[] = {
        STEP_CONNECT, 0, STEP_WELCOME, 0, STEP_LIVE,   0, STEP_STAGE,  0, STEP_REST,  0,
        STEP_COMMIT,  0, STEP_STAGE,   1, STEP_STAGE,  2, STEP_COMMIT, 2, STEP_STAGE, 3,
        STEP_COMMIT,  3, STEP_STAGE,   4, STEP_REST,   0, STEP_HANGUP, 0, STEP_REST,  0,
        STEP_CONNECT, 0, STEP_WELCOME, 0, STEP_COMMIT, 4, STEP_REST,   0, STEP_STAGE, 4,
        STEP_COMMIT,  4, STEP_HANGUP,  0};
    fn(context, slow, sizeof slow);
    fn(context, ahead, sizeof ahead);
}
