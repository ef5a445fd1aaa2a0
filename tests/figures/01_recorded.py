#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Figures of issue 01 on the recorded log: learned on one half, replayed on the other.

For five splits and budgets of 1/4 and 1/2 of the judged half's cost: a fresh site (qbidd, nginx), the
other half replayed at a flat bid to learn from, then the judged half with the learned tables held still
and the budget paced over the replay. Against it, on the same auctions and budget: the best constant bid
(tuned on the learning half), the log's own flat bid, and a random bid."""
import json
import math
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
LOG = os.environ.get("QBID_LOG", os.path.join(ROOT, "..", "shared", "data", "ipinyou", "raw-2821"))
RATE = int(os.environ.get("QBID_FIGURE_RATE", "1000"))
SPLITS = range(1, 6)
T95 = 2.776  # Student's t, 4 degrees of freedom


def figure(name, value, unit, goal, holds, how):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": how}), flush=True)


def one(split, fraction):
    run = subprocess.run(["bash", "tests/figures/recorded_split.sh", LOG, str(split), fraction,
                          str(RATE)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout.strip().splitlines()[-1])


def interval(values):
    n = len(values)
    mean = sum(values) / n
    sd = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
    return mean, T95 * sd / math.sqrt(n)


def main():
    if not os.path.isdir(LOG):
        print(f"skipped: no recorded log at {os.path.relpath(LOG, ROOT)}", file=sys.stderr)
        sys.exit(1)
    how = "make figures N=01; 5 splits by hash, fresh site each, nginx over HTTP"
    lost = auctions = differs = beyond = 0
    for fraction in ("1/4", "1/2"):
        runs = [one(split, fraction) for split in SPLITS]
        for r in runs:
            lost += r["lost"]
            auctions += r["auctions"]
            differs += abs(r["ledger_nanos"] - r["charged_nanos"])
            beyond += r["ledger_nanos"] > r["budget_nanos"]
            print(f"{fraction} split {r['split']}: {r['clicks']} clicks, constant "
                  f"{r['constant_tuned']}, random {r['random_narrow']}, flat {r['constant_flat']}, "
                  f"spent {100 * r['ledger_nanos'] / r['budget_nanos']:.1f} %", file=sys.stderr)
        mean, half = interval([r["clicks"] for r in runs])
        figure(f"clicks at {fraction} of the cost", round(mean, 1), "clicks", None, None,
               f"{how}; 95 % interval +- {half:.1f}")
        for name, word in (("constant_tuned", "constant bid tuned on the other half"),
                           ("constant_flat", "constant bid of the log, 2.94"),
                           ("random_narrow", "random bid up to twice the tuned one")):
            base, _ = interval([r[name] for r in runs])
            gain, half = interval([100 * (r["clicks"] / r[name] - 1) for r in runs])
            figure(f"at {fraction}: clicks against {word}", round(gain, 1), "%", None, None,
                   f"{how}; 95 % interval +- {half:.1f}; that bid won {base:.1f} clicks")
        delivered, half = interval([100 * r["ledger_nanos"] / r["budget_nanos"] for r in runs])
        figure(f"at {fraction}: budget delivered", round(delivered, 1), "%", None, None,
               f"{how}; 95 % interval +- {half:.1f}")
    figure("auctions lost, late or refused", lost, f"of {auctions}", "0", lost == 0, how)
    figure("nanos by which the ledger differs from the settled prices", differs, "nanos", "0",
           differs == 0, how)
    figure("replays whose spend passed the budget", beyond, "of 10", "0", beyond == 0, how)


main()
