#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# qbidd absent, coming, publishing, dying and back, all under load.
. "$(dirname "$0")/lib.sh"

begin table
conf "" ""
bid_request 1800 >"$work/bid"

# --- no qbidd: nginx starts, answers, and asks for notices again later
start
is "without qbidd: no bid" 204 "$(code --data-binary "@$work/bid" "$url/bid?x=2")"
is "without qbidd: malformed is malformed" 400 "$(code -d '{' "$url/bid?x=2")"
is "without qbidd: a notice shall come again" 503 "$(code "$url/notice/win?t=$(printf '%096d' 0)")"
is "without qbidd: the status says so" 0 "$(counted connected)"
sleep 1.2
holds "error.log says so once for each worker" test 2 -eq "$(grep -c 'no qbidd on' "$work/error.log")"

# --- it comes: from no bid to bids, nothing lost in between
load_begin 16 3 500
sleep 0.5
table 5
await workers 2
load_end
is "qbidd comes: lost" 0 "$(loaded lost)"
is "qbidd comes: answers" "200 204" "$(statuses)"
is "a bid" 200 "$(code --data-binary "@$work/bid" "$url/bid?x=2")"

# --- 200 generations in two seconds under load
load_begin 32 3 0
sleep 0.3
for _ in $(seq 200); do
    ask publish >/dev/null
    sleep 0.01
done
load_end
is "200 publishes: lost" 0 "$(loaded lost)"
is "200 publishes: answers" 200 "$(statuses)"
await adopted 205
# a host that was still busy with one generation when the next came needs not have seen the first
is "every generation but the present one is let go or was never taken" "0 0" \
    "$(reported refused) $(counted generations_refused)"
echo "200 publishes: $(loaded answers) answers, slowest $(loaded slowest_us) us, released $(reported released)"
for pid in $(worker_pids); do
    is "images that worker $pid has mapped" 1 "$(grep -c 'memfd:qbid-image' "/proc/$pid/maps")"
done

# --- it dies: bids go on from the last table while the allowance is valid
load_begin 16 2 500
sleep 0.5
table_end KILL
load_end
is "qbidd killed: lost" 0 "$(loaded lost)"
is "qbidd killed: answers" 200 "$(statuses)"
holds "error.log says so" grep -q 'hung up' "$work/error.log"

# --- and comes back: the workers keep their pages
load_begin 16 2 500
sleep 0.3
table 206
await workers 2
await adopted 206
load_end
is "qbidd back: lost" 0 "$(loaded lost)"
is "qbidd back: answers" 200 "$(statuses)"

finish
