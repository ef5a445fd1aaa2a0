#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Figures of issue 02: the decision by itself, in batches, cold, asked ahead, against the naive layout and the
formula, by kind of stream, page and number of workers; all designs take turns inside each round."""
import json
import os
import re
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
OUT = os.path.join(ROOT, "build", "bench", "decide.json")
HOW = "make figures N=02 (bench/decide, rounds interleaved, median)"
GOALS_NS = {1: 150, 8: 160, 32: 180, 128: 320}
GOALS_RATIO = {1: 4, 8: 20, 32: 70, 128: 120}


def figure(name, values, unit, goal=None, at_most=True, digits=0):
    """A figure of one value a round; holds when the median reaches the goal. A round in which no decision ran
    undisturbed has no latencies, and what no round has measured is said so and left out."""
    values = [v for v in values if v is not None]
    if not values:
        print(f"02_decide: {name}: not measured, other work ran in between of all")
        return
    value = statistics.median(values)
    holds = None if goal is None else (value <= goal if at_most else value >= goal)
    print(json.dumps({"name": name, "value": round(value, digits) if digits else round(value), "unit": unit,
                      "goal": None if goal is None else f"{'<=' if at_most else '>='} {goal}", "holds": holds,
                      "how": f"{HOW}; {min(values):.{digits}f} to {max(values):.{digits}f}"}), flush=True)


def run():
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    subprocess.run([os.path.join(ROOT, "build/release/bench/decide"), "--benchmark_out=" + OUT,
                    "--benchmark_out_format=json", "--benchmark_enable_random_interleaving=true",
                    "--benchmark_repetitions=" + os.environ.get("ROUNDS", "5"), "--benchmark_min_time=0.1"],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    with open(OUT, encoding="utf-8") as f:
        rounds = {}
        for row in json.load(f)["benchmarks"]:
            if row["run_type"] == "iteration":
                rounds.setdefault(re.sub(r"/(iterations|repeats|manual_time).*", "", row["name"]), []).append(row)
    return rounds


def decisions(rounds):
    for k, goal in GOALS_NS.items():
        runs = rounds[f"decide/{k}"]
        figure(f"one decision, {k} candidates", [r["qbid_ns"] for r in runs], "ns", goal)
        figure(f"one decision, {k} candidates: naive layout takes", [r["naive_ns"] / r["qbid_ns"] for r in runs],
               "times as long", GOALS_RATIO[k], False, 1)
        figure(f"one decision, {k} candidates: formula a candidate takes",
               [r["formula_ns"] / r["qbid_ns"] for r in runs], "times as long", digits=1)
        figure(f"batch of 8, {k} candidates, each", [r["batch8_ns"] for r in runs], "ns", 80 if k == 8 else None)
        figure(f"batch of 8, {k} candidates: naive layout takes", [r["naive_ns"] / r["batch8_ns"] for r in runs],
               "times as long", digits=1)
        figure(f"{k} candidates named by the host, without event and RCU", [r["named_ns"] for r in runs], "ns")
        for q, name in (("p50", "median"), ("p99", "p99"), ("p999", "p99.9")):
            figure(f"latency, {k} candidates, {name}", [r.get(f"qbid_{q}_ns") for r in runs], "ns",
                   800 if q == "p99" and k <= 32 else None)
        for q, goal_ns in (("p50", 350), ("p99", 1200)):
            figure(f"latency cold and asked ahead, {k} candidates, {q}", [r.get(f"ahead_{q}_ns") for r in runs], "ns",
                   goal_ns if k <= 32 else None)
            figure(f"latency cold, {k} candidates, {q}", [r.get(f"cold_{q}_ns") for r in runs], "ns")


def kinds(rounds):
    for kind, words in (("uniform", "uniform contexts"), ("small", "table in 4 KiB pages"),
                        ("pair", "beside a second worker")):
        for k in (8, 32):
            runs = rounds[f"{kind}/{k}"]
            figure(f"one decision, {k} candidates, {words}", [r["qbid_ns"] for r in runs], "ns")
            figure(f"batch of 8, {k} candidates, {words}, each", [r["batch8_ns"] for r in runs], "ns")
    every = [r for name, runs in rounds.items() if name.startswith("decide/") for r in runs]
    figure("p99.9 of decisions with a swap of 100 MB every 100 ms against none",
           [r["swap_p999_ns"] / r["qbid_p999_ns"] for r in every if {"swap_p999_ns", "qbid_p999_ns"} <= r.keys()], "x",
           1.1, True, 2)
    figure("events that the ring dropped in all of this", [sum(r["drops"] for r in every)], "events")


def limits(rounds):
    for name, runs in rounds.items():
        if name.startswith("limit/"):
            figure("dependent load, " + name[6:], [r["cpu_time"] for r in runs], "ns", digits=1)


def main():
    rounds = run()
    decisions(rounds)
    kinds(rounds)
    limits(rounds)


if __name__ == "__main__":
    sys.exit(main())
