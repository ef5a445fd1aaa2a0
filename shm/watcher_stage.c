/* SPDX-License-Identifier: Apache-2.0 */
/* Images sent ahead: a thread maps and verifies them, so that the COMMIT finds it done. */
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/watcher_state.h"

static void stage_remove(struct qbid_watcher *watcher, unsigned i)
{
    struct qbid_stage *at = &watcher->stage[i];
    memmove(at, at + 1, (--watcher->stage_cnt - i) * sizeof *at);
}

/* One that nobody wants any more. The stager's own goes when the stager is done with it. */
static void stage_drop(struct qbid_watcher *watcher, unsigned i)
{
    struct qbid_stage *stage = &watcher->stage[i];
    if (stage->state == QBID_STAGE_WORKING) {
        stage->dropped = true;
        return;
    }
    uint64_t gen = stage->gen;
    if (stage->state == QBID_STAGE_WAITING)
        close(stage->fd);
    qbid_part_drop(stage->part);
    stage_remove(watcher, i);
    qbid_watcher_link_released(watcher, gen);
}

void qbid_watcher_stage_add(struct qbid_watcher *watcher, uint64_t gen, uint64_t bytes, int fd)
{
    for (unsigned i = watcher->stage_cnt; i-- > 0;) {
        if (!watcher->stage[i].committed)
            stage_drop(watcher, i);
    }
    /* Left are at most the one in work and one that was committed behind it. */
    assert(watcher->stage_cnt < QBID_STAGES_MAX);
    watcher->stage[watcher->stage_cnt++] = (struct qbid_stage){.state = QBID_STAGE_WAITING,
                                                               .fd = fd,
                                                               .gen = gen,
                                                               .bytes = bytes,
                                                               .received_ns = qbid_clock_boot_ns()};
    watcher->staged_gen = gen;
    pthread_cond_signal(&watcher->staging);
}

/* Verified and committed: part of what readers shall see. */
static void stage_adopt(struct qbid_watcher *watcher, unsigned i)
{
    struct qbid_part *image = watcher->stage[i].part, *old = watcher->next.image;
    uint64_t old_gen = old != NULL ? old->as.image.header->gen : 0;
    image->received_ns = watcher->stage[i].committed_ns;
    stage_remove(watcher, i);
    watcher->next.image = image;
    watcher->unacked = true;
    if (qbid_part_drop(old)) /* it was never published */
        qbid_watcher_link_released(watcher, old_gen);
    qbid_watcher_link_advance(watcher);
}

int qbid_watcher_stage_commit(struct qbid_watcher *watcher, uint64_t gen)
{
    if (gen == 0 || gen != watcher->staged_gen)
        return QBID_ERR_PEER;
    unsigned i = watcher->stage_cnt - 1;
    if (watcher->stage_cnt == 0 || watcher->stage[i].gen != gen || watcher->stage[i].committed ||
        watcher->stage[i].dropped)
        return 0; /* it was refused, or committed before */
    watcher->stage[i].committed = true;
    watcher->stage[i].committed_ns = qbid_clock_boot_ns();
    while (i > 0 && watcher->stage[i - 1].state == QBID_STAGE_WAITING)
        stage_drop(watcher, --i); /* committed as well, and overtaken before its turn came */
    if (watcher->stage[i].state == QBID_STAGE_READY)
        stage_adopt(watcher, i);
    return 0;
}

void qbid_watcher_stage_forget(struct qbid_watcher *watcher)
{
    watcher->staged_gen = 0;
    for (unsigned i = watcher->stage_cnt; i-- > 0;) {
        watcher->stage[i].silent = true;
        stage_drop(watcher, i);
    }
}

bool qbid_watcher_stage_due(const struct qbid_watcher *watcher)
{
    for (unsigned i = 0; i < watcher->stage_cnt; i++) {
        if (watcher->stage[i].committed && !watcher->stage[i].dropped)
            return true;
    }
    return false;
}

bool qbid_watcher_stage_has(const struct qbid_watcher *watcher, uint64_t gen)
{
    for (unsigned i = 0; i < watcher->stage_cnt; i++) {
        if (watcher->stage[i].gen == gen && !watcher->stage[i].silent)
            return true;
    }
    return false;
}

/* --- the stager */

/* Generations do not go back while the one in use is valid; past its deadline any is better. */
static int check_order(const struct qbid_part *old, uint64_t gen)
{
    return old != NULL && gen <= old->as.image.header->gen &&
                   qbid_clock_boot_ns() < old->deadline_ns
               ? QBID_ERR_STALE
               : 0;
}

static bool same_image(const struct qbid_part *a, const struct qbid_part *b)
{
    return a != NULL && a->as.image.header->gen == b->as.image.header->gen &&
           a->as.image.header->checksum == b->as.image.header->checksum;
}

/* What readers may be given of a verified image: it, the same one if it is here already (after a
 * restart of qbidd, or from the file), or nothing. Takes the part over. */
static int choose(struct qbid_watcher *watcher, struct qbid_part *image, struct qbid_part **ret)
{
    struct qbid_part *old = watcher->next.image;
    bool same = same_image(old, image);
    int rc = same ? 0 : check_order(old, image->as.image.header->gen);
    if (same || rc < 0)
        qbid_part_drop(image);
    if (rc == 0)
        *ret = same ? qbid_part_hold(old) : image;
    return rc;
}

/* The stager's own is the oldest: older ones were done before it, or dropped. */
static void finish(struct qbid_watcher *watcher, int rc, struct qbid_part *image)
{
    struct qbid_stage *stage = &watcher->stage[0];
    uint64_t gen = stage->gen;
    bool silent = stage->silent;
    close(stage->fd);
    if (stage->dropped) {
        if (rc == 0)
            qbid_part_drop(image);
        stage_remove(watcher, 0);
        if (!silent)
            qbid_watcher_link_released(watcher, gen);
        return;
    }
    if (rc == 0)
        rc = choose(watcher, image, &stage->part);
    if (rc < 0) {
        stage_remove(watcher, 0);
        qbid_watcher_refuse(watcher, QBID_CAUSE_IMAGE, rc, gen);
        qbid_watcher_link_send(watcher, QBID_MSG_REFUSED, gen, (uint64_t)-rc, -1);
        if (watcher->link == QBID_LINK_GATHERING)
            qbid_watcher_link_advance(watcher); /* it may have waited for this one */
        return;
    }
    stage->state = QBID_STAGE_READY;
    atomic_store_explicit(&watcher->stats.stage_cost_ns, qbid_clock_boot_ns() - stage->received_ns,
                          memory_order_relaxed);
    qbid_watcher_link_send(watcher, QBID_MSG_READY, gen, 0, -1);
    if (stage->committed)
        stage_adopt(watcher, 0);
}

void *qbid_watcher_stage_run(void *context)
{
    struct qbid_watcher *watcher = context;
    pthread_mutex_lock(&watcher->lock);
    while (!watcher->stop) {
        struct qbid_stage *first = &watcher->stage[0];
        if (watcher->stage_cnt == 0 || first->state != QBID_STAGE_WAITING) {
            pthread_cond_wait(&watcher->staging, &watcher->lock);
            continue;
        }
        struct qbid_stage work = *first;
        struct qbid_part *image = NULL;
        first->state = QBID_STAGE_WORKING;
        pthread_mutex_unlock(&watcher->lock);
        qbid_race_hook("watcher:staging");
        int rc = qbid_part_image(work.fd, work.gen, work.bytes, &image);
        qbid_race_hook("watcher:staged");
        pthread_mutex_lock(&watcher->lock);
        finish(watcher, rc, image);
    }
    pthread_mutex_unlock(&watcher->lock);
    return NULL;
}
