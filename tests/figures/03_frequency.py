#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Frequency figures of issue 03: what a cap adds to a decision, its memory, and what several workers show at most."""
import json
import os
import re
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.environ.get("B", "build/release")
HOW = ("make figures N=03 (bench/frequency: 8 candidates, all of them capped; ways in turns over blocks of 2,048 "
       "requests, thread CPU time, median of rounds)")
BOUND = "make figures N=03 (test_frequency_bound: random streams of 6 users, the cap of 4, qbidd late or asleep)"


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds, "how": how}),
          flush=True)


def cost():
    out = os.path.join(ROOT, "build", "bench", "frequency.json")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    subprocess.run([os.path.join(B, "bench", "frequency"), f"--benchmark_repetitions={os.environ.get('ROUNDS', '5')}",
                    f"--benchmark_out={out}", "--benchmark_out_format=json"],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    with open(out, encoding="utf-8") as file:
        runs = [run for run in json.load(file)["benchmarks"] if run["run_type"] == "iteration"]

    def stated(name, users, of):
        values = [of(run) for run in runs if f"users:2^{users}/" in run["name"]]
        figure(f"frequency: {name}", round(statistics.median(values), 1), "ns",
               f"{HOW}; {min(values):.1f} to {max(values):.1f}")

    stated("a decision, no line item capped", 6, lambda r: r["plain_ns"])
    stated("a decision, all capped, a request without a user", 6, lambda r: r["unknown_ns"])
    stated("a decision, all capped, of one of 64 users", 6, lambda r: r["known_ns"])
    stated("a decision, all capped, of one of 4 million users", 22, lambda r: r["known_ns"])
    stated("of it what the cap adds, 64 users", 6, lambda r: r["known_ns"] - r["plain_ns"])
    stated("of it what the cap adds, 4 million users", 22, lambda r: r["known_ns"] - r["plain_ns"])
    stated("what r(k) below 1 of all 8 candidates adds, by ordering them anew", 6, lambda r: r["value_ns"])
    stated("a count alone, 4 million users", 22, lambda r: r["count_ns"])
    figure("frequency: memory of a million counts, shared by all workers", round(runs[0]["table_bytes"]), "bytes", HOW)
    figure("frequency: memory of a worker's own bids", round(runs[0]["worker_bytes"]), "bytes", HOW)


def most():
    run = subprocess.run([os.path.join(B, "tests", "test_frequency_bound")], cwd=ROOT, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False)
    for workers, over in re.findall(r"^workers (\d+) cap 4: most over it (\d+)$", run.stdout, re.M):
        allowed = (int(workers) - 1) * 4
        figure(f"frequency: most beyond the cap, {workers} worker{'s' if workers != '1' else ''}", int(over), "bids",
               BOUND, f"<= (workers - 1) x cap = {allowed}", int(over) <= allowed and run.returncode == 0)


cost()
most()
