/* SPDX-License-Identifier: Apache-2.0 */
/* The ring at full speed, with the consumer alive and dead. */
#include "bench/memory/ring_loop.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/memory/ring_side.h"
#include "shm/page.h"

#define LOSSLESS (UINT64_C(1) << 23)
#define DEAD (UINT64_C(1) << 22)
#define POP_MAX 256
#define DRAIN_US 1000 /* qbidd looks into the rings less often (ticks.ingest_ms) */

struct stage {
    struct qbid_page page;
    _Atomic uint32_t pause_us; /* the consumer's, whenever it has taken all; 0 = it looks again */
    _Atomic uint64_t out_of_order; /* the consumer's */
    uint64_t pushed;
};

/* Records that are not the next one; *next follows them. */
static uint64_t check_order(const struct qbid_event *event, int n, uint64_t *next)
{
    uint64_t wrong = 0;
    for (int i = 0; i < n; i++) {
        wrong += event[i].nonce != *next || event[i].u.bid.context != ~*next;
        *next = event[i].nonce + 1;
    }
    return wrong;
}

static void consume(struct stage *stage, pid_t parent)
{
    struct qbid_event event[POP_MAX];
    uint64_t next = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ring_settle_on(1);
    while (getppid() == parent) {
        for (int i = 0; i < 1000; i++) {
            int n = qbid_ring_pop(stage->page.ring, stage->page.events, stage->page.event_mask,
                                  event, POP_MAX);
            if (n < 0)
                _exit(1);
            atomic_fetch_add_explicit(&stage->out_of_order, check_order(event, n, &next),
                                      memory_order_relaxed);
            uint32_t pause_us = atomic_load_explicit(&stage->pause_us, memory_order_relaxed);
            if (n == 0 && pause_us != 0)
                usleep(pause_us);
            else if (n == 0)
                sched_yield();
        }
    }
    _exit(0);
}

static uint64_t waiting(const struct stage *stage)
{
    return atomic_load_explicit(&stage->page.ring->head, memory_order_relaxed) -
           atomic_load_explicit(&stage->page.ring->tail, memory_order_relaxed);
}

static uint64_t drops(const struct stage *stage)
{
    return atomic_load_explicit(&stage->page.ring->drops, memory_order_relaxed);
}

/* Push as a worker does: the event is made on the stack, then handed over. */
static void push(struct stage *stage, uint64_t n)
{
    const struct qbid_page page = stage->page;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t number = stage->pushed++;
        struct qbid_event event = {.time_ns = number, .nonce = number, .kind = QBID_EVENT_BID};
        event.u.bid.context = ~number;
        (void)qbid_page_push(&page, &event);
    }
}

static void wait_until_at_most(const struct stage *stage, uint64_t n)
{
    while (waiting(stage) > n)
        sched_yield();
}

/* Median over blocks; each finds room for all of itself, so nothing is lost. */
static double push_live(struct stage *stage)
{
    double ns[RING_BLOCKS];
    for (int b = 0; b < RING_BLOCKS; b++) {
        wait_until_at_most(stage, RING_EVENTS - RING_BLOCK);
        double start = ring_cpu_ns();
        push(stage, RING_BLOCK);
        ns[b] = (ring_cpu_ns() - start) / (double)RING_BLOCK;
    }
    return ring_median(ns, RING_BLOCKS);
}

/* Records a second when the producer waits for room instead of losing any: by the clock, and by the
 * CPU time of the busier side, which is what two processors to themselves would do. */
static void push_lossless(struct stage *stage, pid_t consumer, struct ring_round *round)
{
    clockid_t its_clock;
    ring_must(clock_getcpuclockid(consumer, &its_clock) == 0, "no clock of the consumer");
    wait_until_at_most(stage, 0);
    uint64_t start = ticks_clock_ns(CLOCK_MONOTONIC), its = ticks_clock_ns(its_clock);
    double own = ring_cpu_ns();
    for (uint64_t n = 0; n < LOSSLESS; n += POP_MAX) {
        wait_until_at_most(stage, RING_EVENTS - POP_MAX);
        push(stage, POP_MAX);
    }
    own = ring_cpu_ns() - own;
    wait_until_at_most(stage, 0);
    double busy = (double)(ticks_clock_ns(its_clock) - its);
    round->per_s = (double)LOSSLESS * 1e9 / (double)(ticks_clock_ns(CLOCK_MONOTONIC) - start);
    round->per_cpu_s = (double)LOSSLESS * 1e9 / (busy > own ? busy : own);
}

/* The same records into the same memory, and no more than that. */
static double copy_bare(struct stage *stage)
{
    const struct qbid_page page = stage->page;
    double ns[RING_BLOCKS];
    uint64_t number = 0;
    for (int b = 0; b < RING_BLOCKS; b++) {
        double start = ring_cpu_ns();
        for (uint64_t i = 0; i < RING_BLOCK; i++, number++) {
            struct qbid_event event = {.time_ns = number, .nonce = number, .kind = QBID_EVENT_BID};
            event.u.bid.context = ~number;
            page.events[number & page.event_mask] = event;
            __asm__ volatile("" : : : "memory");
        }
        ns[b] = (ring_cpu_ns() - start) / (double)RING_BLOCK;
    }
    return ring_median(ns, RING_BLOCKS);
}

static double push_dead(struct stage *stage)
{
    push(stage, RING_EVENTS); /* full, whatever was in it */
    double start = ring_cpu_ns();
    push(stage, DEAD);
    return (ring_cpu_ns() - start) / (double)DEAD;
}

/* Another consumer takes what the dead one left, from where that stopped. */
static void take_rest(struct stage *stage)
{
    struct qbid_event event[POP_MAX];
    uint64_t next = atomic_load_explicit(&stage->page.ring->tail, memory_order_relaxed), wrong = 0;
    int n;
    do {
        n = qbid_ring_pop(stage->page.ring, stage->page.events, stage->page.event_mask, event,
                          POP_MAX);
        ring_must(n >= 0, "the ring is corrupt");
        wrong += check_order(event, n, &next);
    } while (n > 0);
    atomic_fetch_add_explicit(&stage->out_of_order, wrong, memory_order_relaxed);
}

static struct stage *stage_new(void *page, size_t bytes)
{
    struct stage *stage = ring_memory(sizeof *stage);
    memset(page, 0, bytes);
    ring_must(qbid_page_format(page, 1, RING_LG_EVENTS, &stage->page) == 0, "no page");
    return stage;
}

static pid_t consumer_start(struct stage *stage)
{
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        consume(stage, parent);
    ring_must(child > 0, "no process for the consumer");
    return child;
}

/* What the numbers must add up to, whoever was killed when. */
static void settle(const struct stage *stage, struct ring_round *round)
{
    round->pushed = (double)stage->pushed;
    round->dropped = (double)drops(stage);
    round->consumed = (double)atomic_load_explicit(&stage->page.ring->tail, memory_order_relaxed);
    round->out_of_order = (double)atomic_load_explicit(&stage->out_of_order, memory_order_relaxed);
    ring_must(round->pushed == round->consumed + round->dropped, "records were lost uncounted");
    ring_must(round->out_of_order == 0, "records came out of order");
    ring_must(round->dropped >= (double)DEAD, "a full ring took records");
}

struct ring_round ring_round_run(void)
{
    struct ring_round round = {0};
    size_t bytes = (size_t)qbid_page_footprint(1, RING_LG_EVENTS);
    void *page = ring_memory(bytes);
    struct stage *stage = stage_new(page, bytes);
    ring_settle_on(0);
    round.ck_ns = ring_peer_push_ns();
    round.bare_ns = copy_bare(stage);
    pid_t consumer = consumer_start(stage);
    atomic_store_explicit(&stage->pause_us, DRAIN_US, memory_order_relaxed);
    round.live_ns = push_live(stage);
    atomic_store_explicit(&stage->pause_us, 0, memory_order_relaxed);
    round.chased_ns = push_live(stage);
    push_lossless(stage, consumer, &round);
    round.live_drops = (double)drops(stage);
    ring_must(kill(consumer, SIGKILL) == 0 && waitpid(consumer, NULL, 0) == consumer, "kill");
    round.dead_ns = push_dead(stage);
    take_rest(stage);
    settle(stage, &round);
    munmap(stage, sizeof *stage);
    munmap(page, bytes);
    return round;
}
