/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the benchmark of the learned models; the body is C. */
#include <benchmark/benchmark.h>

#include "bench/control/learned_loop.h"

namespace
{

void learned(benchmark::State &state)
{
    for (auto _ : state) {
        const bench_learned round = bench_learned_run();
        state.SetIterationTime(round.grow_s);
        state.counters["isotonic_s"] = round.isotonic_s;
        state.counters["grow_s"] = round.grow_s;
        state.counters["predict_ns"] = round.predict_ns;
    }
}

} // namespace

BENCHMARK(learned)->UseManualTime()->Iterations(1);
BENCHMARK_MAIN();
