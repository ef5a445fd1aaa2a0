#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Privacy figures of issue 03: all combinations of the signals against the table, strings of the IAB's libraries, and
the branches that the tests take."""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.path.join(ROOT, os.environ.get("B", "build/release"))


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": f"make figures N=03 ({how})"}), flush=True)


def run(*command):
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    sys.stderr.write(done.stdout)
    return done.returncode, done.stdout


def number(pattern, text):
    found = re.search(pattern, text)
    return int(found.group(1)) if found else 0


code, said = run(os.path.join(B, "tests", "test_privacy"))
figure("privacy: combinations of the signals with the class of the table", number(r"(\d+) combinations", said),
       "combinations", "test_privacy: class, reason and place against a table written apart; one that differs fails",
       "all", code == 0)
for class_ in ("open", "restricted", "contextual", "no bid"):
    figure(f"privacy: of these {class_}", number(rf"(\d+) {class_}", said), "combinations", "test_privacy")

code, said = run(os.path.join(B, "tests", "test_consent"))
for what, pattern in (("vendors of TCF strings", r"(\d+) vendors of TCF"), ("sections of GPP strings", r"(\d+) sections of GPP"),
                      ("sections of US states", r"(\d+) sections of states")):
    figure(f"privacy: {what} read as the IAB's library does", number(pattern, said), what.split()[0],
           "test_consent: tests/plugin/privacy/vectors.tsv", "all", code == 0)

code, said = run("tests/plugin/privacy/coverage.sh")
taken, branches = number(r"\nall +(\d+) of", said), number(r"\nall +\d+ of +(\d+)", said)
figure("privacy: branches of plugin/privacy that its tests take", round(100 * taken / max(branches, 1), 2), "%",
       f"tests/plugin/privacy/coverage.sh: {taken} of {branches}, gcov -b", "100", code == 0)
