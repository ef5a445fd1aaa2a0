#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bitmap figures of issue 02: which line items a request's targeting leaves, at 1k, 10k and 100k line items,
with each kernel that this processor has, beside one bit at a time and a mere read of the same rows; and the
number of random cases in which every kernel agrees with one bit at a time."""
import json
import os
import re
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.environ.get("B", "build/release")
GOALS_NS = {"1k": 60, "10k": 300, "100k": 5000}
CASES = 100000
HOW = "make figures N=02 (bench/decision/bitmaps.cc, interleaved rounds, median of thread CPU time, making the request included)"


def figure(name, value, unit, goal=None, holds=None, how=HOW):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": how}), flush=True)


def measure():
    """{benchmark: [ns in each round]}"""
    out = os.path.join(ROOT, "build", "bench", "bitmaps.json")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    subprocess.run([os.path.join(B, "bench", "bitmaps"), f"--benchmark_repetitions={os.environ.get('ROUNDS', '5')}",
                    "--benchmark_min_time=0.1", "--benchmark_enable_random_interleaving=true",
                    f"--benchmark_out={out}", "--benchmark_out_format=json"],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["bench/decision/bitmaps_table.py", out], cwd=ROOT, check=True, stdout=sys.stderr)
    rounds = {}
    with open(out, encoding="utf-8") as file:
        for run in json.load(file)["benchmarks"]:
            if run["run_type"] == "iteration" and not run.get("error_occurred"):
                rounds.setdefault(run["run_name"], []).append(run["cpu_time"])
    return rounds


def speed(rounds):
    for size, goal in GOALS_NS.items():
        for way in ("scalar", "avx2", "avx512"):
            ns = rounds.get(f"{size}/{way}")
            if not ns:
                print(f"02_bitmaps: {way} not measured, this processor lacks it")
                continue
            value = statistics.median(ns)
            best = way == "avx512"
            figure(f"bitmaps, {size} line items, {way}", round(value, 1), "ns", f"<= {goal}" if best else None,
                   value <= goal if best else None, f"{HOW}; {min(ns):.0f} to {max(ns):.0f}")
        best = next(rounds[f"{size}/{way}"] for way in ("avx512", "avx2", "scalar") if f"{size}/{way}" in rounds)
        ratios = [naive / ns for naive, ns in zip(rounds[f"{size}/naive"], best)]
        figure(f"bitmaps, {size} line items: one bit at a time takes", round(statistics.median(ratios), 1),
               "times as long", how=f"{HOW}; {min(ratios):.0f} to {max(ratios):.0f}")
        if f"{size}/read" in rounds:
            ratios = [ns / read for ns, read in zip(best, rounds[f"{size}/read"])]
            figure(f"bitmaps, {size} line items, against a mere read of the rows",
                   round(statistics.median(ratios), 2), "times as long",
                   how=f"{HOW}; {min(ratios):.2f} to {max(ratios):.2f}")


def agreement():
    run = subprocess.run([os.path.join(B, "tests", "test_scan")], cwd=ROOT, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False)
    cases = re.search(r"^(\d+) requests", run.stdout, re.MULTILINE)
    kernels = re.findall(r"^(\w+): compared$", run.stdout, re.MULTILINE)
    agreed = int(cases.group(1)) if cases and run.returncode == 0 else 0
    figure("bitmaps, random cases equal to one bit at a time", agreed, "cases", f">= {CASES}", agreed >= CASES,
           f"make figures N=02 (tests/fastpath/test_scan.c, each with {', '.join(kernels)})")


def main():
    speed(measure())
    agreement()


main()
