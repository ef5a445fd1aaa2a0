/* SPDX-License-Identifier: Apache-2.0 */
/* Which decisions, answers and notices of a worker are timed, and where their times go.
 *
 *     uint64_t start = qbid_recorder_begin(&worker->recorder, QBID_LATENCY_ANSWER);
 *     ... what is timed ...
 *     qbid_recorder_end(&worker->recorder, QBID_LATENCY_ANSWER, start, 1, page);
 *
 * One of `every` is timed. From one to the next it is a random number of turns away, even over 1 to
 * 2 every - 1: each has the same chance, whatever is in the request and whatever rhythm the traffic
 * has. The draws are the recorder's own, so that a decision stays a function of what it is asked.
 * The kinds are drawn apart: a timed decision seldom lies inside of a timed answer.
 */
#ifndef QBID_PLUGIN_STATUS_RECORDER_H
#define QBID_PLUGIN_STATUS_RECORDER_H

#include <stdint.h>

#include "plugin/status/stopwatch.h"
#include "shm/hash.h"
#include "shm/page.h"

struct qbid_recorder {
    uint32_t every; /* 0 = off */
    uint32_t left[QBID_LATENCY_CNT];
    uint64_t draws;
    struct qbid_stopwatch watch;
};

/** every in [0, QBID_LATENCY_EVERY_MAX]; watch may be NULL with 0. seed tells recorders apart. */
void qbid_recorder_init(struct qbid_recorder *recorder, uint32_t every, uint64_t seed,
                        const struct qbid_stopwatch *watch);

/** Turns until the next one that is timed, in [1, 2 every - 1]. */
static inline uint32_t qbid_recorder_draw(struct qbid_recorder *recorder)
{
    uint64_t random = qbid_mix64(recorder->draws += UINT64_C(0x9e3779b97f4a7c15));
    return 1 + (uint32_t)qbid_mulhi64(random, 2 * (uint64_t)recorder->every - 1);
}

/** Ticks at the start of what is to be timed, 0 = it is not. Cost: a branch when off, a count when
 *  it is not its turn, else a reading of the counter. */
static inline uint64_t qbid_recorder_begin(struct qbid_recorder *recorder,
                                           enum qbid_latency_kind kind)
{
    if (recorder->every == 0 || --recorder->left[kind] != 0)
        return 0;
    recorder->left[kind] = qbid_recorder_draw(recorder);
    return qbid_stopwatch_ticks(&recorder->watch);
}

/** Note what ended now, n of them done together (n >= 1); start is what begin gave. */
static inline void qbid_recorder_end(const struct qbid_recorder *recorder,
                                     enum qbid_latency_kind kind, uint64_t start, uint32_t n,
                                     const struct qbid_page *page)
{
    if (start == 0)
        return;
    uint64_t end = qbid_stopwatch_ticks(&recorder->watch);
    qbid_latency_add(&page->latency[kind], qbid_stopwatch_ns(&recorder->watch, start, end), n);
    atomic_store_explicit(&page->header->latency_every, recorder->every, memory_order_relaxed);
}

#endif
