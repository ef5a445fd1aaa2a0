#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# On a live site: a campaign's limit on the speed of spend, through kills and changes of it; and an emergency
# adjustment that fires when clicks stop, is seen everywhere, and ends with an operator's word or with qbidd.
. "$(dirname "$0")/lib.sh"

begin limits
request_make
SITE_EXTRA='ticks: {live_ms: 20, learn_ms: 600000, snapshot_ms: 1000}
image_valid_ms: 3600000
learning: {pace_period_ms: 250, log_mb: 8, explore: 0}'
new_site site 2
site_start
demo_account 1000 3600 '{fixed_cpm: 2}' asap 0.02 >"$work/plain.yaml"
velocity() { # TEXT: the account with it
    sed "s|^    pacing:.*|&\n    velocity: \"$1\"|" "$work/plain.yaml" >"$work/account.yaml"
    site_account "$work/account.yaml"
}
bids() { # traffic that stopped lets the pacer bid less, so no price is asked for here
    [ "$(ask_bid)" = 200 ] && echo yes
}
term() { # NAME: a factor of the pace in force; - where there is none
    qbid --output json live | python3 -c "import json, sys
print(round(json.load(sys.stdin)['line_items'][0]['pace_terms'].get('$1', 0), 6) or '-')"
}

both() {
    echo "$(term operator) $(term trigger)"
}

# --- at most 0.15 in any ten minutes: what is asked for is ten times as much
velocity '0.15 / 10m'
becomes "it bids" yes bids
replay fast --count 1200 --rate 1500 --seed 1
becomes "all is read" 0 drained
first=$(spent)
is "it spent nearly all of it, and not more" True "$(python3 -c "print(120_000_000 <= $first <= 150_000_000)")"
is "the workers had no more to spend" True "$(from_status 'sum(x["library"]["nobid"]["no_allowance"] for x in w) > 300')"
is "though there is budget" True "$(from_ledger 'c["spent_nanos"] < float(c["budget"]) * 1e6')"

# --- a kill does not give it again
kill -KILL "$SITE_QBIDD"
wait "$SITE_QBIDD" 2>/dev/null || true
site_start_qbidd
replay again --count 400 --rate 1500 --seed 2
becomes "all is read" 0 drained
is "a new qbidd knows the window" True "$(python3 -c "print($(spent) <= 150_000_000)")"

# --- more allowed, then anything
velocity '0.25 / 10m'
becomes "it bids again" yes bids
replay more --count 1000 --rate 1500 --seed 3
becomes "all is read" 0 drained
is "up to the new limit" True "$(python3 -c "print(200_000_000 <= $(spent) <= 250_000_000)")"
velocity ''
becomes "without one it goes on" yes bids

# --- clicks at one in five, then hardly any: the pace goes down to 0.8 in steps
is "a trigger" 0 "$(exit_of qbid target set 2997 --triggers ctr=0.8)"
replay usual --count 1800 --rate 1500 --ctr 0.2 --seed 4
becomes "all is read" 0 drained
is "without a limit it spends on" True "$(python3 -c "print($(spent) > 300_000_000)")"
is "clicks as usual fire nothing" - "$(term trigger)"
replay none --count 1600 --rate 1500 --ctr 0.0005 --seed 5
becomes "the pace goes down" 0.8 term trigger
holds "the log says why" grep -q 'campaign 2997 trigger ctr: .*pace x0.8' "$SITE/qbidd.log"
qbid audit -m 30 >"$work/said"
holds "the audit, too" grep -qE 'qbidd  campaign 2997 trigger ctr \(clicks an impression at 0.8 of the usual\)' "$work/said"
becomes "it bids so" yes bids
becomes "all is read" 0 drained
sleep 0.2
is "explain names it" 0 "$(exit_of qbid explain --bid last --output json)"
is "as a factor" 0.8 "$(python3 -c 'import json, sys
print([round(t["factor"], 6) for t in json.load(open(sys.argv[1]))["terms"] if t["term"] == "trigger"][0])' "$work/said")"

# --- an operator's word stands in its place; a new qbidd begins without it
is "override" 0 "$(exit_of qbid override set campaign 2997 --multiplier 0.5 --until +1h --reason mine)"
becomes "is in force" 0.5 term operator
becomes "alone" - term trigger
is "clear" 0 "$(exit_of qbid override clear campaign 2997)"
becomes "and the adjustment is over" "- -" both
becomes "on record" 1 bash -c "'$B/bin/qbid' --socket '$SITE_SOCKET' audit -m 30 | grep -c 'trigger ctr (its time is over)'"
site_end "$SITE_QBIDD" TERM
site_start_qbidd
is "a new qbidd begins without it" - "$(term trigger)"
becomes "and bids" yes bids

# --- what is refused names the reason
refused() { # what, text, options...
    local what=$1 text=$2
    shift 2
    is "$what: exit code" 1 "$(exit_of qbid target set 2997 "$@")"
    holds "$what: $(head -n 1 "$work/said")" grep -qE -- "$text" "$work/said"
}
refused "an unknown trigger" 'is not a list of cpc, ctr, win' --triggers roas
refused "a factor" 'factor outside 0.5 to 2' --triggers ctr=9
refused "a window" 'window outside 1m to 7d' --velocity '1 / 1s'
refused "no limit" "is not like '2x / 1h'" --velocity fast
is "nothing of it is there" "['', 'ctr=0.8']" "$(qbid account dump | python3 -c \
    'import json, sys; c = json.load(sys.stdin)["campaigns"][0]; print([c.get("velocity", ""), c.get("triggers", "")])')"
is "the chain holds" 0 "$(exit_of qbid audit --verify)"
finish
