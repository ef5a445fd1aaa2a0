#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Operators' rules with a live qbidd: added, rehearsed on the history, fired; what they propose goes the way of all
# recommendations: approval, limits, holds, by itself only within them, and back.
. "$(dirname "$0")/lib.sh"

begin rules
SITE_EXTRA='ticks: {live_ms: 20, learn_ms: 1000, snapshot_ms: 1000}
agents: {budget: false, monitor: false, rules_s: 1}
execution: {automatic: true, four_eyes: 150, day_change: 1, risk: 1}'
new_site site 1
cat >"$work/account.yaml" <<'YAML'
currency: CNY
campaigns:
  - {id: 1, tenant: 3, name: falls, budget: 1000, period: daily, start: 2026-01-01T00:00:00Z, end: +90d, goal: {target_cpc: 0.5},
     line_items: [{id: 10, ceiling: 3, adomain: shop.example}]}
  - {id: 2, tenant: 4, name: stays, budget: 1000, period: daily, start: 2026-01-01T00:00:00Z, end: +90d, goal: {target_cpc: 0.5},
     line_items: [{id: 20, ceiling: 3, adomain: shop.example}]}
YAML
site_start_qbidd
site_account "$work/account.yaml"
site_end "$SITE_QBIDD" TERM
python3 tests/e2e/loop/history.py "$SITE/state/qbid.db" 1 72 8
python3 tests/e2e/loop/history.py "$SITE/state/qbid.db" 2 72 0
site_start_qbidd

rules() { # python expression over the answer `a` of qbid rules ...
    local words=$1
    shift
    # shellcheck disable=SC2086 # words of a command line
    qbid --output json rules $words "${@:2}" | python3 -c "import json, sys; a = json.load(sys.stdin); print($1)"
}
target_of() {
    qbid account dump | python3 -c "import json, sys
print([c['target'] for c in json.load(sys.stdin)['campaigns'] if c['id'] == $1][0])"
}
low=(--if 'ctr < 0.8 x average' --then 'bid -10 %, at most -25 % a day' --reason 'as agreed')

# --- before it is there
is "a dry run of add" 0 "$(exit_of qbid rules add low-ctr "${low[@]}" --mode propose --dry-run)"
holds "says what it would have done" grep -qE '^2026.*low-ctr +1 +would_propose +target 0.5 -> 0.45: [0-9]+ clicks of' "$work/said"
holds "and to whom not" bash -c "! grep -qE 'low-ctr +2 ' '$work/said'"
holds "and that nothing was changed" grep -q 'dry run: nothing was changed' "$work/said"
is "it is not there" 0 "$(rules list 'len(a["rules"])')"
is "the same by test" True "$(rules "test --days 3" 'a["fired"] >= a["would_propose"] >= 3 and a["judged"] > 50' \
    --if 'ctr < 0.8 x average' --then 'bid -10 %, at most -25 % a day')"

# --- a dry run keeps a history, and proposes nothing
is "add: dry_run is what it begins as" 0 "$(exit_of qbid rules add low-ctr "${low[@]}")"
becomes "it fires for the one that fell" "[[1, 'dry_run']]" rules "history low-ctr" \
    '[[f["campaign"], f["outcome"]] for f in a["firings"]]'
is "no recommendation" 0 "$(qbid --output json recommend | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["recommendations"]))')"

# --- propose: somebody approves
is "another with propose" 0 "$(exit_of qbid rules add by-hand "${low[@]}" --on 'campaign 1' --mode propose)"
becomes "is a recommendation" "[[1, 'proposed', 'pending']]" rules "history by-hand" \
    '[[f["campaign"], f["outcome"], f.get("status")] for f in a["firings"]]'
id=$(rules "history by-hand" 'a["firings"][0]["recommendation"]')
is "held: refused by a safety rule" 5 "$(qbid hold on campaign 1 --reason mine >/dev/null; exit_of qbid recommend apply "$id")"
qbid hold off campaign 1 >/dev/null
is "nothing was applied" 0.5 "$(target_of 1)"
is "approve" 0 "$(exit_of qbid recommend approve "$id")"
becomes "the plan applies it" 0.45 target_of 1
becomes "its history says so" applied rules "history by-hand" 'a["firings"][0]["status"]'
holds "the audit has its reason" bash -c "'$B/bin/qbid' --socket '$SITE_SOCKET' audit -m 9 | grep -q 'Rule by-hand, version 1, ctr < 0.8 x average over 24h: '"
execution=$(qbid --output json executions | python3 -c 'import json, sys; print(json.load(sys.stdin)["executions"][0]["id"])')
is "and back" 0 "$(exit_of qbid rollback "$execution")"
is "to what it was" 0.5 "$(target_of 1)"
is "its history knows" rolled_back "$(rules "history by-hand" 'a["firings"][0]["status"]')"

# --- execute: by itself, within the limits
is "execute" 0 "$(exit_of qbid rules add by-itself "${low[@]}" --on 'tenant 3' --mode execute)"
becomes "goes by itself" 0.45 target_of 1
becomes "as its history says" applied rules "history by-itself" 'a["firings"][0].get("status")'
is "the other campaign stays" 0.5 "$(target_of 2)"
site_end "$SITE_QBIDD" KILL
site_start_qbidd
sleep 2.5
is "a restart fires nothing twice" "1 1 1" "$(for r in low-ctr by-hand by-itself; do rules "history $r" 'len(a["firings"])'; done | xargs)"
is "above the limit of four eyes" 0 "$(exit_of qbid rules add all-of-it --if 'ctr < 0.8 x average' --then pause --mode execute --reason x)"
becomes "it waits" "pending" rules "history all-of-it" 'a["firings"][0].get("status")'
is "and nothing is paused" True "$(qbid account dump | python3 -c 'import json, sys; print(all(c.get("active", True) for c in json.load(sys.stdin)["campaigns"]))')"

# --- listed, turned off, removed; versions stay
qbid rules >"$work/said"
holds "list" grep -qE '^by-itself +on +execute +tenant 3 +1h +ctr < 0.8 x average over 24h +bid -10 %, at most -25 % a day +0.95 +1 +1$' "$work/said"
holds "what may be chance" grep -q 'at most 0.2 of days, all together' "$work/said"
is "disable" 0 "$(exit_of qbid rules disable by-hand --reason enough)"
is "again" 0 "$(exit_of qbid rules disable by-hand)"
holds "is said" grep -q 'by-hand is off already' "$work/said"
is "replace" 0 "$(exit_of qbid rules add by-hand "${low[@]}" --mode dry_run --confidence 0.99 --replace)"
is "remove, dry" 0 "$(exit_of qbid rules remove low-ctr --dry-run)"
is "remove" 0 "$(exit_of qbid rules remove low-ctr --reason 'not needed')"
is "versions" "[[1, 'on'], [2, 'off'], [3, 'on']]" "$(rules "show by-hand" '[[r["version"], r["state"]] for r in a["rules"]]')"
is "in force" "['all-of-it', 'by-hand', 'by-itself']" "$(rules list '[r["name"] for r in a["rules"]]')"
holds "cycles are on record" bash -c "'$B/bin/qbid' --socket '$SITE_SOCKET' runs rules | grep -qE 'rules +[0-9.]+ +0 +0 +ok'"
is "the chain holds" 0 "$(exit_of qbid audit --verify)"

# --- what is refused names the part and the reason, and changes nothing
refused() { # what, exit code, text, options...
    local what=$1 code=$2 text=$3
    shift 3
    is "$what: exit code" "$code" "$(exit_of qbid rules "$@")"
    holds "$what: $(head -n 1 "$work/said")" grep -qE -- "$text" "$work/said"
}
refused "a name that is there" 1 "there is a rule 'by-hand' already" add by-hand "${low[@]}"
refused "a name that is none" 1 "name: 'A b'" add 'A b' "${low[@]}"
refused "no metric" 1 "if: 'clicks" add x --if 'clicks < 3' --then tell --reason x
refused "no action" 1 "then: 'shout" add x --if 'ctr < 1 %' --then shout --reason x
refused "no campaign" 1 'on: there is no campaign 9' add x "${low[@]}" --on 'campaign 9'
refused "half an hour and a week" 1 'an hour or more' add x --if 'ctr < 0.8 x average over 7d' --then tell --when 30m --reason x
refused "no reason" 2 '--reason is missing' add x --if 'ctr < 1 %' --then tell
refused "no condition" 2 '--if is missing' add x --then tell --reason x
refused "no rule" 1 "there is no rule 'none'" disable none
refused "no verb" 2 "'frob' is not list" frob
refused "days" 2 '--days is a whole number from 1 to 60' test by-hand --days 99
is "nothing of it is there" "['all-of-it', 'by-hand', 'by-itself']" "$(rules list '[r["name"] for r in a["rules"]]')"
finish
