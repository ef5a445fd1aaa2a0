#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tables of the builder's benchmark, and build/bench/scale.json and scale.svg beside its JSON."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import plot

STEPS = [
    ("total", "a build: all of this"),
    ("new_", "  check the input, lay out"),
    ("check", "    the check of the input"),
    ("dict", "    dictionary"),
    ("creatives", "    line items, creatives, strings"),
    ("targets", "    eligibility bitmaps"),
    ("order", "    contexts in the order of their hashes"),
    ("memory", "  fresh memory file, in huge pages"),
    ("fill", "  write and sum"),
    ("index", "    index buckets"),
    ("rows", "    rows"),
    ("sum", "    checksum"),
    ("seal", "  seal"),
    ("renewed", "a build after values alone changed"),
    ("renew", "  of it: check, lay out"),
    ("map", "a reader: map and touch"),
    ("attach", "a reader: checksum and all checks"),
    ("unsummed", "  of it: the checks"),
    ("memset_", "limit: memset of fresh huge pages"),
    ("memcpy_", "limit: memcpy into used memory"),
]
TICKS = [
    ("store", "factors to the live page"),
    ("within", "and asking the pacer, inside a control period"),
    ("step", "and a control step of every campaign"),
]


def count(value):
    return f"{value // 1000000}M" if value % 1000000 == 0 else f"{value // 1000}k"


def load(path):
    """{kind: {sizes: run}}"""
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    runs = {"build": {}, "tick": {}}
    for run in data["benchmarks"]:
        if run["run_type"] == "iteration":
            kind, *sizes = run["name"].split("/iterations")[0].split("/")
            runs[kind][tuple(int(size) for size in sizes)] = run
    return data["context"], runs


def print_steps(title, steps, sizes, runs, name):
    print(f"\n{title:<47}" + "".join(f"{name(size):>28}" for size in sizes))
    for key, words in steps:
        cells = []
        for size in sizes:
            run = runs[size]
            cells.append(f"{run[key]:.4g} ({run[key + '_least']:.4g}-{run[key + '_most']:.4g})")
        print(f"{words:<47}" + "".join(f"{cell:>28}" for cell in cells))


def contexts_ms(run):
    """What the contexts cost: check, order, index, rows, and their share of fresh memory and of the sum."""
    return run["contexts_share"] * (run["memory"] + run["sum"]) + sum(
        run[key] for key in ("check", "order", "index", "rows"))


def scale(builds):
    rows = []
    for (line_items, contexts), run in sorted(builds.items()):
        rows.append({"line_items": line_items, "contexts": contexts, "bytes": int(run["bytes"]),
                     "build_ms": run["total"], "renew_ms": run["renewed"], "contexts_ms": contexts_ms(run),
                     "attach_ms": run["attach"], "decide_ns": run["decide_ns"],
                     "bytes_per_context": run["context_bytes"] / contexts,
                     "bytes_per_line_item": (run["bytes"] - run["context_bytes"]) / line_items})
    return rows


def print_scale(rows):
    print(f"\n{'line items':>10}{'contexts':>10}{'MB':>9}{'build ms':>10}{'contexts':>10}{'renew':>8}{'attach':>8}"
          f"{'B/context':>11}{'B/line item':>13}{'ns/decision':>13}")
    for row in rows:
        print(f"{count(row['line_items']):>10}{count(row['contexts']) if row['contexts'] != 65536 else '64k':>10}"
              f"{row['bytes'] / 1e6:>9.1f}{row['build_ms']:>10.1f}{row['contexts_ms']:>10.1f}{row['renew_ms']:>8.1f}"
              f"{row['attach_ms']:>8.1f}{row['bytes_per_context']:>11.1f}{row['bytes_per_line_item']:>13.0f}"
              f"{row['decide_ns']:>13.0f}")


def draw(path, rows):
    series = []
    for key, words in (("build_ms", "build, ms"), ("decide_ns", "decision, ns")):
        for line_items in sorted({row["line_items"] for row in rows}):
            series.append((f"{words}, {count(line_items)} line items",
                           [(row["contexts"], row[key]) for row in rows if row["line_items"] == line_items]))
    plot.curve(path, "A table by its size: time to build it, time of a decision with it", "contexts (rows of 8)",
               "milliseconds of a build, nanoseconds of a decision", series, True, True)


def main():
    context, runs = load(sys.argv[1])
    builds, ticks = runs["build"], runs["tick"]
    rounds = max((int(run["rounds"]) for run in builds.values()), default=0)
    print(f"The builder: rows of 8 candidates, 4 creatives a line item; {context['num_cpus']} processors at load "
          f"{context['load_avg'][0]:.1f}.\nMilliseconds of thread CPU time, median of up to {rounds} rounds (least-most).")
    if builds:
        sizes = [size for size in sorted(builds) if size[0] == 10000] or sorted(builds)[:3]
        print_steps("", STEPS, sizes, builds, lambda size: f"{count(size[0])} x {size[1]:,}")
        rows = scale(builds)
        print_scale(rows)
        folder = os.path.dirname(os.path.abspath(sys.argv[1]))
        with open(os.path.join(folder, "scale.json"), "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
            file.write("\n")
        draw(os.path.join(folder, "scale.svg"), rows)
    if ticks:
        print_steps("A tick of the live page", TICKS, sorted(ticks), ticks, lambda size: f"{size[0]:,} line items")


if __name__ == "__main__":
    main()
