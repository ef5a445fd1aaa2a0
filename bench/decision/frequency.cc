/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the benchmark of frequency caps; the body is C. */
#include <string>

#include <benchmark/benchmark.h>

#include "bench/decision/frequency_loop.h"

namespace
{

/* A round holds all ways; its own time is that of the decision with a user. */
void frequency(benchmark::State &state, unsigned lg_users)
{
    for (auto _ : state) {
        const bench_frequency round = bench_frequency_run(lg_users);
        state.SetIterationTime(round.known_ns / 1e9);
        state.counters["plain_ns"] = round.plain_ns;
        state.counters["unknown_ns"] = round.unknown_ns;
        state.counters["known_ns"] = round.known_ns;
        state.counters["count_ns"] = round.count_ns;
        state.counters["value_ns"] = round.value_ns;
        state.counters["table_bytes"] = round.table_bytes;
        state.counters["worker_bytes"] = round.worker_bytes;
    }
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 1;
    for (unsigned lg_users : {6, 22}) /* hot lines; all lines of the table */
        benchmark::RegisterBenchmark(("frequency/users:2^" + std::to_string(lg_users)).c_str(),
                                     frequency, lg_users)
            ->UseManualTime()
            ->Iterations(1);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
