/* SPDX-License-Identifier: Apache-2.0 */
/* Keep-alive connections to one server over epoll: one request at a time on each, with a deadline.
 *
 *   CLOSED --connect--> CONNECTING --writable--> IDLE --send--> BUSY --answer--> IDLE
 *      ^                    |                     |              |
 *      +-- refused, closed by the server, late or broken answer -+   (then connects again)
 */
#ifndef QBID_TOOLS_REPLAY_HTTP_POOL_H
#define QBID_TOOLS_REPLAY_HTTP_POOL_H

#include <stdint.h>
#include <sys/socket.h>

#include "tools/replay/text/buffer.h"

#define QBID_REPLAY_POOL_CONNECTIONS_MAX 1024

enum qbid_replay_pool_result {
    QBID_REPLAY_ANSWERED,
    QBID_REPLAY_TIMED_OUT, /* no whole answer before the deadline */
    QBID_REPLAY_LOST,      /* sent, but the connection ended or broke before a whole answer */
    QBID_REPLAY_UNSENT,    /* the connection took not a byte of it: the request may be sent again */
};

struct qbid_replay_pool_event {
    unsigned conn;
    enum qbid_replay_pool_result result;
    int status; /* of an answer */
    struct qbid_replay_span body;
    struct qbid_replay_span request; /* what was sent */
    uint64_t sent_ns;
    uint64_t latency_ns; /* of an answer: from the write of the request to its last byte */
};

/* Called once for every request, from qbid_replay_pool_send or _poll; it must not send. */
typedef void (*qbid_replay_pool_fn)(void *context, const struct qbid_replay_pool_event *event);

struct qbid_replay_pool_facts {
    unsigned open;     /* connections that can take or have a request */
    unsigned busy;     /* of these, waiting for an answer */
    uint64_t connects; /* connections made */
    uint64_t errors;   /* connections refused, reset, or closed within an answer */
    uint64_t down_ns;  /* since when none is open; 0 while one is */
    int last_errno;    /* of the last refused connection */
};

struct qbid_replay_pool;

struct qbid_replay_pool_terms {
    struct sockaddr_storage address;
    socklen_t address_len;
    unsigned connections;
    int wake_fd; /* also ends a poll when it is readable; -1 for none */
    qbid_replay_pool_fn fn;
    void *context;
};

/** CLOCK_MONOTONIC in ns: the time of everything here. */
uint64_t qbid_replay_pool_now(void);

/**
 * Make the pool and begin to connect.
 *
 * Returns: 0, *ret_pool to be freed with qbid_replay_pool_free.
 * Errors:  QBID_ERR_NOMEM, QBID_ERR_SYS; an unreachable server is no error, see facts.
 */
int qbid_replay_pool_new(const struct qbid_replay_pool_terms *terms,
                         struct qbid_replay_pool **ret_pool);

void qbid_replay_pool_free(struct qbid_replay_pool *pool);

struct qbid_replay_pool_facts qbid_replay_pool_query(const struct qbid_replay_pool *pool);

/** The connection that is idle for the longest time, or -1: all take turns, so that every worker
 *  of the server gets requests. */
int qbid_replay_pool_idle(const struct qbid_replay_pool *pool);

/** The buffer to write an idle connection's next request into; it is empty. */
struct qbid_replay_buffer *qbid_replay_pool_buffer(struct qbid_replay_pool *pool, unsigned conn);

/** Send what is in the buffer (which must not have failed) of an idle connection; the event
 *  function hears of it within timeout_ns. */
void qbid_replay_pool_send(struct qbid_replay_pool *pool, unsigned conn, uint64_t timeout_ns);

/**
 * Wait for events, at most until until_ns, and handle them; deadlines are kept meanwhile.
 *
 * Returns: 1 when wake_fd is readable, else 0.
 */
int qbid_replay_pool_poll(struct qbid_replay_pool *pool, uint64_t until_ns);

#endif
