/* SPDX-License-Identifier: Apache-2.0 */
/* The ticks are in a child that is stopped and continued; the order of the two changes, so that
 * what else the machine does hits both alike. */
#include "bench/control/beside.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/decision/decide_world.h"
#include "bench/histogram.h"
#include "bench/decision/swap_side.h"
#include "bench/control/tick_steps.h"
#include "bench/control/ticks.h"
#include "fastpath/decide.h"
#include "shm/clock.h"
#include "shm/isa.h"

#define K 32
#define CYCLES 6
#define CYCLE_NS (4 * QBID_NS_PER_S) /* of each of the two: some ticks */
#define CHUNK 256                    /* decisions between two looks at the context switches */
#define AUCTIONS 100000              /* won, by tick */
#define NOW_NS UINT64_C(1000000000)

struct shared {
    _Atomic uint32_t ready, ticks;
};

struct reader {
    const struct bench_world *world;
    struct qbid_view view;
    struct qbid_image image;
    struct qbid_request request;
    uint64_t at, empty, chunks, chunks_left_out;
    struct histogram quiet, beside; /* ticks */
};

static void ticks_forever(struct shared *shared, uint32_t line_items, uint32_t contexts)
{
    struct tick_step step;
    swap_pin(true);
    struct tick_desk *desk = tick_desk_new(line_items, contexts, 0);
    tick_desk_run(desk, 0, &step);
    atomic_store(&shared->ready, 1);
    for (;;) {
        tick_desk_run(desk, AUCTIONS, &step);
        atomic_fetch_add(&shared->ticks, 1);
    }
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
        struct qbid_decision d;
        bench_request_next(r->world, r->world->order, r->at++, &r->request);
        uint64_t start = ticks_before();
        (void)qbid_decide_one(&r->view, &r->request, NOW_NS, &d, NULL);
        uint64_t cost = ticks_after() - start;
        ticks[i] = cost > r->empty ? cost - r->empty : 0;
    }
    r->chunks++;
    if (context_switches() != before) {
        r->chunks_left_out++;
        return;
    }
    for (unsigned i = 0; i < CHUNK; i++)
        histogram_add(h, ticks[i]);
}

static void run_for(struct reader *r, pid_t side, int beside)
{
    swap_require(kill(side, beside ? SIGCONT : SIGSTOP) == 0, "signal");
    uint64_t start_ns = ticks_clock_ns(CLOCK_MONOTONIC);
    while (ticks_clock_ns(CLOCK_MONOTONIC) - start_ns < CYCLE_NS)
        time_chunk(r, beside ? &r->beside : &r->quiet);
}

static void report(struct reader *r, struct bench_beside *out)
{
    double tick_ns = ticks_ns();
    out->quiet_p50 = histogram_quantile(&r->quiet, 0.5) * tick_ns;
    out->quiet_p99 = histogram_quantile(&r->quiet, 0.99) * tick_ns;
    out->quiet_p999 = histogram_quantile(&r->quiet, 0.999) * tick_ns;
    out->beside_p50 = histogram_quantile(&r->beside, 0.5) * tick_ns;
    out->beside_p99 = histogram_quantile(&r->beside, 0.99) * tick_ns;
    out->beside_p999 = histogram_quantile(&r->beside, 0.999) * tick_ns;
    out->left_out = (double)r->chunks_left_out / (double)r->chunks;
}

static void reader_open(struct reader *r)
{
    r->world = bench_world_get(K);
    void *base = mmap(NULL, r->world->image_bytes, PROT_READ, MAP_SHARED | MAP_POPULATE,
                      r->world->image_fd[0], 0);
    swap_require(base != MAP_FAILED &&
                     qbid_image_attach(base, r->world->image_bytes, &r->image) == 0,
                 "image");
    r->view = (struct qbid_view){&r->image,
                                 &r->world->live,
                                 &r->world->page,
                                 UINT64_MAX,
                                 0,
                                 1,
                                 (uint8_t)qbid_isa_best(),
                                 NULL,
                                 NULL};
    bench_request_init(r->world, &r->request);
}

struct bench_beside bench_beside_run(unsigned line_items, unsigned contexts)
{
    static struct reader r;
    struct bench_beside out = {0};
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    swap_require(shared != MAP_FAILED, "map");
    pid_t side = fork();
    swap_require(side >= 0, "fork");
    if (side == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        ticks_forever(shared, line_items, contexts);
    }
    reader_open(&r);
    swap_pin(false);
    r.empty = ticks_empty();
    while (!atomic_load(&shared->ready))
        swap_require(waitpid(side, NULL, WNOHANG) == 0 && usleep(10000) == 0, "the ticks");
    for (unsigned i = 0; i < CYCLES; i++) {
        uint32_t from = atomic_load(&shared->ticks);
        run_for(&r, side, i % 2 == 0);
        run_for(&r, side, i % 2 != 0);
        out.ticks += atomic_load(&shared->ticks) - from;
    }
    kill(side, SIGKILL);
    waitpid(side, NULL, 0);
    munmap(shared, sizeof *shared);
    report(&r, &out);
    return out;
}
