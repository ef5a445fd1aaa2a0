/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the lookup benchmark: a round holds all designs in turn; the bodies are C. */
#include <cstdlib>
#include <string>
#include <unistd.h>

#include <benchmark/benchmark.h>

#include "bench/index/lookup.h"

namespace
{

void lookup(benchmark::State &state)
{
    const lookup_bench *bench = lookup_bench_get();
    double ns[LOOKUP_DESIGNS_MAX];
    for (auto _ : state) {
        lookup_round(bench, ns);
        state.SetIterationTime(ns[0] / 1e9);
        for (unsigned i = 0; i < bench->cnt; i++)
            state.counters[bench->design[i].name] = ns[i];
    }
}

/* Every peer's heap in huge pages: the C library takes this only from the environment. */
void with_huge_heap(char **argv)
{
    if (getenv("GLIBC_TUNABLES") != nullptr)
        return;
    setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 1);
    execv("/proc/self/exe", argv);
}

} // namespace

int main(int argc, char **argv)
{
    with_huge_heap(argv);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 1;
    benchmark::RegisterBenchmark("lookup/1M", lookup)->UseManualTime()->Iterations(1);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
