#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The one table of the ring benchmark, from the JSON of its program."""
import json
import statistics
import sys

ROWS = [
    ("live_ns", "push, drained each ms, nothing lost", "ns", 1),
    ("chased_ns", "  the consumer polls without a pause", "ns", 1),
    ("ck_ns", "  Concurrency Kit's ring, the same", "ns", 1),
    ("bare_ns", "  limit: the same 64 bytes, no ring", "ns", 1),
    ("dead_ns", "push, consumer killed, ring full", "ns", 1),
    ("per_s", "through it, none lost, by the clock", "M/s", 1e6),
    ("per_cpu_s", "  by CPU time of the busier side", "M/s", 1e6),
]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        data = json.load(file)
    runs = [run for run in data["benchmarks"] if run["run_type"] == "iteration"]
    context = data["context"]
    print(f"Event ring: 65,536 records of 64 bytes in shared memory, the consumer a process of its own; "
          f"{context['num_cpus']} processors at load {context['load_avg'][0]:.1f}.\nMedian of {len(runs)} "
          "rounds; ns of thread CPU time.\n")
    for name, text, unit, scale in ROWS:
        values = [run[name] / scale for run in runs]
        print(f"{text:<38}{statistics.median(values):>8.1f} {unit:<5}{min(values):.1f}-{max(values):.1f}")
    pushed, consumed, dropped, live = (sum(run[name] for run in runs)
                                       for name in ("pushed", "consumed", "dropped", "live_drops"))
    print(f"\n{pushed:.0f} pushed = {consumed:.0f} taken in order + {dropped:.0f} counted as lost, "
          f"{live:.0f} of them while the consumer lived.")


if __name__ == "__main__":
    main()
