#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The poll loop over rings beside the same work over memory, and where its time goes."""
import json
import statistics
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        runs = [run for run in json.load(file)["benchmarks"] if run["run_type"] == "iteration"]

    def median(of):
        return statistics.median(of(run) for run in runs)

    ring, memory = median(lambda r: r["ring_ns"]), median(lambda r: r["memory_ns"])
    print(f"dpdk: one lcore, MessagePack requests of {runs[0]['bytes']:.0f} bytes, answers of "
          f"{runs[0]['answer_bytes']:.0f}; median of {len(runs)} rounds, thread CPU time a request\n")
    print(f"{'poll loop over net_ring':<44}{ring:>8.0f} ns {1e3 / ring:>8.2f} M/s")
    print(f"{'decode, decide, encode over memory':<44}{memory:>8.0f} ns {1e3 / memory:>8.2f} M/s")
    print(f"{'the poll loop decides, of what memory does':<44}"
          f"{median(lambda r: r['memory_ns'] / r['ring_ns']):>8.3f}")
    for name, of in (("I/O: rings, frames, checksums", lambda r: r["ring_ns"] - r["memory_ns"]),
                     ("decode", lambda r: r["decode_ns"]), ("decide", lambda r: r["decide_ns"]),
                     ("encode and sign", lambda r: r["encode_ns"])):
        print(f"  {name:<42}{median(of):>8.0f} ns")


if __name__ == "__main__":
    main()
