#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Learned bidding of issue 04: value iteration, Q-learning, the DQN, the correction of the pacer, its table and guard.

The longer runs of the unit tests, and `qbid-sim train`. DAYS and GATE_DAYS set its length.
"""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.environ.get("B", "build/release")
DAYS = os.environ.get("DAYS", "300")
GATE_DAYS = os.environ.get("GATE_DAYS", "60")
MDP = "20 auctions, budget 30, bids 0 to 10, second price, three values"


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": f"rl: {name}", "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": f"make figures N=04 ({how})"}), flush=True)


def test(name, **longer):
    run = subprocess.run([os.path.join(B, "tests", name)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, check=False, env={**os.environ, **longer})
    if run.returncode:
        print(run.stdout, file=sys.stderr)
        sys.exit(f"{name} failed")
    return run.stdout


def found(pattern, text):
    match = re.search(pattern, text)
    if not match:
        sys.exit(f"nothing like {pattern} in: {text}")
    return [float(group) for group in match.groups()]


def processes():
    optimum = found(r"V\*\(20, 30\) = (\S+),", test("test_qprocess"))[0]
    off = abs(optimum - 10.486880684198)
    figure("value iteration, V*(20, 30) off from the exact one by", off, "", f"test_qprocess: {MDP}; exact by "
           "tests/oracle/process.py in rational numbers", "<= 1e-9", off <= 1e-9)
    for episodes, goal in ((100000, 0.99), (1000000, 0.999)):
        out = test("test_qprocess", QBID_EPISODES=str(episodes))
        part = found(r"greedy policy after \d+ episodes: (\S+) of V\*", out)[0]
        figure(f"Q-learning with every bid updated, {episodes:,} episodes", part, "of V*", f"test_qprocess: {MDP}",
               f">= {goal}", part >= goal)
    same, states = found(r"exported greedy action: (\d+) of (\d+)", out)
    figure("exported table: greedy action as of the doubles", same / states, "of states", "test_qprocess", ">= 0.999",
           same >= 0.999 * states)
    error = found(r"gradient: relative error (\S+) over", test("test_mlp"))[0]
    figure("perceptron: gradient against central differences, relative error", error, "", "test_mlp", "< 1e-6",
           error < 1e-6)
    out = test("test_dqn", QBID_STEPS="500000", QBID_SEEDS="3")
    mean = found(r"mean of 3 seeds: (\S+) of V\*", out)[0]
    figure("DQN after 500,000 steps, mean of 3 seeds", mean, "of V*", f"test_dqn: {MDP}", ">= 0.97", mean >= 0.97)


def guard():
    out = test("test_guard")
    served, runs, blocks = found(r"no gain: served in (\d+) of (\d+) runs of (\d+)", out)
    figure("guard: a correction that gains nothing is served in", served / runs, "of runs",
           f"test_guard: {runs:.0f} runs of {blocks:.0f} blocks, asked after each", "<= 0.05", served <= 0.05 * runs)
    lost = found(r"bad everywhere: .*; lost (\S+) of what", out)[0]
    figure("guard: harm done of what a bad table could, before it is off", lost, "", "test_guard: 4,000 blocks")
    dropped = found(r"dropped after (\d+) blocks", out)[0]
    figure("guard: blocks until a table that turned bad is dropped, mean", dropped, "blocks",
           "test_guard: harm of half a deviation a block")
    out = test("test_corrections", QBID_DAYS="400")
    alone, bare, guarded = found(r"value: pacer (\S+), harmful table unguarded (\S+), guarded (\S+) \(", out)
    figure("a harmful table on 400 simulated days costs, unguarded", round(alone - bare, 4), "of the value",
           "test_corrections")
    figure("the same, guarded", round(alone - guarded, 4), "of the value", "test_corrections")


def gate():
    how = f"qbid-sim train --days {DAYS} --gate-days {GATE_DAYS}"
    run = subprocess.run([os.path.join(B, "bin", "qbid-sim"), "train", "--json", f"--days={DAYS}",
                          f"--gate-days={GATE_DAYS}"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    for line in run.stdout.splitlines():
        r = json.loads(line)
        if r["what"] == "fidelity":
            figure("table: the net's own step", r["same"], "of situations", f"{how}, {r['seen']:,} on new days")
            figure("table: a step within 0.1 of the net's", r["close"], "of situations", how)
            continue
        law = f"{how}: {r['market']}; 95 % interval +- "
        figure(f"pacer's value against the best multiplier, {r['market']}", r["pacer"]["value"], "x",
               f"{law}{r['pacer']['value_half']:.4f}")
        for arm in ("net", "table", "oracle"):
            a = r[arm]
            goal = ("interval above the pacer's, else it stays off", a["passes"]) if arm != "oracle" else (None, None)
            figure(f"{arm} over pacer, {r['market']}", a["gain"], "of the value", f"{law}{a['gain_half']:.4f}", *goal)


processes()
guard()
gate()
