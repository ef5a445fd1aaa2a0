/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the benchmark of the decision engine; the body is C. */
#include <benchmark/benchmark.h>

#include "bench/control/choice_loop.h"

namespace
{

void choice(benchmark::State &state)
{
    for (auto _ : state) {
        const bench_choice round = bench_choice_run(static_cast<uint32_t>(state.range(0)),
                                                    static_cast<int>(state.range(1)));
        state.SetIterationTime(round.mean_ms / 1e3);
        state.counters["mean_ms"] = round.mean_ms;
        state.counters["p50_ms"] = round.p50_ms;
        state.counters["p99_ms"] = round.p99_ms;
        state.counters["most_ms"] = round.most_ms;
        state.counters["exact"] = round.exact;
        state.counters["gap_most"] = round.gap_most;
    }
}

} // namespace

/* options; 0 = gains and risks alone, 1 = risks that go with gains, 2 = few values,
 * 3 = money moved as scarce as risk, 4 = as of an account */
BENCHMARK(choice)->ArgsProduct({{100, 500, 2000}, {0, 1, 2, 3, 4}})->UseManualTime()->Iterations(1);
BENCHMARK_MAIN();
