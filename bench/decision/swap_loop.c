/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of the swap benchmark: decides at full speed, with swaps going on and without, in
 * turn, so that what else the machine does hits both alike. */
#include "bench/decision/swap.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/histogram.h"
#include "bench/decision/swap_side.h"
#include "bench/control/ticks.h"
#include "fastpath/decide.h"
#include "shm/clock.h"
#include "shm/isa.h"
#include "shm/memfd.h"
#include "shm/watcher.h"

#define K 32
#define CYCLES 6
#define CYCLE_NS (500 * QBID_NS_PER_MS) /* of each of the two */
#define CHUNK 256                       /* decisions between two looks at the context switches */
#define PARTS 7                         /* images that are mapped and verified step by step */
#define SAMPLES_MAX 1024
#define NOW_NS UINT64_C(1000000000)

struct samples {
    double ns[SAMPLES_MAX];
    unsigned cnt;
};

struct reader {
    const struct bench_world *world;
    struct swap_shared *shared;
    struct qbid_watcher *watcher;
    struct qbid_request request;
    uint64_t at, gen, empty;
    uint64_t swapping_ns, chunks, chunks_left_out;
    uint8_t isa;
    struct histogram quiet, swap; /* ticks */
    struct samples first, adopt, stage;
};

static void sample(struct samples *s, double ns)
{
    if (s->cnt < SAMPLES_MAX)
        s->ns[s->cnt++] = ns;
}

static int ascending(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static double quantile(struct samples *s, double q)
{
    qsort(s->ns, s->cnt, sizeof *s->ns, ascending);
    return s->cnt == 0 ? 0 : s->ns[(unsigned)(q * (double)(s->cnt - 1) + 0.5)];
}

/* The first decision with a new generation. */
static void note_first(struct reader *r, uint64_t gen)
{
    uint64_t now_ns = ticks_clock_ns(CLOCK_MONOTONIC);
    struct qbid_watcher_stats stats;
    uint64_t commit_ns = atomic_load(&r->shared->commit_ns[gen % SWAP_GENS_MAX]);
    qbid_watcher_stats_load(r->watcher, &stats);
    if (r->gen != 0 && commit_ns != 0) {
        sample(&r->first, (double)(now_ns - commit_ns));
        sample(&r->stage, (double)stats.stage_cost_ns);
        if (stats.gen == gen)
            sample(&r->adopt, (double)stats.adopt_cost_ns);
    }
    r->gen = gen;
}

static uint64_t decide(struct reader *r)
{
    struct qbid_decision d;
    const struct qbid_table *table = qbid_watcher_read_lock(r->watcher);
    struct qbid_view view = {
        &table->image, &r->world->live, &r->world->page, UINT64_MAX, 0, 1, r->isa, NULL, NULL};
    (void)qbid_decide_one(&view, &r->request, NOW_NS, &d, NULL);
    uint64_t gen = table->image.header->gen;
    qbid_watcher_read_unlock(r->watcher);
    return gen;
}

static long context_switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
}

static void time_chunk(struct reader *r, struct histogram *h)
{
    uint64_t ticks[CHUNK];
    long before = context_switches();
    for (unsigned i = 0; i < CHUNK; i++) {
        bench_request_next(r->world, r->world->order, r->at++, &r->request);
        uint64_t start = ticks_before(), gen = decide(r);
        uint64_t cost = ticks_after() - start;
        ticks[i] = cost > r->empty ? cost - r->empty : 0;
        if (gen != r->gen)
            note_first(r, gen);
    }
    if (h == NULL)
        return;
    r->chunks++;
    if (context_switches() != before) {
        r->chunks_left_out++;
        return;
    }
    for (unsigned i = 0; i < CHUNK; i++)
        histogram_add(h, ticks[i]);
}

static void run_for(struct reader *r, bool swapping)
{
    uint64_t start_ns = ticks_clock_ns(CLOCK_MONOTONIC);
    atomic_store(&r->shared->swapping, swapping);
    while (ticks_clock_ns(CLOCK_MONOTONIC) - start_ns < CYCLE_NS)
        time_chunk(r, swapping ? &r->swap : &r->quiet);
    atomic_store(&r->shared->swapping, false);
    if (swapping)
        r->swapping_ns += ticks_clock_ns(CLOCK_MONOTONIC) - start_ns;
}

/* Between the phases: what is under way comes to its end, and images for the next are made. */
static void run_between(struct reader *r)
{
    uint64_t end_ns = ticks_clock_ns(CLOCK_MONOTONIC) + CYCLE_NS / 3;
    atomic_store(&r->shared->filling, true);
    while (ticks_clock_ns(CLOCK_MONOTONIC) < end_ns || atomic_load(&r->shared->pool) < SWAP_POOL)
        time_chunk(r, NULL);
    atomic_store(&r->shared->filling, false);
}

/* Share of a mapping that lies in page-table entries of 2 MiB. */
static double huge_share(const void *base, size_t bytes)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[512];
    unsigned long from = 0, kb, mapped_kb = 0;
    swap_require(f != NULL, "smaps");
    while (fgets(line, sizeof line, f)) {
        unsigned long a, b;
        if (sscanf(line, "%lx-%lx ", &a, &b) == 2)
            from = a;
        else if (from == (unsigned long)(uintptr_t)base &&
                 (sscanf(line, "ShmemPmdMapped: %lu kB", &kb) == 1 ||
                  sscanf(line, "FilePmdMapped: %lu kB", &kb) == 1))
            mapped_kb += kb;
    }
    fclose(f);
    return (double)mapped_kb * 1024 / (double)bytes;
}

/* What the stager and the unmapping do, step by step; on the helper's processor, as they are. */
static void time_parts(struct reader *r, struct bench_swap *out)
{
    struct samples map = {.cnt = 0}, verify = {.cnt = 0}, unmap = {.cnt = 0};
    size_t bytes = r->world->image_bytes;
    void *content = mmap(NULL, bytes, PROT_READ, MAP_SHARED, r->world->image_fd[0], 0);
    swap_require(content != MAP_FAILED, "map");
    for (unsigned i = 0; i < PARTS; i++) {
        struct qbid_image image;
        void *base;
        size_t mapped;
        int fd = swap_image_make(r->world, content, i + 1);
        uint64_t a = ticks_clock_ns(CLOCK_MONOTONIC);
        swap_require(qbid_memfd_map(fd, QBID_MEMFD_IMAGE, bytes, bytes, &base, &mapped) == 0,
                     "map");
        uint64_t b = ticks_clock_ns(CLOCK_MONOTONIC);
        swap_require(qbid_image_attach(base, mapped, &image) == 0, "attach");
        uint64_t c = ticks_clock_ns(CLOCK_MONOTONIC);
        out->huge_mapped = huge_share(base, mapped);
        uint64_t d = ticks_clock_ns(CLOCK_MONOTONIC);
        munmap(base, mapped);
        uint64_t e = ticks_clock_ns(CLOCK_MONOTONIC);
        close(fd);
        sample(&map, (double)(b - a));
        sample(&verify, (double)(c - b));
        sample(&unmap, (double)(e - d));
    }
    munmap(content, bytes);
    out->map = quantile(&map, 0.5);
    out->verify = quantile(&verify, 0.5);
    out->unmap = quantile(&unmap, 0.5);
}

static void await_first(struct reader *r)
{
    for (int i = 0; i < 10000; i++) {
        const struct qbid_table *table = qbid_watcher_read_lock(r->watcher);
        bool there = table->image.header != NULL;
        qbid_watcher_read_unlock(r->watcher);
        if (there)
            return;
        usleep(1000);
    }
    swap_require(0, "adopting the first generation");
}

static void report(struct reader *r, struct bench_swap *out)
{
    double tick_ns = ticks_ns();
    out->first_min = quantile(&r->first, 0);
    out->first_p50 = quantile(&r->first, 0.5);
    out->first_p99 = quantile(&r->first, 0.99);
    out->adopt_p50 = quantile(&r->adopt, 0.5);
    out->stage_p50 = quantile(&r->stage, 0.5);
    out->quiet_p50 = histogram_quantile(&r->quiet, 0.5) * tick_ns;
    out->quiet_p99 = histogram_quantile(&r->quiet, 0.99) * tick_ns;
    out->quiet_p999 = histogram_quantile(&r->quiet, 0.999) * tick_ns;
    out->swap_p50 = histogram_quantile(&r->swap, 0.5) * tick_ns;
    out->swap_p99 = histogram_quantile(&r->swap, 0.99) * tick_ns;
    out->swap_p999 = histogram_quantile(&r->swap, 0.999) * tick_ns;
    out->fill = (double)atomic_load(&r->shared->fill_ns);
    out->swaps = r->first.cnt;
    out->swaps_per_s = r->first.cnt * 1e9 / (double)r->swapping_ns;
    out->late = (double)atomic_load(&r->shared->late);
    out->left_out = (double)r->chunks_left_out / (double)r->chunks;
    out->image_bytes = (double)r->world->image_bytes;
}

static void run(const struct bench_world *world, struct swap_shared *shared, struct bench_swap *out)
{
    static struct reader r;
    char folder[] = "/tmp/qbid-swap-XXXXXX", path[64];
    swap_require(mkdtemp(folder) != NULL, "folder");
    snprintf(path, sizeof path, "%s/sock", folder);
    r.world = world;
    r.shared = shared;
    r.isa = (uint8_t)qbid_isa_best();
    bench_request_init(world, &r.request);
    pid_t side = swap_side_start(world, path, shared);
    swap_pin(true); /* the watcher's threads stay where they are made */
    time_parts(&r, out);
    struct qbid_watcher_options options = {.socket_path = path, .retry_ms_max = 20};
    qbid_watcher_thread_online();
    swap_require(qbid_watcher_new(&options, &r.watcher) == 0, "watcher");
    await_first(&r);
    swap_pin(false);
    r.empty = ticks_empty();
    for (unsigned i = 0; i < CYCLES; i++) {
        run_between(&r);
        run_for(&r, i % 2 == 0);
        run_between(&r);
        run_for(&r, i % 2 != 0);
    }
    atomic_store(&shared->stop, true);
    waitpid(side, NULL, 0);
    qbid_watcher_thread_offline();
    qbid_watcher_free(r.watcher);
    rmdir(folder);
    report(&r, out);
}

/* In a child, since a process cannot be denied huge pages for a while only. */
struct bench_swap bench_swap_run(int huge)
{
    const struct bench_world *world = bench_world_get(K);
    struct {
        struct swap_shared shared;
        struct bench_swap result;
    } *both = mmap(NULL, sizeof *both, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    swap_require(both != MAP_FAILED, "map");
    int status;
    pid_t pid = fork();
    swap_require(pid >= 0, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        swap_require(huge || prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0, "denying huge pages");
        run(world, &both->shared, &both->result);
        exit(0);
    }
    swap_require(waitpid(pid, &status, 0) == pid && status == 0, "round");
    struct bench_swap result = both->result;
    munmap(both, sizeof *both);
    return result;
}
