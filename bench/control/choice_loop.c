/* SPDX-License-Identifier: Apache-2.0 */
/* Offers of every tightness, drawn before the clock starts. */
#include "bench/control/choice_loop.h"

#include <stdlib.h>

#include "bench/control/ticks.h"
#include "tests/control/choice/draw.h"

#define OPTIONS_MAX 2000
#define ROUNDS 1000

static int double_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct bench_choice bench_choice_run(uint32_t cnt, int kind)
{
    static struct qbid_choice_option options[OPTIONS_MAX];
    static bool chosen[OPTIONS_MAX];
    static double ms[ROUNDS];
    struct rng r = rng_init(7);
    struct qbid_choice_limits limits;
    struct qbid_choice choice = {0};
    struct bench_choice result = {0};
    for (uint32_t i = 0; i < ROUNDS; i++) {
        draw_options(&r, (enum draw_kind)kind, cnt, 1 + i % 6, 0.01 + 0.5 * rng_uniform(&r),
                     options, &limits);
        uint64_t start_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
        if (qbid_choice_solve(options, cnt, &limits, chosen, &choice) != 0)
            abort();
        ms[i] = (double)(ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns) / 1e6;
        result.mean_ms += ms[i] / ROUNDS;
        result.exact += (double)choice.exact / ROUNDS;
        double gap = choice.exact || choice.bound_nanos <= 0
                         ? 0
                         : 1 - (double)choice.gain_nanos / choice.bound_nanos;
        result.gap_most = gap > result.gap_most ? gap : result.gap_most;
    }
    qsort(ms, ROUNDS, sizeof *ms, double_compare);
    result.p50_ms = ms[ROUNDS / 2];
    result.p99_ms = ms[ROUNDS * 99 / 100];
    result.most_ms = ms[ROUNDS - 1];
    return result;
}
