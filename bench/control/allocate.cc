/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the benchmark of budget allocation; bodies are C. */
#include <benchmark/benchmark.h>

#include "bench/control/allocate_ways.h"

namespace
{

void allocate(benchmark::State &state, bench_allocate_way way, bool own, uint32_t platforms)
{
    bench_allocate *world =
        bench_allocate_new(static_cast<uint32_t>(state.range(0)), own, platforms);
    bench_allocate_run(world, BENCH_ALLOCATE_QBID);
    const double best = bench_allocate_value(world, BENCH_ALLOCATE_QBID);
    for (auto _ : state)
        benchmark::DoNotOptimize(bench_allocate_run(world, way));
    state.counters["of_best"] = bench_allocate_value(world, way) / best;
    state.counters["sum_off"] = bench_allocate_off(world, way);
    bench_allocate_free(world);
}

} // namespace

#define SIZES Arg(100)->Arg(100000)->Arg(1000000)->Unit(benchmark::kMicrosecond)
BENCHMARK_CAPTURE(allocate, qbid, BENCH_ALLOCATE_QBID, true, 0)->SIZES;
BENCHMARK_CAPTURE(allocate, qbid_one_exponent, BENCH_ALLOCATE_QBID, false, 0)->SIZES;
BENCHMARK_CAPTURE(allocate, qbid_platforms, BENCH_ALLOCATE_QBID, true, 5)->SIZES;
BENCHMARK_CAPTURE(allocate, notes_ascent, BENCH_ALLOCATE_NOTES, true, 0)->SIZES;
BENCHMARK_CAPTURE(allocate, nlopt_slsqp, BENCH_ALLOCATE_SLSQP, true, 0)
    ->Arg(100)
    ->Iterations(1)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(allocate, nlopt_mma, BENCH_ALLOCATE_MMA, true, 0)
    ->Arg(100)
    ->Arg(100000)
    ->Iterations(1)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_MAIN();
