#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Killed again and again, with nothing cleaned up by hand; two at once; errors of the command line and of EAL.
#
#   QBID_KILLS=N  (8)
#   QBID_HUGE=1   with huge pages, of which 40 of 2 MiB must be free; else without
. "$(dirname "$0")/lib.sh"
kills=${QBID_KILLS:-8}

free_pages() {
    awk '/^HugePages_Free/ { print $2 }' /proc/meminfo
}
folders() { # of ours, with a bidder or without
    ls -d {/var/run,"${XDG_RUNTIME_DIR:-/tmp}",/tmp}/dpdk/qbid-[0-9]* 2>/dev/null | sort -u | wc -l
}
memory=(--no-huge -m 64)
if [ -n "${QBID_HUGE:-}" ]; then
    memory=(-m 64)
    [ "$(free_pages)" -ge 40 ] || {
        echo "40 huge pages must be free"
        exit 77
    }
fi
start() {
    rm -f "$status.none"
    nsenter -t "$far" -n "$B/bin/qbid-dpdk" "${memory[@]}" --no-pci --log-level=4 "${lcore[@]}" --vdev=net_af_packet0,iface=v1 -- \
        --ip 10.9.0.2 --notice-url https://n.example/q --socket "$broker_socket" --status "$status" --idle-us 50 \
        >>"$work/bidder.log" 2>&1 &
    bidder=$!
}

begin restart
link
pages=$(free_pages)
start
becomes "the first one polls" True polling
kill -KILL "$bidder"
wait "$bidder" 2>/dev/null
bidder=
before=$(folders)
lost=0
for i in $(seq "$kills"); do
    start
    becomes "start $i after a kill polls" True polling
    blast "kill$i" --count 200 --window 32 || lost=$((lost + 1))
    kill -KILL "$bidder"
    wait "$bidder" 2>/dev/null
    bidder=
done
is "starts of $kills whose requests were not all answered" 0 "$lost"
holds "runtime folders do not pile up: $before, then $(folders)" test "$(folders)" -le "$before"
is "free huge pages" "$pages" "$(free_pages)"

# --- two at once, neither told of the other
start
becomes "one polls" True polling
first_status=$status first=$bidder
status=$(mktemp -u /tmp/qbid-dpdk-XXXXXX.sock)
"$B/bin/qbid-dpdk" "${memory[@]}" --no-pci --log-level=4 "${lcore[@]}" --vdev=net_null0,no-rx=1 -- --ip 10.9.0.7 --idle-us 100 \
    --notice-url https://n.example/q --image /nonexistent --status "$status" >>"$work/second.log" 2>&1 &
bidder=$!
lcores() {
    "$B/bin/qbid-dpdk" --ask "$1" | python3 -c "import json, sys; print(len(json.load(sys.stdin)['lcores']))"
}
becomes "a second one polls beside it" 1 lcores "$status"
is "the first one still does" 1 "$(lcores "$first_status")"
code=0
"$B/bin/qbid-dpdk" "${memory[@]}" --no-pci --log-level=4 "${lcore[@]}" --vdev=net_null0 -- --ip 10.9.0.8 --notice-url https://n.example/q \
    --image /nonexistent --status "$status" >"$work/third.log" 2>&1 || code=$?
is "a third one on the same status socket is refused" "1 1" "$code $(grep -c 'status.*in use' "$work/third.log")"
stop
bidder=$first status=$first_status
stop

# --- errors: code, text
fails() { # code, text, EAL options -- options
    local want=$1 text=$2 code=0
    shift 2
    "$B/bin/qbid-dpdk" "$@" >"$work/error" 2>&1 || code=$?
    is "exit code of: $*" "$want" "$code"
    holds "it says '$text': $(tail -n 1 "$work/error")" grep -qF -- "$text" "$work/error"
}
base=(--notice-url https://n.example/q --socket /nonexistent)
fails 2 "--proc-type" --proc-type=secondary -- --ip 10.9.0.2 "${base[@]}"
fails 2 "--ip: is required" --no-huge -- "${base[@]}"
fails 1 "EAL found 0 ports, and --ip is given 1 times" --no-huge -m 64 --no-pci "${lcore[@]}" -- --ip 10.9.0.2 "${base[@]}"
fails 1 "give EAL fewer (-l)" --no-huge -m 64 --no-pci --lcores "(0,1)@${lcore[1]#0@}" --vdev=net_af_packet0,iface=v0 \
    -- --ip 10.9.0.2 "${base[@]}"
fails 1 "no memory for" --no-huge -m 8 --no-pci "${lcore[@]}" --vdev=net_null0 -- --ip 10.9.0.2 "${base[@]}" --descriptors 8192
fails 1 "notice-url" --no-huge -m 64 --no-pci "${lcore[@]}" --vdev=net_null0 -- --ip 10.9.0.2 --notice-url nonsense --socket /x
is "--ask of nobody" 1 "$("$B/bin/qbid-dpdk" --ask /nonexistent >/dev/null 2>&1; echo $?)"
finish
