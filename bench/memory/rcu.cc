/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the benchmarks of liburcu's flavours; the bodies are C. */
#include <string>

#include <benchmark/benchmark.h>

#include "bench/memory/rcu_sides.h"

namespace
{

const char *const names[] = {
#define X(upper, text) text,
    RCU_SIDE_LIST(X)
#undef X
};

void section(benchmark::State &state, rcu_side side)
{
    const uint64_t n = 4096;
    while (state.KeepRunningBatch(n))
        benchmark::DoNotOptimize(rcu_side_run(side, n));
}

/* The median of 64 grace periods while another thread reads at full speed. */
void grace(benchmark::State &state, rcu_side side)
{
    for (auto _ : state)
        state.SetIterationTime(rcu_side_grace_ns(side) / 1e9);
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 1;
    rcu_sides_begin();
    for (int i = 0; i < RCU_SIDE_CNT; i++) {
        const rcu_side side = static_cast<rcu_side>(i);
        benchmark::RegisterBenchmark(("rcu/read section/" + std::string(names[i])).c_str(), section,
                                     side);
        if (side == RCU_SIDE_MEMB || side == RCU_SIDE_QSBR || side == RCU_SIDE_BP)
            benchmark::RegisterBenchmark(("rcu/grace period/" + std::string(names[i])).c_str(),
                                         grace, side)
                ->UseManualTime()
                ->Iterations(5);
    }
    benchmark::RunSpecifiedBenchmarks();
    rcu_sides_end();
    return 0;
}
