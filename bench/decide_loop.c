/* SPDX-License-Identifier: Apache-2.0 */
/* The loops that the decision benchmark times, and the threads beside them. */
#include "bench/decide_loop.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <urcu.h>

#include "bench/decide_naive.h"
#include "bench/decide_world.h"
#include "bench/histogram.h"
#include "bench/ticks.h"
#include "fastpath/decide.h"
#include "shm/memfd.h"

#define BATCH 8
#define BLOCK 256 /* decisions between two looks at the context switches */
#define SWAP_PERIOD_US 100000
#define NOW_NS UINT64_C(1000000000)

struct table {
    struct qbid_image image;
    void *base;
    size_t bytes;
};

struct bench_run {
    const struct bench_world *world;
    enum bench_design design;
    bool swap;
    struct table *table; /* RCU: written by the writer thread only */
    struct bench_list *lists;
    uint64_t at; /* in the request stream */
    uint64_t bids, decided;
    uint64_t blocks, blocks_left_out;
    uint64_t drops_before;
    uint64_t swaps;
    struct histogram histogram;
    struct qbid_request request[BATCH];
    atomic_bool stop;
    pthread_t consumer, writer;
};

static void require(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench: %s failed\n", what);
        exit(1);
    }
}

/* The decision gets the first allowed processor, its helpers the last. Called by the deciding
 * thread first: what it is allowed then is what the process is allowed. */
static void pin(bool helper)
{
    static cpu_set_t allowed;
    static bool known;
    if (!known && sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    known = true;
    size_t cpu = CPU_SETSIZE;
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &allowed) && (helper || cpu == CPU_SETSIZE))
            cpu = i;
    }
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    (void)sched_setaffinity(0, sizeof one, &one); /* refused: slower, still right */
}

static struct table *adopt(const struct bench_world *world, unsigned which)
{
    struct table *t = malloc(sizeof *t);
    require(t != NULL, "memory");
    require(qbid_memfd_map(world->image_fd[which], QBID_MEMFD_IMAGE, world->image_bytes,
                           world->image_bytes, &t->base, &t->bytes) == 0,
            "map");
    require(qbid_image_attach(t->base, t->bytes, &t->image) == 0, "attach");
    return t;
}

static void drop(struct table *t)
{
    munmap(t->base, t->bytes);
    free(t);
}

static void *consume(void *arg)
{
    struct bench_run *run = arg;
    const struct qbid_page *page = &run->world->page;
    struct qbid_event events[256];
    pin(true);
    while (!atomic_load_explicit(&run->stop, memory_order_relaxed)) {
        if (qbid_ring_pop(page->ring, page->events, page->event_mask, events, 256) == 0)
            usleep(50);
    }
    while (qbid_ring_pop(page->ring, page->events, page->event_mask, events, 256) > 0)
        continue;
    return NULL;
}

static void *publish(void *arg)
{
    struct bench_run *run = arg;
    unsigned which = 0;
    pin(true);
    uint64_t next_ns = ticks_clock_ns(CLOCK_MONOTONIC);
    while (!atomic_load_explicit(&run->stop, memory_order_relaxed)) {
        next_ns += SWAP_PERIOD_US * UINT64_C(1000);
        which ^= 1;
        struct table *old = rcu_xchg_pointer(&run->table, adopt(run->world, which));
        synchronize_rcu();
        drop(old);
        run->swaps++;
        while (ticks_clock_ns(CLOCK_MONOTONIC) < next_ns &&
               !atomic_load_explicit(&run->stop, memory_order_relaxed))
            usleep(1000);
    }
    return NULL;
}

struct bench_run *bench_run_start(unsigned k, enum bench_design design, int swap)
{
    struct bench_run *run = aligned_alloc(64, (sizeof *run + 63) / 64 * 64);
    require(run != NULL, "memory");
    memset(run, 0, sizeof *run);
    run->world = bench_world_get(k);
    run->design = design;
    run->swap = swap;
    run->table = adopt(run->world, 0);
    run->drops_before = atomic_load(&run->world->page.ring->drops);
    for (unsigned i = 0; i < BATCH; i++)
        bench_request_init(run->world, &run->request[i]);
    pin(false);
    rcu_register_thread();
    require(pthread_create(&run->consumer, NULL, consume, run) == 0, "thread");
    require(!swap || pthread_create(&run->writer, NULL, publish, run) == 0, "thread");
    return run;
}

struct bench_counts bench_run_stop(struct bench_run *run)
{
    double ns = run->histogram.cnt ? ticks_ns() : 0;
    atomic_store(&run->stop, true);
    pthread_join(run->consumer, NULL);
    if (run->swap)
        pthread_join(run->writer, NULL);
    rcu_unregister_thread();
    const struct qbid_ring *ring = run->world->page.ring;
    struct bench_counts counts = {
        .p50_ns = histogram_quantile(&run->histogram, 0.5) * ns,
        .p99_ns = histogram_quantile(&run->histogram, 0.99) * ns,
        .p999_ns = histogram_quantile(&run->histogram, 0.999) * ns,
        .swaps = (double)run->swaps,
        .bids_share = run->decided ? (double)run->bids / (double)run->decided : 0,
        .drops = (double)(atomic_load(&ring->drops) - run->drops_before),
        .preempted_share = run->blocks ? (double)run->blocks_left_out / (double)run->blocks : 0,
    };
    drop(run->table);
    free(run);
    return counts;
}

static struct qbid_view view_of(const struct bench_run *run, const struct table *t)
{
    return (struct qbid_view){&t->image, &run->world->live, &run->world->page, UINT64_MAX, 0, 1};
}

/* The event that the plugin writes for each bid. */
static void push(const struct bench_run *run, const struct qbid_decision *d)
{
    struct qbid_event event = {.time_ns = NOW_NS,
                               .nonce = d->nonce,
                               .gen = (uint32_t)d->gen,
                               .kind = QBID_EVENT_BID,
                               .level = d->level,
                               .action = d->q_action,
                               .flags = QBID_EVENT_FIRST_PRICE};
    event.u.bid.context = d->context;
    event.u.bid.bid_nanos = d->bid_micros;
    event.u.bid.line_item_id = d->line_item_id;
    event.u.bid.creative_id = d->creative_id;
    event.u.bid.value_micros = d->value_micros;
    event.u.bid.pace = d->pace;
    event.u.bid.q_propensity_q32 = d->q_propensity_q32;
    event.u.bid.q_state = d->q_state;
    event.u.bid.segment = d->segment;
    (void)qbid_page_push(&run->world->page, &event);
}

static void decide_bare(struct bench_run *run)
{
    struct qbid_decision d;
    struct qbid_view view = view_of(run, run->table);
    run->bids += qbid_decide_one(&view, &run->request[0], NOW_NS, &d, NULL) == QBID_NOBID_NONE;
}

static void decide_whole(struct bench_run *run)
{
    struct qbid_decision d;
    rcu_read_lock();
    struct qbid_view view = view_of(run, rcu_dereference(run->table));
    bool bid = qbid_decide_one(&view, &run->request[0], NOW_NS, &d, NULL) == QBID_NOBID_NONE;
    rcu_read_unlock();
    if (bid)
        push(run, &d);
    run->bids += bid;
}

static void decide_batch(struct bench_run *run)
{
    struct qbid_decision d[BATCH];
    rcu_read_lock();
    struct qbid_view view = view_of(run, rcu_dereference(run->table));
    qbid_decide_many(&view, run->request, BATCH, NOW_NS, d);
    rcu_read_unlock();
    for (unsigned i = 0; i < BATCH; i++) {
        if (d[i].nobid == QBID_NOBID_NONE) {
            push(run, &d[i]);
            run->bids++;
        }
    }
}

static void decide_naive(struct bench_run *run, uint64_t at)
{
    const struct bench_world *w = run->world;
    const struct bench_list *list = &w->list[w->order[at & (BENCH_ORDER - 1)]];
    run->bids += bench_naive_decide(w->naive, &run->request[0], list).line_item_idx != UINT32_MAX;
}

/* One request of the stream, or eight, that are already made. */
static inline void step(struct bench_run *run, enum bench_design design)
{
    switch (design) {
    case BENCH_QBID:
        decide_whole(run);
        break;
    case BENCH_QBID_BARE:
        decide_bare(run);
        break;
    case BENCH_QBID_BATCH:
        decide_batch(run);
        break;
    case BENCH_NAIVE:
        decide_naive(run, run->at);
        break;
    case BENCH_HARNESS:
        __asm__ volatile("" : : "r"(&run->request[0]) : "memory");
        break;
    }
}

static inline void make_requests(struct bench_run *run, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        bench_request_next(run->world, run->at + i, &run->request[i]);
}

void bench_run_throughput(struct bench_run *run, uint64_t n)
{
    unsigned each = run->design == BENCH_QBID_BATCH ? BATCH : 1;
    for (uint64_t i = 0; i < n; i += each) {
        make_requests(run, each);
        step(run, run->design);
        run->at += each;
    }
    run->decided += n;
}

static long context_switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
}

void bench_run_latency(struct bench_run *run, uint64_t n)
{
    unsigned each = run->design == BENCH_QBID_BATCH ? BATCH : 1;
    uint64_t empty = ticks_empty();
    for (uint64_t i = 0; i < n; i += BLOCK) {
        uint64_t ticks[BLOCK];
        long before = context_switches();
        for (unsigned b = 0; b < BLOCK; b++) {
            make_requests(run, each);
            uint64_t start = ticks_before();
            step(run, run->design);
            uint64_t cost = ticks_after() - start;
            ticks[b] = cost > empty ? cost - empty : 0;
            run->at += each;
        }
        run->decided += (uint64_t)BLOCK * each;
        run->blocks++;
        if (context_switches() != before) {
            run->blocks_left_out++;
            continue;
        }
        for (unsigned b = 0; b < BLOCK; b++)
            histogram_add(&run->histogram, ticks[b]);
    }
}

unsigned bench_run_compare(unsigned k)
{
    const struct bench_world *w = bench_world_get(k);
    struct table *t = adopt(w, 0);
    struct qbid_view view = {&t->image, &w->live, &w->page, UINT64_MAX, 0, 1};
    struct qbid_request request;
    unsigned compared = 0;
    bench_request_init(w, &request);
    for (uint64_t at = 0; at < 100000; at++) {
        const struct bench_list *list = &w->list[w->order[at & (BENCH_ORDER - 1)]];
        struct qbid_decision d;
        if (list->level != 0) /* coarser rows leave out values that the naive layout knows */
            continue;
        bench_request_next(w, at, &request);
        uint32_t naive = bench_naive_decide(w->naive, &request, list).line_item_idx;
        bool bid = qbid_decide_one(&view, &request, NOW_NS, &d, NULL) == QBID_NOBID_NONE;
        require(bid == (naive != UINT32_MAX), "comparison of the designs (bid)");
        require(!bid || d.line_item_idx == naive, "comparison of the designs (choice)");
        require(d.level == 0 && d.candidates == k && d.skipped == 0, "level 0");
        compared++;
    }
    drop(t);
    return compared;
}
