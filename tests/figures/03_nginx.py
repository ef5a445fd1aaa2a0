#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nginx figures of issue 03: requests a second of one worker beside `return 204` and beside a module that sends a
fixed bid, latency that the module adds at a rate, and parse, decide and write alone."""
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.path.join(ROOT, os.environ.get("B", "build/release"))
HOW = "make figures N=03 (bench/nginx.sh: one worker, keep-alive, all ways in turn in each round, median of rounds)"
ALONE = ("make figures N=03 (bench/openrtb: the stages of a bid called as the worker calls them, one thread, "
         "requests in memory)")


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds, "how": how}),
          flush=True)


def spread(of, digits):
    return f"{of['least']:.{digits}f} to {of['most']:.{digits}f}"


def nginx():
    env = {**os.environ, "BENCH_ROUNDS": os.environ.get("ROUNDS", "5")}
    run = subprocess.run(["bash", "bench/nginx.sh"], cwd=ROOT, env=env, stdout=sys.stderr, check=False)
    if run.returncode != 0:
        raise SystemExit("bench/nginx.sh failed")
    with open(os.path.join(ROOT, "build", "bench", "nginx.json"), encoding="utf-8") as file:
        result = json.load(file)
    ways = result["ways"]
    kinds = [("bid", "typical", "return_204", "fixed", "2.5 kB requests, answered with a bid")]
    if "recorded" in ways:
        kinds.append(("recorded", "recorded", "recorded_204", "recorded_fixed", "recorded requests of 1 to 4 KB"))
    for way, bytes_of, base, peer, words in kinds:
        entry = ways[way]
        size = f"median {result['bytes'][bytes_of]:.0f} bytes, bids {entry['bid_share']['median']:.0%}"
        for key, beside, least in (("ratio", "return 204", 0.65), ("fixed_ratio", "a fixed bid", 0.9)):
            value = round(entry[key]["median"], 3)
            figure(f"nginx, {words}: requests/s against {beside}", value, "x", f"{HOW}; {size}; {spread(entry[key], 2)}",
                   f">= {least}", value >= least)
        figure(f"nginx, {words}: requests/s", round(entry["per_s"]["median"]), "1/s",
               f"{HOW}; {size}; {spread(entry['per_s'], 0)}; worker busy {entry['busy']['median']:.0%}")
        figure(f"nginx, {words}: CPU time of the worker", round(entry["cpu_us"]["median"], 1), "us/request",
               f"{HOW}; return 204 {ways[base]['cpu_us']['median']:.1f}, fixed bid {ways[peer]['cpu_us']['median']:.1f}")
    entry = ways["nobid"]
    figure("nginx, 2.5 kB requests, no bid: requests/s against return 204", round(entry["ratio"]["median"], 3), "x",
           f"{HOW}; {spread(entry['ratio'], 2)}")
    paced = ways["bid"]["paced"]
    where = f"{HOW}; {result['rate']}/s, 64 connections, from when a request was due; requests not sent in time "
    unsent = f"{paced['unsent']['median']:.0f}"
    for quantile in ("p50", "p99"):
        added = round(paced[f"added_{quantile}_us"]["median"], 1)
        goal = ("<= 50", added <= 50) if quantile == "p99" else (None, None)
        figure(f"nginx at {result['rate']}/s: {quantile} that the module adds to return 204", added, "us",
               f"{where}{unsent}; {spread(paced[f'added_{quantile}_us'], 0)}", *goal)
        figure(f"nginx at {result['rate']}/s: {quantile}, answered with a bid",
               round(paced[f"{quantile}_us"]["median"], 1), "us", where + unsent)


def alone():
    out = os.path.join(ROOT, "build", "bench", "openrtb.json")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    subprocess.run([os.path.join(B, "bench", "openrtb"), f"--benchmark_repetitions={os.environ.get('ROUNDS', '5')}",
                    "--benchmark_enable_random_interleaving=true", "--benchmark_filter=/all$",
                    f"--benchmark_out={out}", "--benchmark_out_format=json"],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    with open(out, encoding="utf-8") as file:
        runs = [run for run in json.load(file)["benchmarks"] if run["run_type"] == "iteration"]
    for name, words in (("typical/all", "a typical request"), ("recorded/all", "the recorded requests in turn, mean"),
                        ("median/all", "the 101 recorded requests around the median size, mean"),
                        ("class/all", "the recorded requests of 1 to 4 KB in turn, mean")):
        of = [run for run in runs if run["name"].split("/repeats")[0].startswith(name) and not run.get("error_occurred")]
        if not of:
            continue
        times = [run["cpu_time"] / 1e3 for run in of]
        value = round(statistics.median(times), 2)
        figure(f"parse, decide and write alone, {words}", value, "us",
               f"{ALONE}; {of[0]['request_bytes']:.0f} bytes; {min(times):.2f} to {max(times):.2f}", "<= 5", value <= 5)


nginx()
alone()
