#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The bidder over a pair of virtual links: nothing lost, every answer checked by the load and computed again by
# another process, counters everywhere, a clean end.
#
#   QBID_RATE=N  requests a second (4000)
#   QBID_SECONDS=N  of each run (2)
. "$(dirname "$0")/lib.sh"
rate=${QBID_RATE:-4000} seconds=${QBID_SECONDS:-2}

begin veth
link
bidder

holds "requests one after the other" blast one --seconds "$seconds" --window 1 --answers "$work/one.pairs"
holds "both formats at $rate/s" blast both --rate "$rate" --seconds "$seconds" --window 4096 --format mixed \
    --answers "$work/both.pairs"
holds "bursts of 256" blast bursts --window 256 --count 20000 --answers "$work/bursts.pairs"
for report in one both bursts; do
    is "$report: lost, wrong, stray" "0 0 0" "$(got $report lost) $(got $report wrong) $(got $report stray)"
    holds "$report: bids and declines" test "$(got $report bids)" -gt 0 -a "$(got $report nobids)" -gt 0
done

# --- a fifth of the datagrams is cut: errors at their rate, and nothing else is lost
blast cut --rate 2000 --seconds 1 --window 8192 --malformed-every 5 --timeout-ms 500
is "cut: lost, wrong, stray" "0 0 0" "$(got cut lost) $(got cut wrong) $(got cut stray)"
is "cut: malformed datagrams by the bidder's count" "$(got cut cut)" "$(counted counters malformed)"
is "cut: those that were told so" "$(got cut cut_answered)" "$(counted counters errors_sent)"

# --- counters, three ways
total=$(($(got one answered) + $(got both answered) + $(got bursts answered) + $(got cut answered)))
is "requests decided" "$total" "$(($(counted counters messages) + $(counted counters json)))"
is "answers dropped" 0 "$(counted counters tx_full)"
is "frames received are those of a kind" "$(counted counters rx_frames)" "$("$B/bin/qbid-dpdk" --ask "$status" |
    python3 -c "import json, sys; print(sum(json.load(sys.stdin)['lcores'][0]['frames'].values()))")"
"$B/bin/qbid-dpdk" --ask "$status" prometheus >"$work/metrics"
holds "the metrics are in Prometheus's format" python3 tests/e2e/nginx/prometheus_lint.py "$work/metrics"
is "requests decided, in the metrics" "$(counted counters messages)" \
    "$(sed -n 's/^qbid_dpdk_messages_total{lcore="0"} //p' "$work/metrics")"
holds "DPDK's telemetry has the same counters" python3 tests/e2e/dpdk/telemetry.py "$bidder" \
    "messages=$(counted counters messages)" "bids=$(counted counters bids)"

# --- what waits when SIGTERM comes is still answered
pid=$bidder
kill -STOP "$pid"
blast drain --window 200 --count 200 --timeout-ms 5000 &
load=$!
sleep 0.5
kill -TERM "$pid"
kill -CONT "$pid"
holds "requests that waited were answered" wait "$load"
is "drained: answered, lost" "200 0" "$(got drain answered) $(got drain lost)"
code=0
wait "$bidder" || code=$?
is "exit code after SIGTERM" 0 "$code"
bidder=
is "its runtime folder is gone" "" "$(ls -d {/var/run,/tmp,"${XDG_RUNTIME_DIR:-/tmp}"}/dpdk/qbid-"$pid" 2>/dev/null)"

# --- computed again, from the same bytes, by the library alone
for pairs in one both bursts; do
    holds "$pairs: every answer is what the library decides" "$tools/check" "$broker_socket" "$work/$pairs.pairs"
    echo "$pairs: $(tail -n 1 "$work/said")"
done
"$tools/check" "$broker_socket" "$work/both.pairs" tamper >"$work/said" 2>&1
is "the check finds altered answers" 1 $?
is "all of them" "$(awk '/tampered/ { print $5 }' "$work/said")" "$(awk '/tampered/ { print $3 }' "$work/said")"

finish
