#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Figures of the table builder: 1M contexts into fresh memory, a tick of values alone, and what the size of an
account costs in time, memory and decisions, from 1k line items and 64k contexts to 100k and 10M (the curve:
`make bench-plot SCALE=full`, bench/scale.svg)."""
import json
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "bench", "control"))
import build_table  # noqa: E402

HOW = "make figures N=02 (bench/build, thread CPU time, median)"
SIZES = "^(tick/10000/|build/)"


def figure(name, value, unit, goal=None, holds=None, how=HOW):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": how}), flush=True)


def with_spread(run, key):
    return f"{HOW}; {run[key + '_least']:.4g} to {run[key + '_most']:.4g}"


def state_goals(million, tick):
    ms = build_table.contexts_ms(million)
    figure("1M contexts into fresh memory: check, order, index, rows, their fresh memory and checksum", round(ms, 1),
           "ms", "<= 60", ms <= 60, f"{HOW}; all of the build {with_spread(million, 'total')[len(HOW) + 2:]}")
    for key, words in (("store", "factors to the live page"), ("within", "asking the pacer as well"),
                       ("step", "with a control step of every campaign")):
        figure(f"tick of 10k line items, {words}", round(tick[key], 3), "ms", "<= 1", tick[key] <= 1,
               with_spread(tick, key))


def state_size(size, run):
    words = f"{size[0]:,} line items, {size[1]:,} contexts"
    figure(f"build, {words}", round(run["total"], 1), "ms", how=with_spread(run, "total"))
    figure(f"build after values alone changed, {words}", round(run["renewed"], 1), "ms",
           how=with_spread(run, "renewed"))
    figure(f"a reader's checks, {words}", round(run["attach"], 1), "ms", how=with_spread(run, "attach"))
    figure(f"table, {words}", round(run["bytes"] / 1e6, 1), "MB")
    figure(f"decision, {words}", round(run["decide_ns"]), "ns", how=with_spread(run, "decide_ns"))


def main():
    out = os.path.join(ROOT, "build", "bench")
    os.makedirs(out, exist_ok=True)
    path = os.path.join(out, "build_figures.json")
    program = os.path.join(ROOT, os.environ.get("B", "build/release"), "bench", "build")
    subprocess.run([program, f"--benchmark_filter={SIZES}", f"--benchmark_out={path}",
                    "--benchmark_out_format=json"],
                   env=dict(os.environ, ROUNDS=os.environ.get("ROUNDS", "5")), check=True, stdout=sys.stderr)
    _, runs = build_table.load(path)
    state_goals(runs["build"][(10000, 1000000)], runs["tick"][(10000,)])
    for size, run in sorted(runs["build"].items()):
        state_size(size, run)


main()
