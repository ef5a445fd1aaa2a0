#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One nginx worker with the module, beside the same nginx that only says `return 204` to the same POSTs, and beside
# a module that reads the body as ours does and sends a fixed bid (bench/hosts/nginx_fixed.c). The worker on core 0, the
# load on core 1, keep-alive. All ways take turns in every round, so that what else the machine does hits each of
# them; medians over the rounds, and the spread from the least to the most.
#   requests a second: wrk, 32 connections (and 1), as fast as answers come, with typical requests (2.5 kB; a size
#   that is for sale, and one that is not) and with the recorded ones of 1 to 4 KB where those are
#   the same from a load that never sleeps (tests/e2e/nginx/pace, spin). wrk sleeps while it waits for a slow way, and
#   then each answer has to wake it, in the worker's time; and it may not saturate a fast way ("busy" says whether it
#   did). A load that is always awake gives every way the same work; the ratio of requests/s is then that of CPU time
#   CPU time of the worker a request: under both loads, whatever share of the core the worker had
#   latency at a rate that one worker bears easily: tests/e2e/nginx/pace
#   BENCH_ROUNDS (5), BENCH_SECONDS (3), BENCH_RATE (10000)
# Writes build/bench/nginx.json.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/e2e/nginx/lib.sh"

fixed=$PWD/$B/bench/ngx_http_fixed_module.so
if ! command -v wrk >/dev/null || [ ! -f "$fixed" ]; then
    echo "bench/hosts/nginx.sh: no wrk (make deps), or no $fixed (make benches)"
    exit 77
fi
rounds=${BENCH_ROUNDS:-5}
seconds=${BENCH_SECONDS:-3}
rate=${BENCH_RATE:-10000}
fixed_bytes=1166
begin bench
workers=1
conf "" "location = /fixed { fixed_bid $fixed_bytes; } location = /look { fixed_bid $fixed_bytes look; }"
sed -i "1i load_module $fixed;" "$work/nginx.conf"
client_core=()
if [ "$(nproc)" -ge 2 ]; then
    sed -i '1a worker_cpu_affinity 01;' "$work/nginx.conf"
    client_core=(taskset -c 1)
fi
table 5
[ "${#client_core[@]}" -eq 0 ] || taskset -p -c 1 "$table_pid" >/dev/null
start
await adopted 5
worker=$(worker_pids)
bench/hosts/nginx_requests.py typical 300 250 >"$work/typical"
bench/hosts/nginx_requests.py typical 1 1 >"$work/unsold"
[ ! -d "$data" ] || bench/hosts/nginx_requests.py recorded "$data/requests.ndjson" >"$work/recorded"

cpu_ns() { # that the worker has run
    cut -d' ' -f1 "/proc/$worker/schedstat"
}
run() { # way, path, requests, connections: one line "way connections key value ..."
    local before ran bids
    bids=$(counted answered_bid)
    before=$(cpu_ns)
    REQUESTS=$work/$3 ${client_core[@]+"${client_core[@]}"} wrk -t1 -c"$4" -d"$seconds"s -s "$root/bench/hosts/nginx.lua" \
        "$url$2" 2>"$work/wrk.err" >"$work/wrk.out"
    ran=$(($(cpu_ns) - before))
    echo "$1 $4 cpu_ns $ran bids $(($(counted answered_bid) - bids))" \
        "$(grep -E '^(requests|duration_us|errors|other|p50_us|p99_us|max_us) ' "$work/wrk.out" | xargs)"
}
spin() { # way, path, requests: the same from a load that never sleeps
    local before ran
    before=$(cpu_ns)
    ${client_core[@]+"${client_core[@]}"} "$tools/pace" "$port" "$2" "$work/$3" 32 "spin:$((seconds * 1000))" \
        >"$work/pace.out"
    ran=$(($(cpu_ns) - before))
    echo "$1 spin cpu_ns $ran duration_us $((seconds * 1000000)) $(sed -n 's/^phase 1 //p' "$work/pace.out")"
}
pace() { # way, path: the same at a rate; the first half second is not counted
    ${client_core[@]+"${client_core[@]}"} "$tools/pace" "$port" "$2" "$work/typical" 64 "$rate:500" \
        "$rate:$((seconds * 1000))" >"$work/pace.out"
    echo "$1 pace $(sed -n 's/^phase 2 //p' "$work/pace.out")"
}
for ((round = 1; round <= rounds; round++)); do
    for connections in 1 32; do
        run return_204 '/none' typical $connections
        run fixed '/fixed' typical $connections
        run look '/look' typical $connections
        run nobid '/bid?x=2' unsold $connections
        run bid '/bid?x=2' typical $connections
    done
    spin return_204 '/none' typical
    spin fixed '/fixed' typical
    spin look '/look' typical
    spin nobid '/bid?x=2' unsold
    spin bid '/bid?x=2' typical
    if [ -s "$work/recorded" ]; then
        spin recorded_204 '/none' recorded
        spin recorded_fixed '/fixed' recorded
        spin recorded '/bid?x=2' recorded
        run recorded_204 '/none' recorded 32
        run recorded_fixed '/fixed' recorded 32
        run recorded '/bid?x=2' recorded 32
    fi
    pace return_204 '/none'
    pace fixed '/fixed'
    pace bid '/bid?x=2'
done >"$work/rounds"

mkdir -p build/bench
bench/hosts/nginx_table.py "$work" build/bench/nginx.json "$seconds" "$rate" "$("$nginx" -v 2>&1)"
is "the figures were made" 0 $?
head -n 1 "$work/typical" >"$work/one"
bid_bytes=$(curl -s --data-binary "@$work/one" "$url/bid?x=2" | wc -c)
holds "the fixed bid is as long as ours, $bid_bytes bytes, to 10 %" \
    test $((bid_bytes * 9)) -le $((fixed_bytes * 10)) -a $((fixed_bytes * 10)) -le $((bid_bytes * 11))
is "the module answers" 400 "$(code -d x "$url/bid")"
finish
