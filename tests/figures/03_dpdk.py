#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""DPDK figures of issue 03: the poll loop against the same work over memory, the split of its cost; over a pair of
virtual links what is lost, and latencies beside a plain socket echo."""
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.path.join(ROOT, os.environ.get("B", "build/release"))
RING = ("make figures N=03 (bench/dpdk: one lcore, net_ring, 10,000 line items, 8 candidates; passes of both loops "
        "over the same requests in turn, thread CPU time, median of rounds)")
VETH = ("make figures N=03 (tests/e2e/dpdk/latency.sh: net_af_packet over a pair of virtual links between two network "
        "namespaces, load from a kernel socket, MessagePack, a test account)")


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds, "how": how}),
          flush=True)


def ring():
    out = os.path.join(ROOT, "build", "bench", "dpdk.json")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    subprocess.run([os.path.join(B, "bench", "dpdk"), f"--benchmark_repetitions={os.environ.get('ROUNDS', '11')}",
                    f"--benchmark_out={out}", "--benchmark_out_format=json"],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    subprocess.run(["bench/hosts/dpdk_table.py", out], cwd=ROOT, check=True)
    with open(out, encoding="utf-8") as file:
        runs = [run for run in json.load(file)["benchmarks"] if run["run_type"] == "iteration"]

    def stated(name, of, unit, digits=0, goal=None, holds=None):
        values = [of(run) for run in runs]
        value = round(statistics.median(values), digits) if digits else round(statistics.median(values))
        figure(name, value, unit, f"{RING}; {min(values):.{digits}f} to {max(values):.{digits}f}", goal,
               holds(value) if holds else None)

    stated("dpdk: request", lambda r: r["bytes"], "bytes")
    stated("dpdk: decisions of the poll loop against those over memory", lambda r: r["memory_ns"] / r["ring_ns"], "x",
           3, ">= 0.85", lambda x: x >= 0.85)
    stated("dpdk: decisions a second, one lcore", lambda r: 1e3 / r["ring_ns"], "M/s", 2)
    stated("dpdk: a request in the poll loop", lambda r: r["ring_ns"], "ns")
    stated("dpdk: of it I/O (rings, frames, checksums)", lambda r: r["ring_ns"] - r["memory_ns"], "ns")
    stated("dpdk: of it decode", lambda r: r["decode_ns"], "ns")
    stated("dpdk: of it decide", lambda r: r["decide_ns"], "ns")
    stated("dpdk: of it encode and sign", lambda r: r["encode_ns"], "ns")


def veth():
    facts = os.path.join(ROOT, "build", "figures", "dpdk_veth.json")
    os.makedirs(os.path.dirname(facts), exist_ok=True)
    run = subprocess.run(["tests/e2e/dpdk/latency.sh"], cwd=ROOT, env={**os.environ, "QBID_FACTS": facts},
                         stdout=subprocess.PIPE, text=True, check=False)
    print(run.stdout, end="", flush=True)
    if run.returncode == 77:
        return
    if run.returncode != 0:
        raise SystemExit("latency.sh failed")
    with open(facts, encoding="utf-8") as file:
        f = json.load(file)
    figure("dpdk over veth: requests lost at a rate the link bears", f["lost"], "requests",
           f"{VETH}; of {f['sent']}, {f['rate']}/s", "== 0", f["lost"] == 0)
    figure("dpdk over veth: answers that were wrong", f["wrong"], "answers",
           f"{VETH}; each against its request", "== 0", f["wrong"] == 0)
    figure("dpdk over veth: highest rate tried without a loss", f["highest"], "/s", VETH)
    for what, name in (("one", "one at a time"), ("paced", f"{f['rate']}/s")):
        for quantile in ("p50", "p99", "p999"):
            for side, words in (("bidder", "the bidder"), ("echo", "a plain socket echo")):
                figure(f"dpdk over veth, {name}: {words}, {quantile}", f[what][side][quantile], "us", VETH)


ring()
veth()
