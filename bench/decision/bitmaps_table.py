#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The one table of the bitmap benchmark, from the JSON of its program."""
import json
import statistics
import sys

WAYS = [
    ("naive", "each line item tested alone"),
    ("words", "word by word, a loop over the bits"),
    ("scalar", "qbid_scan_next(), any processor"),
    ("avx2", "  AVX2"),
    ("avx512", "  AVX-512"),
    ("best", "  and priced: qbid_source_best()"),
    ("bitmap", "AVX-512, ANDed but not decoded"),
    ("read", "limit: the same rows only read"),
    ("rows", "looking up the rows, in all above"),
    ("request", "making the request, in all above"),
]
SIZES = ("1k", "10k", "100k")


def load(path):
    """{benchmark: [ns in each round]}; none for what the processor lacks."""
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    rounds = {}
    for run in data["benchmarks"]:
        if run["run_type"] == "iteration" and not run.get("error_occurred"):
            rounds.setdefault(run["run_name"], []).append(run["cpu_time"])
    return data["context"], rounds


def cell(ns, naive):
    if not ns:
        return "{:>9}{:>16}{:>8}".format("-", "", "")
    ratio = f"{statistics.median(naive) / statistics.median(ns):.0f}x" if naive else ""
    return "{:>9.0f}{:>16}{:>8}".format(statistics.median(ns), f"{min(ns):.0f}-{max(ns):.0f}", ratio)


def main():
    context, rounds = load(sys.argv[1])
    count = max((len(ns) for ns in rounds.values()), default=0)
    left = ", ".join(f"{float(context['left_' + size]) * 100:.2f} %" for size in SIZES)
    print(f"Eligibility bitmaps: 844 values of 8 dimensions, one slot and three segments a request, {left} of the "
          f"line items left.\nMedian of {count} interleaved rounds, ns of thread CPU time a request, spread, naive "
          f"/ it; load average {context['load_avg'][0]:.1f} at the start.\nAll ways listed the same line items in "
          f"{context['compared']} requests compared.\n")
    print("{:<36}".format("") + "".join("{:>9}{:>16}{:>8}".format(size, "", "") for size in SIZES))
    for way, text in WAYS:
        print("{:<36}".format(text) + "".join(cell(rounds.get(f"{size}/{way}"), rounds.get(f"{size}/naive"))
                                              for size in SIZES))


if __name__ == "__main__":
    main()
