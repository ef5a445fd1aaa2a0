#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the latency recorder adds to a decision, from the JSON of its benchmark."""
import json
import re
import statistics
import sys

WAYS = [("off", "off"), ("of_64", "1 of 64"), ("of_16", "1 of 16, the default"), ("of_4", "1 of 4"),
        ("each", "each"), ("clock16", "1 of 16, by clock_gettime"), ("clock1", "each, by clock_gettime")]
ROW = "{:<28}{:>12}{:>18}{:>9}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        data = json.load(file)
    rounds = {}
    for run in data["benchmarks"]:
        if run["run_type"] == "iteration":
            rounds.setdefault(int(re.match(r"latency/(\d+)", run["name"])[1]), []).append(run)
    for k, runs in sorted(rounds.items()):
        plain = [run["plain_ns"] for run in runs]
        print(f"The latency recorder: a decision among {k} candidates takes {statistics.median(plain):.0f} ns "
              f"({min(plain):.0f}-{max(plain):.0f}) without it.\nMedian of {len(runs)} rounds of 1,000 turns in "
              "which all ways decide 512 hot requests: ns of thread CPU time, difference\nwithin a turn; the "
              f"recorded p50 of each is {statistics.median(run['recorded_p50_ns'] for run in runs):.0f} ns.\n")
        print(ROW.format("timed", "added, ns", "spread", "of it"))
        for key, text in WAYS:
            added = [run[f"{key}_added_ns"] for run in runs]
            share = [100 * run[f"{key}_added_ns"] / run["plain_ns"] for run in runs]
            print(ROW.format(text, f"{statistics.median(added):.1f}", f"{min(added):.1f} to {max(added):.1f}",
                             f"{statistics.median(share):.1f} %"))
        print()


if __name__ == "__main__":
    main()
