/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the decision benchmarks; the bodies are C. */
#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>

#include "bench/decision/decide_loop.h"
#include "bench/limits.h"

namespace
{

const unsigned ks[] = {1, 8, 32, 128};

const char *const kinds[] = {
#define X(upper, lower) #lower,
    BENCH_KIND_LIST(X)
#undef X
};

const char *const names[] = {
#define X(upper, lower) #lower,
    BENCH_DESIGN_LIST(X)
#undef X
};

/* A round holds all designs; its own time is that of the whole decision. */
void decide(benchmark::State &state, bench_kind kind, unsigned k)
{
    for (auto _ : state) {
        const bench_round round = bench_round_run(kind, k);
        state.SetIterationTime(round.of[BENCH_QBID].ns / 1e9);
        for (unsigned i = 0; i < BENCH_DESIGN_CNT; i++) {
            const std::string name = names[i];
            if (round.of[i].ns != 0)
                state.counters[name + "_ns"] = round.of[i].ns;
            if (round.of[i].p50_ns == 0)
                continue;
            state.counters[name + "_p50_ns"] = round.of[i].p50_ns;
            state.counters[name + "_p99_ns"] = round.of[i].p99_ns;
            state.counters[name + "_p999_ns"] = round.of[i].p999_ns;
        }
        state.counters["swaps"] = round.swaps;
        state.counters["drops"] = round.drops;
        state.counters["bids_share"] = round.bids_share;
        state.counters["preempted_share"] = round.preempted_share;
        if (round.other_ns != 0)
            state.counters["other_ns"] = round.other_ns;
    }
}

void chase(benchmark::State &state, size_t bytes)
{
    const uint64_t steps = 1024;
    limits_chase *c = limits_chase_get(bytes);
    while (state.KeepRunningBatch(steps))
        benchmark::DoNotOptimize(limits_chase_run(c, steps));
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 1;
    unsigned compared = 0;
    for (unsigned k : ks) {
        for (unsigned kind = 0; kind < BENCH_KIND_CNT; kind++) {
            if (kind != BENCH_DECIDE && k != 8 && k != 32)
                continue;
            const std::string name = kinds[kind] + ("/" + std::to_string(k));
            benchmark::RegisterBenchmark(name.c_str(), decide, bench_kind(kind), k)
                ->UseManualTime()
                ->Iterations(1);
        }
        compared += bench_round_compare(k);
    }
    benchmark::AddCustomContext("compared", std::to_string(compared));
    benchmark::RegisterBenchmark("limit/L1, 16 KiB", chase, size_t(16) << 10);
    benchmark::RegisterBenchmark("limit/L2, 512 KiB", chase, size_t(512) << 10);
    benchmark::RegisterBenchmark("limit/L3 if there, 8 MiB", chase, size_t(8) << 20);
    benchmark::RegisterBenchmark("limit/DRAM, 256 MiB", chase, size_t(256) << 20);
    benchmark::RunSpecifiedBenchmarks();
    const char *cdf = getenv("BENCH_CDF"); /* folder for the distributions */
    for (unsigned i = 0; cdf && i < BENCH_DESIGN_CNT; i++) {
        const std::string path = cdf + ("/" + std::string(names[i]) + ".cdf");
        if (bench_round_cdf(BENCH_DECIDE, bench_design(i), path.c_str()) != 0)
            return 1;
    }
    return 0;
}
