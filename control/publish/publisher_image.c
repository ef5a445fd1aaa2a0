/* SPDX-License-Identifier: Apache-2.0 */
/* Images: staged, committed, held.
 *
 *   publish            every client READY, REFUSED or gone, or the time is over
 *   -------> staged ------------------------------------------------------------> current
 *               ^ |
 *               '-' publish of a newer one
 */
#include <sys/timerfd.h>
#include <unistd.h>

#include "control/publish/publisher_state.h"
#include "shm/clock.h"
#include "shm/error.h"

uint32_t qbid_publisher_image_held(const struct qbid_publisher *p)
{
    uint64_t seen[QBID_PUBLISHER_HELD_MAX];
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < p->client_cnt; i++) {
        for (uint32_t k = 0; k < p->client[i]->held_cnt; k++) {
            uint32_t at = 0;
            while (at < cnt && seen[at] != p->client[i]->held[k])
                at++;
            if (at == QBID_PUBLISHER_HELD_MAX)
                return cnt;
            if (at == cnt)
                seen[cnt++] = p->client[i]->held[k];
        }
    }
    return cnt;
}

/* 0 switches it off. */
static int timer_set(const struct qbid_publisher *p, uint64_t at_ns)
{
    struct itimerspec at = {.it_value = {.tv_sec = (time_t)(at_ns / QBID_NS_PER_S),
                                         .tv_nsec = (long)(at_ns % QBID_NS_PER_S)}};
    return timerfd_settime(p->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) < 0 ? QBID_ERR_SYS : 0;
}

static void client_stage(struct qbid_publisher *p, struct qbid_publisher_client *client)
{
    bool sent = qbid_publisher_client_stage(p, client, &p->staged);
    client->staged = sent ? QBID_PUBLISHER_STAGED_SENT : QBID_PUBLISHER_STAGED_NONE;
}

int qbid_publisher_image_stage(struct qbid_publisher *p, const struct qbid_publisher_image *image)
{
    if (image->fd < 0 || image->gen <= p->current.gen ||
        (p->staged.fd >= 0 && image->gen <= p->staged.gen))
        return QBID_ERR_INVAL;
    if (qbid_publisher_image_held(p) >= QBID_PUBLISHER_HELD_MAX) {
        p->counters.refused_busy++;
        qbid_publisher_log(p, QBID_PUBLISHER_LOG_BUSY,
                           "generation %llu is not published: readers hold %d older ones",
                           (unsigned long long)image->gen, QBID_PUBLISHER_HELD_MAX);
        return QBID_ERR_BUSY;
    }
    /* A newer one inherits the time of the one that it replaces: however fast they follow each
     * other, readers come to one of them. */
    uint64_t at_ns = p->staged.fd >= 0
                         ? p->commit_at_ns
                         : qbid_clock_boot_ns() + p->params.commit_ms * QBID_NS_PER_MS;
    if (timer_set(p, at_ns) < 0)
        return QBID_ERR_SYS;
    if (p->staged.fd >= 0) {
        close(p->staged.fd);
        p->counters.replaced++;
    }
    p->staged = *image;
    p->commit_at_ns = at_ns;
    for (uint32_t i = 0; i < p->client_cnt; i++)
        if (p->client[i]->greeted)
            client_stage(p, p->client[i]);
    return 0;
}

/* Clients that have the staged image and said nothing of it. */
static uint32_t awaited(const struct qbid_publisher *p)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < p->client_cnt; i++)
        cnt += !p->client[i]->gone && p->client[i]->staged == QBID_PUBLISHER_STAGED_SENT;
    return cnt;
}

static void commit(struct qbid_publisher *p)
{
    uint32_t late = awaited(p);
    if (p->current.fd >= 0)
        close(p->current.fd);
    p->current = p->staged;
    p->staged.fd = -1;
    p->counters.gen = p->current.gen;
    p->counters.published++;
    p->counters.late += late;
    for (uint32_t i = 0; i < p->client_cnt; i++) {
        if (p->client[i]->staged != QBID_PUBLISHER_STAGED_NONE)
            qbid_publisher_client_commit(p, p->client[i], p->current.gen);
        p->client[i]->staged = QBID_PUBLISHER_STAGED_NONE;
    }
    (void)timer_set(p, 0);
    if (late > 0)
        qbid_publisher_log(p, QBID_PUBLISHER_LOG_LATE,
                           "generation %llu is current before %u processes have verified it",
                           (unsigned long long)p->current.gen, late);
}

void qbid_publisher_image_tick(struct qbid_publisher *p, uint64_t now_ns)
{
    if (p->staged.fd >= 0 && (awaited(p) == 0 || now_ns >= p->commit_at_ns))
        commit(p);
}

void qbid_publisher_image_greet(struct qbid_publisher *p, struct qbid_publisher_client *client)
{
    if (p->current.fd >= 0 && qbid_publisher_client_stage(p, client, &p->current))
        qbid_publisher_client_commit(p, client, p->current.gen);
    if (p->staged.fd >= 0)
        client_stage(p, client);
}
