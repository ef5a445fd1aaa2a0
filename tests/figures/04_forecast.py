#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Forecast figures of issue 04: fits against R's, the M4 hourly series, intervals, what a refit costs, and how well
hours of the week are learned."""
import json
import os
import re
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.environ.get("B", "build/release")


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds, "how": how}),
          flush=True)


def output(name):
    run = subprocess.run([os.path.join(B, "tests", name)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, check=False)
    if run.returncode:
        print(run.stdout, file=sys.stderr)
    return run.stdout


def fits():
    text = output("test_smoothing")
    how = "test_smoothing; tests/oracle/forecast.R makes the reference (R HoltWinters)"
    for series, sse, ratio in re.findall(r"^(\w+): SSE ([0-9.e+]+), ([0-9.]+) of R's", text, re.M):
        figure(f"forecast: {series}, sum of squared errors against R's ({sse})", float(ratio), "x", how, "<= 1.001",
               float(ratio) <= 1.001)


def series():
    text = output("test_forecast")
    how = "test_forecast: methods chosen by series at rolling origins, then the published test part"
    found = re.search(r"^M4 hourly, (\d+) series: MASE ([0-9.]+), seasonal naive ([0-9.]+), .* cover ([0-9.]+) %", text,
                      re.M)
    if found:
        cnt, ours, naive, covered = int(found[1]), float(found[2]), float(found[3]), float(found[4])
        figure(f"forecast: M4 hourly, {cnt} series, mean MASE", ours, "", how, "<= 1.193, target 1.10", ours <= 1.10)
        figure("forecast: the same by the seasonal naive method", naive, "", how)
        figure("forecast: the same, 95 % intervals cover", covered, "%", how, "90 to 98", 90 <= covered <= 98)
    else:
        print("forecast: the M4 hourly series are not there, skipped; weekly ones are not part of the data")
    for kind, covered in re.findall(r"^kind (\d): intervals cover ([0-9.]+) %", text, re.M):
        figure(f"forecast: generated series of kind {kind}, 95 % intervals cover", float(covered), "%",
               "test_forecast", "90 to 98", 90 <= float(covered) <= 98)
    text = output("test_traffic")
    found = re.search(r"^Avito, (\d+) regions, .*: squared error ([0-9.]+), the account's curve ([0-9.]+), flat "
                      r"([0-9.]+)", text, re.M)
    if found:
        how = f"test_traffic: {found[1]} real regions, a week of 60 events an hour each, against their own shares"
        figure("traffic: squared error of a region's hours, shrunk to the account's", float(found[2]), "", how,
               "< the account's", float(found[2]) < float(found[3]))
        figure("traffic: the same by the account's curve", float(found[3]), "", how)
        figure("traffic: the same by the clock", float(found[4]), "", how)


def cost():
    out = os.path.join(ROOT, "build", "bench", "forecast.json")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    subprocess.run([os.path.join(B, "bench", "forecast"), f"--benchmark_repetitions={os.environ.get('ROUNDS', '5')}",
                    f"--benchmark_out={out}", "--benchmark_out_format=json"],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    with open(out, encoding="utf-8") as file:
        runs = [run for run in json.load(file)["benchmarks"] if run["run_type"] == "iteration"]

    def median(of):
        return statistics.median(of(run) for run in runs)

    how = "make figures N=04 (bench/forecast: 200 generated series of 1,000 hours, thread CPU time, median of rounds)"
    refit = median(lambda r: r["refit_ns"]) * 1e4 / 1e9
    figure("forecast: 10,000 series of 1,000 values refitted", round(refit, 2), "s", how, "<= 10", refit <= 10)
    figure("forecast: the same, chosen anew", round(median(lambda r: r["select_ns"]) * 1e4 / 1e9, 1), "s", how)
    figure("forecast: a refit against one pass over its values with fixed parameters, a chosen method",
           round(median(lambda r: r["refit_ns"] / r["roll_ns"] / r["chosen"]), 1), "x", how)


fits()
series()
cost()
