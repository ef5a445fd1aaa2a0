/* SPDX-License-Identifier: Apache-2.0 */
/* Times the designs of the decision benchmark block by block. */
#include "bench/decision/decide_loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/decision/decide_host.h"
#include "bench/histogram.h"
#include "bench/control/ticks.h"

#define CYCLES 3                        /* of quiet and swapping in a round */
#define CYCLE_NS (300 * QBID_NS_PER_MS) /* each of the two lasts at least so long */
#define SWAPS_A_CYCLE 3
#define BLOCK 8192 /* decisions that are timed together */
#define WARM 4     /* blocks before each that is timed: another design has filled the caches */
#define BLOCK_LOOKUPS 131072 /* of the naive layout, one a candidate */
#define CHUNK 256            /* of them between two looks at the context switches */
#define COLD_CHUNK 32        /* the same of cold ones, each of which takes long to prepare */
#define BLOCKS_MAX 1024
#define COLD_BYTES ((size_t)3 << 20) /* more than any second-level cache */
#define COLD_CHUNKS 16               /* in a cycle, of each of the two cold designs */

struct measured {
    double ns[BLOCKS_MAX];
    unsigned cnt;
    struct histogram latency;
};

struct round {
    struct bench_host host;
    char *cold; /* COLD_BYTES of other memory */
    struct measured of[BENCH_DESIGN_CNT];
    uint64_t empty; /* ticks of a fenced pair with nothing in between */
    double tick_ns;
    uint64_t chunks, chunks_left_out;
};

static long context_switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
}

static unsigned block_of(const struct round *round, enum bench_design design)
{
    unsigned most = BLOCK_LOOKUPS / round->host.world->k;
    return (design == BENCH_NAIVE || design == BENCH_FORMULA) && most < BLOCK ? most : BLOCK;
}

static void run_steps(struct round *round, enum bench_design design, unsigned decisions)
{
    unsigned each = bench_host_each(design);
    for (unsigned i = 0; i < decisions; i += each) {
        bench_host_prepare(&round->host, design);
        bench_host_step(&round->host, design);
    }
}

static void time_block(struct round *round, enum bench_design design)
{
    struct measured *m = &round->of[design];
    unsigned block = block_of(round, design);
    run_steps(round, design, WARM * block);
    uint64_t start_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    run_steps(round, design, block);
    uint64_t cost_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
    if (m->cnt < BLOCKS_MAX)
        m->ns[m->cnt++] = (double)cost_ns / block;
}

/* Other memory takes the place of everything in the caches; then the request comes, as from a
 * parser, and in one of the two designs its table is asked for ahead. */
static void make_cold(struct round *round, enum bench_design design)
{
    for (size_t i = 0; i < COLD_BYTES; i += QBID_CACHE_LINE)
        round->cold[i]++;
    bench_host_prepare(&round->host, design);
    bench_host_parsed(&round->host);
    if (design == BENCH_AHEAD)
        bench_host_ahead(&round->host);
}

static void time_chunk(struct round *round, enum bench_design design)
{
    uint64_t ticks[CHUNK];
    bool cold = design == BENCH_COLD || design == BENCH_AHEAD;
    unsigned n = cold ? COLD_CHUNK : CHUNK;
    long before = context_switches();
    for (unsigned i = 0; i < n; i++) {
        if (cold)
            make_cold(round, design);
        else
            bench_host_prepare(&round->host, design);
        uint64_t start = ticks_before();
        bench_host_step(&round->host, design);
        uint64_t cost = ticks_after() - start;
        ticks[i] = cost > round->empty ? cost - round->empty : 0;
    }
    round->chunks++;
    if (context_switches() != before) {
        round->chunks_left_out++;
        return;
    }
    for (unsigned i = 0; i < n; i++)
        histogram_add(&round->of[design].latency, ticks[i]);
}

/* Right after time_block() of the same design: its lines are cached. */
static void time_each(struct round *round, enum bench_design design)
{
    for (unsigned i = 0; i < block_of(round, design); i += CHUNK)
        time_chunk(round, design);
}

static void run_quiet(struct round *round)
{
    uint64_t end_ns = ticks_clock_ns(CLOCK_MONOTONIC) + CYCLE_NS;
    for (unsigned n = 0; n < 3 || ticks_clock_ns(CLOCK_MONOTONIC) < end_ns; n++) {
        for (unsigned i = 0; i < BENCH_DESIGN_CNT; i++) {
            enum bench_design design = (enum bench_design)((i + n) % BENCH_DESIGN_CNT);
            if (design == BENCH_SWAP || design == BENCH_COLD || design == BENCH_AHEAD)
                continue;
            time_block(round, design);
            if (design == BENCH_QBID || design == BENCH_NAIVE)
                time_each(round, design);
        }
    }
}

static void run_cold(struct round *round)
{
    for (unsigned i = 0; i < 2 * COLD_CHUNKS; i++)
        time_chunk(round, i % 2 ? BENCH_AHEAD : BENCH_COLD);
}

static void run_swapping(struct round *round)
{
    struct bench_host *host = &round->host;
    uint64_t enough = atomic_load(&host->swaps) + SWAPS_A_CYCLE;
    uint64_t end_ns = ticks_clock_ns(CLOCK_MONOTONIC) + 10 * CYCLE_NS;
    atomic_store(&host->swapping, true);
    while (atomic_load(&host->swaps) < enough && ticks_clock_ns(CLOCK_MONOTONIC) < end_ns) {
        run_steps(round, BENCH_NAIVE, block_of(round, BENCH_NAIVE)); /* as between quiet blocks */
        time_block(round, BENCH_SWAP);
        time_each(round, BENCH_SWAP);
    }
    atomic_store(&host->swapping, false);
    usleep(50000); /* the last swap ends */
}

static int ascending(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static struct bench_figures figures_of(struct round *round, enum bench_design design)
{
    struct measured *m = &round->of[design];
    const struct histogram *h = &m->latency;
    qsort(m->ns, m->cnt, sizeof *m->ns, ascending);
    return (struct bench_figures){
        .ns = m->cnt ? m->ns[m->cnt / 2] : 0,
        .p50_ns = histogram_quantile(h, 0.5) * round->tick_ns,
        .p99_ns = histogram_quantile(h, 0.99) * round->tick_ns,
        .p999_ns = histogram_quantile(h, 0.999) * round->tick_ns,
    };
}

/* Latencies of all rounds so far, for bench_round_cdf(). */
static struct histogram all[BENCH_KIND_CNT][BENCH_DESIGN_CNT];

static void keep(const struct round *round)
{
    enum bench_kind kind = round->host.kind;
    for (unsigned d = 0; d < BENCH_DESIGN_CNT && round->host.world->k == BENCH_CDF_K; d++) {
        for (unsigned i = 0; i < HISTOGRAM_BINS; i++)
            all[kind][d].bin[i] += round->of[d].latency.bin[i];
        all[kind][d].cnt += round->of[d].latency.cnt;
    }
}

int bench_round_cdf(enum bench_kind kind, enum bench_design design, const char *path)
{
    const struct histogram *h = &all[kind][design];
    double tick_ns = ticks_ns();
    FILE *file = fopen(path, "w");
    if (!file)
        return -1;
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BINS; i++) {
        seen += h->bin[i];
        if (h->bin[i] != 0)
            fprintf(file, "%.1f %.6f\n", histogram_value(i) * tick_ns,
                    (double)seen / (double)h->cnt);
    }
    return fclose(file);
}

static void measure(struct round *round)
{
    for (unsigned cycle = 0; cycle < CYCLES; cycle++) {
        run_quiet(round);
        if (round->host.kind != BENCH_DECIDE)
            continue;
        run_swapping(round);
        run_cold(round);
    }
}

struct bench_round bench_round_run(enum bench_kind kind, unsigned k)
{
    static struct round round; /* 1 MB */
    struct bench_round result;
    memset(&round, 0, sizeof round);
    round.cold = calloc(1, COLD_BYTES);
    if (!round.cold)
        abort();
    bench_host_init(&round.host, kind, k);
    const _Atomic uint64_t *drops = &round.host.world->page.ring->drops;
    uint64_t drops_before = atomic_load(drops);
    round.empty = ticks_empty();
    round.tick_ns = ticks_ns();
    measure(&round);
    result.other_ns = bench_host_other_ns(&round.host);
    bench_host_done(&round.host);
    free(round.cold);
    keep(&round);
    for (unsigned i = 0; i < BENCH_DESIGN_CNT; i++)
        result.of[i] = figures_of(&round, (enum bench_design)i);
    result.swaps = (double)round.host.swaps;
    result.drops = (double)(atomic_load(drops) - drops_before);
    result.bids_share = (double)round.host.bids / (double)round.host.decided;
    result.preempted_share = (double)round.chunks_left_out / (double)round.chunks;
    return result;
}
