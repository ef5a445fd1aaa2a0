#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Conformance figures of issue 03: a million random requests and all recorded ones against the slow reference
bidder and the independent checker of answers, and the damages that the checker must find."""
import json
import os
import re
import subprocess

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("B", "build/release")
REQUESTS = 1000000


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": how}), flush=True)


def output(test, **env):
    done = subprocess.run([f"{BUILD}/tests/{test}"], cwd=ROOT, env=dict(os.environ, **env),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout, done.returncode


def random_requests():
    text, code = output("test_random_requests", REQUESTS=str(REQUESTS))
    found = re.search(r"^requests (\d+) answered (\d+) bids (\d+) deals (\d+) declined (\d+) malformed (\d+) "
                      r"beyond (\d+) violations (\d+) differences (\d+)$", text, re.M)
    if not found:
        print(text)
        return
    requests, answered, bids, deals, declined, malformed, beyond, violations, differences = map(int, found.groups())
    how = (f"test_random_requests, seeded: {answered} answered with {bids} bids, {deals} of them on deals; {declined} "
           f"declined, {malformed} malformed, {beyond} that Jansson cannot hold and only the checker saw")
    figure("conformance: answers that break a response rule", violations, f"of {answered}", how, "= 0",
           violations == 0 and code == 0 and requests == REQUESTS)
    figure("conformance: answers unlike the reference bidder's", differences, f"of {requests - beyond}", how, "= 0",
           differences == 0 and code == 0)


def recorded_requests():
    text, code = output("test_reference")
    total = 0
    for name, requests in re.findall(r"^(\S+\.ndjson): (\d+) requests,", text, re.M):
        total += int(requests)
    if total:
        figure("conformance: recorded requests answered as the reference bidder does", total, "requests",
               "test_reference over shared/data/openrtb; a difference fails it", "all", code == 0)


def damages():
    text, code = output("test_checker")
    found = re.search(r"^(\d+) damages of a sound answer, (\d+) rules$", text, re.M)
    if found:
        figure("conformance: damages of a sound answer that the checker finds", int(found.group(1)), "damages",
               f"test_checker; each of {found.group(2)} rules has one", "all", code == 0)


def hostile():
    text, code = output("test_hostile")
    found = re.search(r"^the worst costs ([0-9.]+) times a valid one$", text, re.M)
    if found:
        worst = float(found.group(1))
        figure("hostile requests: CPU of the worst", worst, "times a valid request of its size",
               "test_hostile: 17 shapes at 1.4, 4 and 20 kB, shortest of 40 runs in turns; to the answer, without one",
               "<= 3", worst <= 3 and code == 0)


random_requests()
recorded_requests()
damages()
hostile()
