#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proof figures of issue 02: states of the models and mutants found, forced orders and their negative
controls, decisions without a system call."""
import json
import os
import re
import subprocess

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("B", "build/release")


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": how}), flush=True)


def output(*command):
    env = dict(os.environ, B=BUILD, FULL="1")
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.stdout, done.returncode


def models():
    text, code = output("tests/model/model.sh")
    states = {}
    for model, cnt in re.findall(r"^ok +model (\w+), .*: ([0-9.e+]+) states", text, re.M):
        states[model] = states.get(model, 0) + int(float(cnt))
    for model, cnt in states.items():
        figure(f"model {model}: states, all searched", cnt, "states", "tests/model/model.sh, its whole runs added")
    found = len(re.findall(r"^ok +mutant ", text, re.M))
    all_of = len(re.findall(r"^\w+ +mutant ", text, re.M))
    figure("mutants of the models that spin finds", found, "mutants", "tests/model/model.sh",
           f"= {all_of}", found == all_of and code == 0)


def orders():
    passed = 0
    for name in ("test_ring_order", "test_publish_order", "test_allowance_order"):
        text, code = output(f"{BUILD}/tests/{name}")
        passed += len(re.findall(r"^\[       OK \]", text, re.M)) if code == 0 else 0
    figure("forced orders that hold", passed, "tests", "test_ring_order, test_publish_order, test_allowance_order")
    text, code = output(f"{BUILD}/tests/test_negative")
    found = len(re.findall(r"^\[       OK \]", text, re.M))
    figure("broken builds that the forced orders catch", found, "builds", "test_negative",
           "all", code == 0 and found > 0)


def quiet():
    text, code = output("tests/fastpath/quiet.sh")
    calls = [int(cnt) for cnt in re.findall(r"^\w+ +decide_\w+: (\d+) system calls; 1000000 decisions", text, re.M)]
    if not calls:
        return
    figure("system calls in a million decisions", sum(calls), "calls",
           "tests/fastpath/quiet.sh (strace between two marks; decide_one and decide_many, a million each)",
           "= 0", code == 0 and len(calls) == 2 and sum(calls) == 0)


models()
orders()
quiet()
