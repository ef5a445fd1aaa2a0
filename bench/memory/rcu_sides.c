/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies: each flavour inlined as the library has it (_LGPL_SOURCE). */
#include "bench/memory/rcu_sides.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <urcu/urcu-bp.h>
#include <urcu/urcu-memb.h>
#include <urcu/urcu-qsbr.h>

#include "bench/control/ticks.h"
#include "shm/watcher.h"

#define QUIESCENT_EACH 64
#define GRACE_PERIODS 64

static uint64_t word = 1;
static _Atomic(const uint64_t *) pointer = &word;
static struct qbid_watcher *watcher[2]; /* by flavour; without a table's parts */

static void require(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench: %s failed\n", what);
        exit(1);
    }
}

static void thread_begin(void)
{
    urcu_memb_register_thread();
    urcu_qsbr_register_thread();
    urcu_bp_register_thread();
}

static void thread_end(void)
{
    urcu_bp_unregister_thread();
    urcu_qsbr_unregister_thread();
    urcu_memb_unregister_thread();
}

void rcu_sides_begin(void)
{
    thread_begin();
    for (int rcu = 0; rcu < 2; rcu++) {
        struct qbid_watcher_options options = {.rcu = (enum qbid_rcu)rcu};
        require(qbid_watcher_new(&options, &watcher[rcu]) == 0, "watcher");
    }
}

void rcu_sides_end(void)
{
    qbid_watcher_free(watcher[QBID_RCU_QSBR]);
    qbid_watcher_free(watcher[QBID_RCU_MEMB]);
    thread_end();
}

static inline uint64_t read_word(void)
{
    return *atomic_load_explicit(&pointer, memory_order_acquire);
}

/* One loop a side, so that each is compiled as a decision would have it. */
#define LOOP(name, lock, unlock, after)                                                            \
    static uint64_t run_##name(uint64_t n)                                                         \
    {                                                                                              \
        uint64_t sum = 0;                                                                          \
        for (uint64_t i = 0; i < n; i++) {                                                         \
            lock;                                                                                  \
            sum += read_word();                                                                    \
            unlock;                                                                                \
            after;                                                                                 \
        }                                                                                          \
        return sum;                                                                                \
    }

static inline uint64_t table_word(enum qbid_rcu rcu)
{
    return qbid_watcher_read_lock(watcher[rcu])->slot[0];
}

LOOP(none, (void)0, (void)0, (void)0)
LOOP(memb, urcu_memb_read_lock(), urcu_memb_read_unlock(), (void)0)
LOOP(qsbr, urcu_qsbr_read_lock(), urcu_qsbr_read_unlock(),
     if (i % QUIESCENT_EACH == 0) urcu_qsbr_quiescent_state())
LOOP(qsbr_1, urcu_qsbr_read_lock(), urcu_qsbr_read_unlock(), urcu_qsbr_quiescent_state())
LOOP(bp, urcu_bp_read_lock(), urcu_bp_read_unlock(), (void)0)
LOOP(watcher_memb, sum += table_word(QBID_RCU_MEMB),
     qbid_watcher_read_unlock(watcher[QBID_RCU_MEMB]), (void)0)
LOOP(watcher_qsbr, sum += table_word(QBID_RCU_QSBR),
     qbid_watcher_read_unlock(watcher[QBID_RCU_QSBR]),
     if (i % QUIESCENT_EACH == 0) qbid_watcher_thread_quiescent())

uint64_t rcu_side_run(enum rcu_side side, uint64_t n)
{
    switch (side) {
    case RCU_SIDE_NONE:
        return run_none(n);
    case RCU_SIDE_MEMB:
        return run_memb(n);
    case RCU_SIDE_QSBR:
        return run_qsbr(n);
    case RCU_SIDE_QSBR_1:
        return run_qsbr_1(n);
    case RCU_SIDE_BP:
        return run_bp(n);
    case RCU_SIDE_WATCHER_MEMB:
        return run_watcher_memb(n);
    case RCU_SIDE_WATCHER_QSBR:
        return run_watcher_qsbr(n);
    case RCU_SIDE_CNT:
        break;
    }
    return 0;
}

/* --- grace periods */

struct reading {
    enum rcu_side side;
    _Atomic bool started, stop;
};

static void *read_on(void *context)
{
    struct reading *r = context;
    thread_begin();
    if (r->side != RCU_SIDE_QSBR)
        urcu_qsbr_thread_offline();
    atomic_store(&r->started, true);
    uint64_t sum = 0;
    while (!atomic_load_explicit(&r->stop, memory_order_relaxed))
        sum += rcu_side_run(r->side, QUIESCENT_EACH);
    if (r->side != RCU_SIDE_QSBR)
        urcu_qsbr_thread_online();
    thread_end();
    return (void *)(uintptr_t)(sum != 0);
}

static bool synchronize(enum rcu_side side)
{
    if (side == RCU_SIDE_MEMB)
        urcu_memb_synchronize_rcu();
    else if (side == RCU_SIDE_QSBR)
        urcu_qsbr_synchronize_rcu();
    else if (side == RCU_SIDE_BP)
        urcu_bp_synchronize_rcu();
    else
        return false;
    return true;
}

static int ascending(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

double rcu_side_grace_ns(enum rcu_side side)
{
    struct reading r = {.side = side};
    double ns[GRACE_PERIODS];
    pthread_t thread;
    if (!synchronize(side))
        return -1;
    require(pthread_create(&thread, NULL, read_on, &r) == 0, "thread");
    while (!atomic_load(&r.started))
        continue;
    for (int i = 0; i < GRACE_PERIODS; i++) {
        uint64_t before_ns = ticks_clock_ns(CLOCK_MONOTONIC);
        (void)synchronize(side);
        ns[i] = (double)(ticks_clock_ns(CLOCK_MONOTONIC) - before_ns);
    }
    atomic_store(&r.stop, true);
    urcu_qsbr_thread_offline(); /* the reader's end may wait for us */
    pthread_join(thread, NULL);
    urcu_qsbr_thread_online();
    qsort(ns, GRACE_PERIODS, sizeof *ns, ascending);
    return ns[GRACE_PERIODS / 2];
}
