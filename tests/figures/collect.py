#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the figure scripts, keeps what they state in build/figures/NN.json (after each script, so that the next can read it)
and prints it as a table with the time that each script took.

Called by `make figures [N=01]` with one NN:SCRIPT argument for each `$(call figure,NN,SCRIPT)`. A script
runs from the root with B=build/release and QBID_FIGURES=1 (all rounds of tests/rounds.h, of which `make test` has some) and
prints one JSON object a line; every other line of its output is passed on as it comes:

    {"name": "clicks_ratio", "value": 1.31, "unit": "x", "goal": ">= 1.1", "holds": true, "how": "..."}

value is a number; goal is a text, or null for a figure without a goal; holds is true or false, or null
exactly where goal is null; how says what was measured, so that a reader could repeat it. A script that
fails, prints a broken figure or none at all fails the whole; a goal that does not hold is shown as such.
"""
import json
import math
import os
import subprocess
import sys
import time

KEYS = {
    "name": (str,),
    "value": (int, float),
    "unit": (str,),
    "goal": (str, type(None)),
    "holds": (bool, type(None)),
    "how": (str,),
}


def check(figure, seen):
    """Returns what is wrong with one figure, or None."""
    if set(figure) != set(KEYS):
        return f"keys must be {', '.join(KEYS)}"
    for key, types in KEYS.items():
        if not isinstance(figure[key], types) or (key == "value" and isinstance(figure[key], bool)):
            return f"{key} has the wrong type"
    if not math.isfinite(figure["value"]):
        return "value is not finite"
    if not figure["name"] or not figure["how"]:
        return "name and how must say something"
    if (figure["goal"] is None) != (figure["holds"] is None):
        return "holds belongs to a goal"
    if figure["name"] in seen:
        return "this name was stated before"
    return None


def run(script, seen):
    """Runs one script; returns its figures and the errors it made."""
    figures, errors = [], []
    with subprocess.Popen([script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          env=dict(os.environ, QBID_FIGURES="1")) as child:
        for line in child.stdout:
            if not line.startswith("{"):
                print(line, end="", flush=True)
                continue
            try:
                figure = json.loads(line)
                wrong = check(figure, seen)
            except ValueError as error:
                figure, wrong = None, str(error)
            if wrong:
                errors.append(f"{script}: {wrong}: {line.strip()}")
            else:
                seen.add(figure["name"])
                figures.append(figure)
    if child.returncode != 0:
        errors.append(f"{script}: exit code {child.returncode}")
    if not figures:
        errors.append(f"{script}: no figures")
    return figures, errors


def table(figures):
    rows = [("figure", "value", "goal", "holds")]
    for figure in figures:
        holds = {True: "yes", False: "NO", None: ""}[figure["holds"]]
        value = figure["value"] if isinstance(figure["value"], int) else f"{figure['value']:.6g}"
        rows.append((figure["name"], f"{value} {figure['unit']}".strip(), figure["goal"] or "", holds))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def keep(path, figures):
    with open(path, "w", encoding="utf-8") as out:
        json.dump(figures, out, indent=1, allow_nan=False)
        out.write("\n")


def main():
    arguments = sys.argv[1:]
    only = None
    if arguments[:1] == ["--only"]:
        only, arguments = arguments[1], arguments[2:]
    scripts = {}
    for argument in arguments:
        number, script = argument.split(":", 1)
        if only in (None, number):
            scripts.setdefault(number, []).append(script)
    if not scripts:
        print(f"figures: no script{f' of set {only}' if only else ''} is registered", file=sys.stderr)
        return 1
    os.makedirs("build/figures", exist_ok=True)
    errors, lost = [], 0
    for number in sorted(scripts):
        figures, seen, start = [], set(), time.monotonic()
        path = f"build/figures/{number}.json"
        for script in scripts[number]:
            begin = time.monotonic()
            stated, wrong = run(script, seen)
            figures += stated
            errors += wrong
            keep(path, figures)
            print(f"{script}: {time.monotonic() - begin:.0f} s", flush=True)
        lost += sum(figure["holds"] is False for figure in figures)
        table(figures)
        print(f"{path}: {len(figures)} figures in {time.monotonic() - start:.1f} s")
    for error in errors:
        print(f"figures: {error}", file=sys.stderr)
    if lost:
        print(f"figures: {lost} goals do not hold")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
