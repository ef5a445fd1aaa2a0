/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the bitmap benchmarks; the bodies are C. */
#include <string>

#include <benchmark/benchmark.h>

#include "bench/decision/bitmaps_ways.h"

namespace
{

const struct {
    const char *name;
    uint32_t line_items;
} sizes[] = {{"1k", 1000}, {"10k", 10000}, {"100k", 100000}};

const char *const names[] = {
#define X(upper, lower) #lower,
    BENCH_BITMAPS_LIST(X)
#undef X
};

void run(benchmark::State &state, uint32_t line_items, bench_bitmaps_way way)
{
    if (!bench_bitmaps_can(way)) {
        state.SkipWithError("this processor lacks it");
        return;
    }
    bench_bitmaps *b = bench_bitmaps_get(line_items);
    for (auto _ : state)
        benchmark::DoNotOptimize(bench_bitmaps_run(b, way));
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 1;
    unsigned compared = 0;
    for (const auto &size : sizes) {
        double share;
        compared += bench_bitmaps_compare(bench_bitmaps_get(size.line_items), &share);
        benchmark::AddCustomContext(std::string("left_") + size.name, std::to_string(share));
        for (unsigned way = 0; way < BENCH_BITMAPS_CNT; way++)
            benchmark::RegisterBenchmark((std::string(size.name) + "/" + names[way]).c_str(), run,
                                         size.line_items, static_cast<bench_bitmaps_way>(way));
    }
    benchmark::AddCustomContext("compared", std::to_string(compared));
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
