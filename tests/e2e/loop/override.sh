#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Overrides on a live site: in force within a live tick and without a new table, over at their second though qbidd
# was killed, in force again after its restart, held by ceilings, explained and on record.
. "$(dirname "$0")/lib.sh"

begin override
request_make
SITE_EXTRA='ticks: {live_ms: 50, learn_ms: 600000, snapshot_ms: 1000}
image_valid_ms: 3600000
learning: {pace_period_ms: 3000, log_mb: 8, explore: 0}'
new_site site 2
site_start
demo_account 1000 3600 '{fixed_cpm: 2}' asap 0.02 >"$work/account.yaml"
site_account "$work/account.yaml"
item=$(qbid --output json live | python3 -c 'import json, sys; print(json.load(sys.stdin)["line_items"][0]["id"])')
price() {
    [ "$(ask_bid)" = 200 ] || {
        echo none
        return
    }
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["seatbid"][0]["bid"][0]["price"])' "$work/answer"
}
generation() {
    from_stat 'n["publish.generation"]'
}
expire_at() { # SECONDS from now, as the command takes it
    date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ
}
becomes "the goal's price" 2 price
gen=$(generation)

# --- set: the next live tick has it, no table is built
is "set a fixed bid" 0 "$(exit_of qbid override set line_item "$item" --fixed 1.25 --until +1h --reason 'launch day')"
holds "its text before and after" grep -q "override: (empty) -> fixed 1.25 until .* by uid $(id -u): launch day" "$work/said"
becomes "the fixed bid" 1.25 price
is "set a multiplier of the campaign" 0 "$(exit_of qbid override set campaign 2997 --multiplier 0.5 --until +2h --reason slower)"
sleep 0.3
is "the line item's own one stands" 1.25 "$(price)"
is "no table was built" "$gen" "$(generation)"
qbid override list >"$work/said"
holds "list: the line item" grep -qE "2997 +$item +fixed 1.25 .*uid $(id -u) +launch day" "$work/said"
holds "list: the campaign" grep -qE '2997 +all +x0.5 .* slower' "$work/said"
is "live: a price, and what comes after" "-1250000 1" "$(qbid --output json live | python3 -c \
    'import json, sys; l = json.load(sys.stdin)["line_items"][0]; print(f"""{l["pace"]:.0f} {l["pace_after"]:.0f}""")')"
is "explain --live gives the same price" 0 \
    "$(exit_of qbid explain "$work/request" --exchange 1 --live)"
holds "as a fixed one" grep -qE 'operator .* 1\.250000' "$work/said"
becomes "all is read" 0 drained
sleep 0.2
is "explain --bid last" 0 "$(exit_of qbid explain --bid last)"
holds "replays it" grep -q 'replayed 1.250000: the generation gives this very price' "$work/said"
is "clear" 0 "$(exit_of qbid override clear line_item "$item" --reason 'sold out')"
becomes "then the campaign's" 1 price
is "clear what is not there" 0 "$(exit_of qbid override clear line_item "$item")"
holds "changes nothing" grep -q 'nothing to change' "$work/said"

# --- a ceiling holds it
is "above the ceiling" 0 "$(exit_of qbid override set line_item "$item" --fixed 9 --until +1h --reason high)"
becomes "the ceiling" 3 price
is "no bids at all" 0 "$(exit_of qbid override set line_item "$item" --multiplier 0 --until +1h --reason stop)"
becomes "no bid" none price
is "a dry run" 0 "$(exit_of qbid override clear line_item "$item" --dry-run)"
is "changes nothing" none "$(price)"
is "import takes it" 0 "$(printf 'campaigns: [{id: 2997, line_items: [{id: %s, override: {multiplier: 0.75, until: +1h, why: file}}]}]' \
    "$item" >"$work/o.yaml" && exit_of qbid import "$work/o.yaml")"
becomes "the file's" 1.5 price

becomes "all is read" 0 drained
sleep 0.2
is "explain --bid last" 0 "$(exit_of qbid explain --bid last --output json)"
is "names the pace's factors, whose product is the bid" "True 0.75 True" "$(python3 - "$work/said" <<'PY'
import json, sys
a = json.load(open(sys.argv[1]))
product = 1.0
for term in a["terms"]:
    product *= term["factor"]
factors = {t["term"]: t["factor"] for t in a["terms"]}
print(round(product) == a["bid_micros"] == 1500000, factors["operator"], "budget" in factors and "pace" not in factors)
PY
)"
holds "live names them, too" grep -q 'operator 0.75' <(qbid live)

# --- killed at any moment: it is there again
kill -KILL "$SITE_QBIDD"
wait "$SITE_QBIDD" 2>/dev/null || true
is "qbidd is dead: still" 1.5 "$(price)"
site_start_qbidd
becomes "the new qbidd serves" 1.5 price
sleep 0.5
is "and keeps to it" 1.5 "$(price)"

# --- the end comes with qbidd dead, to the second
qbid override clear campaign 2997 >"$work/said"
for span in 5 20 60; do # a machine with other work may need longer until it is in force
    end=$(($(date +%s) + span))
    is "a short one" 0 "$(exit_of qbid override set line_item "$item" --fixed 1.75 --until "$(expire_at $end)" --reason short)"
    becomes "is in force" 1.75 price
    [ $((end - $(date +%s))) -lt 3 ] || break
done
kill -KILL "$SITE_QBIDD"
wait "$SITE_QBIDD" 2>/dev/null || true
is "over to the moment, and never back" "True True" "$(python3 - "$SITE_BID_URL?x=1" "$work/request" $end <<'PY'
import json, sys, time, urllib.request
url, request, end = sys.argv[1], open(sys.argv[2], "rb").read(), float(sys.argv[3])
seen = {1.75: [], 2: []}
while time.time() < end + 1.5:
    before = time.time()
    price = json.load(urllib.request.urlopen(urllib.request.Request(url, request)))["seatbid"][0]["bid"][0]["price"]
    after = time.time()
    if after < end or before >= end + 0.002:  # the clocks of qbidd's last tick and of now
        wanted = 1.75 if after < end else 2
        seen[wanted].append(price == wanted)
    time.sleep(0.004)
print(all(map(all, seen.values())), min(map(len, seen.values())) >= 10)
PY
)"
site_start_qbidd
becomes "a new qbidd agrees" 2 price
becomes "and clears it away" "nothing is overridden" qbid override list
holds "who, why, before and after are on record" bash -c "'$B/bin/qbid' --socket '$SITE_SOCKET' --output json audit -m 40 |
    python3 -c 'import json, sys; r = json.load(sys.stdin)[\"records\"]
print([x[\"why\"] for x in r])
sys.exit(not (any(x[\"why\"] == \"launch day\" and x[\"actor\"].startswith(\"uid\") and \"fixed 1.25\" in x[\"after\"] for x in r)
    and any(x[\"why\"] == \"override is over\" and x[\"actor\"] == \"qbidd\" and \"fixed 1.75\" in x[\"before\"] for x in r)))'"
is "the chain holds" 0 "$(exit_of qbid audit --verify)"

# --- what is refused names the reason and changes nothing
refused() { # what, exit code, text, options...
    local what=$1 code=$2 text=$3
    shift 3
    is "$what: exit code" "$code" "$(exit_of qbid override "$@")"
    holds "$what: $(head -n 1 "$work/said")" grep -qE -- "$text" "$work/said"
}
refused "no end" 2 '--until is missing' set campaign 2997 --fixed 1 --reason x
refused "no reason" 2 '--reason is missing' set campaign 2997 --fixed 1 --until +1h
refused "two ways" 2 '--fixed or --multiplier' set campaign 2997 --fixed 1 --multiplier 2 --until +1h --reason x
refused "an unknown campaign" 1 'there is no campaign 5' set campaign 5 --fixed 1 --until +1h --reason x
refused "a factor of 17" 1 'multiplier outside 0 to 16' set campaign 2997 --multiplier 17 --until +1h --reason x
refused "no number" 1 'plain decimal' set campaign 2997 --fixed abc --until +1h --reason x
refused "no time" 1 'neither RFC 3339' set campaign 2997 --fixed 1 --until tomorrow --reason x
refused "two years" 1 '366 days' set campaign 2997 --fixed 1 --until +730d --reason x
is "nothing of it is in force" "nothing is overridden" "$(qbid override list)"
finish
