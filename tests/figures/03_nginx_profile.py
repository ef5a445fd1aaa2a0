#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where the instructions of a bid in nginx go, by callgrind: bench/hosts/nginx_profile.sh."""
import json
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
HOW = ("make figures N=03 (bench/hosts/nginx_profile.sh: callgrind, AVX2, user space, 1,024 requests of 2.5 kB over one "
       "keep-alive connection, each answered with a bid)")


def figure(name, value, unit, how=HOW):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": None, "holds": None, "how": how}), flush=True)


def parts_of(what, way, requests, instructions, how):
    of = {name: count / requests[way] for (which, name), count in instructions.items() if which == way}
    whole = of["all"]
    parts = [("reading the request", of["qbid_openrtb_parse"]),
             ("of it where its tokens start", of["qbid_structure_find"]),
             ("values, hashes, floors, currencies", of["qbid_common_fill"] + of["qbid_impression_fill"]),
             ("the decision", of["qbid_decide_many"]),
             ("the answer", of["qbid_response_write"]),
             ("of it the token", of["qbid_token_sign"]),
             ("nginx, its module, the C library below them", whole - of["qbid_worker_http"])]
    figure(f"nginx: instructions of {what}", round(whole), "instructions", how)
    for name, value in parts:
        figure(f"nginx: share of {what}'s instructions, {name}", round(value / whole * 100, 1), "%", how)


def main():
    run = subprocess.run(["bash", "bench/hosts/nginx_profile.sh"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        sys.stderr.write(run.stdout)
        sys.exit(run.returncode)
    requests, instructions = {}, {}
    for line in run.stdout.splitlines():
        way, what, *rest = line.split()
        if what == "requests":
            requests[way] = int(rest[0])
        elif what == "instructions":
            instructions[way, rest[0]] = int(rest[1])
    figure("nginx: instructions of `return 204`", round(instructions["none", "all"] / requests["none"]), "instructions",
           HOW.replace("each answered with a bid", "return 204"))
    parts_of("a bid", "bid", requests, instructions, HOW)
    if "recorded" in requests:
        how = (f"make figures N=03 (bench/hosts/nginx_profile.sh: callgrind, AVX2, user space, {requests['recorded']} recorded "
               "requests of 1 to 4 KB over one keep-alive connection)")
        parts_of("a recorded request", "recorded", requests, instructions, how)
        figure("nginx: instructions of a fixed bid to it",
               round(instructions["recorded_fixed", "all"] / requests["recorded_fixed"]), "instructions", how)


main()
