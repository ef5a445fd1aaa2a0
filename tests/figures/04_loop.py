#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Figures of issue 04 end to end: clicks per spend of the learned tables against an earlier commit's, real nginx.

The splits, budgets and replay of 01_recorded.py, in this tree and in the earlier one in turn and by this tree's
tests/figures/recorded_split.sh, so that both see the same machine and traffic. QBID_BASE is that commit (default: the one that first
stated issue 1's figures), checked out and built below build/loop/, or a folder in which it is built already."""
import json
import math
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
LOG = os.environ.get("QBID_LOG", os.path.join(ROOT, "..", "shared", "data", "ipinyou", "raw-2821"))
RATE = os.environ.get("QBID_FIGURE_RATE", "1000")
SPLITS = range(1, 6)
T95 = 2.776  # Student's t, 4 degrees of freedom


def figure(name, value, unit, goal, holds, how):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": how}), flush=True)


def git(*words):
    return subprocess.run(["git", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def base_tree():
    """Folder of the earlier commit, built, and its name."""
    base = os.environ.get("QBID_BASE") or git("log", "--format=%H", "--diff-filter=A", "--",
                                              "tests/figures/01_recorded.py").splitlines()[-1]
    if os.path.isdir(base):
        return os.path.abspath(base), base
    commit = git("rev-parse", "--verify", f"{base}^{{commit}}")
    tree = os.path.join(ROOT, "build", "loop", commit[:12])
    if not os.path.exists(os.path.join(tree, "Makefile")):
        os.makedirs(tree, exist_ok=True)
        with subprocess.Popen(["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE) as archive:
            subprocess.run(["tar", "-x", "-C", tree], stdin=archive.stdout, check=True)
    plain = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k not in ("MFLAGS", "B", "PROFILE")}
    for target in ("deps", "all"):  # it may need libraries that this tree no longer does
        subprocess.run(["make", "-s", "-j2", "PROFILE=release", target], cwd=tree, env=plain, stdout=sys.stderr, check=True)
    return tree, commit[:7]


def one(tree, split, fraction):
    run = subprocess.run(["bash", os.path.join(ROOT, "tests", "figures", "recorded_split.sh"), os.path.abspath(LOG),
                          str(split), fraction, RATE], env=dict(os.environ, B="build/release", QBID_TREE=tree),
                         stdout=subprocess.PIPE, text=True, check=True)
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
    base, name = base_tree()
    for fraction in ("1/4", "1/2"):
        gains, clicks = [], []
        for split in SPLITS:
            trees = (base, ROOT) if split % 2 else (ROOT, base)
            runs = {tree: one(tree, split, fraction) for tree in trees}
            per = {tree: r["clicks"] / r["ledger_nanos"] for tree, r in runs.items()}
            gains.append(100 * (per[ROOT] / per[base] - 1))
            clicks.append(runs[ROOT]["clicks"] - runs[base]["clicks"])
            print(f"{fraction} split {split}: " + ", ".join(
                f"{word} {r['clicks']} clicks for {100 * r['ledger_nanos'] / r['budget_nanos']:.1f} % of the budget"
                for word, r in (("now", runs[ROOT]), (name, runs[base]))), file=sys.stderr)
        mean, half = interval(gains)
        more, more_half = interval(clicks)
        figure(f"at {fraction}: clicks per spend against {name}", round(mean, 1), "%", ">= 0 within its interval",
               mean + half >= 0, f"make figures N=04; 5 splits, nginx over HTTP; 95 % interval +- {half:.1f}; "
               f"clicks {more:+.1f} +- {more_half:.1f}")


main()
