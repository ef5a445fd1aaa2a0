#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Slow, half-open, oversized, endless and deaf clients beside an exchange that behaves: it gets its bids as before,
# and memory and descriptors are bounded and given back.
. "$(dirname "$0")/lib.sh"

begin clients
workers=1
conf "client_header_timeout 1s; client_body_timeout 1s; send_timeout 1s; reset_timedout_connection on;" ""
table 5
start
await adopted 5
bid_request 600 >"$work/bid"

memory() {
    awk '/^VmRSS/ { print $2 }' "/proc/$(worker_pids)/status"
}
sockets() {
    find "/proc/$(worker_pids)/fd" -lname 'socket:*' | wc -l
}
of() { # word: its number in the phase that counts
    awk -v word="$1" '$2 == 2 { for (i = 3; i < NF; i += 2) if ($i == word) print $(i + 1) }' "$work/pace"
}
pace() {
    "$tools/pace" "$port" '/bid?x=2' "$work/bid" 64 500:300 500:2500 >"$work/pace"
}
pace # also warms the worker up
quiet_us=$(of p99_us) quiet_late=$(of late) # a busy machine is late without them, too
before=$(memory) open=$(sockets)

tests/e2e/nginx/hostile.py "$port" 3.5 "$work/bid" >"$work/hostile" &
hostile=$!
becomes "the others are at work" "connected 348" head -n 1 "$work/hostile"
pace
during=$(memory)
wait $hostile
is "beside them: lost, without a bid" "0 0 0" "$(of lost) $(of other) $(of nobids)"
holds "beside them: bids" test "$(of bids)" -gt 600
holds "beside them: late" test $((($(of late) - quiet_late) * 50)) -le 1250
holds "memory: $before KiB, then $during KiB" test $((during - before)) -lt 32768
for kind in silent half_head half_body head; do # a header that takes longer than the timeout is ended, however it comes
    is "$kind: all are ended by the server" "$kind 60 60" "$(grep "^$kind " "$work/hostile")"
done
is "whoever leaves in the middle is let go" "left 20 20" "$(grep '^left ' "$work/hostile")"
holds "the oversized had a lot to send" test "$(awk '$1 == "sent_bytes" { print $2 }' "$work/hostile")" -gt 10000000
becomes "all sockets are given back" "$open" sockets
is "no body went to a file" "" "$(find "$work/tmp" -type f)"
is "a bid after it" 200 "$(code --data-binary "@$work/bid" "$url/bid?x=2")"
echo "beside 348 clients that nobody wants: p99 $(of p99_us) us, without them $quiet_us us;" \
    "memory $before KiB, then $during KiB; $(xargs <"$work/hostile")"
finish
