#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# qbidd absent, coming, publishing, dying and back, all under load.
. "$(dirname "$0")/lib.sh"

begin table
conf "qbid_wait off;" "" # what is lost is asked, not what is late
bid_request 1800 >"$work/bid"

# --- no qbidd: nginx starts, answers, and asks for notices again later
start
is "without qbidd: no bid" 204 "$(code --data-binary "@$work/bid" "$url/bid?x=2")"
is "without qbidd: malformed is malformed" 400 "$(code -d '{' "$url/bid?x=2")"
is "without qbidd: a notice shall come again" 503 "$(code "$url/notice/win?t=$(printf '%096d' 0)")"
is "without qbidd: the status says so" 0 "$(counted connected)"
becomes "error.log says so once for each worker" 2 grep -c 'no qbidd on' "$work/error.log"

# --- it comes: from no bid to bids, nothing lost in between
load_begin 16 3 500
sleep 0.5
table 5
await workers 2
load_end
is "qbidd comes: lost" 0 "$(loaded lost)"
is "qbidd comes: answers" "200 204" "$(statuses)"
is "a bid" 200 "$(code --data-binary "@$work/bid" "$url/bid?x=2")"

# --- 1000 generations under load, and the workers stay as big as they are
size() { # KiB of all workers
    for pid in $(worker_pids); do
        awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"
    done | awk '{ n += $1 } END { print n }'
}
load_begin 32 20 0
for _ in $(seq 20); do
    ask publish >/dev/null
done
before=$(size)
for _ in $(seq 980); do
    ask publish >/dev/null
    read -r -t 0.003 <&"$table_out" # a pause without a process of its own
done
await adopted 1005
after=$(size)
kill -TERM "$load_pid"
load_end
is "1000 publishes: lost" 0 "$(loaded lost)"
is "1000 publishes: answers" 200 "$(statuses)"
[ "$PROFILE" != release ] ||
    holds "memory of both workers: $before KiB, then $after" test $((after - before)) -lt 1024
# a host that was still busy with one generation when the next came needs not have seen the first
is "every generation but the present one is let go or was never taken" "0 0" \
    "$(reported refused) $(counted generations_refused)"
echo "1000 publishes: $(counted generations_adopted) adoptions by two workers, $(loaded answers) answers," \
    "slowest $(loaded slowest_us) us"
for pid in $(worker_pids); do
    becomes "images that worker $pid has mapped" 1 grep -c 'memfd:qbid-image' "/proc/$pid/maps"
done

# --- it dies: bids go on from the last table while the allowance is valid
load_begin 16 2 500
sleep 0.5
table_end KILL
load_end
is "qbidd killed: lost" 0 "$(loaded lost)"
is "qbidd killed: answers" 200 "$(statuses)"
becomes "error.log says so" 2 grep -c 'hung up' "$work/error.log"

# --- and comes back: the workers keep their pages
load_begin 16 2 500
sleep 0.3
table 1006
await workers 2
await adopted 1006
load_end
is "qbidd back: lost" 0 "$(loaded lost)"
is "qbidd back: answers" 200 "$(statuses)"

# --- the last image: known at once after a start without qbidd, and without an allowance no bid is made
ask save "$work/image" >/dev/null
stop
table_end
conf "qbid_image $work/image; log_format why '\$status \$qbid_reason \$qbid_generation';" \
    "location = /why { access_log $work/why.log why; qbid_bid; }"
start
is "from the file: generations" "[1006, 1006]" \
    "$(curl -s "$url/status" | python3 -c 'import json, sys
print([w["library"]["generation"] for w in json.load(sys.stdin)["workers"]])')"
code --data-binary "@$work/bid" "$url/why?x=2" >/dev/null
is "from the file: no bid" "204 no_lease 0" "$(cat "$work/why.log")"
table 1007
await adopted 1007
is "then with qbidd" 200 "$(code --data-binary "@$work/bid" "$url/why?x=2")"

finish
