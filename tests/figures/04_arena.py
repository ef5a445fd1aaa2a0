#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Arena figures of issue 04: value against the design notes' rules and against an oracle, targets, delivery, overspend.

SEEDS (20), AUCTIONS (150000 a day) and RUNS (10000) make it shorter; FIRST_SEED (1) takes other markets; PARTS
(value,targets,faults) leaves parts out, and STRATEGIES (qbid,notes,asap,oracle,hindsight,constant) players: PARTS=value
STRATEGIES=qbid,oracle is the line against the oracle, twenty seeds in both prices in some ten minutes of two cores."""
import json
import math
import os
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SIM = os.path.join(ROOT, os.environ.get("B", "build/release"), "bin", "qbid-sim")
SEEDS, FIRST_SEED, AUCTIONS, RUNS = (os.environ.get(name, preset) for name, preset in
                                     (("SEEDS", "20"), ("FIRST_SEED", "1"), ("AUCTIONS", "150000"), ("RUNS", "10000")))
PARTS = os.environ.get("PARTS", "value,targets,faults").split(",")
STRATEGIES = os.environ.get("STRATEGIES", "qbid,notes,asap,oracle,hindsight,constant").split(",")
REFUSED = 5
LEARN_DAYS, ORDER_LOG_SD = 7, 0.6


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": f"make figures N=04 ({how})"}), flush=True)


def run(*arguments):
    command = [SIM, *arguments, "--output", "json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, REFUSED):
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}")
    return json.loads(done.stdout)


def arena(*arguments):
    played = run("arena", "--seeds", SEEDS, "--first-seed", FIRST_SEED, "--auctions", AUCTIONS, *arguments)
    return {strategy["name"]: strategy for strategy in played["strategies"]}


def notes_figures(auction, gain, how):
    figure(f"arena, {auction} price: value at equal spend against the design notes' rules", 100 * (gain["mean"] - 1), "%",
           how, ">= 15", gain["mean"] >= 1.15)
    figure(f"arena, {auction} price: lower end of its 95 % interval", 100 * (gain["mean"] - gain["half"] - 1), "%", how,
           "> 0", gain["mean"] - gain["half"] > 1)


for auction in ("second", "first") if "value" in PARTS else ():
    options = ("--auction", auction, "--strategies", ",".join(STRATEGIES))
    scores = arena(*options)
    how = f"qbid-sim arena --seeds {SEEDS} --first-seed {FIRST_SEED} --auctions {AUCTIONS} {' '.join(options)}"
    qbid = scores["qbid"]
    if "notes" in scores:
        notes_figures(auction, qbid["to_notes"], how)
    figure(f"arena, {auction} price: value of the known-parameter oracle's", qbid["to_oracle"]["mean"], "x", how,
           ">= 0.90", qbid["to_oracle"]["mean"] >= 0.90)
    figure(f"arena, {auction} price: half of its 95 % interval", qbid["to_oracle"]["half"], "x", how)
    figure(f"arena, {auction} price: delivery of the worst campaign of all markets", qbid["delivery"]["least"], "x", how,
           ">= 0.995", qbid["delivery"]["least"] >= 0.995)
    figure(f"arena, {auction} price: overspend", qbid["overspend"], "EUR", how, "0", qbid["overspend"] == 0)
    for name in sorted(set(scores) - {"qbid", "oracle"}):
        figure(f"arena, {auction} price: {name} of the oracle's value", scores[name]["to_oracle"]["mean"], "x", how)



def target_noise(markets):
    """What the orders of a week cannot tell about the return of one market, mean of markets: who knew them all would be off
    by that, one standard error. An order counts once, and by what it is worth, whose spread (log-sd 0.6) adds to it."""
    spread = math.exp(ORDER_LOG_SD ** 2)
    return math.sqrt(statistics.mean(spread / max(LEARN_DAYS * sum(c["conversions"] for c in market), 1)
                                     for market in markets))


def target_figures(goal, auction):
    options = ("--goal", goal, "--auction", auction, "--budget", "10", "--strategies", "qbid,oracle")
    qbid = arena(*options)["qbid"]
    name = f"arena, {goal} target, {auction} price"
    how = f"qbid-sim arena --seeds {SEEDS} --first-seed {FIRST_SEED} --auctions {AUCTIONS} {' '.join(options)}"
    mean, half, pooled = qbid["goal"]["mean"], qbid["goal"]["half"], qbid["goal_pooled"]
    noise = target_noise(qbid["seeds"])
    figure(f"{name}: target met, mean of markets", mean, "x", f"{how}; 95 % interval +- {half:.4f}",
           "0.98 to 1.02 within its interval", mean + half >= 0.98 and mean - half <= 1.02)
    figure(f"{name}: half of the 95 % interval of that mean", half, "x", how)
    figure(f"{name}: standard error of one market from the orders of its week alone", noise, "x", how)
    figure(f"{name}: target met, all markets as one", pooled, "x", how, "0.98 to 1.02", abs(pooled - 1) <= 0.02)
    figure(f"{name}: overspend", qbid["overspend"], "EUR", how, "0", qbid["overspend"] == 0)
    figure(f"{name}: value of the known-parameter oracle's", qbid["to_oracle"]["mean"], "x", how)


for target in (("roas", "second"), ("roas", "first"), ("cpa", "second")) if "targets" in PARTS else ():
    target_figures(*target)

if "faults" not in PARTS:
    sys.exit(0)
faults = run("faults", "--runs", RUNS)
how = (f"qbid-sim faults --runs {RUNS}: {faults['kills']} crashes of qbidd, {faults['worker_kills']} of workers, notices "
       f"lost {faults['lost']}, late {faults['late']}, repeated {faults['repeated']}")
figure("faults: runs of the whole system that overspent", faults["overspent"], f"of {faults['runs']}", how, "0",
       faults["overspent"] == 0)
figure("faults: most that was billed beyond a budget", faults["over_nanos"], "nanos", how, "0", faults["over_nanos"] == 0)
