/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the ring benchmark: a round is a page's life with a consumer that is killed; the body
 * is C. */
#include <benchmark/benchmark.h>

#include "bench/memory/ring_loop.h"

namespace
{

void ring(benchmark::State &state)
{
    for (auto _ : state) {
        const ring_round round = ring_round_run();
        state.SetIterationTime(round.live_ns / 1e9);
        state.counters["live_ns"] = round.live_ns;
        state.counters["chased_ns"] = round.chased_ns;
        state.counters["bare_ns"] = round.bare_ns;
        state.counters["ck_ns"] = round.ck_ns;
        state.counters["dead_ns"] = round.dead_ns;
        state.counters["per_s"] = round.per_s;
        state.counters["per_cpu_s"] = round.per_cpu_s;
        state.counters["live_drops"] = round.live_drops;
        state.counters["pushed"] = round.pushed;
        state.counters["consumed"] = round.consumed;
        state.counters["dropped"] = round.dropped;
        state.counters["out_of_order"] = round.out_of_order;
    }
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 1;
    benchmark::RegisterBenchmark("ring/65536", ring)->UseManualTime()->Iterations(1);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
