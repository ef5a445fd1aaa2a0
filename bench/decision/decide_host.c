/* SPDX-License-Identifier: Apache-2.0 */
/* The host of the benchmark: threads, table, and the step of each design. */
#include "bench/decision/decide_host.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <urcu.h>

#include "bench/decision/decide_formula.h"
#include "bench/decision/decide_naive.h"
#include "bench/control/ticks.h"
#include "fastpath/ahead.h"
#include "fastpath/decide.h"
#include "fastpath/record.h"
#include "shm/memfd.h"

#define SWAP_PERIOD_NS (100 * QBID_NS_PER_MS)
#define NOW_NS UINT64_C(1000000000)
#define AHEAD_NS 150 /* of other work between two steps */

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

struct bench_table *bench_table_adopt(const struct bench_world *world, unsigned which)
{
    struct bench_table *t = malloc(sizeof *t);
    require(t != NULL, "memory");
    require(qbid_memfd_map(world->image_fd[which], QBID_MEMFD_IMAGE, world->image_bytes,
                           world->image_bytes, &t->base, &t->bytes) == 0,
            "map");
    require(qbid_image_attach(t->base, t->bytes, &t->image) == 0, "attach");
    return t;
}

struct bench_table *bench_table_small(const struct bench_world *world)
{
    struct bench_table *huge = bench_table_adopt(world, 0), *t = malloc(sizeof *t);
    require(t != NULL, "memory");
    t->bytes = huge->bytes;
    t->base = mmap(NULL, t->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(t->base != MAP_FAILED, "mmap");
    (void)madvise(t->base, t->bytes, MADV_NOHUGEPAGE);
    memcpy(t->base, huge->base, t->bytes);
    require(qbid_image_attach(t->base, t->bytes, &t->image) == 0, "attach");
    bench_table_drop(huge);
    return t;
}

void bench_table_drop(struct bench_table *table)
{
    munmap(table->base, table->bytes);
    free(table);
}

static void *consume(void *arg)
{
    struct bench_host *host = arg;
    const struct qbid_page *page = &host->world->page;
    struct qbid_event events[256];
    pin(true);
    while (!atomic_load_explicit(&host->stop, memory_order_relaxed)) {
        if (qbid_ring_pop(page->ring, page->events, page->event_mask, events, 256) == 0)
            usleep(50);
    }
    while (qbid_ring_pop(page->ring, page->events, page->event_mask, events, 256) > 0)
        continue;
    return NULL;
}

/* What the watcher of an ad server does with each new generation. */
static void swap(struct bench_host *host, unsigned which)
{
    struct bench_table *old = rcu_xchg_pointer(&host->table, bench_table_adopt(host->world, which));
    synchronize_rcu();
    bench_table_drop(old);
    atomic_fetch_add_explicit(&host->swaps, 1, memory_order_relaxed);
}

static void *publish(void *arg)
{
    struct bench_host *host = arg;
    uint64_t next_ns = 0;
    unsigned which = 0;
    pin(true);
    while (!atomic_load_explicit(&host->stop, memory_order_relaxed)) {
        uint64_t now_ns = ticks_clock_ns(CLOCK_MONOTONIC);
        if (atomic_load_explicit(&host->swapping, memory_order_relaxed) && now_ns >= next_ns) {
            next_ns = now_ns + SWAP_PERIOD_NS;
            swap(host, which ^= 1);
        }
        usleep(1000);
    }
    return NULL;
}

static void other_start(struct bench_host *host);
static void other_stop(struct bench_host *host);

void bench_host_init(struct bench_host *host, enum bench_kind kind, unsigned k)
{
    memset(host, 0, sizeof *host);
    host->kind = kind;
    host->world = bench_world_get(k);
    host->isa = (uint8_t)qbid_isa_best();
    host->order = kind == BENCH_UNIFORM ? host->world->uniform : host->world->order;
    host->table =
        kind == BENCH_SMALL ? bench_table_small(host->world) : bench_table_adopt(host->world, 0);
    for (unsigned i = 0; i < BENCH_BATCH; i++)
        bench_request_init(host->world, &host->request[i]);
    pin(false);
    rcu_register_thread();
    require(pthread_create(&host->consumer, NULL, consume, host) == 0, "thread");
    require(pthread_create(&host->writer, NULL, publish, host) == 0, "thread");
    if (kind == BENCH_PAIR)
        other_start(host);
}

void bench_host_done(struct bench_host *host)
{
    atomic_store(&host->stop, true);
    if (host->other)
        other_stop(host);
    pthread_join(host->consumer, NULL);
    pthread_join(host->writer, NULL);
    rcu_unregister_thread();
    bench_table_drop(host->table);
}

void bench_host_prepare(struct bench_host *host, enum bench_design design)
{
    unsigned each = bench_host_each(design);
    for (unsigned i = 0; i < each; i++)
        bench_request_next(host->world, host->order, host->at + i, &host->request[i]);
    host->at += each;
    host->decided += each;
}

static struct qbid_view view_of(const struct bench_host *host, const struct bench_table *table)
{
    return (struct qbid_view){
        &table->image, &host->world->live, &host->world->page, UINT64_MAX, 0, 1, host->isa, NULL,
        NULL};
}

static void decide_whole(struct bench_host *host)
{
    struct qbid_decision d;
    rcu_read_lock();
    struct qbid_view view = view_of(host, rcu_dereference(host->table));
    bool bid = qbid_decide_one(&view, &host->request[0], NOW_NS, &d, NULL) == QBID_NOBID_NONE;
    rcu_read_unlock();
    if (bid)
        qbid_record_bid(&host->world->page, &host->request[0], &d, NOW_NS);
    host->bids += bid;
}

static void decide_batch(struct bench_host *host)
{
    struct qbid_decision d[BENCH_BATCH];
    rcu_read_lock();
    struct qbid_view view = view_of(host, rcu_dereference(host->table));
    qbid_decide_many(&view, host->request, BENCH_BATCH, NOW_NS, d);
    rcu_read_unlock();
    for (unsigned i = 0; i < BENCH_BATCH; i++) {
        if (d[i].nobid == QBID_NOBID_NONE) {
            qbid_record_bid(&host->world->page, &host->request[i], &d[i], NOW_NS);
            host->bids++;
        }
    }
}

/* No swap is going on while this runs. */
static void decide_bare(struct bench_host *host)
{
    struct qbid_decision d;
    struct qbid_view view = view_of(host, host->table);
    host->bids += qbid_decide_one(&view, &host->request[0], NOW_NS, &d, NULL) == QBID_NOBID_NONE;
}

static const struct bench_list *list_of(const struct bench_host *host)
{
    return &host->world->list[host->order[(host->at - 1) & (BENCH_ORDER - 1)]];
}

/* As decide_bare(), with the candidates of the context's row as the host's own list. */
static void decide_named(struct bench_host *host)
{
    struct qbid_decision d;
    struct qbid_view view = view_of(host, host->table);
    const struct bench_list *list = list_of(host);
    host->request[0].candidate = list->line_item_idx;
    host->request[0].candidate_cnt = (uint16_t)list->cnt;
    host->bids += qbid_decide_one(&view, &host->request[0], NOW_NS, &d, NULL) == QBID_NOBID_NONE;
    host->request[0].candidate_cnt = 0;
}

static void decide_naive(struct bench_host *host)
{
    host->bids +=
        bench_naive_decide(host->world->naive, &host->request[0], list_of(host)).line_item_idx !=
        UINT32_MAX;
}

static void decide_formula(struct bench_host *host)
{
    uint64_t at = host->at - 1;
    struct bench_context context = bench_context_of(host->order[at & (BENCH_ORDER - 1)]);
    host->bids +=
        bench_formula_decide(host->world->formula, at, context, list_of(host)) != UINT32_MAX;
}

static void touch(const void *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        (void)((const volatile char *)at)[i];
}

void bench_host_parsed(const struct bench_host *host)
{
    const struct qbid_request *request = &host->request[0];
    touch(request, sizeof *request);
    touch(request->badv, request->badv_cnt * sizeof *request->badv);
    touch(request->bcat, request->bcat_cnt * sizeof *request->bcat);
}

void bench_host_ahead(struct bench_host *host)
{
    struct qbid_ahead ahead = {0};
    unsigned left;
    do {
        rcu_read_lock();
        struct qbid_view view = view_of(host, rcu_dereference(host->table));
        left = qbid_ahead_step(&ahead, &view, &host->request[0], NOW_NS);
        rcu_read_unlock();
        ticks_wait(AHEAD_NS);
    } while (left != 0);
}

void bench_host_step(struct bench_host *host, enum bench_design design)
{
    switch (design) {
    case BENCH_QBID:
    case BENCH_SWAP:
    case BENCH_COLD:
    case BENCH_AHEAD:
        decide_whole(host);
        break;
    case BENCH_BATCH8:
        decide_batch(host);
        break;
    case BENCH_BARE:
        decide_bare(host);
        break;
    case BENCH_NAMED:
        decide_named(host);
        break;
    case BENCH_NAIVE:
        decide_naive(host);
        break;
    case BENCH_FORMULA:
        decide_formula(host);
        break;
    case BENCH_HARNESS:
    case BENCH_DESIGN_CNT:
        __asm__ volatile("" : : "r"(&host->request[0]) : "memory");
        break;
    }
}

/* A second worker on the last processor: its own page, the same table and live page. */
struct bench_other {
    struct bench_host *host;
    struct qbid_page page;
    void *base;
    size_t bytes;
    pthread_t thread;
    _Atomic uint64_t decided, cost_ns;
};

static void *decide_too(void *arg)
{
    struct bench_other *other = arg;
    struct bench_host *host = other->host;
    struct qbid_request request;
    struct qbid_event events[64];
    uint64_t at = BENCH_ORDER / 2;
    pin(true);
    rcu_register_thread();
    bench_request_init(host->world, &request);
    while (!atomic_load_explicit(&host->stop, memory_order_relaxed)) {
        uint64_t start_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
        for (unsigned i = 0; i < 4096; i++) {
            struct qbid_decision d;
            bench_request_next(host->world, host->order, at++, &request);
            rcu_read_lock();
            struct qbid_view view = view_of(host, rcu_dereference(host->table));
            view.page = &other->page;
            bool bid = qbid_decide_one(&view, &request, NOW_NS, &d, NULL) == QBID_NOBID_NONE;
            rcu_read_unlock();
            if (bid)
                qbid_record_bid(&other->page, &request, &d, NOW_NS);
        }
        uint64_t cost_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
        atomic_fetch_add_explicit(&other->decided, 4096, memory_order_relaxed);
        atomic_fetch_add_explicit(&other->cost_ns, cost_ns, memory_order_relaxed);
        while (qbid_ring_pop(other->page.ring, other->page.events, other->page.event_mask, events,
                             64) > 0)
            continue;
    }
    rcu_unregister_thread();
    return NULL;
}

static void other_start(struct bench_host *host)
{
    struct bench_other *other = calloc(1, sizeof *other);
    require(other != NULL, "memory");
    other->host = host;
    other->bytes = (size_t)qbid_page_footprint(BENCH_BUDGETS, 13);
    other->base =
        mmap(NULL, other->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(other->base != MAP_FAILED, "mmap");
    require(qbid_page_format(other->base, BENCH_BUDGETS, 13, &other->page) == 0, "worker page");
    host->other = other;
    require(pthread_create(&other->thread, NULL, decide_too, other) == 0, "thread");
}

static void other_stop(struct bench_host *host)
{
    pthread_join(host->other->thread, NULL);
    munmap(host->other->base, host->other->bytes);
    free(host->other);
    host->other = NULL;
}

double bench_host_other_ns(const struct bench_host *host)
{
    if (!host->other || atomic_load(&host->other->decided) == 0)
        return 0;
    return (double)atomic_load(&host->other->cost_ns) / (double)atomic_load(&host->other->decided);
}

unsigned bench_round_compare(unsigned k)
{
    const struct bench_world *w = bench_world_get(k);
    struct bench_table *t = bench_table_adopt(w, 0);
    struct qbid_view view = {
        &t->image, &w->live, &w->page, UINT64_MAX, 0, 1, (uint8_t)qbid_isa_best(), NULL, NULL};
    struct qbid_request request;
    unsigned compared = 0;
    bench_request_init(w, &request);
    for (uint64_t at = 0; at < 100000; at++) {
        const struct bench_list *list = &w->list[w->order[at & (BENCH_ORDER - 1)]];
        struct qbid_decision d;
        if (list->level != 0) /* coarser rows leave out values that the naive layout knows */
            continue;
        bench_request_next(w, w->order, at, &request);
        uint32_t naive = bench_naive_decide(w->naive, &request, list).line_item_idx;
        bool bid = qbid_decide_one(&view, &request, NOW_NS, &d, NULL) == QBID_NOBID_NONE;
        require(bid == (naive != UINT32_MAX), "comparison of the layouts (bid)");
        require(!bid || d.line_item_idx == naive, "comparison of the layouts (choice)");
        require(d.level == 0 && d.candidates == k && d.skipped == 0, "level 0");
        compared++;
    }
    bench_table_drop(t);
    return compared;
}
