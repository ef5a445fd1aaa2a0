#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goals and strategies of issue 04: prices of caps against a linear programme, and whole days through the learner."""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.environ.get("B", "build/release")
DUALS = "make figures N=04 (test_duals: 20,000 opportunities, six goals with up to two caps, GLPK 5.0 beside our solver)"
DAYS = "make figures N=04 (test_strategy: learner and pacer, 48 contexts, 60,000 auctions a day, second price, told rates)"


TARGETS = "make figures N=04 (test_tracking: told rates wrong by a fifth, hours +-30 %, orders 2 h late with log-sd 0.6)"
PRECISION = "make figures N=04 (test_tracking_model: 3,000 days of Poisson orders)"


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds, "how": how}),
          flush=True)


def run(test):
    return subprocess.run([os.path.join(B, "tests", test)], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False).stdout


def numbers(pattern, text):
    found = re.search(pattern, text)
    if not found:
        sys.exit(f"04_strategy.py: no line like '{pattern}'")
    return [float(x) for x in found.groups()]


def duals():
    out = run("test_duals")
    off, prices, worth, unlike, fractional = numbers(
        r"objective off by (\S+), prices by (\S+), worth of the formula by (\S+), wins unlike (\d+), fractional at most "
        r"(\d+)", out)
    figure("strategy: objective of our solver against GLPK's, relative", off, "", DUALS, "<= 1e-9", off <= 1e-9)
    figure("strategy: prices of our solver against GLPK's, relative", prices, "", DUALS, "<= 1e-9", prices <= 1e-9)
    figure("strategy: worth of the formula with the prices against the programme's, relative", worth, "", DUALS,
           "<= 2e-4", worth <= 2e-4)
    figure("strategy: opportunities decided otherwise, fractional ones apart", int(unlike), "", DUALS, "0", unlike == 0)
    figure("strategy: fractional opportunities, most", int(fractional), "", DUALS, "<= 1 + caps", fractional <= 3)
    off, = numbers(r"one metric: multiplier off by (\S+)", out)
    figure("strategy: budget and ROAS on one metric, multiplier against the single one's", off, "", DUALS, "<= 1e-9",
           off <= 1e-9)
    off, grid = numbers(r"static market: multiplier off by (\S+), worth (\S+) of", out)
    figure("strategy: static market, multiplier against bisection", off, "", DUALS, "<= 1e-9", off <= 1e-9)
    figure("strategy: static market, worth against the best of a grid of 1e-4", grid, "", DUALS, ">= 0.999",
           grid >= 0.999)
    least, over = numbers(r"online: worth at least (\S+) of the programme's, caps passed by (\S+) at", out)
    figure("strategy: prices followed online, least worth of the programme's", least, "", DUALS, ">= 0.95", least >= 0.95)
    figure("strategy: prices followed online, caps passed by at most", over, "", DUALS, "<= 0.01", over <= 0.01)


def days():
    out = run("test_strategy")
    least, over = numbers(r"two constraints: worth at least (\S+) of the programme's, caps passed by (\S+) at", out)
    figure("strategy: days with two constraints, least worth of the programme's", least, "", DAYS, ">= 0.95",
           least >= 0.95)
    figure("strategy: days with two constraints, caps passed by at most", over, "", DAYS, "<= 0.01", over <= 0.01)
    spend, back = numbers(r"max roas: spend (\S+) of the floor, return (\S+) of", out)
    figure("strategy: max_roas, spend of its floor", spend, "", DAYS, ">= 0.995", spend >= 0.995)
    figure("strategy: max_roas, return of the programme's at that spend", back, "", DAYS, ">= 0.97", back >= 0.97)
    profit, = numbers(r"max profit: (\S+) of the most", out)
    figure("strategy: max_profit, of the most there was", profit, "", DAYS, ">= 0.99", profit >= 0.99)


def targets():
    out = run("test_tracking")
    mean, off, seen, day, least = numbers(r"binding targets: return (\S+) of the target in the mean, off by (\S+) at most, "
                                          r"as seen by (\S+), a day by (\S+), worth at least (\S+) of", out)
    figure("target: binding CPC, CPA, ROAS, six markets, expected against the target, mean", mean, "", TARGETS,
           "0.98 .. 1.02", 0.98 <= mean <= 1.02)
    figure("target: binding CPC, CPA, ROAS over two days, expected against the target, off by at most", off, "",
           TARGETS, "<= 0.05", off <= 0.05)
    figure("target: the same as it was seen, luck of single orders in it", seen, "", TARGETS)
    figure("target: a single day, off by at most", day, "", TARGETS, "<= 0.08", day <= 0.08)
    figure("target: worth of the best fixed multiplier's, least", least, "", TARGETS, ">= 0.95", least >= 0.95)
    spend, worth = numbers(r"slack target: spend (\S+) of the budget, worth (\S+) of", out)
    figure("target: one that does not bind, spend of the budget", spend, "", TARGETS, ">= 0.995", spend >= 0.995)
    figure("target: one that does not bind, worth of the best fixed multiplier's", worth, "", TARGETS, ">= 0.975",
           worth >= 0.975)
    shown, _, orders = numbers(r"precision: a day of 600 orders shows its return to (\S+) \(formula (\S+)\); for 0.02 it "
                               r"takes (\d+) orders", run("test_tracking_model"))
    figure("target: standard error of a day's return seen through 600 orders (log-sd 0.6)", shown, "", PRECISION)
    figure("target: orders that show a return to 2 %", int(orders), "", PRECISION)


duals()
days()
targets()
