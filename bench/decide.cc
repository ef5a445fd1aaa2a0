/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the decision benchmarks; the bodies are C. */
#include <string>

#include <benchmark/benchmark.h>

#include "bench/decide_loop.h"
#include "bench/limits.h"

namespace
{

const unsigned ks[] = {1, 8, 32, 128};
const uint64_t chunk = 1024;
const uint64_t latency_samples = 300 * 1024;

struct design {
    const char *name;
    bench_design design;
    int swap;
    bool latency;
};
const design designs[] = {
    {"qbid", BENCH_QBID, 0, true},       {"qbid_swap", BENCH_QBID, 1, true},
    {"bare", BENCH_QBID_BARE, 0, false}, {"batch8", BENCH_QBID_BATCH, 0, false},
    {"naive", BENCH_NAIVE, 0, true},     {"harness", BENCH_HARNESS, 0, false},
};

void report(benchmark::State &state, const bench_counts &counts, bool latency)
{
    state.SetItemsProcessed(state.iterations());
    state.counters["swaps"] = counts.swaps;
    state.counters["bids_share"] = counts.bids_share;
    state.counters["drops"] = counts.drops;
    if (!latency)
        return;
    state.counters["p50_ns"] = counts.p50_ns;
    state.counters["p99_ns"] = counts.p99_ns;
    state.counters["p999_ns"] = counts.p999_ns;
    state.counters["preempted_share"] = counts.preempted_share;
}

void throughput(benchmark::State &state, unsigned k, design d)
{
    bench_run *run = bench_run_start(k, d.design, d.swap);
    while (state.KeepRunningBatch(chunk))
        bench_run_throughput(run, chunk);
    report(state, bench_run_stop(run), false);
}

void latency(benchmark::State &state, unsigned k, design d)
{
    bench_run *run = bench_run_start(k, d.design, d.swap);
    while (state.KeepRunningBatch(chunk))
        bench_run_latency(run, chunk);
    report(state, bench_run_stop(run), true);
}

void chase(benchmark::State &state, size_t bytes)
{
    limits_chase *c = limits_chase_get(bytes);
    while (state.KeepRunningBatch(chunk))
        benchmark::DoNotOptimize(limits_chase_run(c, chunk));
}

void register_decisions(unsigned k)
{
    for (const design &d : designs) {
        const std::string suffix = std::string(d.name) + "/" + std::to_string(k);
        benchmark::RegisterBenchmark(("decide/" + suffix).c_str(), throughput, k, d);
        if (d.latency)
            benchmark::RegisterBenchmark(("latency/" + suffix).c_str(), latency, k, d)
                ->Iterations(latency_samples);
    }
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 1;
    for (unsigned k : ks)
        register_decisions(k);
    benchmark::RegisterBenchmark("limit/L1, 16 KiB", chase, size_t(16) << 10);
    benchmark::RegisterBenchmark("limit/L2, 512 KiB", chase, size_t(512) << 10);
    benchmark::RegisterBenchmark("limit/L3 if there, 8 MiB", chase, size_t(8) << 20);
    benchmark::RegisterBenchmark("limit/DRAM, 256 MiB", chase, size_t(256) << 20);
    unsigned compared = 0;
    for (unsigned k : ks)
        compared += bench_run_compare(k);
    benchmark::AddCustomContext("compared", std::to_string(compared));
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
