/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the benchmark of the latency recorder; the body is C. */
#include <string>

#include <benchmark/benchmark.h>

#include "bench/decision/latency_loop.h"

namespace
{

const char *const names[] = {
#define X(upper, lower, every, clock) #lower,
    BENCH_WAY_LIST(X)
#undef X
};

/* A round holds all ways; its own time is that of the decision without a recorder. */
void latency(benchmark::State &state, unsigned k)
{
    for (auto _ : state) {
        const bench_latency round = bench_latency_run(k);
        state.SetIterationTime(round.plain_ns / 1e9);
        state.counters["plain_ns"] = round.plain_ns;
        for (unsigned i = BENCH_WAY_OFF; i < BENCH_WAY_CNT; i++)
            state.counters[std::string(names[i]) + "_added_ns"] = round.added_ns[i];
        state.counters["recorded_p50_ns"] = round.recorded_p50_ns;
        state.counters["timed_share"] = round.timed_share;
    }
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 1;
    for (unsigned k : {8, 32})
        benchmark::RegisterBenchmark(("latency/" + std::to_string(k)).c_str(), latency, k)
            ->UseManualTime()
            ->Iterations(1);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
