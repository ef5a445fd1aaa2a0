#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lookup figures of issue 02: qbid's context index against other tables, one call each and in batches, and
against what the machine allows; all in turns in one run. Ratios, each with its spread in `how`."""
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
HOW = ("make figures N=02 (build/release/bench/lookup: 1M keys, uniform, 90 % hits; pages of the same size; "
       "median of interleaved rounds)")

# words, numerator, denominator, goal
RATIOS = [
    ("DPDK rte_hash, bulk of 32, against 32 a call", "rte_hash_32", "qbid_4k_32", 3),
    ("DPDK rte_hash, bulk of 16, against 16 a call", "rte_hash_16", "qbid_4k_16", None),
    ("DPDK rte_hash, bulk of 8, against 8 a call", "rte_hash_8", "qbid_4k_8", None),
    ("DPDK rte_hash, one call each", "rte_hash", "qbid_4k", 5),
    ("liburcu lfht, one call each", "lfht", "qbid", None),
    ("ck_ht, one call each", "ck_ht", "qbid", None),
    ("LMDB, one call each", "lmdb", "qbid_4k", 30),
    ("LMDB, against 32 a call", "lmdb", "qbid_4k_32", None),
    ("SQLite in memory, one call each", "sqlite", "qbid", 100),
    ("SQLite in memory, against 32 a call", "sqlite", "qbid_32", None),
    ("Redis, pipeline of 32, against 32 a call", "redis_32", "qbid_32", 200),
    ("Redis, pipeline of 128, against 128 a call", "redis_128", "qbid_128", 200),
    ("Redis, one at a time, one call each", "redis", "qbid", None),
    ("qbid in 4K pages, one call each", "qbid_4k", "qbid", None),
    ("qbid in 4K pages, 32 a call", "qbid_4k_32", "qbid_32", None),
    ("DPDK rte_hash, each waits for the one before", "rte_hash_chain", "qbid_4k_chain", None),
]
# what qbid takes of a bare load's time
LIMITS = [
    ("32 a call, against independent loads", "qbid_32", "limit"),
    ("one call each, against independent loads", "qbid", "limit"),
    ("each waits for the one before, against dependent loads", "qbid_chain", "limit_chain"),
]


def figure(name, value, unit, goal=None, holds=None, how=HOW):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": how}), flush=True)


def ratio(runs, name, over, under, least):
    ratios = [run[over] / run[under] for run in runs]
    median = statistics.median(ratios)
    figure(name, float(f"{median:.3g}"), "x", f">= {least}" if least else None,
           median >= least if least else None, how=f"{HOW}; {min(ratios):.3g} to {max(ratios):.3g}")


def main():
    out = os.path.join(ROOT, "build", "bench", "lookup.json")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    program = os.path.join(os.environ.get("B", "build/release"), "bench", "lookup")
    subprocess.run([program, f"--benchmark_repetitions={os.environ.get('ROUNDS', '5')}",
                    f"--benchmark_out={out}", "--benchmark_out_format=json"],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    subprocess.run(["bench/index/lookup_table.py", out], cwd=ROOT, check=True)
    with open(out, encoding="utf-8") as f:
        runs = [run for run in json.load(f)["benchmarks"] if run["run_type"] == "iteration"]
    for words, over, under, least in RATIOS:
        ratio(runs, f"lookup: {words}: times as long", over, under, least)
    for words, over, under in LIMITS:
        ratio(runs, f"lookup: qbid, {words}: times as long", over, under, None)
    for words, name in (("one call each", "qbid"), ("32 a call", "qbid_32")):
        figure(f"lookup: qbid, {words}", round(statistics.median(run[name] for run in runs), 1), "ns")


main()
