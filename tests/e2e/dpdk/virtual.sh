#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The bidder over files of packets (net_pcap) and over shared memory to another DPDK process (net_memif).
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
finish
