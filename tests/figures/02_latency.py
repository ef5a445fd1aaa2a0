#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the latency recorder costs: ns that it adds to a decision when it is off, when it times one of 16 and when it
times each, all by turns in the same run."""
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
ROUNDS = os.environ.get("ROUNDS", "5")
HOW = f"make figures N=02 (bench/latency, median of {ROUNDS} rounds"


def main():
    build = os.environ.get("B", "build/release")
    out = os.path.join(ROOT, "build", "bench", "latency.json")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    subprocess.run([os.path.join(build, "bench", "latency"), f"--benchmark_repetitions={ROUNDS}",
                    "--benchmark_enable_random_interleaving=true", f"--benchmark_out={out}",
                    "--benchmark_out_format=json"], cwd=ROOT, check=True, stdout=sys.stderr)
    with open(out, encoding="utf-8") as f:
        rows = [row for row in json.load(f)["benchmarks"] if row["run_type"] == "iteration"]
    for k in (8, 32):
        runs = [row for row in rows if row["name"].split("/")[:2] == ["latency", str(k)]]
        plain = [run["plain_ns"] for run in runs]
        for key, words in (("off", "off"), ("of_16", "1 of 16"), ("each", "each")):
            added = [run[f"{key}_added_ns"] for run in runs]
            print(json.dumps({
                "name": f"latency recorder, {k} candidates, {words}: added to a decision",
                "value": round(statistics.median(added), 1), "unit": "ns", "goal": None, "holds": None,
                "how": f"{HOW}; {min(added):.1f} to {max(added):.1f}, to a decision of "
                       f"{statistics.median(plain):.0f} ns)"}), flush=True)


main()
