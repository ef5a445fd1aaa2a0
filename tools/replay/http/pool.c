/* SPDX-License-Identifier: Apache-2.0 */
/* The connections' states, their deadlines, and one epoll over them. */
#include "tools/replay/http/pool.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "shm/error.h"
#include "shm/units.h"
#include "tools/replay/http/http.h"

enum { EVENTS_MAX = 64, READ_BYTES = 16384 };
#define CONNECT_TIMEOUT_NS (UINT64_C(2) * QBID_NS_PER_S)
#define BACKOFF_FIRST_NS (UINT64_C(10) * QBID_NS_PER_MS)
#define BACKOFF_LAST_NS (UINT64_C(320) * QBID_NS_PER_MS)

enum state { CLOSED, CONNECTING, IDLE, BUSY };

struct conn {
    int fd;
    enum state state;
    bool wants_write;
    uint64_t sent_ns;
    uint64_t deadline_ns; /* CONNECTING, BUSY: give up; CLOSED: connect again */
    uint64_t backoff_ns;
    size_t sent_bytes;
    struct qbid_replay_buffer request;
    struct qbid_replay_buffer answer;
    struct qbid_replay_http http;
};

struct qbid_replay_pool {
    struct qbid_replay_pool_terms terms;
    struct qbid_replay_pool_facts facts;
    int epoll_fd;
    unsigned *idle; /* the idle connections, the one that is so for longest first */
    unsigned idle_cnt;
    struct conn *conns;
};

uint64_t qbid_replay_pool_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * QBID_NS_PER_S + (uint64_t)now.tv_nsec;
}

static unsigned index_of(const struct qbid_replay_pool *pool, const struct conn *conn)
{
    return (unsigned)(conn - pool->conns);
}

static void set_state(struct qbid_replay_pool *pool, struct conn *conn, enum state state)
{
    if (conn->state == IDLE)
        for (unsigned i = 0; i < pool->idle_cnt; i++)
            if (pool->idle[i] == index_of(pool, conn)) {
                pool->idle_cnt--;
                memmove(&pool->idle[i], &pool->idle[i + 1],
                        (pool->idle_cnt - i) * sizeof *pool->idle);
                break;
            }
    pool->facts.open += (state >= IDLE ? 1u : 0u) - (conn->state >= IDLE ? 1u : 0u);
    pool->facts.busy += (state == BUSY ? 1u : 0u) - (conn->state == BUSY ? 1u : 0u);
    conn->state = state;
    if (state == IDLE)
        pool->idle[pool->idle_cnt++] = index_of(pool, conn);
    if (pool->facts.open != 0)
        pool->facts.down_ns = 0;
    else if (pool->facts.down_ns == 0)
        pool->facts.down_ns = qbid_replay_pool_now();
}

static void watch(struct qbid_replay_pool *pool, struct conn *conn, int operation, bool wants_write)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | (wants_write ? EPOLLOUT : 0u),
                                .data.u32 = index_of(pool, conn)};
    conn->wants_write = wants_write;
    epoll_ctl(pool->epoll_fd, operation, conn->fd, &event);
}

static void shut(struct qbid_replay_pool *pool, struct conn *conn, uint64_t reopen_ns)
{
    if (conn->fd >= 0)
        close(conn->fd);
    conn->fd = -1;
    conn->deadline_ns = reopen_ns;
    set_state(pool, conn, CLOSED);
}

/* Connect again, but not at once and ever more slowly: the server does not want this connection. */
static void shut_for_a_while(struct qbid_replay_pool *pool, struct conn *conn)
{
    shut(pool, conn, qbid_replay_pool_now() + conn->backoff_ns);
    conn->backoff_ns *= 2;
    if (conn->backoff_ns > BACKOFF_LAST_NS)
        conn->backoff_ns = BACKOFF_LAST_NS;
}

static void refuse(struct qbid_replay_pool *pool, struct conn *conn, int error)
{
    pool->facts.errors++;
    pool->facts.last_errno = error;
    shut_for_a_while(pool, conn);
}

static void become_idle(struct qbid_replay_pool *pool, struct conn *conn)
{
    qbid_replay_buffer_clear(&conn->request);
    qbid_replay_buffer_clear(&conn->answer);
    conn->http = (struct qbid_replay_http){0};
    set_state(pool, conn, IDLE);
}

static void connect_again(struct qbid_replay_pool *pool, struct conn *conn)
{
    int on = 1;
    conn->fd = socket(pool->terms.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (conn->fd < 0) {
        refuse(pool, conn, errno);
        return;
    }
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int failed =
        connect(conn->fd, (const struct sockaddr *)&pool->terms.address, pool->terms.address_len);
    if (failed && errno != EINPROGRESS) {
        refuse(pool, conn, errno);
        return;
    }
    conn->deadline_ns = qbid_replay_pool_now() + CONNECT_TIMEOUT_NS;
    set_state(pool, conn, CONNECTING);
    watch(pool, conn, EPOLL_CTL_ADD, true);
}

static void finish_connect(struct qbid_replay_pool *pool, struct conn *conn)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error) {
        refuse(pool, conn, error);
        return;
    }
    pool->facts.connects++;
    watch(pool, conn, EPOLL_CTL_MOD, false);
    become_idle(pool, conn);
}

/* Tells the owner what became of the request; its buffers are still whole then. */
static void report(struct qbid_replay_pool *pool, struct conn *conn,
                   enum qbid_replay_pool_result result, uint64_t now_ns)
{
    struct qbid_replay_pool_event event = {
        .conn = index_of(pool, conn),
        .result = result,
        .request = {conn->request.text, conn->request.len},
        .sent_ns = conn->sent_ns,
        .latency_ns = now_ns - conn->sent_ns,
    };
    if (result == QBID_REPLAY_ANSWERED) {
        event.status = conn->http.status;
        event.body =
            (struct qbid_replay_span){conn->answer.text + conn->http.body_at, conn->http.body_len};
    }
    pool->terms.fn(pool->terms.context, &event);
}

static void fail(struct qbid_replay_pool *pool, struct conn *conn,
                 enum qbid_replay_pool_result result)
{
    uint64_t now_ns = qbid_replay_pool_now();
    if (result != QBID_REPLAY_TIMED_OUT)
        pool->facts.errors++;
    report(pool, conn, result, now_ns);
    shut(pool, conn, now_ns);
}

static void write_request(struct qbid_replay_pool *pool, struct conn *conn)
{
    while (conn->sent_bytes < conn->request.len) {
        ssize_t sent = send(conn->fd, conn->request.text + conn->sent_bytes,
                            conn->request.len - conn->sent_bytes, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN) {
            watch(pool, conn, EPOLL_CTL_MOD, true);
            return;
        }
        if (sent < 0) {
            fail(pool, conn, conn->sent_bytes ? QBID_REPLAY_LOST : QBID_REPLAY_UNSENT);
            return;
        }
        conn->sent_bytes += (size_t)sent;
    }
    if (conn->wants_write)
        watch(pool, conn, EPOLL_CTL_MOD, false);
}

void qbid_replay_pool_send(struct qbid_replay_pool *pool, unsigned conn_idx, uint64_t timeout_ns)
{
    struct conn *conn = &pool->conns[conn_idx];
    conn->sent_bytes = 0;
    set_state(pool, conn, BUSY);
    conn->sent_ns = qbid_replay_pool_now();
    conn->deadline_ns = conn->sent_ns + timeout_ns;
    write_request(pool, conn);
}

static void finish_answer(struct qbid_replay_pool *pool, struct conn *conn, uint64_t now_ns)
{
    bool keep = !conn->http.close && conn->http.used == conn->answer.len &&
                conn->sent_bytes == conn->request.len;
    /* Out of BUSY first: what the owner sends from within the report must not meet a busy count
     * that lies. */
    set_state(pool, conn, CLOSED);
    report(pool, conn, QBID_REPLAY_ANSWERED, now_ns);
    if (keep)
        become_idle(pool, conn);
    else
        shut(pool, conn, now_ns);
}

static void read_answer(struct qbid_replay_pool *pool, struct conn *conn)
{
    for (;;) {
        char *room = qbid_replay_buffer_reserve(&conn->answer, READ_BYTES);
        ssize_t got = room ? recv(conn->fd, room, READ_BYTES, 0) : -1;
        int error = room ? errno : ENOMEM;
        if (got < 0 && error == EINTR)
            continue;
        if (got < 0 && error == EAGAIN)
            return;
        if (conn->state != BUSY) { /* idle: closed by the server, or it talks out of turn */
            shut_for_a_while(pool, conn);
            return;
        }
        uint64_t now_ns = qbid_replay_pool_now();
        conn->answer.len += got > 0 ? (size_t)got : 0;
        int whole = got < 0 ? QBID_ERR_CLOSED
                            : qbid_replay_http_read(&conn->http, conn->answer.text,
                                                    conn->answer.len, got == 0);
        if (now_ns > conn->deadline_ns) {
            fail(pool, conn, QBID_REPLAY_TIMED_OUT);
            return;
        }
        if (whole < 0) {
            fail(pool, conn, QBID_REPLAY_LOST);
            return;
        }
        if (whole > 0) {
            finish_answer(pool, conn, now_ns);
            return;
        }
        if (got < READ_BYTES)
            return;
    }
}

static void handle(struct qbid_replay_pool *pool, struct conn *conn, uint32_t events)
{
    if (conn->state == CONNECTING) {
        finish_connect(pool, conn);
        return;
    }
    if (conn->state == BUSY && (events & EPOLLOUT))
        write_request(pool, conn);
    if (conn->state >= IDLE && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
        read_answer(pool, conn);
}

static void keep_deadlines(struct qbid_replay_pool *pool)
{
    uint64_t now_ns = qbid_replay_pool_now();
    for (unsigned i = 0; i < pool->terms.connections; i++) {
        struct conn *conn = &pool->conns[i];
        if (conn->state == IDLE || conn->deadline_ns > now_ns)
            continue;
        if (conn->state == BUSY)
            fail(pool, conn, QBID_REPLAY_TIMED_OUT);
        else if (conn->state == CONNECTING)
            refuse(pool, conn, ETIMEDOUT);
        if (conn->state == CLOSED && conn->deadline_ns <= now_ns)
            connect_again(pool, conn);
    }
}

static uint64_t next_deadline(const struct qbid_replay_pool *pool, uint64_t until_ns)
{
    for (unsigned i = 0; i < pool->terms.connections; i++)
        if (pool->conns[i].state != IDLE && pool->conns[i].deadline_ns < until_ns)
            until_ns = pool->conns[i].deadline_ns;
    return until_ns;
}

/* Kernels before 5.11 have no epoll_pwait2; they wait to the millisecond. */
static int wait_events(int epoll_fd, struct epoll_event *events, uint64_t wait_ns)
{
    struct timespec timeout = {(time_t)(wait_ns / QBID_NS_PER_S), (long)(wait_ns % QBID_NS_PER_S)};
    int cnt = epoll_pwait2(epoll_fd, events, EVENTS_MAX, &timeout, NULL);
    if (cnt < 0 && errno == ENOSYS)
        cnt = epoll_wait(epoll_fd, events, EVENTS_MAX,
                         (int)((wait_ns + QBID_NS_PER_MS - 1) / QBID_NS_PER_MS));
    return cnt;
}

int qbid_replay_pool_poll(struct qbid_replay_pool *pool, uint64_t until_ns)
{
    struct epoll_event events[EVENTS_MAX];
    int woken = 0;
    uint64_t now_ns = qbid_replay_pool_now();
    until_ns = next_deadline(pool, until_ns);
    int cnt = wait_events(pool->epoll_fd, events, until_ns > now_ns ? until_ns - now_ns : 0);
    for (int i = 0; i < cnt; i++) {
        if (events[i].data.u32 == pool->terms.connections)
            woken = 1;
        else
            handle(pool, &pool->conns[events[i].data.u32], events[i].events);
    }
    keep_deadlines(pool);
    return woken;
}

struct qbid_replay_pool_facts qbid_replay_pool_query(const struct qbid_replay_pool *pool)
{
    return pool->facts;
}

int qbid_replay_pool_idle(const struct qbid_replay_pool *pool)
{
    return pool->idle_cnt ? (int)pool->idle[0] : -1;
}

struct qbid_replay_buffer *qbid_replay_pool_buffer(struct qbid_replay_pool *pool, unsigned conn)
{
    return &pool->conns[conn].request;
}

static int open_epoll(struct qbid_replay_pool *pool)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = pool->terms.connections};
    pool->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (pool->epoll_fd < 0)
        return QBID_ERR_SYS;
    if (pool->terms.wake_fd >= 0 &&
        epoll_ctl(pool->epoll_fd, EPOLL_CTL_ADD, pool->terms.wake_fd, &event) != 0)
        return QBID_ERR_SYS;
    return 0;
}

int qbid_replay_pool_new(const struct qbid_replay_pool_terms *terms,
                         struct qbid_replay_pool **ret_pool)
{
    struct qbid_replay_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return QBID_ERR_NOMEM;
    pool->terms = *terms;
    pool->terms.connections = 0; /* until they are there to be freed */
    pool->epoll_fd = -1;
    pool->facts.down_ns = qbid_replay_pool_now();
    pool->conns = calloc(terms->connections, sizeof *pool->conns);
    pool->idle = calloc(terms->connections, sizeof *pool->idle);
    int err = pool->conns && pool->idle ? 0 : QBID_ERR_NOMEM;
    if (!err) {
        pool->terms.connections = terms->connections;
        for (unsigned i = 0; i < terms->connections; i++)
            pool->conns[i] = (struct conn){.fd = -1, .backoff_ns = BACKOFF_FIRST_NS};
        err = open_epoll(pool);
    }
    if (err) {
        qbid_replay_pool_free(pool);
        return err;
    }
    for (unsigned i = 0; i < terms->connections; i++)
        connect_again(pool, &pool->conns[i]);
    *ret_pool = pool;
    return 0;
}

void qbid_replay_pool_free(struct qbid_replay_pool *pool)
{
    if (!pool)
        return;
    for (unsigned i = 0; i < pool->terms.connections; i++) {
        if (pool->conns[i].fd >= 0)
            close(pool->conns[i].fd);
        qbid_replay_buffer_done(&pool->conns[i].request);
        qbid_replay_buffer_done(&pool->conns[i].answer);
    }
    if (pool->epoll_fd >= 0)
        close(pool->epoll_fd);
    free(pool->conns);
    free(pool->idle);
    free(pool);
}
