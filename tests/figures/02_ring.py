#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ring figures of issue 02: a push with the consumer alive and killed, records a second, losses counted."""
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
HOW = ("make figures N=02 (build/release/bench/ring: 65,536 records of 64 bytes, the consumer a process of its "
       "own; median of rounds)")


def figure(name, value, unit, goal=None, holds=None, how=HOW):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": how}), flush=True)


def main():
    out = os.path.join(ROOT, "build", "bench", "ring.json")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    program = os.path.join(os.environ.get("B", "build/release"), "bench", "ring")
    subprocess.run([program, f"--benchmark_repetitions={os.environ.get('ROUNDS', '5')}",
                    f"--benchmark_out={out}", "--benchmark_out_format=json"],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    subprocess.run(["bench/memory/ring_table.py", out], cwd=ROOT, check=True)
    with open(out, encoding="utf-8") as f:
        runs = [run for run in json.load(f)["benchmarks"] if run["run_type"] == "iteration"]

    def stated(name, key, unit, goal=None, holds=None, scale=1.0):
        values = [run[key] / scale for run in runs]
        median = statistics.median(values)
        figure(name, round(median, 1), unit, goal, holds(median) if holds else None,
               how=f"{HOW}; {min(values):.1f} to {max(values):.1f}")

    stated("ring: a push, consumer alive and draining once a millisecond", "live_ns", "ns", "<= 25", lambda x: x <= 25)
    stated("ring: a push, while a consumer polls without a pause", "chased_ns", "ns")
    stated("ring: a push, consumer killed and ring full", "dead_ns", "ns", "<= 4", lambda x: x <= 4)
    stated("ring: records through it, none lost, by the clock", "per_s", "M/s", ">= 10", lambda x: x >= 10, 1e6)
    stated("ring: the same by CPU time of the busier side", "per_cpu_s", "M/s", scale=1e6)
    ratios = [run["ck_ns"] / run["chased_ns"] for run in runs]
    figure("ring: a push into Concurrency Kit's ring, polled without a pause, takes", round(statistics.median(ratios), 2), "times as long",
           how=f"{HOW}; {min(ratios):.2f} to {max(ratios):.2f}")
    lost = sum(run["pushed"] - run["consumed"] - run["dropped"] + run["out_of_order"] for run in runs)
    figure("ring: records lost uncounted or out of order", round(lost), "records", "== 0", lost == 0,
           how=f"{HOW}; of {sum(run['pushed'] for run in runs):.0f} pushed, "
               f"{sum(run['dropped'] for run in runs):.0f} counted as lost after the consumer was killed")


main()
