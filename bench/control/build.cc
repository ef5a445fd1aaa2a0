/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the builder's benchmarks; the bodies are C. */
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/control/build_decide.h"
#include "bench/control/build_phases.h"
#include "bench/control/build_tick.h"

namespace
{

const char *const names[] = {
#define X(upper, lower, text) #lower,
    BUILD_PHASE_LIST(X)
#undef X
};

/* Counters of one quantity over the rounds: median, least, most. */
void state_spread(benchmark::State &state, const std::string &name, std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    state.counters[name] = values[values.size() / 2];
    state.counters[name + "_least"] = values.front();
    state.counters[name + "_most"] = values.back();
}

unsigned rounds_of(uint32_t contexts)
{
    const char *text = std::getenv("ROUNDS");
    const unsigned rounds = text ? unsigned(std::max(1, std::atoi(text))) : 5;
    return contexts > 2000000 ? (rounds + 1) / 2 : rounds; /* seconds each */
}

/* The world is large, so all rounds of a size come one after the other. */
void build(benchmark::State &state, uint32_t line_items, uint32_t contexts)
{
    build_world *world = build_phases_world(line_items, contexts);
    for (auto _ : state) {
        std::vector<build_round> rounds(rounds_of(contexts));
        for (build_round &round : rounds)
            build_phases_run(world, &round);
        build_decide *decide = build_decide_new(world);
        std::vector<double> values;
        auto collect = [&](const std::string &name, auto of) {
            values.clear();
            for (const build_round &round : rounds)
                values.push_back(of(round));
            state_spread(state, name, values);
        };
        for (unsigned i = 0; i < BUILD_PHASE_CNT; i++)
            collect(names[i], [i](const build_round &round) { return round.ms[i]; });
        collect("total", [](const build_round &round) { return round.total_ms; });
        collect("renewed", [](const build_round &round) { return round.renewed_ms; });
        collect("wall", [](const build_round &round) { return round.wall_ms; });
        values.clear();
        for (unsigned i = 0; i < rounds_of(contexts); i++)
            values.push_back(build_decide_run(decide));
        state_spread(state, "decide_ns", values);
        build_decide_free(decide);
        state.counters["bytes"] = rounds[0].bytes;
        state.counters["context_bytes"] = rounds[0].context_bytes;
        state.counters["contexts_share"] = rounds[0].context_bytes / rounds[0].bytes;
        state.counters["rounds"] = double(rounds.size());
        state.SetIterationTime(state.counters["total"] / 1e3);
    }
}

/* Ticks of the live page: the account alone counts. */
void tick(benchmark::State &state, uint32_t line_items)
{
    build_world *world = build_phases_world(line_items, 1024);
    for (auto _ : state) {
        std::vector<double> store, within, step;
        for (unsigned i = 0; i < 4 * rounds_of(0); i++) {
            build_tick ms;
            build_tick_run(world, &ms);
            store.push_back(ms.store_ms);
            within.push_back(ms.within_ms);
            step.push_back(ms.step_ms);
        }
        state_spread(state, "store", store);
        state_spread(state, "within", within);
        state_spread(state, "step", step);
        state.SetIterationTime(state.counters["within"] / 1e3);
    }
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 1;
    for (uint32_t line_items : {1000u, 10000u, 100000u}) {
        benchmark::RegisterBenchmark(("tick/" + std::to_string(line_items)).c_str(), tick,
                                     line_items)
            ->UseManualTime()
            ->Unit(benchmark::kMillisecond)
            ->Iterations(1)
            ->Repetitions(1);
        for (uint32_t contexts : {65536u, 1000000u, 10000000u}) {
            const std::string name =
                "build/" + std::to_string(line_items) + "/" + std::to_string(contexts);
            benchmark::RegisterBenchmark(name.c_str(), build, line_items, contexts)
                ->UseManualTime()
                ->Unit(benchmark::kMillisecond)
                ->Iterations(1)
                ->Repetitions(1);
        }
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
