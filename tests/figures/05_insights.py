#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Insight figures of issue 05: stated confidence against what is true, and silence where there is nothing to find."""
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


run = subprocess.run([os.path.join(B, "tests", "test_contrasts"), "2500"], cwd=ROOT, stdout=subprocess.PIPE,
                     stderr=subprocess.STDOUT, text=True, check=False)
if run.returncode:
    print(run.stdout, file=sys.stderr)
how = "test_contrasts 2500: campaigns of 12 and 40 line items whose rates scatter by 20 to 60 %"
found = re.search(r"^insights stated at 0.9: (\d+), ([0-9.]+) % true; 90 % intervals cover ([0-9.]+) %; of (\d+) reported "
                  r"([0-9.]+) %", run.stdout, re.M)
stated, true, covered, reported, wrong = int(found[1]), *map(float, found.groups()[1:])
figure(f"insights: of {stated} stated at 0.9, true", true, "%", how, "87 to 93", 87 <= true <= 93 and stated >= 10000)
figure("insights: their 90 % intervals cover", covered, "%", how)
figure(f"insights: of {reported:.0f} reported, the wrong sign", wrong, "%", how)
quiet = float(re.search(r"^A/A: ([0-9.]+) %", run.stdout, re.M)[1])
figure("insights: cycles of alike line items that report anything", quiet, "%", "test_contrasts 2500: 2 to 21 line items",
       "<= 10", quiet <= 10)
