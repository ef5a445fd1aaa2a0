#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The learn tick of issue 04: 100,000 won auctions taken in, plan, table, at 10k line items and 1M contexts."""
import json
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
HOW = "make figures N=04 (bench/tick, SCALE=full, thread CPU time, median)"


def figure(name, value, unit, goal=None, holds=None, how=HOW):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds, "how": how}),
          flush=True)


def main():
    out = os.path.join(ROOT, "build", "bench")
    os.makedirs(out, exist_ok=True)
    path = os.path.join(out, "tick_figures.json")
    program = os.path.join(ROOT, os.environ.get("B", "build/release"), "bench", "tick")
    subprocess.run([program, "--benchmark_filter=tick/10000/|effects/", f"--benchmark_out={path}",
                    "--benchmark_out_format=json"],
                   env=dict(os.environ, SCALE="full", ROUNDS=os.environ.get("ROUNDS", "5")), check=True,
                   stdout=sys.stderr)
    with open(path, encoding="utf-8") as file:
        runs = {run["name"].split("/iterations")[0]: run for run in json.load(file)["benchmarks"]}
    for cells, most in ((21600, 10), (1080000, 1000)):
        run = runs[f"effects/{cells}"]
        figure(f"main effects of {cells:,} cells, as each plan fits them", round(run["again"], 2), "ms", f"<= {most}",
               run["again"] <= most)
        figure(f"main effects of {cells:,} cells, from nothing", round(run["first"], 2), "ms")
    tick = runs["tick/10000/1000000"]
    size = f"10k line items, {tick['contexts'] / 1e6:.1f}M contexts"
    figure(f"control tick, {size}", round(tick["total"]), "ms", "<= 2000", tick["total"] <= 2000,
           f"{HOW}; most {tick['total_most']:.0f}; {tick['candidates'] / 1e6:.1f}M candidates, "
           f"{tick['cells'] / 1e6:.1f}M cells")
    for key, words in (("post", "outcomes of 100,000 won auctions"), ("plan", "the plan"),
                       ("build", "the table, sealed")):
        figure(f"control tick, {words}", round(tick[key]), "ms")
    figure("control tick, the first after a start", round(tick["first"]), "ms")


main()
