#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Requests a second of one nginx worker with the module, beside the same nginx that only says `return 204` to the
# same POSTs. One worker on core 0, wrk on core 1, keep-alive. The three ways take turns in every round, so that
# what else the machine does hits all of them; medians over the rounds, and the spread from the least to the most.
#   BENCH_ROUNDS (5), BENCH_SECONDS (3)
# Writes build/bench/nginx.json.
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/e2e/nginx/lib.sh"

if ! command -v wrk >/dev/null; then
    echo "bench/nginx.sh: no wrk (make deps)"
    exit 77
fi
rounds=${BENCH_ROUNDS:-5}
seconds=${BENCH_SECONDS:-3}
begin bench
workers=1
conf "" ""
server_core=() client_core=()
if [ "$(nproc)" -ge 2 ]; then
    sed -i '1a worker_cpu_affinity 01;' "$work/nginx.conf"
    server_core=(taskset -c 1) client_core=(taskset -c 1)
fi
table 5
[ "${#server_core[@]}" -eq 0 ] || taskset -p -c 1 "$table_pid" >/dev/null
start
await adopted 5
worker=$(worker_pids)

cpu_ticks() { # of the worker: user and system
    awk '{ print $14 + $15 }' "/proc/$worker/stat"
}
run() { # way, path, mode, connections, seconds: one line "way connections key value ..."
    local before ticks
    before=$(cpu_ticks)
    MODE=$3 ${client_core[@]+"${client_core[@]}"} wrk -t1 -c"$4" -d"$5"s -s "$root/bench/nginx.lua" "$url$2" \
        2>"$work/wrk.err" >"$work/wrk.out"
    ticks=$(($(cpu_ticks) - before))
    echo "$1 $4 cpu_ticks $ticks $(grep -E '^(requests|duration_us|errors|other|p50_us|p99_us|max_us) ' "$work/wrk.out" | xargs)"
}
for ((round = 1; round <= rounds; round++)); do
    for connections in 1 32; do
        run return_204 '/none' bid $connections "$seconds"
        run nobid '/bid?x=2' nobid $connections "$seconds"
        run bid '/bid?x=2' bid $connections "$seconds"
    done
done >"$work/rounds"

mkdir -p build/bench
python3 - "$work/rounds" build/bench/nginx.json "$seconds" "$("$nginx" -v 2>&1)" "$(getconf CLK_TCK)" \
    "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" <<'PY'
import json, statistics, sys

rounds, out, seconds, version, tick, cpu = sys.argv[1:]
runs = {}
for line in open(rounds):
    way, connections, *rest = line.split()
    run = {key: int(value) for key, value in zip(rest[::2], rest[1::2])}
    if run["errors"]:
        sys.exit(f"bench/nginx.sh: errors in {line}")
    run["per_s"] = run["requests"] / run["duration_us"] * 1e6
    run["cpu_us"] = run["cpu_ticks"] / int(tick) * 1e6 / run["requests"]
    runs.setdefault((way, int(connections)), []).append(run)

def figures(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}

result = {"rounds": len(runs["bid", 32]), "seconds": int(seconds), "nginx": version, "cpu": cpu, "ways": {}}
names = {"return_204": "return 204", "nobid": "module, no bid", "bid": "module, bid"}
print(f"{version.split(': ')[-1]}, 1 worker; POST 2.4 kB, keep-alive; {result['rounds']} rounds of {seconds} s; "
      "median (least - most)")
print(f"{'':15} {'req/s, 32 connections':>28} {'of return 204':>14} {'CPU us/req':>11} {'p50 us':>7} {'p99 us':>7}"
      f"   {'1 connection: p50':>17} {'p99 us':>7}")
for way, name in names.items():
    busy, alone, base = runs[way, 32], runs[way, 1], runs["return_204", 32]
    entry = {key: figures([run[key] for run in busy]) for key in ("per_s", "cpu_us", "p50_us", "p99_us")}
    entry["ratio"] = figures([run["per_s"] / other["per_s"] for run, other in zip(busy, base)])
    entry["alone"] = {key: figures([run[key] for run in alone]) for key in ("per_s", "p50_us", "p99_us")}
    result["ways"][way] = entry
    rate = entry["per_s"]
    spread = "{median:.0f} ({least:.0f} - {most:.0f})".format(**rate)
    print(f"{name:15} {spread:>28} {entry['ratio']['median']:14.2f} {entry['cpu_us']['median']:11.1f} "
          f"{entry['p50_us']['median']:7.0f} {entry['p99_us']['median']:7.0f}   "
          f"{entry['alone']['p50_us']['median']:17.0f} {entry['alone']['p99_us']['median']:7.0f}")
with open(out, "w") as file:
    json.dump(result, file, indent=1)
    file.write("\n")
PY
is "the figures were made" 0 $?
is "every request got a bid or none, as asked" 400 "$(code -d x "$url/bid")"
finish
