/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the benchmark of decisions beside learn ticks; the body is C. SCALE=full: the size that
 * is promised for. */
#include <cstdlib>
#include <cstring>

#include <benchmark/benchmark.h>

#include "bench/control/beside.h"

namespace
{

void beside(benchmark::State &state)
{
    const char *scale = std::getenv("SCALE");
    const bool full = scale && std::strcmp(scale, "full") == 0;
    for (auto _ : state) {
        const bench_beside s =
            full ? bench_beside_run(10000, 1000000) : bench_beside_run(8192, 65536);
        state.SetIterationTime(s.beside_p99 / 1e9);
        state.counters["quiet_p50_ns"] = s.quiet_p50;
        state.counters["quiet_p99_ns"] = s.quiet_p99;
        state.counters["quiet_p999_ns"] = s.quiet_p999;
        state.counters["beside_p50_ns"] = s.beside_p50;
        state.counters["beside_p99_ns"] = s.beside_p99;
        state.counters["beside_p999_ns"] = s.beside_p999;
        state.counters["p99_ratio"] = s.beside_p99 / s.quiet_p99;
        state.counters["p999_ratio"] = s.beside_p999 / s.quiet_p999;
        state.counters["ticks"] = s.ticks;
        state.counters["left_out"] = s.left_out;
    }
}

} // namespace

BENCHMARK(beside)->UseManualTime()->Iterations(1)->Unit(benchmark::kNanosecond);
BENCHMARK_MAIN();
