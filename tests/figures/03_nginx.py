#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nginx figures of issue 03: requests a second of one worker beside `return 204` and beside a module that sends a
fixed bid, latency that the module adds at a rate, parse, decide and write alone; reloads and swaps under load, and
ten times the load that a worker bears."""
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.path.join(ROOT, os.environ.get("B", "build/release"))
HOW = "make figures N=03 (bench/hosts/nginx.sh: one worker, keep-alive, all ways in turn in each round, median of rounds)"
ALONE = ("make figures N=03 (bench/openrtb: the stages of a bid called as the worker calls them, one thread, "
         "requests in memory)")


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds, "how": how}),
          flush=True)


def spread(of, digits):
    return f"{of['least']:.{digits}f} to {of['most']:.{digits}f}"


def nginx():
    env = {**os.environ, "BENCH_ROUNDS": os.environ.get("ROUNDS", "5")}
    run = subprocess.run(["bash", "bench/hosts/nginx.sh"], cwd=ROOT, env=env, stdout=sys.stderr, check=False)
    if run.returncode != 0:
        raise SystemExit("bench/hosts/nginx.sh failed")
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
        for load, of, peers in (("wrk", entry, ways), ("a load that never sleeps", entry["spin"],
                                                       {way: ways[way]["spin"] for way in (base, peer)})):
            figure(f"nginx, {words}, {load}: CPU time of the worker", round(of["cpu_us"]["median"], 1), "us/request",
                   f"{HOW}; return 204 {peers[base]['cpu_us']['median']:.1f} ({peers[base]['busy']['median']:.0%} busy), "
                   f"fixed bid {peers[peer]['cpu_us']['median']:.1f}")
            figure(f"nginx, {words}, {load}: CPU time of return 204 against it", round(of["cpu_ratio"]["median"], 3), "x",
                   f"{HOW}; {spread(of['cpu_ratio'], 2)}")
        for key, beside in (("ratio", "return 204"), ("fixed_ratio", "a fixed bid")):
            figure(f"nginx, {words}, a load that never sleeps: requests/s against {beside}",
                   round(entry["spin"][key]["median"], 3), "x",
                   f"{HOW}; {entry['spin']['per_s']['median']:.0f}/s; {spread(entry['spin'][key], 2)}")
    entry = ways["nobid"]
    figure("nginx, 2.5 kB requests, no bid: requests/s against return 204", round(entry["ratio"]["median"], 3), "x",
           f"{HOW}; {spread(entry['ratio'], 2)}")
    look = ways["bid"]["look_ratio"]
    figure("nginx, 2.5 kB requests, bid: requests/s against a fixed bid behind a hash of each byte",
           round(look["median"], 3), "x", f"{HOW}; FNV-1a; {spread(look, 2)}")
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


def facts_of(script, **env):
    facts = os.path.join(ROOT, "build", "figures", f"nginx_{script}.json")
    os.makedirs(os.path.dirname(facts), exist_ok=True)
    if os.path.exists(facts):
        os.remove(facts)
    run = subprocess.run([f"tests/e2e/nginx/{script}.sh"], cwd=ROOT, env={**os.environ, "QBID_FACTS": facts, **env},
                         stdout=subprocess.PIPE, text=True, check=False)
    print(run.stdout, end="", flush=True)
    if not os.path.exists(facts):
        raise SystemExit(f"tests/e2e/nginx/{script}.sh failed")
    with open(facts, encoding="utf-8") as file:
        return json.load(file)


def life():
    f = facts_of("reloads", QBID_RELOADS="100", QBID_SWAPS="1000")
    how = "make figures N=03 (tests/e2e/nginx/reloads.sh: 2 workers, 32 keep-alive connections, as fast as answers come)"
    figure("nginx: requests lost in 100 reloads with 1,000 swaps", f["lost"], f"of {f['answers']}", how, "== 0",
           f["lost"] == 0)
    figure("nginx: requests lost in two upgrades of its binary, there and back", f["upgrade_lost"],
           f"of {f['upgrade_answers']}", how, "== 0", f["upgrade_lost"] == 0)


def overload():
    f = facts_of("overload", QBID_OVERLOAD_MS="5000")
    how = (f"make figures N=03 (tests/e2e/nginx/overload.sh: one worker that bears {f['capacity']}/s of requests of 100 kB "
           f"in gzip; {f['offered']}/s for {f['ms']} ms on {f['queue']} connections, of which {f['sent']} found one "
           "free; late is over 100 ms)")
    figure("nginx, 10x overload: answers that were late", f["late"], f"of {f['sent']}", how, "<= 1 %",
           f["late"] * 100 <= f["sent"])
    figure("nginx, 10x overload: answered with a bid, in time", round(f["bids"] / f["ms"] * 1e3), "1/s",
           f"{how}; the others get 204 unread")
    figure("nginx, 10x overload: late with qbid_wait off", round(100 * f["off"]["late"] / f["off"]["sent"], 1), "%", how)
    figure("nginx, 10x overload: growth of the worker's memory", f["growth_kib"], "KiB", how, "< 16384",
           f["growth_kib"] < 16384)
    figure("nginx, 10x overload: p99 in the second second after it", round(f["second_p99_us"]), "us", how,
           "< 100000", f["second_p99_us"] < 100000)


nginx()
alone()
life()
overload()
