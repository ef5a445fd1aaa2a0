/* SPDX-License-Identifier: Apache-2.0 */
/* Requests from the thread of the sockets to the engine's, and answers back.
 *
 *   sockets' thread                             engine's thread
 *   E1 qbid_exchange_offer  --- bounded list -> E2 fd readable; qbid_exchange_take
 *   E4 qbid_exchange_done   <-- list, wake() -- E3 qbid_exchange_answer
 *
 * One lock around both lists, held for a few instructions; nothing waits for the other side: a full
 * list refuses. A job belongs to whoever has it; one whose client has gone (qbid_exchange_drop) is
 * not begun any more, and freed by whoever meets it.
 */
#ifndef QBID_CONTROL_HTTP_EXCHANGE_H
#define QBID_CONTROL_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/access/tokens.h"
#include "control/http/requests.h"

#define QBID_EXCHANGE_JOBS_MAX 256  /* not answered yet */
#define QBID_IDEMPOTENCY_KEY_MAX 65 /* 64 printable characters, and the end */

enum qbid_http_operation { QBID_HTTP_ANALYZE, QBID_HTTP_EXECUTE, QBID_HTTP_OPERATION_CNT };

struct qbid_http_job {
    /* asked; not changed after the offer */
    enum qbid_http_operation operation;
    struct qbid_principal principal;
    union {
        struct qbid_analyze_request analyze;
        struct qbid_execute_request execute;
    } request;
    char idempotency_key[QBID_IDEMPOTENCY_KEY_MAX]; /* "" = none */
    uint8_t request_hash[32];                       /* of the body's bytes */
    /* answered by the engine's thread */
    int status;
    char *body; /* malloc'd; NULL = without memory */
    /* the exchange's */
    void *client; /* NULL = gone */
    bool taken;
    struct qbid_http_job *next;
};

struct qbid_exchange; /* opaque */

/** wake(context) is called in the engine's thread after each answer; must be safe there. */
int qbid_exchange_new(void (*wake)(void *context), void *context,
                      struct qbid_exchange **ret_exchange);
/** Both threads have ended with it. */
void qbid_exchange_free(struct qbid_exchange *exchange);

/** E1: hand a job over, which has a client. FULL: it stays the caller's. */
int qbid_exchange_offer(struct qbid_exchange *exchange, struct qbid_http_job *job);
/** The client of an offered job has gone: its answer interests nobody. */
void qbid_exchange_drop(struct qbid_exchange *exchange, struct qbid_http_job *job);
/** E4: the next answered job, now the caller's; NULL = none. Jobs without a client are freed. */
struct qbid_http_job *qbid_exchange_done(struct qbid_exchange *exchange);

/** Readable when there are jobs. */
int qbid_exchange_fd(const struct qbid_exchange *exchange);
/** E2: the next job to answer, which has a client still; NULL = none. */
struct qbid_http_job *qbid_exchange_take(struct qbid_exchange *exchange);
/** E3: it has its status and body. */
void qbid_exchange_answer(struct qbid_exchange *exchange, struct qbid_http_job *job);

void qbid_http_job_free(struct qbid_http_job *job);

#endif
