#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Figures of operators' rules: how often they fire without a cause, against their bound, and what they find."""
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


def output(test):
    run = subprocess.run([os.path.join(B, "tests", test)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, check=False)
    if run.returncode:
        print(run.stdout, file=sys.stderr)
    return run.stdout


how = "test_rules: 4 campaigns of some 30 clicks an hour, more by day than by night; confidence 0.95"
for rule, fired, days in re.findall(r"^(.+): fired on (\d+) of (\d+) days", output("test_rules"), re.M):
    figure(f"rules: {rule}: days of {days} with a firing and no cause", int(fired), "days", how,
           f"<= {0.05 * int(days):.0f}", int(fired) <= 0.05 * int(days))
text = output("test_wager")
how = "test_wager: 2,000 days of 24 looks, rates and traffic by the time of day"
for rate, threshold, won, bare in re.findall(r"^rate at ([\d.]+) of the usual, threshold ([\d.]+): days with an alarm "
                                             r"([\d.]+) \(bound 0.05\), by the bare threshold ([\d.]+)", text, re.M):
    name = f"rules: rate at {rate} of the usual, threshold {threshold}"
    figure(f"{name}: days on which the wager is won", float(won), "of days", how, "<= 0.05", float(won) <= 0.05)
    figure(f"{name}: days on which an hour passes the bare threshold", float(bare), "of days", how)
for rate, threshold, found in re.findall(r"^rate at ([\d.]+) of the usual, threshold ([\d.]+): found on ([\d.]+)", text,
                                         re.M):
    figure(f"rules: rate at {rate} of the usual, threshold {threshold}: found within the day", float(found), "of days",
           how, ">= 0.9", float(found) >= 0.9)
