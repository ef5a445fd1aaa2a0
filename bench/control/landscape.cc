/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the benchmark of price landscapes; the body is C. */
#include <benchmark/benchmark.h>

#include "bench/control/landscape_loop.h"

namespace
{

void landscape(benchmark::State &state)
{
    for (auto _ : state) {
        const bench_landscape round = bench_landscape_run();
        state.SetIterationTime(1 / round.updates_per_s);
        state.counters["updates_per_s"] = round.updates_per_s;
        state.counters["fit_km_ns"] = round.fit_km_ns;
        state.counters["fit_binary_ns"] = round.fit_binary_ns;
        state.counters["shade_ns"] = round.shade_ns;
    }
}

} // namespace

BENCHMARK(landscape)->UseManualTime()->Iterations(1);
BENCHMARK_MAIN();
