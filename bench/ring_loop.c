/* SPDX-License-Identifier: Apache-2.0 */
/* The ring at full speed, with the consumer alive and dead. */
#include "bench/ring_loop.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/ticks.h"
#include "shm/page.h"

#define LG_EVENTS 16
#define EVENTS (UINT64_C(1) << LG_EVENTS)
#define BLOCK (EVENTS / 4) /* pushes that are timed together */
#define BLOCKS 64
#define LOSSLESS (UINT64_C(1) << 23)
#define DEAD (UINT64_C(1) << 22)
#define POP_MAX 256

struct stage {
    struct qbid_page page;
    _Atomic uint64_t out_of_order; /* the consumer's */
    uint64_t pushed;
};

static void must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench: ring: %s\n", what);
    exit(1);
}

/* Where there are two processors the sides have one each. */
static void settle_on(unsigned cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

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
    settle_on(1);
    while (getppid() == parent) {
        for (int i = 0; i < 1000; i++) {
            int n = qbid_ring_pop(stage->page.ring, stage->page.events, stage->page.event_mask,
                                  event, POP_MAX);
            if (n < 0)
                _exit(1);
            atomic_fetch_add_explicit(&stage->out_of_order, check_order(event, n, &next),
                                      memory_order_relaxed);
            if (n == 0)
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

static double cpu_ns(void)
{
    return (double)ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Median over blocks; each finds room for all of itself, so nothing is lost. */
static double push_live(struct stage *stage)
{
    double ns[BLOCKS];
    for (int b = 0; b < BLOCKS; b++) {
        wait_until_at_most(stage, EVENTS - BLOCK);
        double start = cpu_ns();
        push(stage, BLOCK);
        ns[b] = (cpu_ns() - start) / (double)BLOCK;
    }
    qsort(ns, BLOCKS, sizeof *ns, by_value);
    return ns[BLOCKS / 2];
}

/* Records a second when the producer waits for room instead of losing any. */
static double push_lossless(struct stage *stage)
{
    wait_until_at_most(stage, 0);
    uint64_t start = ticks_clock_ns(CLOCK_MONOTONIC);
    for (uint64_t n = 0; n < LOSSLESS; n += POP_MAX) {
        wait_until_at_most(stage, EVENTS - POP_MAX);
        push(stage, POP_MAX);
    }
    wait_until_at_most(stage, 0);
    return (double)LOSSLESS * 1e9 / (double)(ticks_clock_ns(CLOCK_MONOTONIC) - start);
}

/* The same records into the same memory, and no more than that. */
static double copy_bare(struct stage *stage)
{
    const struct qbid_page page = stage->page;
    double ns[BLOCKS];
    uint64_t number = 0;
    for (int b = 0; b < BLOCKS; b++) {
        double start = cpu_ns();
        for (uint64_t i = 0; i < BLOCK; i++, number++) {
            struct qbid_event event = {.time_ns = number, .nonce = number, .kind = QBID_EVENT_BID};
            event.u.bid.context = ~number;
            page.events[number & page.event_mask] = event;
            __asm__ volatile("" : : : "memory");
        }
        ns[b] = (cpu_ns() - start) / (double)BLOCK;
    }
    qsort(ns, BLOCKS, sizeof *ns, by_value);
    return ns[BLOCKS / 2];
}

static double push_dead(struct stage *stage)
{
    push(stage, EVENTS); /* full, whatever was in it */
    double start = cpu_ns();
    push(stage, DEAD);
    return (cpu_ns() - start) / (double)DEAD;
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
        must(n >= 0, "the ring is corrupt");
        wrong += check_order(event, n, &next);
    } while (n > 0);
    atomic_fetch_add_explicit(&stage->out_of_order, wrong, memory_order_relaxed);
}

static void *shared(size_t bytes)
{
    void *base =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    must(base != MAP_FAILED, "no memory");
    return base;
}

static struct stage *stage_new(void *page, size_t bytes)
{
    struct stage *stage = shared(sizeof *stage);
    memset(page, 0, bytes);
    must(qbid_page_format(page, 1, LG_EVENTS, &stage->page) == 0, "no page");
    return stage;
}

static pid_t consumer_start(struct stage *stage)
{
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        consume(stage, parent);
    must(child > 0, "no process for the consumer");
    return child;
}

/* What the numbers must add up to, whoever was killed when. */
static void settle(const struct stage *stage, struct ring_round *round)
{
    round->pushed = (double)stage->pushed;
    round->dropped = (double)drops(stage);
    round->consumed = (double)atomic_load_explicit(&stage->page.ring->tail, memory_order_relaxed);
    round->out_of_order = (double)atomic_load_explicit(&stage->out_of_order, memory_order_relaxed);
    must(round->pushed == round->consumed + round->dropped, "records were lost uncounted");
    must(round->out_of_order == 0, "records came out of order");
    must(round->dropped >= (double)DEAD, "a full ring took records");
}

struct ring_round ring_round_run(void)
{
    struct ring_round round = {0};
    size_t bytes = (size_t)qbid_page_footprint(1, LG_EVENTS);
    void *page = shared(bytes);
    struct stage *stage = stage_new(page, bytes);
    settle_on(0);
    round.bare_ns = copy_bare(stage);
    pid_t consumer = consumer_start(stage);
    round.live_ns = push_live(stage);
    round.per_s = push_lossless(stage);
    round.live_drops = (double)drops(stage);
    must(kill(consumer, SIGKILL) == 0 && waitpid(consumer, NULL, 0) == consumer, "kill");
    round.dead_ns = push_dead(stage);
    take_rest(stage);
    settle(stage, &round);
    munmap(stage, sizeof *stage);
    munmap(page, bytes);
    return round;
}
