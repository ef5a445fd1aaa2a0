#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# qbid_nbr and qbid_schain: the reason of a no-bid in the answer, and supply chains that are not bid on.
. "$(dirname "$0")/lib.sh"

begin nbr
workers=1
conf "qbid_nbr on; qbid_schain required;" ""
table 5
start
await adopted 5

node='{"asi":"exchange.example","sid":"1","hp":1}'
with_chain() { bid_request | sed "s|^{|{\"source\":{\"schain\":$1},|"; }
said() { python3 -c 'import json, sys; a = json.load(sys.stdin); print(a.get("nbr"), len(a.get("seatbid", [])))' <"$work/answer"; }
bid_request >"$work/bare"
with_chain "{\"complete\":1,\"ver\":\"1.0\",\"nodes\":[$node]}" >"$work/sound"
with_chain "{\"complete\":0,\"ver\":\"1.0\",\"nodes\":[$node]}" >"$work/incomplete"
with_chain "{\"complete\":1,\"ver\":\"1.0\",\"nodes\":[$node]}" | sed 's/"w":300/"w":1/' >"$work/nobid"

is "a sound chain: status" 200 "$(code --data-binary "@$work/sound" "$url/bid?x=2")"
is "a sound chain gets its bid" "None 1" "$(said)"
for chain in bare incomplete; do
    is "$chain: status" 200 "$(code --data-binary "@$work/$chain" "$url/bid?x=2")"
    is "$chain: nbr 16, no bid" "16 0" "$(said)"
done
is "nothing to show: status" 200 "$(code --data-binary "@$work/nobid" "$url/bid?x=2")"
holds "nothing to show: a reason of ours" grep -qE '"nbr":50[0-9]}' "$work/answer"
is "malformed: status" 400 "$(code --data-binary '{' "$url/bid?x=2")"
finish
