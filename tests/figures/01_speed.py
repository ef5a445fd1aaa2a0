#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed figures of issue 01: the decision with 1, 8, 32 and 128 candidates, with and without a table swap
every 100 ms, beside a naive layout in the same run; nginx with the module beside `return 204`."""
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
HOW = "make figures N=01 (bench/run.sh, interleaved rounds, median)"


def figure(name, value, unit, goal=None, holds=None, how=HOW):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": how}), flush=True)


def main():
    env = dict(os.environ, ROUNDS=os.environ.get("ROUNDS", "5"), MIN_TIME="0.1",
               BENCH_SECONDS=os.environ.get("BENCH_SECONDS", "2"),
               FILTER="^decide/")
    subprocess.run(["bash", "bench/run.sh"], cwd=ROOT, env=env, check=True, stdout=sys.stderr)
    with open(os.path.join(ROOT, "build", "bench", "decide.json"), encoding="utf-8") as f:
        rows = json.load(f)["benchmarks"]
    for k in (1, 8, 32, 128):
        runs = [row for row in rows
                if row["run_type"] == "iteration" and row["name"].split("/")[:2] == ["decide", str(k)]]
        for way, words in (("qbid", "no swap"), ("swap", "swap every 100 ms")):
            for percentile in ("p50", "p99"):
                figure(f"decision, {k} candidates, {words}: {percentile}",
                       round(statistics.median(run[f"{way}_{percentile}_ns"] for run in runs)), "ns")
        ratios = [run["naive_ns"] / run["qbid_ns"] for run in runs]
        figure(f"decision, {k} candidates: naive layout takes", round(statistics.median(ratios), 1),
               "times as long", how=f"{HOW}; {min(ratios):.1f} to {max(ratios):.1f}")
    with open(os.path.join(ROOT, "build", "bench", "nginx.json"), encoding="utf-8") as f:
        ways = json.load(f)["ways"]
    for way, words in (("bid", "answers with a bid"), ("nobid", "answers without a bid")):
        ratio = ways[way]["ratio"]
        figure(f"nginx, {words}, requests/s against return 204", round(ratio["median"], 2), "x",
               how=f"{HOW}; {ratio['least']:.2f} to {ratio['most']:.2f}")
        figure(f"nginx, {words}: requests/s", round(ways[way]["per_s"]["median"]), "1/s")
    figure("nginx, return 204 to the same POSTs: requests/s", round(ways["return_204"]["per_s"]["median"]),
           "1/s")


main()
