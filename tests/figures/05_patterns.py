#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Figures of issue 05's learning system: meta-analysis against metafor, what its intervals cover, what a warm start saves
and costs, what the synthesiser claims and proposes where there is nothing."""
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


def output(name, *arguments):
    run = subprocess.run([os.path.join(B, "tests", name), *arguments], cwd=ROOT, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False)
    if run.returncode:
        print(run.stdout, file=sys.stderr)
    return run.stdout


def meta():
    text = output("test_meta", "3000")
    apart = float(re.search(r"^meta: from metafor's figures at most ([0-9.e-]+)", text, re.M)[1])
    figure("meta-analysis: from metafor's figures, at most", apart, "parts", "test_meta; tests/oracle/meta.R makes them",
           "<= 1e-8", apart <= 1e-8)
    how = "test_meta 3000: 3,000 sets of 2 to 10 studies a case, tau 0, 0.15, 0.4 around variances of 0.02"
    rows = re.findall(r"^meta: (\d+) studies, tau ([0-9.]+): 90 % intervals cover: mean ([0-9.]+), one more ([0-9.]+); "
                      r"believed: one more ([0-9.]+), own ([0-9.]+)", text, re.M)
    for at, what, goal in ((2, "the mean's 90 % interval", 88), (4, "belief of one more study, 90 %", 88),
                           (5, "belief of a study's own effect, 90 %", 86)):
        least = min(float(row[at]) for row in rows)
        figure(f"meta-analysis: {what}, covers in the worst of {len(rows)} cases", least, "%", how, f">= {goal}",
               least >= goal)
    said, wrong, _, found = re.search(r"^meta: of (\d+) universal winners stated at 0.95, ([0-9.]+) % are not; of (\d+) that "
                                      r"are, ([0-9.]+) % found", text, re.M).groups()
    figure(f"of {said} universal winners stated at 0.95, not universal", float(wrong), "%",
           "test_meta 3000: 2 to 5 platforms, spread between them half-normal of 0.3", "<= 5", float(wrong) <= 5)
    figure("universal winners found", float(found), "%", "test_meta 3000")


def warm_start():
    how = "test_patterns 1000: six elements, effects of sd 0.4, 12 campaigns in the library, Thompson sampling"
    found = re.search(r"alike ([0-9.]+) cold, ([0-9.]+) warm \(([0-9.-]+) % saved\); unlike ([0-9.]+) cold, ([0-9.]+) warm "
                      r"\(([0-9.-]+) % added", output("test_patterns", "1000"))
    saved, added = float(found[3]), float(found[6])
    figure("warm start: of the clicks lost in the first 10,000 impressions, saved (campaigns alike, sd 0.15)", saved, "%",
           how, ">= 30", saved >= 30)
    figure("warm start: added where the campaign is like no other", added, "%", how, "<= 5", added <= 5)


def first_week():
    how = "test_budget 12: 8 new campaigns, exponent 0.65 (right) or 0.9 (wrong) where the library says 0.65"
    found = re.search(r"without and with a library: ([0-9.]+), ([0-9.]+) where it is right; ([0-9.]+), ([0-9.]+) where",
                      output("test_budget", "12"))
    cold, warm, cold_wrong, warm_wrong = map(float, found.groups())
    figure("budget agent, first 7 days of new campaigns without a library: of the best split", cold, "", how)
    figure("the same with a library that is right", warm, "", how, "more", warm > cold)
    figure("the same without a library", cold_wrong, "", how)
    figure("the same with a library that is wrong", warm_wrong, "", how, "0.02 less at most",
           warm_wrong >= cold_wrong - 0.02)


def synthesiser():
    text = output("test_synthesiser", "200")
    worlds, verdicts, patterns, proposals = map(int, re.search(
        r"^synthesiser: (\d+) worlds without effects: (\d+) of (\d+) patterns given a verdict, (\d+) proposals", text,
        re.M).groups())
    how = "test_synthesiser 200: three exchanges, 2 sizes, 3 devices, 8 line items"
    part = 100 * verdicts / patterns
    figure(f"synthesiser: of {patterns} patterns of nothing, given a verdict", round(part, 2), "%", how, "<= 5", part <= 5)
    figure(f"synthesiser: proposals in {worlds} worlds without effects", proposals, "", how)
    said, wrong = map(int, re.search(r"(\d+) called universal, of which (\d+) are not", text).groups())
    figure(f"synthesiser: of {said} effects called universal, not universal", wrong, "", how, "<= 5 %", wrong <= 0.05 * said)


meta()
warm_start()
first_week()
synthesiser()
