/* SPDX-License-Identifier: Apache-2.0 */
/* Times decisions with and without the recorder, the plugin's own function around the fast path. */
#include "bench/decision/latency_loop.h"

#include <stdlib.h>
#include <string.h>

#include "bench/decision/decide_host.h"
#include "bench/control/ticks.h"
#include "plugin/worker.h"

#define TURNS 1000
#define BLOCK 512 /* decisions of a way in a turn */
#define HOT 128   /* requests, over and over: cache misses would drown what is looked for */
#define NOW_NS UINT64_C(1000000000)

struct way {
    struct qbid_worker *worker; /* NULL = the fast path is called without it */
    struct qbid_page page;      /* with histograms of its own */
    struct qbid_latency *latency;
    double ns[TURNS];
};

struct round {
    struct bench_host host;
    struct way way[BENCH_WAY_CNT];
};

static void *memory(size_t bytes)
{
    void *at = aligned_alloc(QBID_CACHE_LINE,
                             (bytes + QBID_CACHE_LINE - 1) & ~(size_t)(QBID_CACHE_LINE - 1));
    if (!at)
        abort();
    return memset(at, 0, bytes);
}

static void way_init(struct way *way, const struct bench_world *world, uint32_t every, int clock,
                     bool plain)
{
    struct qbid_stopwatch watch;
    if (clock)
        qbid_stopwatch_init_clock(&watch);
    else
        qbid_stopwatch_init(&watch);
    way->latency = memory(QBID_LATENCY_CNT * sizeof *way->latency);
    way->page = world->page;
    way->page.latency = way->latency;
    if (plain)
        return;
    way->worker = memory(sizeof *way->worker);
    qbid_recorder_init(&way->worker->recorder, every, 1, &watch);
}

static double block_ns(struct round *round, struct way *way)
{
    struct bench_host *host = &round->host;
    struct qbid_view view = {&host->table->image,
                             &host->world->live,
                             &way->page,
                             UINT64_MAX,
                             0,
                             1,
                             host->isa,
                             NULL,
                             NULL};
    struct qbid_decision d;
    uint64_t start_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned i = 0; i < BLOCK; i++) {
        host->at %= HOT;
        bench_host_prepare(host, BENCH_BARE);
        if (way->worker)
            qbid_worker_decide_timed(way->worker, &view, &host->request[0], 1, NOW_NS, &d);
        else
            qbid_decide_many(&view, &host->request[0], 1, NOW_NS, &d);
        __asm__ volatile("" : : "r"(&d) : "memory");
    }
    return (double)(ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns) / BLOCK;
}

static int ascending(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static double median(double *values, unsigned n)
{
    qsort(values, n, sizeof *values, ascending);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static struct bench_latency result_of(struct round *round)
{
    struct bench_latency result = {.turns = TURNS};
    struct way *plain = &round->way[BENCH_WAY_PLAIN];
    struct qbid_latency_view view;
    for (unsigned w = 1; w < BENCH_WAY_CNT; w++) {
        for (unsigned turn = 0; turn < TURNS; turn++)
            round->way[w].ns[turn] -= plain->ns[turn];
        result.added_ns[w] = median(round->way[w].ns, TURNS);
    }
    result.plain_ns = median(plain->ns, TURNS);
    qbid_latency_load(&round->way[BENCH_WAY_EACH].latency[QBID_LATENCY_DECIDE], &view);
    result.recorded_p50_ns = (double)qbid_latency_quantile(&view, 500);
    qbid_latency_load(&round->way[BENCH_WAY_OF_16].latency[QBID_LATENCY_DECIDE], &view);
    result.timed_share = (double)view.count / ((double)TURNS * BLOCK);
    return result;
}

struct bench_latency bench_latency_run(unsigned k)
{
    static struct round round;
    memset(&round, 0, sizeof round);
    bench_host_init(&round.host, BENCH_DECIDE, k);
#define X(upper, lower, every, clock)                                                              \
    way_init(&round.way[BENCH_WAY_##upper], round.host.world, every, clock,                        \
             BENCH_WAY_##upper == BENCH_WAY_PLAIN);
    BENCH_WAY_LIST(X)
#undef X
    block_ns(&round, &round.way[BENCH_WAY_PLAIN]); /* warm */
    for (unsigned turn = 0; turn < TURNS; turn++)
        for (unsigned i = 0; i < BENCH_WAY_CNT; i++) {
            struct way *way = &round.way[(i + turn) % BENCH_WAY_CNT];
            way->ns[turn] = block_ns(&round, way);
        }
    bench_host_done(&round.host);
    struct bench_latency result = result_of(&round);
    for (unsigned w = 0; w < BENCH_WAY_CNT; w++) {
        free(round.way[w].worker);
        free(round.way[w].latency);
    }
    return result;
}
