#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Landscape and shading figures of issue 04: error of F, surplus kept by learned tables, exploration, updates."""
import json
import os
import re
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.environ.get("B", "build/release")
HOW = "make figures N=04 (%s; prices 0.6 LN(0, 0.5) + 0.4 LN(1.2, 0.3), values LN(1, 0.6), mean of 20 seeds)"


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds, "how": how}),
          flush=True)


def run(test):
    done = subprocess.run([os.path.join(B, "tests", test)], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout, done.returncode == 0


def error():
    text, good = run("test_landscape")
    goals = {1000: 0.050, 10000: 0.018, 100000: 0.0056}
    for n, mean in re.findall(r"n = +(\d+): sup error mean ([\d.]+)", text):
        goal = goals[int(n)]
        figure(f"landscape: sup error of F, censored prices, n = {int(n):,}", float(mean), "", HOW % "test_landscape",
               f"<= {goal}", good and float(mean) <= goal)
    for price, what, value in re.findall(r"(first|second) price, (nothing|\d+ %) explored\D*: \D*([\d.]+)", text):
        figure(f"landscape: sup error of F above the bid, {price} price, {what} explored", float(value), "",
               "make figures N=04 (test_landscape: 200,000 auctions at one paced bid, the Q rows' actions)",
               ">= 0.15" if what == "nothing" else "<= 0.05", good)


def surplus():
    text, good = run("test_shading")
    goals = {("price told", 300): 0.990, ("price told", 1000): 0.995, ("price told", 10000): 0.999,
             ("win or lose", 1000): 0.965, ("win or lose", 10000): 0.985, ("win or lose", 100000): 0.993}
    for kind, n, kept in re.findall(r"(price told|win or lose), n = +(\d+): ([\d.]+) of", text):
        goal = goals[kind, int(n)]
        figure(f"shading: part of the surplus kept, {kind}, n = {int(n):,}", float(kept), "", HOW % "test_shading",
               f">= {goal}", good and float(kept) >= goal)
    for kind, kept in zip(("pooled", "raw", "blended"),
                          re.search(r"pooled ([\d.]+), raw ([\d.]+), blended ([\d.]+)", text).groups()):
        figure(f"shading: surplus kept with 20 prices a cell, {kind}", float(kept), "",
               "make figures N=04 (test_shading: 60 cells whose prices differ by LN(0, 0.4))",
               "blended is the highest" if kind == "blended" else None, good if kind == "blended" else None)


def speed():
    out = os.path.join(ROOT, "build", "bench", "landscape.json")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    subprocess.run([os.path.join(B, "bench", "landscape"), f"--benchmark_repetitions={os.environ.get('ROUNDS', '5')}",
                    f"--benchmark_out={out}", "--benchmark_out_format=json"],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    with open(out, encoding="utf-8") as file:
        runs = [r for r in json.load(file)["benchmarks"] if r["run_type"] == "iteration"]
    how = "make figures N=04 (bench/landscape: 100 segments, thread CPU time, median of rounds)"
    rate = statistics.median(r["updates_per_s"] for r in runs)
    figure("landscape: updates on one core", round(rate / 1e6, 1), "million/s", how, ">= 1", rate >= 1e6)
    for key, name in (("fit_km_ns", "fit of 256 bins, Kaplan-Meier"), ("fit_binary_ns", "fit of 256 bins, isotonic"),
                      ("shade_ns", "a shade table of 64 knots")):
        figure(f"landscape: {name}", round(statistics.median(r[key] for r in runs) / 1e3, 1), "us", how)


error()
surplus()
speed()
