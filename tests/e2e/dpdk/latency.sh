#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Latencies of the bidder in poll mode beside those of a plain socket echo behind the same pair of links, and the
# highest rate at which nothing is lost. For figures: it takes both processors for half a minute.
#
#   QBID_FACTS=FILE  what was measured, as JSON
#   QBID_RATE=N      requests a second of the paced runs (10000)
#   QBID_SECONDS=N   of each run (3)
. "$(dirname "$0")/lib.sh"
rate=${QBID_RATE:-10000} seconds=${QBID_SECONDS:-3}

show() { # report, words
    echo "$2: $(got "$1" answered) answers, lost $(got "$1" lost), p50/p99/p99.9/max $(got "$1" latency_us.p50)/$(got "$1" \
        latency_us.p99)/$(got "$1" latency_us.p999)/$(got "$1" latency_us.max) us"
}

begin latency
link
bidder --idle-us 0
blast warm --seconds 1 --window 1
holds "one at a time" blast one-bidder --seconds "$seconds" --window 1
holds "paced" blast paced-bidder --seconds "$seconds" --rate "$rate" --window 8192
highest=0
for try in 5000 10000 20000 30000 40000 60000 80000 100000 150000; do
    blast "try" --seconds 2 --rate "$try" --window 16384 --timeout-ms 2000 || break
    [ "$(got try per_s | cut -d. -f1)" -ge $((try * 95 / 100)) ] || break
    highest=$try
done
"$B/bin/qbid-blast" --to 10.9.0.2:7788 --seconds "$seconds" --rate "$rate" --window 8192 >"$work/histogram-bidder"
stop

nsenter -t "$far" -n "$B/bin/qbid-blast" --serve 10.9.0.3:7788 &
bidder=$!
sleep 0.3
blast warm --to 10.9.0.3:7788 --echo --seconds 1 --window 1
holds "echo, one at a time" blast one-echo --to 10.9.0.3:7788 --echo --seconds "$seconds" --window 1
holds "echo, paced" blast paced-echo --to 10.9.0.3:7788 --echo --seconds "$seconds" --rate "$rate" --window 8192
"$B/bin/qbid-blast" --to 10.9.0.3:7788 --echo --seconds "$seconds" --rate "$rate" --window 8192 >"$work/histogram-echo"
kill "$bidder"
wait "$bidder" 2>/dev/null
bidder=

show one-bidder "one at a time, the bidder"
show one-echo "one at a time, plain echo"
show paced-bidder "$rate/s, the bidder"
show paced-echo "$rate/s, plain echo"
echo "highest rate tried without a loss: $highest/s"
echo "the bidder at $rate/s:"
cat "$work/histogram-bidder"
echo "plain echo at $rate/s:"
cat "$work/histogram-echo"
if [ -n "${QBID_FACTS:-}" ]; then
    python3 - "$work" "$rate" "$highest" >"$QBID_FACTS" <<'PY'
import json, sys
work, rate, highest = sys.argv[1:]
load = lambda name: json.load(open(f"{work}/{name}.json"))
both = [load("one-bidder"), load("paced-bidder")]
print(json.dumps({"rate": int(rate), "highest": int(highest), "sent": sum(r["sent"] for r in both),
                  "lost": sum(r["lost"] for r in both), "wrong": sum(r["wrong"] + r["stray"] for r in both),
                  **{what: {side: load(f"{what}-{side}")["latency_us"] for side in ("bidder", "echo")}
                     for what in ("one", "paced")}}))
PY
fi
finish
