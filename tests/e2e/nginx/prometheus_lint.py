#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks a text against Prometheus's exposition format 0.0.4: prometheus_lint.py FILE, faults on stdout.

https://prometheus.io/docs/instrumenting/exposition_formats/ for the syntax; each metric in one group, HELP and
TYPE once and before its samples, no series twice, counters named *_total and never negative; buckets of a histogram
by growing edge with counts that never fall, the last one +Inf and equal to the count.
"""
import re
import sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}


def labels_of(text):
    """The labels of {text} as a sorted tuple, None when it is not well formed."""
    found, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        if not match or match[1] in found:
            return None
        found[match[1]] = match[2]
        at = match.end()
    return tuple(sorted(found.items()))


def family_of(name, types):
    for suffix in ("_bucket", "_sum", "_count"):
        base = name.removesuffix(suffix)
        if base != name and types.get(base) in ("histogram", "summary"):
            return base
    return name


def histogram_faults(name, samples):
    """Faults of a histogram: samples are (metric, labels, value) in their order."""
    faults, groups = [], {}
    for metric, labels, value in samples:
        rest = tuple(pair for pair in labels if pair[0] != "le")
        group = groups.setdefault(rest, {"edges": [], "counts": [], "_sum": None, "_count": None})
        suffix = metric.removeprefix(name)
        if suffix == "_bucket":
            group["edges"].append(float(dict(labels).get("le", "nan")))
            group["counts"].append(value)
        elif suffix in ("_sum", "_count"):
            group[suffix] = value
        else:
            faults.append(f"{metric} in the histogram {name}")
    for labels, group in groups.items():
        edges, counts = group["edges"], group["counts"]
        if not edges or edges[-1] != float("inf") or not all(a < b for a, b in zip(edges, edges[1:])):
            faults.append(f"{name}{labels}: edges {edges}")
        if any(a > b for a, b in zip(counts, counts[1:])):
            faults.append(f"{name}{labels}: counts {counts}")
        if group["_sum"] is None or group["_sum"] < 0 or not counts or group["_count"] != counts[-1]:
            faults.append(f"{name}{labels}: sum {group['_sum']}, count {group['_count']}")
    return faults


def lint(text):
    faults, types, helps, closed, series, current = [], {}, set(), set(), set(), None
    histograms = {}

    def fault(number, what):
        faults.append(f"line {number}: {what}")

    def enter(number, name):
        nonlocal current
        if name != current:
            if name in closed:
                fault(number, f"{name} stands in two places")
            if current:
                closed.add(current)
            current = name

    if not text.endswith("\n"):
        faults.append("no newline at the end")
    for number, line in enumerate(text.split("\n")[:-1], 1):
        if line.startswith("# HELP ") or line.startswith("# TYPE "):
            word, name, rest = (line[2:].split(" ", 2) + ["", ""])[:3]
            if not NAME.fullmatch(name):
                fault(number, f"metric name {name!r}")
            enter(number, name)
            known = helps if word == "HELP" else types
            if name in known:
                fault(number, f"second {word} of {name}")
            if word == "HELP":
                helps.add(name)
            else:
                types[name] = rest
                if rest not in TYPES:
                    fault(number, f"type {rest!r}")
            continue
        if line.startswith("#") or not line:
            continue
        match = re.fullmatch(r"([^{ ]+)(?:\{(.*)\})? (\S+)(?: (-?\d+))?", line)
        if not match or not NAME.fullmatch(match[1]):
            fault(number, f"not a sample: {line!r}")
            continue
        name, labels = family_of(match[1], types), labels_of(match[2] or "")
        enter(number, name)
        if name not in types or name not in helps:
            fault(number, f"{name} has no TYPE or no HELP before it")
        if labels is None:
            fault(number, f"labels {match[2]!r}")
        if (match[1], labels) in series:
            fault(number, f"series twice: {line!r}")
        series.add((match[1], labels))
        try:
            value = float(match[3])
        except ValueError:
            fault(number, f"value {match[3]!r}")
            continue
        if types.get(name) == "histogram":
            histograms.setdefault(name, []).append((match[1], labels or (), value))
        if types.get(name) == "counter" and (value < 0 or not name.endswith("_total")):
            fault(number, f"counter {name} {value}")
    for name, samples in histograms.items():
        faults += histogram_faults(name, samples)
    return faults


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8", newline="") as file:
        found = lint(file.read())
    print("\n".join(found), end="\n" if found else "")
    sys.exit(bool(found))
