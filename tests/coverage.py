#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Table of branches taken, by file, from gcovr's JSON; the branches that are not; exit 1 when there are any.

tests/coverage.py coverage.json FILE...
"""
import json
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        found = {entry["file"]: entry for entry in json.load(file)["files"]}
    missed, bad = [], False
    print(f"{'file':34} {'lines':>6} {'taken':>6} {'branches':>9} {'taken':>6}")
    for name in sys.argv[2:]:
        if name not in found:
            print(f"{name:34} no test reaches it")
            bad = True
            continue
        lines = [line for line in found[name]["lines"] if not line.get("gcovr/noncode")]
        branches = [(line["line_number"], branch) for line in lines for branch in line["branches"]]
        lines_taken = sum(line["count"] > 0 for line in lines)
        taken = sum(branch["count"] > 0 for _, branch in branches)
        print(f"{name:34} {len(lines):6} {lines_taken:6} {len(branches):9} {taken:6}")
        missed += [f"{name}:{line['line_number']}: not reached" for line in lines if line["count"] == 0]
        missed += [f"{name}:{number}: a branch is not taken" for number, branch in branches if branch["count"] == 0]
    print("\n".join(dict.fromkeys(missed)))
    sys.exit(1 if missed or bad else 0)


main()
