#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each thing that qbid learns costs it in the arena: shadow bidders that are told a part of the truth.

SEEDS (4) and FIRST_SEED (201) choose the markets, AUCTIONS (150000 a day) makes them smaller."""
import json
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SIM = os.path.join(ROOT, os.environ.get("B", "build/release"), "bin", "qbid-sim")
SEEDS, FIRST_SEED, AUCTIONS = (os.environ.get(name, preset) for name, preset in
                               (("SEEDS", "4"), ("FIRST_SEED", "201"), ("AUCTIONS", "150000")))

for auction in ("second", "first"):
    command = [SIM, "ladder", "--seeds", SEEDS, "--first-seed", FIRST_SEED, "--auctions", AUCTIONS, "--auction", auction,
               "--output", "json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}")
    for rung in (json.loads(line) for line in done.stdout.splitlines()):
        if "rung" in rung:
            print(json.dumps({"name": f"ladder, {auction} price: {rung['rung']}, of the value of one that is told all",
                              "value": rung["mean"], "unit": "x", "goal": None, "holds": None,
                              "how": f"make figures N=04 ({' '.join(['qbid-sim', *command[1:]])}; 95 % interval +- "
                                     f"{rung['half']})"}), flush=True)
