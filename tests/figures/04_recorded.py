#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Figures of issue 04 on recorded auctions: qbid-sim recorded over all iPinYou logs, and re-solving beside
the published dynamic programme. QBID_RECORDED names another file or folder of these formats."""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.environ.get("B", "build/release")
DATA = os.environ.get("QBID_RECORDED", os.path.join(ROOT, "..", "shared", "data", "ipinyou"))
PLOT = os.path.join(ROOT, "build", "figures", "04_recorded.svg")
NAMES = {"constant": "constant bid", "lin": "LIN", "ortb1": "ORTB1", "ortb2": "ORTB2", "rlb": "RLB"}


def figure(name, value, unit, goal, holds, how):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": how}), flush=True)


def short(path):
    return "/".join(path.split("/")[-2:])


def recorded(*options):
    run = subprocess.run([os.path.join(B, "bin", "qbid-sim"), "recorded", "--data", DATA, "--output", "json", *options],
                         cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout)


def replays(report, how):
    for log in report["logs"]:
        for budget in log["budgets"]:
            by_name = {s["name"]: s for s in budget["strategies"]}
            hindsight = by_name["hindsight"]["expected"]
            gain, (low, high) = budget["expected"]["gain"], budget["expected"]["gain_95"]
            words = "; ".join(f"{NAMES[n]} {by_name[n]['expected']:.4g} ({by_name[n]['clicks']:.0f} clicks)" for n in NAMES)
            print(f"{short(log['path'])} {budget['fraction']}: qbid {by_name['ours']['expected']:.4g} "
                  f"({by_name['ours']['clicks']:.0f} clicks), hindsight {hindsight:.4g}; {words}", file=sys.stderr)
            figure(f"{how}: {short(log['path'])} at {budget['fraction']}: expected clicks against the best other",
                   round(gain, 4), "x", ">= 1 within its interval", high >= 1,
                   f"qbid-sim recorded; best other {NAMES[budget['expected']['best']]}; 95 % interval {low:.3f} to "
                   f"{high:.3f}; hindsight {hindsight / by_name['ours']['expected']:.3f}")


def landscapes(report):
    for l in report["landscapes"]:
        figure(f"{short(l['path'])}: log-loss of held-out bids", round(l["loss"], 5), "nats", "< b/(c+b) and < constant rate",
               l["loss"] < min(l["loss_ortb"], l["loss_constant"]),
               f"qbid-sim recorded; b/(c+b) {l['loss_ortb']:.5f}, constant rate {l['loss_constant']:.5f}, the held-out "
               f"bids' own best rising curve {l['loss_hindsight']:.5f}")


def resolving():
    """What tests/control/models/pacing/test_resolving.c prints, all campaigns at full length."""
    run = subprocess.run([os.path.join(B, "tests", "test_resolving")], cwd=ROOT, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=True, env=dict(os.environ, QBID_FULL="1"))
    how = "test_resolving with QBID_FULL=1"
    for over, dp, imps, clicks, cost, ours, best in re.findall(
            r"budget 1/(\d+): programme ([\d.]+) .*?\((\d+) imp\w+, (\d+) clicks, cost (\d+)\), re-solving "
            r"([\d.]+) .*hindsight (\S+)", run.stdout):
        ratio = float(ours) / float(dp)
        figure(f"campaign 2997, 1/{over} for each 1,000 auctions: re-solving against the programme", round(ratio, 5), "x",
               ">= 0.998", ratio >= 0.998, f"{how}; programme {imps} impressions, {clicks} clicks, cost {cost}")
        if over == "32":
            figure("campaign 2997: impressions of the published RLB row", int(imps), "", "39680, 78 clicks, cost 304375",
                   (imps, clicks, cost) == ("39680", "78", "304375"), how)
        if best != "nan":
            part, goal = float(ours) / float(best), {"32": 0.95, "4": 0.985, "2": 0.985}.get(over)
            figure(f"campaign 2997, 1/{over}: re-solving against the knapsack of each episode", round(part, 4), "x",
                   f">= {goal}" if goal else None, part >= goal if goal else None,
                   f"{how}; the programme reaches {float(dp) / float(best):.4f}")
    for name, part in re.findall(r"(\w+): re-solving reaches ([\d.]+) of the optimum over 100 ", run.stdout):
        figure(f"prices of {name}, 100 auctions at 1/32: re-solving against the optimum", float(part), "x", ">= 0.99",
               float(part) >= 0.99, how)
    for name, part in re.findall(r"(\w+): ([\d.]+) over 1000", run.stdout):
        figure(f"prices of {name}, 1,000 auctions at 1/32: re-solving against the optimum", float(part), "x", ">= 0.998",
               float(part) >= 0.998, how)


def main():
    if not os.path.exists(DATA):
        print(f"skipped: no recorded auctions at {os.path.relpath(DATA, ROOT)}", file=sys.stderr)
        sys.exit(1)
    os.makedirs(os.path.dirname(PLOT), exist_ok=True)
    report = recorded("--plot", PLOT)
    replays(report, "one flight")
    replays(recorded("--episode", "1000"), "episodes of 1,000")
    landscapes(report)
    resolving()


main()
