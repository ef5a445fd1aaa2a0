/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the swap benchmark; the bodies are C. */
#include <benchmark/benchmark.h>

#include "bench/decision/swap.h"

namespace
{

/* The time of an iteration is that from the commit to the first decision with the generation. */
void swap_all(benchmark::State &state, int huge)
{
    for (auto _ : state) {
        const bench_swap s = bench_swap_run(huge);
        state.SetIterationTime(s.first_p50 / 1e9);
        state.counters["first_min_ns"] = s.first_min;
        state.counters["first_p50_ns"] = s.first_p50;
        state.counters["first_p99_ns"] = s.first_p99;
        state.counters["adopt_p50_ns"] = s.adopt_p50;
        state.counters["stage_p50_ns"] = s.stage_p50;
        state.counters["map_ns"] = s.map;
        state.counters["verify_ns"] = s.verify;
        state.counters["unmap_ns"] = s.unmap;
        state.counters["fill_ns"] = s.fill;
        state.counters["quiet_p50_ns"] = s.quiet_p50;
        state.counters["quiet_p99_ns"] = s.quiet_p99;
        state.counters["quiet_p999_ns"] = s.quiet_p999;
        state.counters["swap_p50_ns"] = s.swap_p50;
        state.counters["swap_p99_ns"] = s.swap_p99;
        state.counters["swap_p999_ns"] = s.swap_p999;
        state.counters["p99_ratio"] = s.swap_p99 / s.quiet_p99;
        state.counters["p999_ratio"] = s.swap_p999 / s.quiet_p999;
        state.counters["swaps"] = s.swaps;
        state.counters["swaps_per_s"] = s.swaps_per_s;
        state.counters["late"] = s.late;
        state.counters["left_out"] = s.left_out;
        state.counters["huge_mapped"] = s.huge_mapped;
        state.counters["image_bytes"] = s.image_bytes;
    }
}

} // namespace

BENCHMARK_CAPTURE(swap_all, huge, 1)->Name("swap/huge")->UseManualTime()->Iterations(1);
BENCHMARK_CAPTURE(swap_all, 4k, 0)->Name("swap/4k")->UseManualTime()->Iterations(1);
BENCHMARK_MAIN();
