#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The learn tick of issue 04 at 10k line items and 1M contexts: 100,000 won auctions taken in, plan, table; the
same with boosted trees that are grown anew and serve every campaign; and decisions beside it."""
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.path.join(ROOT, os.environ.get("B", "build/release"))
OUT = os.path.join(ROOT, "build", "bench")
HOW = "make figures N=04 (bench/tick, SCALE=full, thread CPU time, median)"
BESIDE_ROUNDS = os.environ.get("ROUNDS", "3")
RATIO = 1.1


def figure(name, value, unit, goal=None, holds=None, how=HOW):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds, "how": how}),
          flush=True)


def measure(program, *options, rounds="5"):
    """Runs of one program by name; None for one that said why it could not."""
    path = os.path.join(OUT, f"{program}_figures.json")
    subprocess.run([os.path.join(B, "bench", program), f"--benchmark_out={path}", "--benchmark_out_format=json",
                    *options], env=dict(os.environ, SCALE="full", ROUNDS=os.environ.get("ROUNDS", rounds)), check=True,
                   stdout=sys.stderr)
    with open(path, encoding="utf-8") as file:
        runs = [run for run in json.load(file)["benchmarks"] if run["run_type"] == "iteration"]
    for run in runs:
        if run.get("error_occurred"):
            print(f"SKIPPED: {run['name'].split('/iterations')[0]}: {run['error_message']}", file=sys.stderr)
    return [run for run in runs if not run.get("error_occurred")]


def by_name(runs):
    return {run["name"].split("/iterations")[0]: run for run in runs}


def effects(runs):
    for cells, most in ((21600, 10), (1080000, 1000)):
        run = runs[f"effects/{cells}"]
        figure(f"main effects of {cells:,} cells, as each plan fits them", round(run["again"], 2), "ms", f"<= {most}",
               run["again"] <= most)
        figure(f"main effects of {cells:,} cells, from nothing", round(run["first"], 2), "ms")


def tick(run):
    size = f"10k line items, {run['contexts'] / 1e6:.1f}M contexts"
    figure(f"control tick, {size}", round(run["total"]), "ms", "<= 2000", run["total"] <= 2000,
           f"{HOW}; most {run['total_most']:.0f}; {run['candidates'] / 1e6:.1f}M candidates, "
           f"{run['cells'] / 1e6:.1f}M cells")
    for key, words in (("post", "outcomes of 100,000 won auctions"), ("plan", "the plan"),
                       ("build", "the table, sealed")):
        figure(f"control tick, {words}", round(run[key]), "ms")
    figure("control tick, the first after a start", round(run["first"]), "ms")


def trees(run):
    figure("control tick with XGBoost: trees grown anew and serving every campaign", round(run["total"]), "ms",
           "<= 20000", run["total"] <= 20000,
           f"{HOW}; most {run['total_most']:.0f}; {run['served'] / 1e6:.1f}M of {run['candidates'] / 1e6:.1f}M "
           "candidates by trees; trees are due after a fifth more clicks only")
    figure("control tick with XGBoost: the one that grows the first trees, which serve nothing yet",
           round(run["grown"]), "ms")


def beside():
    runs = measure("beside", f"--benchmark_repetitions={BESIDE_ROUNDS}", rounds="1")
    for key, words, goal in (("p99_ratio", "p99", True), ("p999_ratio", "p99.9", False)):
        values = [run[key] for run in runs]
        value = round(statistics.median(values), 2)
        figure(f"decisions beside control ticks: {words} against none", value, "x", f"<= {RATIO}" if goal else None,
               value <= RATIO if goal else None,
               f"make figures N=04 (bench/beside, SCALE=full, {BESIDE_ROUNDS} rounds, median; {min(values):.2f} to "
               f"{max(values):.2f}); ticks of 1M contexts on one processor, decisions of 32 candidates on another; "
               f"{sum(run['ticks'] for run in runs):.0f} ticks; p99 without {runs[0]['quiet_p99_ns']:.0f} ns")


def main():
    os.makedirs(OUT, exist_ok=True)
    runs = by_name(measure("tick", "--benchmark_filter=tick/10000/|trees/10000/|effects/"))
    effects(runs)
    tick(runs["tick/10000/1000000"])
    if "trees/10000/1000000" in runs:
        trees(runs["trees/10000/1000000"])
    beside()


main()
