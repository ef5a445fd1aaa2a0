#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pacing figures of issue 04: whole days against the best fixed multiplier, plans by forecast and by the clock, the table
lambda(rho), and the overspend of ten thousand worlds with crashes. RUNS= and THREAD_RUNS= change how many."""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.environ.get("B", "build/release")
RUNS = int(os.environ.get("RUNS", "10000"))
THREAD_RUNS = int(os.environ.get("THREAD_RUNS", "100"))


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds, "how": how}),
          flush=True)


def output(name, *arguments):
    run = subprocess.run([os.path.join(B, "tests", name), *arguments], cwd=ROOT, env=dict(os.environ, FULL="1"),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if run.returncode:
        print(run.stdout, file=sys.stderr)
    return run.stdout, run.returncode


def days():
    text, _ = output("test_pacing_days")
    how = "FULL=1 test_pacing_days: 21 days a kind, budgets of 10, 30, 60 % of what multiplier 1 would spend"
    for kind, delivered, mean, least in re.findall(
            r"^([a-z ]+): delivered >= ([0-9.]+), worth .*: mean ([0-9.]+), min ([0-9.]+)$", text, re.M):
        figure(f"pacing: {kind}, delivered at least", float(delivered), "", how, ">= 0.995", float(delivered) >= 0.995)
        figure(f"pacing: {kind}, worth against the best fixed multiplier, mean", float(mean), "", how, ">= 0.975",
               float(mean) >= 0.975)
        figure(f"pacing: {kind}, worth against the best fixed multiplier, least", float(least), "", how, ">= 0.96",
               float(least) >= 0.96)
    goals = {"10": 0.971, "30": 0.983, "60": 0.991}
    for kind, budget, clock, learned in re.findall(
            r"^([A-Za-z ]+), budget (\d+) %: worth by the clock ([0-9.]+), by the learned forecast ([0-9.]+)", text,
            re.M):
        how = "FULL=1 test_pacing_days: first price, the plan learned from two weeks of noisy counts"
        figure(f"pacing: {kind}, budget {budget} %, plan by the clock", float(clock), "", how)
        figure(f"pacing: {kind}, budget {budget} %, plan by the learned forecast", float(learned), "", how,
               f">= {goals[budget]}", float(learned) >= goals[budget])
    found = re.search(r"periods of 10, 60, 300 s: ([0-9.]+) ([0-9.]+) ([0-9.]+)", text)
    if found:
        worth = [float(found[k]) for k in (1, 2, 3)]
        apart = max(worth) / min(worth) - 1
        figure("pacing: worth with control periods of 10, 60, 300 s, apart", round(apart, 5), "", "test_pacing_days",
               "<= 0.005", apart <= 0.005)
    found = re.search(r"spend per auction off by ([0-9.]+) at most, ahead of plan by ([0-9.]+)", text)
    if found:
        off, over = float(found[1]), float(found[2])
        how = "test_pacing_days: half of the traffic gone at noon"
        figure("pacing: after a step, from the 30th period on, spend off by", off, "", how, "<= 0.05", off <= 0.05)
        figure("pacing: after a step, ahead of plan by at most", over, "of the budget", how, "<= 0.05", over <= 0.05)
    found = re.search(r"^ahead: ([0-9.]+) of the budget .* worth ([0-9.]+), delivered ([0-9.]+)", text, re.M)
    if found:
        figure("pacing: ahead, spent at half of the plan", float(found[1]), "of the budget", "test_pacing_days",
               "0.625 +- 0.03", abs(float(found[1]) - 0.625) < 0.03)
    for run, delivered, fastest in re.findall(r"^end of flight, run ([012]): delivered ([0-9.]+), fastest half hour "
                                              r"([0-9.]+)", text, re.M):
        figure(f"pacing: end of a flight {run}, bills five minutes late, delivered", float(delivered), "",
               f"test_pacing_days; fastest half hour of the last tenth {fastest} times even", ">= 0.995",
               float(delivered) >= 0.995)


def table():
    text, _ = output("test_resolving")
    how = "test_resolving: iPinYou campaign 2997, 1,000 auctions an episode, expected clicks"
    for budget, ratio in re.findall(r"^budget 1/(\d+): hindsight .* the table ([0-9.]+) of it", text, re.M):
        goal = {"32": 0.95, "4": 0.985, "2": 0.985}.get(budget)
        figure(f"lambda(rho): budget 1/{budget}, of the hindsight optimum", float(ratio), "", how,
               f">= {goal}" if goal else None, float(ratio) >= goal if goal else None)
    programme = re.findall(r"^budget 1/(\d+): programme ([0-9.]+) .*\nby the table lambda\(rho\): ([0-9.]+)", text, re.M)
    for budget, best, ours in programme:
        ratio = float(ours) / float(best)
        figure(f"lambda(rho): budget 1/{budget}, of the dynamic programme", round(ratio, 5), "", how, ">= 0.998",
               ratio >= 0.998)


def money():
    text, code = output("test_ledger_world", str(RUNS))
    found = re.search(r"^(\d+) worlds: (\d+) bids, (\d+) crashes of qbidd, (\d+) of workers", text, re.M)
    how = (f"test_ledger_world {RUNS}: up to 8 workers, notices up to 30 s late, lost or repeated, crashes of workers and "
           "of qbidd, a store that refuses; virtual time")
    figure("overspend in random worlds", 0 if code == 0 else 1, "worlds", how, "= 0", code == 0)
    if found:
        figure("the same: worlds", int(found[1]), "worlds", how, ">= 10000", int(found[1]) >= 10000)
        figure("the same: bids", int(found[2]), "bids", how)
        figure("the same: crashes of qbidd and of workers", int(found[3]) + int(found[4]), "crashes", how)
    for what, cnt, worlds in re.findall(r"^(without hold|written behind): (\d+) of (\d+) worlds overspent", text, re.M):
        figure(f"the same with a broken ledger ({what})", int(cnt), f"of {worlds} worlds", how, "> 0", int(cnt) > 0)
    text, code = output("test_overspend", str(THREAD_RUNS))
    found = re.search(r"^(\d+) runs of 8 threads \((\d+) more void.*: (\d+) bids", text, re.M)
    if found:
        figure("overspend of eight real threads", 0 if code == 0 else 1, "runs",
               f"test_overspend {THREAD_RUNS}: {found[1]} runs, {found[3]} bids, crashes of workers and of qbidd", "= 0",
               code == 0)


days()
table()
money()
