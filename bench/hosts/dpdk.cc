/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the benchmark of the DPDK bidder: a round is some passes of the poll loop over a pair
 * of rings and of the same work over memory, in turn; the body is C. */
#include <benchmark/benchmark.h>

#include "bench/hosts/dpdk_loop.h"

namespace
{

void ring(benchmark::State &state)
{
    for (auto _ : state) {
        const dpdk_round round = dpdk_round_run(8);
        state.SetIterationTime(round.ring_ns / 1e9);
        state.counters["ring_ns"] = round.ring_ns;
        state.counters["memory_ns"] = round.memory_ns;
        state.counters["decode_ns"] = round.decode_ns;
        state.counters["decide_ns"] = round.decide_ns;
        state.counters["encode_ns"] = round.encode_ns;
        state.counters["bytes"] = round.bytes;
        state.counters["answer_bytes"] = round.answer_bytes;
        state.counters["bids"] = round.bids;
    }
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 1;
    benchmark::RegisterBenchmark("dpdk/ring", ring)->UseManualTime()->Iterations(1);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
