#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Decisions and executions of issue 06: the choice's speed and exactness, random commands with crashes, the audit.

SEQUENCES sets how many command sequences are run (100,000: about half an hour of one idle core)."""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(ROOT, os.environ.get("B", "build/release"))
KINDS = {0: "gain and risk alone", 1: "risk that goes with gain", 2: "few values", 3: "both limits bind",
         4: "budgets of an account"}


def figure(name, value, unit, goal=None, holds=None, how="make figures N=05"):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds, "how": how}),
          flush=True)


def choice():
    out = os.path.join(ROOT, "build", "bench")
    os.makedirs(out, exist_ok=True)
    path = os.path.join(out, "choice_figures.json")
    subprocess.run([os.path.join(BUILD, "bench", "choice"), "--benchmark_filter=choice/500/",
                    f"--benchmark_out={path}", "--benchmark_out_format=json"], check=True, stdout=sys.stderr)
    with open(path, encoding="utf-8") as file:
        runs = json.load(file)["benchmarks"]
    how = "bench/choice, 1,000 drawn offers of 500 options, thread CPU time"
    for run in runs:
        kind = int(run["name"].split("/")[2])
        words = KINDS[kind]
        figure(f"choice of 500, {words}: mean", round(run["mean_ms"], 3), "ms", "<= 1", run["mean_ms"] <= 1, how)
        figure(f"choice of 500, {words}: median", round(run["p50_ms"], 3), "ms", "<= 1", run["p50_ms"] <= 1, how)
        figure(f"choice of 500, {words}: p99", round(run["p99_ms"], 3), "ms", how=how)
        figure(f"choice of 500, {words}: proved best", round(100 * run["exact"], 1), "%", how=how)
        figure(f"choice of 500, {words}: most that it may have missed", round(100 * run["gap_most"], 3), "%", how=how)


def tests(name, words, pattern):
    run = subprocess.run([os.path.join(BUILD, "tests", name)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, check=False)
    passed = len(set(re.findall(rf"^\[       OK \] ({pattern})", run.stdout, re.M)))  # one is run with and without a key
    wanted = len(pattern.split("|"))
    figure(words, passed, "of " + str(wanted), f"= {wanted}", passed == wanted and run.returncode == 0,
           f"tests/{name}")


def crashes():
    sequences = os.environ.get("SEQUENCES", "2000")
    run = subprocess.run([os.path.join(BUILD, "tests", "executor_crashes"), sequences], check=True,
                         stdout=subprocess.PIPE, text=True)
    done = json.loads(run.stdout)
    how = f"tests/control/executor/crashes.c, {sequences} sequences; SEQUENCES=100000 for all"
    figure("random command sequences without a fault", done["sequences"], "", f"= {sequences}", True, how)
    for key, words in (("commands", "commands in them"), ("executions", "executions in them"),
                       ("rollbacks", "rollbacks compared byte by byte"), ("crashes", "crashes injected"),
                       ("power", "of them power failures"), ("nothing", "crashes that left nothing of a command"),
                       ("whole", "crashes that left all of it")):
        figure(words, done[key], "", how=how)


choice()
tests("test_choice", "choice: equals trying everything (1,000 of up to 20), and GLPK (24 of 200)",
      "a_thousand_small_choices_equal_trying_everything|two_hundred_options_equal_glpk")
tests("test_store_audit", "audit: kinds of tampering, each tried on every record, that are found",
      "every_edit_of_every_field|every_byte_of_every_hash|every_deleted_record|every_swap_move_and_insertion")
crashes()
