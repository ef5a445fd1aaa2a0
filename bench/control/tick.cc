/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the benchmark of a learn tick; the body is C. SCALE=full: the size that is promised
 * for. */
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/control/tick_effects.h"
#include "bench/control/tick_steps.h"

namespace
{

const uint32_t auctions = 100000; /* won in a tick of ten seconds */

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

unsigned rounds()
{
    const char *text = std::getenv("ROUNDS");
    return text ? unsigned(std::max(1, std::atoi(text))) : 5;
}

void tick(benchmark::State &state, uint32_t line_items, uint32_t contexts)
{
    for (auto _ : state) {
        tick_desk *desk = tick_desk_new(line_items, contexts, 0);
        tick_step first, step;
        std::vector<double> post, plan, build, total;
        tick_desk_run(desk, 0, &first);
        for (unsigned i = 0; i < rounds(); i++) {
            tick_desk_run(desk, auctions, &step);
            post.push_back(step.post_ms);
            plan.push_back(step.plan_ms);
            build.push_back(step.build_ms);
            total.push_back(step.total_ms);
        }
        tick_desk_free(desk);
        state.counters["first"] = first.total_ms;
        state.counters["post"] = median(post);
        state.counters["plan"] = median(plan);
        state.counters["build"] = median(build);
        state.counters["total"] = median(total);
        state.counters["total_most"] = *std::max_element(total.begin(), total.end());
        state.counters["contexts"] = step.contexts;
        state.counters["candidates"] = step.candidates;
        state.counters["cells"] = step.cells;
        state.counters["bytes"] = step.bytes;
        state.SetIterationTime(state.counters["total"] / 1e3);
    }
}

/* The tick after a start, which grows trees from all that was seen, then ones in which they are
 * grown again and serve everything. */
void trees(benchmark::State &state, uint32_t line_items, uint32_t contexts)
{
    for (auto _ : state) {
        tick_desk *desk = tick_desk_new(line_items, contexts, 1);
        tick_step step;
        const char *why = "";
        std::vector<double> plan, total;
        tick_desk_run(desk, 0, &step);
        tick_desk_run(desk, auctions, &step);
        state.counters["grown"] = step.total_ms;
        for (unsigned i = 0; i < std::min(rounds(), 3u); i++) {
            if (tick_desk_trees_worst(desk, &why) != 0)
                break;
            tick_desk_run(desk, auctions, &step);
            plan.push_back(step.plan_ms);
            total.push_back(step.total_ms);
        }
        if (total.empty())
            state.SkipWithError(*why ? why : "no trees were grown");
        else {
            state.counters["plan"] = median(plan);
            state.counters["total"] = median(total);
            state.counters["total_most"] = *std::max_element(total.begin(), total.end());
            state.counters["contexts"] = step.contexts;
            state.counters["candidates"] = step.candidates;
            state.counters["served"] = step.served;
            state.SetIterationTime(state.counters["total"] / 1e3);
        }
        tick_desk_free(desk);
    }
}

void effects(benchmark::State &state, uint32_t cells)
{
    for (auto _ : state) {
        std::vector<double> first(rounds()), again(rounds());
        for (unsigned i = 0; i < rounds(); i++)
            tick_effects_run(cells, &first[i], &again[i]);
        state.counters["first"] = median(first);
        state.counters["again"] = median(again);
        state.SetIterationTime(state.counters["again"] / 1e3);
    }
}

void add(const char *what, void (*body)(benchmark::State &, uint32_t, uint32_t),
         uint32_t line_items, uint32_t contexts)
{
    const std::string name =
        std::string(what) + "/" + std::to_string(line_items) + "/" + std::to_string(contexts);
    benchmark::RegisterBenchmark(name.c_str(), body, line_items, contexts)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond)
        ->Iterations(1)
        ->Repetitions(1);
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 1;
    for (uint32_t cells : {21600u, 1080000u})
        benchmark::RegisterBenchmark(("effects/" + std::to_string(cells)).c_str(), effects, cells)
            ->UseManualTime()
            ->Unit(benchmark::kMillisecond)
            ->Iterations(1)
            ->Repetitions(1);
    add("tick", tick, 8192, 65536);
    add("trees", trees, 8192, 65536);
    const char *scale = std::getenv("SCALE");
    if (scale && std::strcmp(scale, "full") == 0) {
        add("tick", tick, 10000, 1000000);
        add("trees", trees, 10000, 1000000);
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
