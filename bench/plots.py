#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pictures latency.svg and scale.svg in build/bench/ (`make bench-plot`).

What they show is measured first where it is missing or older than its program: the distribution of latencies in
build/bench/cdf/ by bench/decide, the cost of a table by its size in build/bench/scale.json by bench/build.
    SCALE   small (1k and 10k line items, 64k and 1M contexts) or full (up to 100k and 10M)
    ROUNDS  of each (3)
"""
import json
import os
import subprocess
import sys

import plot

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "control"))
import build_table

B = os.environ.get("B", "build/release")
OUT = "build/bench"
CDF = os.path.join(OUT, "cdf")
SCALE = os.path.join(OUT, "scale.json")
DESIGNS = [
    ("qbid", "qbid"),
    ("swap", "qbid, a swap every 100 ms"),
    ("cold", "qbid, cold caches"),
    ("ahead", "qbid, cold, asked ahead"),
    ("naive", "structs, hash a candidate"),
]
# the rest of a distribution is a few decisions a hundred times as long: with them the curves would be walls
SHOWN = 0.999
SIZES = {
    "small": [(line_items, contexts) for line_items in (1000, 10000) for contexts in (65536, 1000000)],
    "full": [(line_items, contexts) for line_items in (1000, 10000, 100000)
             for contexts in (65536, 1000000, 10000000)],
}


def fresh(path, program):
    """The file is there, not empty, and younger than the program that writes it."""
    return os.path.exists(path) and os.path.getsize(path) > 0 and os.path.getmtime(path) > os.path.getmtime(program)


def measure(program, *options, **environment):
    print(f"measuring: {os.path.basename(program)} {' '.join(options)}", flush=True)
    run = subprocess.run([program, *options], env=dict(os.environ, **environment), stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"bench-plot: {program} failed:\n{run.stdout}")


def latencies(rounds):
    """[(name, [(ns, share), ...]), ...] up to SHOWN of the decisions."""
    program = os.path.join(B, "bench", "decide")
    paths = [os.path.join(CDF, f"{design}.cdf") for design, _ in DESIGNS]
    if not all(fresh(path, program) for path in paths):
        os.makedirs(CDF, exist_ok=True)
        measure(program, "--benchmark_filter=^decide/8/", f"--benchmark_repetitions={rounds}", BENCH_CDF=CDF)
    series = []
    for path, (_, words) in zip(paths, DESIGNS):
        with open(path, encoding="utf-8") as file:
            points = [tuple(float(word) for word in line.split()) for line in file]
        if points:
            series.append((words, [(ns, share) for ns, share in points if ns > 0 and share <= SHOWN]))
        else:  # on a busy machine: what another task ran in between of does not count
            print(f"bench-plot: '{words}' is left out: it never ran undisturbed")
    return series


def scale_rows(sizes, rounds):
    """What scale.json says of the sizes and of any others that it has."""
    program = os.path.join(B, "bench", "build")
    rows = []
    if fresh(SCALE, program):
        with open(SCALE, encoding="utf-8") as file:
            rows = json.load(file)
    if not set(sizes) <= {(row["line_items"], row["contexts"]) for row in rows}:
        runs = os.path.join(OUT, "scale_runs.json")
        wanted = "|".join(f"{line_items}/{contexts}" for line_items, contexts in sizes)
        measure(program, f"--benchmark_filter=^build/({wanted})/", f"--benchmark_out={runs}",
                "--benchmark_out_format=json", ROUNDS=str(rounds))
        rows = build_table.scale(build_table.load(runs)[1]["build"])
        with open(SCALE, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
            file.write("\n")
    return rows


def main():
    rounds = int(os.environ.get("ROUNDS", "3"))
    sizes = SIZES.get(os.environ.get("SCALE", "small"))
    if sizes is None:
        sys.exit("bench-plot: SCALE is small or full")
    os.makedirs(OUT, exist_ok=True)
    path = os.path.join(OUT, "latency.svg")
    plot.curve(path, "Latency of one decision, 8 candidates", "nanoseconds, between two fences",
               f"share of the decisions, up to {SHOWN}", latencies(rounds), log_x=True)
    print(path)
    path = os.path.join(OUT, "scale.svg")
    build_table.draw(path, scale_rows(sizes, rounds))
    print(path)


if __name__ == "__main__":
    main()
