#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Where the instructions of a bid go: one nginx worker with the module under callgrind, typical requests of 2.5 kB over one
# connection, each answered with a bid; then the same requests to `return 204`; then the recorded requests of 1 to 4 KB
# to the module and to a fixed bid (bench/hosts/nginx_fixed.c). Callgrind's machine has AVX2, not AVX-512. Instructions are
# counted alike however busy the machine is.
# What the module does once a second, however many requests there are, is left out: under callgrind a second is short.
# Prints "WAY requests N" and "WAY instructions NAME N" for the whole and what is below the named functions.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/e2e/nginx/lib.sh"

if ! command -v valgrind >/dev/null; then
    echo "bench/hosts/nginx_profile.sh: no valgrind (make deps)"
    exit 77
fi
begin profile
workers=1
fixed=$PWD/$B/bench/ngx_http_fixed_module.so
conf "" "location = /fixed { fixed_bid 1166; }"
sed -i "1i load_module $fixed; daemon off; master_process off;" "$work/nginx.conf"
table 5
bench/hosts/nginx_requests.py typical 300 250 >"$work/typical"
[ ! -d "$data" ] || bench/hosts/nginx_requests.py recorded "$data/requests.ndjson" >"$work/recorded"
profile() { # way, path, requests
    valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file="$work/$1.callgrind" "$nginx" -p "$work/" \
        -c "$work/nginx.conf" -e "$work/error.log" >"$work/valgrind.log" 2>&1 &
    local pid=$!
    for ((i = 0; i < 200; i++)); do
        [ "$(code "$url/none")" != 204 ] || break
        sleep 0.1
    done
    await adopted 5
    "$tools/client" lines "$port" "$2" "$work/$3" >/dev/null
    callgrind_control -i on "$pid" >/dev/null 2>&1
    for ((i = 0; i < 4; i++)); do
        "$tools/client" lines "$port" "$2" "$work/$3" >/dev/null
    done
    callgrind_control -i off "$pid" >/dev/null 2>&1
    kill -QUIT "$pid"
    wait "$pid" || true
    echo "$1 requests $((4 * $(wc -l <"$work/$3")))"
    callgrind_annotate --auto=no --inclusive=yes --threshold=100 "$work/$1.callgrind" 2>/dev/null | tr -d ',' | awk -v way="$1" '
        / PROGRAM TOTALS/ { all = $1 }
        /:qbid_ngx_host_publish( \[|$)/ && $1 > timer { timer = $1 }
        END { print way, "instructions all", all - timer }
        match($0, /(qbid_worker_http|qbid_openrtb_parse|qbid_structure_find|qbid_common_fill|qbid_impression_fill|qbid_decide_many|qbid_response_write|qbid_token_sign)( \[|\(|$)/) {
            name = substr($0, RSTART, RLENGTH); sub(/[ (].*/, "", name); if (!seen[name]++) print way, "instructions", name, $1
        }'
}
profile bid '/bid?x=2' typical
profile none '/none' typical
if [ -s "$work/recorded" ]; then
    profile recorded '/bid?x=2' recorded
    profile recorded_fixed '/fixed' recorded
fi
