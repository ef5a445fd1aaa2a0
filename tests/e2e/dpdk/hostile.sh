#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Frames that a station must not answer, each counted under its reason; ARP, echo and notices; floods that cost
# a bounded number of answers while good requests go on.
. "$(dirname "$0")/lib.sh"

begin hostile
link
bidder --errors-per-s 100 --control-per-s 100 --allow 10.9.0.0/24

holds "every frame is answered or dropped as it must be" python3 tests/e2e/dpdk/frames.py
for kind in ip_options ip_checksum udp_checksum udp_partial ip_header short other_port \
    other_station other_protocol other_icmp icmp_checksum source; do
    is "frames counted as $kind" "$(sed -n "s/^$kind //p" "$work/said")" "$(counted frames "$kind")"
done
is "formats that are none" "$(sed -n 's/^unknown_format //p' "$work/said")" "$(counted counters unknown_format)"

# --- a flood of malformed datagrams beside good ones
before=$(counted counters errors_sent)
python3 tests/e2e/dpdk/frames.py flood 3 >"$work/flood" &
flood=$!
blast good --rate 500 --seconds 2 --window 4096
wait "$flood"
is "good requests beside the flood: lost, wrong" "0 0" "$(got good lost) $(got good wrong)"
told=$(($(counted counters errors_sent) - before))
holds "answers to the flood: $told of $(cat "$work/flood")" test "$told" -le 432 -a "$told" -gt 0
holds "the flood is over the rate" test "$(counted counters errors_held)" -gt 1000
finish
