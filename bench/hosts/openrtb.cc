/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the OpenRTB benchmarks: where the time of a bid request goes, beside a copy of its
 * bytes; "recorded" goes through the recorded requests in turn, "class" through those of 1 to 4 KB,
 * "median" through those around the median size. */
#include <string>

#include <benchmark/benchmark.h>

#include "bench/hosts/openrtb_stages.h"

namespace
{

using stage_fn = size_t (*)(bench_openrtb *);

void stage(benchmark::State &state, stage_fn fn)
{
    bench_openrtb *b = bench_openrtb_new(BENCH_OPENRTB_TYPICAL);
    for (auto _ : state)
        benchmark::DoNotOptimize(fn(b));
    state.counters["request_bytes"] = bench_openrtb_bytes(b);
    state.SetItemsProcessed(state.iterations());
    bench_openrtb_free(b);
}

void recorded(benchmark::State &state, bench_openrtb_set set, stage_fn fn)
{
    bench_openrtb *b = bench_openrtb_new(set);
    if (b == nullptr) {
        state.SkipWithError("no recorded requests");
        return;
    }
    for (auto _ : state) {
        benchmark::DoNotOptimize(fn(b));
        bench_openrtb_next(b);
    }
    state.counters["request_bytes"] = bench_openrtb_bytes(b);
    state.SetItemsProcessed(state.iterations());
    bench_openrtb_free(b);
}

const struct {
    const char *name;
    stage_fn fn;
} stages[] = {
    {"memcpy", bench_openrtb_memcpy}, {"parse", bench_openrtb_parse}, {"fill", bench_openrtb_fill},
    {"decide", bench_openrtb_decide}, {"write", bench_openrtb_write}, {"sign", bench_openrtb_sign},
    {"all", bench_openrtb_all},
};

} // namespace

int main(int argc, char **argv)
{
    for (const auto &s : stages)
        benchmark::RegisterBenchmark((std::string("typical/") + s.name).c_str(), stage, s.fn);
    for (const char *name : {"memcpy", "parse", "all"})
        for (const auto &s : stages)
            if (std::string(name) == s.name)
                benchmark::RegisterBenchmark((std::string("recorded/") + name).c_str(), recorded,
                                             BENCH_OPENRTB_RECORDED, s.fn);
    benchmark::RegisterBenchmark("class/all", recorded, BENCH_OPENRTB_CLASS, bench_openrtb_all);
    benchmark::RegisterBenchmark("median/all", recorded, BENCH_OPENRTB_MEDIAN, bench_openrtb_all);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
