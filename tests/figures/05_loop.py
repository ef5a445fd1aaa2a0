#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole control loop over 28 days, 3 platforms, 60 line items (issue 6): value against budgets that stay and against
the design notes' rules and their 20/20 shift alone, value for each unit spent, share of the best split by the true curves,
and what must hold whatever it earns.

SEEDS (20) and DAYS (28) make it shorter; FIRST_SEED (1) takes other markets."""
import json
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SIM = os.path.join(ROOT, os.environ.get("B", "build/release"), "bin", "qbid-sim")
SEEDS, FIRST_SEED, DAYS = (os.environ.get(name, preset) for name, preset in
                           (("SEEDS", "20"), ("FIRST_SEED", "1"), ("DAYS", "28")))
REFUSED = 5
COMMAND = ["loop", "--seeds", SEEDS, "--first-seed", FIRST_SEED, "--days", DAYS]
HOW = f"make figures N=05 (qbid-sim {' '.join(COMMAND)})"


def figure(name, value, unit, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds, "how": HOW}), flush=True)


def play():
    done = subprocess.run([SIM, *COMMAND, "--output", "json"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, REFUSED):
        sys.exit(f"{' '.join(COMMAND)}: exit code {done.returncode}")
    return {strategy["name"]: strategy for strategy in json.loads(done.stdout)["strategies"]}


def interval(name, mean, unit, scale=1.0, **goal):
    """The mean over markets, and half of its 95 % interval."""
    figure(name, scale * mean["mean"], unit, **goal)
    figure(f"{name}: half of its 95 % interval", scale * mean["half"], unit)


strategies = play()
loop = strategies["loop"]
for name, other in (("budgets that stay", "static"), ("the design notes' rules", "notes"),
                    ("their 20/20 shift once a day", "shift"), ("the best split every midnight", "oracle")):
    for what, key in (("value", "to"), ("value for each unit spent", "return_to")):
        gain = {part: loop[f"{key}_{other}"][part] for part in ("mean", "half", "least")}
        beats = other != "oracle" and key == "to"
        interval(f"loop: {what} against {name}", {"mean": gain["mean"] - 1, "half": gain["half"]}, "%", 100,
                 goal="> 0, and its interval" if beats else None,
                 holds=gain["mean"] - gain["half"] > 1 if beats else None)
        figure(f"loop: worst market, {what} against {name}", 100 * (gain["least"] - 1), "%")
interval("loop: share of the oracle's value in the last week", loop["last_week_to_oracle"], "x")
for name, strategy in strategies.items():
    interval(f"loop: of the best split by the curves, {name}", strategy["to_best"], "x")
    interval(f"loop: the same over the last 14 days, {name}", strategy["late_to_best"], "x")
    interval(f"loop: part of the budget spent, {name}", strategy["spend"], "x")
for name, strategy in strategies.items():
    promised = name not in ("notes", "shift")  # their rules give money away that is spent already
    figure(f"loop: checks that do not hold, {name}", sum(strategy["broken"].values()), "", "0" if promised else None,
           not any(strategy["broken"].values()) if promised else None)
    figure(f"loop: most spent beyond a budget, {name}", strategy["overspend"], "EUR", "0" if promised else None,
           strategy["overspend"] == 0 if promised else None)
figure("loop: executions of recommendations a day", loop["executions"] / (int(SEEDS) * int(DAYS)), "")
figure("loop: budgets changed, each with its audit record and reason", loop["changes"], "", "> 0", loop["changes"] > 0)
