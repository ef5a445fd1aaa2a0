#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The bidder over files of packets (net_pcap), over shared memory to another DPDK process (net_memif), and on two
# lcores.
. "$(dirname "$0")/lib.sh"

begin virtual
python3 tests/e2e/dpdk/pcap.py write "$work/in.pcap" 500
bidder_on "${lcore[@]}" "--vdev=net_pcap0,rx_pcap=$work/in.pcap,tx_pcap=$work/out.pcap" --
becomes "the bidder polls with a table and a lease" True polling
# it may have read the file before it had a table: those get no bid, but an answer
becomes "all packets are received" 500 counted counters rx_frames
stop
holds "every request of the file is answered in the other" python3 tests/e2e/dpdk/pcap.py check "$work/in.pcap" \
    "$work/out.pcap"
echo "pcap: $(cat "$work/said")"

memif=$(mktemp -u /tmp/qbid-memif-XXXXXX)
bidder_on "${lcore[@]}" "--vdev=net_memif0,role=server,socket=$memif,socket-abstract=no,mac=02:00:00:00:00:02" --
becomes "the bidder polls with a table and a lease" True polling
holds "another process gets its answers over shared memory" timeout 60 "$tools/memif" "$memif" 20000
echo "memif: $(tail -n 1 "$work/said")"
is "requests decided" 20000 "$(counted counters messages)"
stop
rm -f "$memif"

# --- two lcores, each with its queue: the kernel spreads flows over them
link
bidder_on --lcores "(0,1)@${lcore[1]#0@}" --vdev=net_af_packet0,iface=v1,qpairs=2,framecnt=4096 --
becomes "both lcores poll with a table and a lease" True polling
lost=0
for i in $(seq 12); do # a flow each
    blast "flow$i" --count 300 --window 32 --format mixed --seed "$i" || lost=$((lost + 1))
done
is "flows of 12 with a request lost or answered wrong" 0 "$lost"
of_lcore() {
    "$B/bin/qbid-dpdk" --ask "$status" | python3 -c "import json, sys; c = json.load(sys.stdin)['lcores'][$1]['counters']
print(c['messages'] + c['json'])"
}
first=$(of_lcore 0) second=$(of_lcore 1)
is "requests of both lcores" 3600 $((first + second))
holds "each had some: $first and $second" test "$first" -gt 0 -a "$second" -gt 0
"$B/bin/qbid-dpdk" --ask "$status" prometheus >"$work/metrics"
holds "the metrics of both are in Prometheus's format" python3 tests/e2e/nginx/prometheus_lint.py "$work/metrics"
is "two workers in them" 2 "$(grep -c '^qbid_generation{' "$work/metrics")"
finish
