/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the benchmark of forecasts; the body is C. */
#include <benchmark/benchmark.h>

#include "bench/control/forecast_series.h"

namespace
{

/* A round's own time is that of a refit. */
void forecast(benchmark::State &state)
{
    for (auto _ : state) {
        const bench_forecast round = bench_forecast_run(200);
        state.SetIterationTime(round.refit_ns / 1e9);
        state.counters["select_ns"] = round.select_ns;
        state.counters["refit_ns"] = round.refit_ns;
        state.counters["roll_ns"] = round.roll_ns;
        state.counters["chosen"] = round.chosen;
    }
}

BENCHMARK(forecast)->Name("forecast/values:1000")->UseManualTime()->Iterations(1);

} // namespace

BENCHMARK_MAIN();
