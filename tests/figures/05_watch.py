#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Anomaly figures of issue 05: the decomposition against statsmodels', false alarms and time to find a fall of counts,
the Nile's break, the Numenta anomaly benchmark."""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.environ.get("B", "build/release")


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds, "how": how}),
          flush=True)


def output(name, *arguments):
    run = subprocess.run([os.path.join(B, "tests", name), *arguments], cwd=ROOT, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False)
    if run.returncode:
        print(run.stdout, file=sys.stderr)
    return run.stdout


def decomposition():
    how = "test_stl; tests/oracle/stl.py makes the reference (statsmodels)"
    for way, apart in re.findall(r"^STL ([a-z ]+): ([0-9.e-]+) from", output("test_stl"), re.M):
        figure(f"STL, {way}: season and trend from statsmodels', at most", float(apart), "", how, "<= 1e-8",
               float(apart) <= 1e-8)


def counts():
    how = "test_counts 1000: hourly counts of 60 to 1,000, daily wave, weekends, scatter beyond Poisson; four weeks learned"
    found = re.search(r"^counts, (\d+) series: ([0-9.]+) false alarms .* in ([0-9.]+) %, on average in ([0-9.]+) h, .* in "
                      r"([0-9.]+) %", output("test_counts", "1000"), re.M)
    cnt, alarms, fall, hours, rise = int(found[1]), *map(float, found.groups()[1:])
    figure(f"counts, {cnt} series without anomalies: false alarms in 30 days each", alarms, "", how, "<= 1", alarms <= 1)
    figure("counts: a fall of 30 % found within 6 hours", fall, "%", how, ">= 95", fall >= 95)
    figure("counts: it is found after, on average", hours, "h", how)
    figure("counts: a rise of 43 % found within 6 hours", rise, "%", how)


def changepoint():
    text = output("test_changepoint")
    found = re.search(r"^Nile: (\d+) .* means ([0-9.]+) and ([0-9.]+)", text, re.M)
    how = "test_changepoint"
    figure("change point: first year of the Nile's lower flow", int(found[1]), "", how, "1899", found[1] == "1899")
    figure("change point: mean flow before it", float(found[2]), "", how, "1097.8", found[2] == "1097.8")
    figure("change point: mean flow from it on", float(found[3]), "", how, "850.0", found[3] == "850.0")
    noise = float(re.search(r"^changes of level: ([0-9.]+)", text, re.M)[1])
    figure("change point: series of noise whose p-value is below 0.05", noise, "", how, "<= 0.05", noise <= 0.05)


def benchmark():
    text = output("test_novelty")
    how = "test_novelty: 58 series, 116 windows, the threshold best for each detector as the benchmark has it"
    for detector, profile, ours, board in re.findall(r"^NAB (\w+), ([\w ]+): ([0-9.]+), its board ([0-9.]+)", text, re.M):
        figure(f"NAB scorer: {detector}, {profile}", float(ours), "", how, f"{board} +- 0.05",
               abs(float(ours) - float(board)) <= 0.05)
    found = re.search(r"^NAB novelty: ([0-9.]+) standard, ([0-9.]+) low FP, ([0-9.]+) low FN", text, re.M)
    if not found:
        print("NAB: the corpus is not there, skipped", file=sys.stderr)
        return
    figure("NAB: novelty, standard", float(found[1]), "", how, ">= 54.6", float(found[1]) >= 54.6)
    figure("NAB: novelty, low FP", float(found[2]), "", how)
    figure("NAB: novelty, low FN", float(found[3]), "", how)


decomposition()
counts()
changepoint()
benchmark()
