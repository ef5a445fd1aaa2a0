/* SPDX-License-Identifier: Apache-2.0 */
/* Two lists and a lock. */
#include "control/http/exchange.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shm/error.h"

struct list {
    struct qbid_http_job *first, **end;
};

struct qbid_exchange {
    pthread_mutex_t lock; /* of all below */
    struct list asked, answered;
    uint32_t cnt; /* offered and not given back */
    int fd;       /* an eventfd that counts offers */
    void (*wake)(void *context);
    void *wake_context;
};

static void list_init(struct list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void list_put(struct list *list, struct qbid_http_job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
}

static struct qbid_http_job *list_get(struct list *list)
{
    struct qbid_http_job *job = list->first;
    if (job && !(list->first = job->next))
        list->end = &list->first;
    return job;
}

void qbid_http_job_free(struct qbid_http_job *job)
{
    if (!job)
        return;
    free(job->body);
    free(job);
}

int qbid_exchange_new(void (*wake)(void *context), void *context,
                      struct qbid_exchange **ret_exchange)
{
    struct qbid_exchange *x = calloc(1, sizeof *x);
    if (!x)
        return QBID_ERR_NOMEM;
    x->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (x->fd < 0) {
        free(x);
        return QBID_ERR_SYS;
    }
    pthread_mutex_init(&x->lock, NULL);
    list_init(&x->asked);
    list_init(&x->answered);
    x->wake = wake;
    x->wake_context = context;
    *ret_exchange = x;
    return 0;
}

void qbid_exchange_free(struct qbid_exchange *x)
{
    struct qbid_http_job *job;
    if (!x)
        return;
    while ((job = list_get(&x->asked)) != NULL || (job = list_get(&x->answered)) != NULL)
        qbid_http_job_free(job);
    close(x->fd);
    pthread_mutex_destroy(&x->lock);
    free(x);
}

int qbid_exchange_offer(struct qbid_exchange *x, struct qbid_http_job *job)
{
    uint64_t one = 1;
    pthread_mutex_lock(&x->lock);
    bool full = x->cnt == QBID_EXCHANGE_JOBS_MAX;
    if (!full) {
        x->cnt++;
        list_put(&x->asked, job);
    }
    pthread_mutex_unlock(&x->lock);
    /* it only fails when it counts 2^64 - 2 offers already, and is readable then */
    if (!full && write(x->fd, &one, sizeof one) < 0)
        return 0;
    return full ? QBID_ERR_FULL : 0;
}

void qbid_exchange_drop(struct qbid_exchange *x, struct qbid_http_job *job)
{
    pthread_mutex_lock(&x->lock);
    job->client = NULL;
    pthread_mutex_unlock(&x->lock);
}

struct qbid_http_job *qbid_exchange_done(struct qbid_exchange *x)
{
    struct qbid_http_job *job;
    pthread_mutex_lock(&x->lock);
    while ((job = list_get(&x->answered)) != NULL) {
        x->cnt--;
        if (job->client)
            break;
        qbid_http_job_free(job);
    }
    pthread_mutex_unlock(&x->lock);
    return job;
}

int qbid_exchange_fd(const struct qbid_exchange *x)
{
    return x->fd;
}

struct qbid_http_job *qbid_exchange_take(struct qbid_exchange *x)
{
    struct qbid_http_job *job;
    uint64_t offers;
    pthread_mutex_lock(&x->lock);
    while ((job = list_get(&x->asked)) != NULL) {
        if (job->client)
            break;
        x->cnt--;
        qbid_http_job_free(job);
    }
    /* readable as long as something is left; under the lock, so that no offer is read away */
    if (!x->asked.first && read(x->fd, &offers, sizeof offers) < 0)
        offers = 0; /* nothing was told since */
    pthread_mutex_unlock(&x->lock);
    return job;
}

void qbid_exchange_answer(struct qbid_exchange *x, struct qbid_http_job *job)
{
    pthread_mutex_lock(&x->lock);
    list_put(&x->answered, job);
    pthread_mutex_unlock(&x->lock);
    x->wake(x->wake_context);
}
