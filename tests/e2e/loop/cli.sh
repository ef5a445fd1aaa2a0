#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The operator's program against a live site: each command as a table and as JSON, changes with what was before
# and after, dry runs that change nothing, bad input with its place and reason, exit codes.
. "$(dirname "$0")/lib.sh"

begin cli
request_make
SITE_EXTRA='ticks: {live_ms: 20, learn_ms: 600000, snapshot_ms: 1000}
image_valid_ms: 3600000
learning: {pace_period_ms: 250, log_mb: 8, explore: 0.1}'
new_site site 2
is "no qbidd: exit code" 3 "$(exit_of qbid status)"
holds "no qbidd: the socket is named" grep -q "no qbidd answers on $SITE_SOCKET" "$work/said"
site_start
demo_account 1000 3600 max_clicks even 0.02 >"$work/account.yaml"

# --- import: a dry run, the thing itself, and again
is "import --dry-run" 0 "$(exit_of qbid import --dry-run "$work/account.yaml")"
holds "says what would be" grep -q '^+ campaign 2997' "$work/said"
holds "and that nothing was" grep -q 'dry run: nothing was changed' "$work/said"
is "and nothing was" 0 "$(qbid --output json status | python3 -c 'import json, sys; print(json.load(sys.stdin)["account"]["campaigns"])')"
is "import" 0 "$(exit_of qbid import "$work/account.yaml")"
holds "applied" grep -q '^applied; generation' "$work/said"
qbid account dump >"$work/dump"
is "import of what is there" 0 "$(exit_of qbid import "$work/dump")"
holds "changes nothing" grep -q '^nothing to change' "$work/said"
is "import from standard input" 0 "$(exit_of qbid import --dry-run - <"$work/dump")"
becomes "bids" 200 ask_bid
replay traffic --count 3000 --ctr 0.05 --seed 1
is "lost" 0 "$(($(got traffic lost) + $(got traffic timeouts)))"
becomes "all is read" 0 drained

# --- every command, as a table and as JSON
state() { # all that an operator can have set
    qbid account dump
    qbid --output json status | python3 -c 'import json, sys; s = json.load(sys.stdin); print(s["account"], s["learning"])'
}
generation_now() {
    from_stat 'n["publish.generation"]'
}
while read -r words want; do
    # shellcheck disable=SC2086 # words of a command line
    is "qbid $words: table" 0 "$(exit_of qbid ${words//+/ })"
    cp "$work/said" "$work/table"
    holds "qbid $words: says $want" grep -qE "$want" "$work/table"
    # shellcheck disable=SC2086
    is "qbid $words: JSON" 0 "$(exit_of qbid ${words//+/ } --output json)"
    holds "qbid $words: is JSON" python3 -m json.tool "$work/said"
    is "qbid $words: on one line" 1 "$(wc -l <"$work/said")"
done <<'LIST'
status workers.*2.of.64
top answer:.p50
account+dump spring.sale
generations learn|import
publish generation.[0-9]+
publish+--reason+trial generation
learning+off learning.off
learning+on learning.on
live ^.*2997
ledger 2997.*1000
snapshot+line_item BIDS
snapshot+creative 1[0-9][0-9]
snapshot+context+--max+5 slot=|SLOT|slot
history+campaign+--id+2997 BIDS.*
stat ingest.events
stat+--filter+nobid.* nobid.no_table
stat+--list ledger.grants
ope uniform.*([0-9]|never|data|done)
ope+--creatives+--reward+clicks uniform
ope+--policy+action:0+--reward+wins+--interval+bootstrap action:0
explain+--bid+last very.price|held.to
stat ^answer.*all.*(ns|us|ms)$
stat+--filter+latency ^LATENCY.*P99.9
patterns EFFECT|no.such.pattern
audit qbid.import|import
audit+--verify none.was.changed
target+set+2997+--budget+1001+--dry-run budget
LIST
is "stat --filter leaves the others out" 0 "$(qbid stat --filter 'nobid.*' | grep -cv '^nobid\.' || true)"
is "stat --filter leaves the latencies out" False \
    "$(qbid --output json stat --filter 'nobid.*' | python3 -c 'import json, sys; print("latency" in json.load(sys.stdin))')"
qbid --output json stat >"$work/stat"
is "the latencies of all workers are those of each, one of 16" "True True True True" "$(python3 - "$work/stat" <<'PY'
import json, sys
s = json.load(open(sys.argv[1]))
latency, n = s["latency"], s["counters"]["worker.requests"]
each = latency["workers"]
print(len(each) == 2 and all(w["every"] in (0, 16) for w in each),
      all(latency["all"][kind][field] == sum(w[kind][field] for w in each)
          for kind in ("decide", "answer", "notice") for field in ("count", "sum_ns")),
      n / 25 < latency["all"]["answer"]["count"] < n / 10,
      0 < latency["all"]["decide"]["p50_ns"] < latency["all"]["answer"]["p50_ns"] <= latency["all"]["answer"]["max_ns"])
PY
)"
qbid --output json ope >"$work/ope"
is "the decision log has every bid that was read, and what came of them" "True True 0" "$(python3 - "$work/ope" "$(from_stat 'n["worker.bids"]')" <<'PY'
import json, sys
o = json.load(open(sys.argv[1]))
print(o["bids"] + o["open"] == int(sys.argv[2]), o["bids"] > 100, o["orphans"])
PY
)"
is "bids drawn from the log are replayed to the identical price" "40 of 40" "$(python3 - "$SITE/state" "$B/bin/qbid" <<'PY'
import glob, json, random, struct, subprocess, sys
state, qbid = sys.argv[1:]
nonces = []
for name in glob.glob(state + "/decisions/*.qdl"):
    data = open(name, "rb").read()
    nonces += [struct.unpack_from("<Q", data, at + 8)[0] for at in range(0, len(data), 80) if data[at + 4] == 1]
random.seed(1)
same = 0
for nonce in random.sample(nonces, 40):
    said = subprocess.run([qbid, "explain", "--bid", str(nonce), "--log", state + "/decisions", "--images",
                           state + "/images", "--output", "json"], capture_output=True, text=True, check=False).stdout
    a = json.loads(said)
    product = 1.0
    for term in a["terms"]:
        product *= term["factor"]
    same += a["replay"] in ("identical", "bounded") and round(product) == a["bid_micros"]
print(f"{same} of 40")
PY
)"
is "generations -m 2" 2 "$(qbid --output json generations -m 2 | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["generations"]))')"
holds "the reason of a publish is kept" grep -q trial <(qbid generations)
is "--config finds the socket" 0 "$(exit_of "$B/bin/qbid" --config "$SITE_CONF" status)"
is "QBID_SOCKET names it" 0 "$(QBID_SOCKET=$SITE_SOCKET exit_of "$B/bin/qbid" status)"

# --- target set: before -> after, a dry run changes nothing
before=$(state) gen=$(generation_now)
is "target set --dry-run" 0 "$(exit_of qbid target set 2997 --budget 2000 --goal target_cpc --target 0.5 --dry-run)"
holds "its budget before and after" grep -qE 'budget: 1000 -> 2000' "$work/said"
is "a dry run: the account is the same" "$before" "$(state)"
is "a dry run: no generation" "$gen" "$(generation_now)"
is "target set" 0 "$(exit_of qbid target set 2997 --budget 2000)"
holds "its budget before and after" grep -qE 'budget: 1000 -> 2000' "$work/said"
holds "the sum of budgets before and after" grep -qE 'active budgets: 1000 -> 2000' "$work/said"
holds "and the generation" grep -q "applied; generation $((gen + 1))" "$work/said"
becomes "the ledger knows it" 2000000000000 from_ledger 'c["authority_nanos"]'
holds "who, what, before, after in the audit" bash -c "'$B/bin/qbid' --socket '$SITE_SOCKET' --output json audit -m 5 |
    python3 -c 'import json, sys; r = [r for r in json.load(sys.stdin)[\"records\"] if \"1000\" in r[\"before\"] and \"2000\" in r[\"after\"]]; sys.exit(not (r and r[0][\"actor\"] and r[0][\"why\"]))'"
is "target set --active no" 0 "$(exit_of qbid target set 2997 --active no)"
becomes "no bid then" 204 ask_bid
is "target set --active yes" 0 "$(exit_of qbid target set 2997 --active yes)"
becomes "bids again" 200 ask_bid
is "audit --verify" 0 "$(exit_of qbid audit --verify)"
echo "audit: $(cat "$work/said")"

# --- models: nothing is judged yet, and that is an answer
is "models" 0 "$(exit_of qbid models)"
holds "models says that there is nothing yet" grep -q 'no model has been judged yet' "$work/said"
is "models as JSON" 0 "$(exit_of qbid models --output json)"
holds "ftrl is on, trees are off" python3 -c 'import json, sys; a = json.load(open(sys.argv[1])); sys.exit(not (a["ftrl"] and not a["trees"] and isinstance(a["campaigns"], list)))' "$work/said"

# --- attribution and overlaps: the first row is of ten minutes on
for what in attribution overlaps; do
    is "$what" 0 "$(exit_of qbid $what)"
    holds "$what has nothing yet" grep -qE 'nothing is (recorded|measured) yet' "$work/said"
    is "$what as JSON" "[]" "$(qbid $what --output json | python3 -c "import json, sys; print(json.load(sys.stdin)['$what'])")"
done

# --- insights: of one line item nothing beyond chance can be said
is "insights" 0 "$(exit_of qbid insights)"
holds "insights says how much it compared" grep -Eq 'comparisons|IMPACT/DAY' "$work/said"
is "insights as JSON" 0 "$(exit_of qbid insights --output json)"
holds "insights is a list" python3 -c 'import json, sys; sys.exit(not isinstance(json.load(open(sys.argv[1]))["insights"], list))' "$work/said"

# --- explain: a saved request against the generation in force
ask_bid >"$work/code"
becomes "explain names the line item" 0 exit_of qbid explain "$work/request" --exchange 1 --image "$SITE/state/images/last.qbi"
holds "explain says why" grep -qi 'line item' "$work/said"
is "explain as JSON" 0 "$(exit_of qbid explain "$work/request" --exchange 1 --image "$SITE/state/images/last.qbi" --output json)"
holds "explain is JSON" python3 -m json.tool "$work/said"

# --- what is refused changes nothing, and says where and why
before=$(state) gen=$(generation_now)
refused() { # what, exit code, text, command...
    local what=$1 code=$2 text=$3
    shift 3
    is "$what: exit code" "$code" "$(exit_of "$@")"
    holds "$what: $(head -n 1 "$work/said")" grep -qE "$text" "$work/said"
}
broken() { # sed expression, text
    sed "$1" "$work/account.yaml" >"$work/broken.yaml"
    refused "import with $1" 1 "^$work/broken.yaml:[0-9]+:.*$2" qbid import "$work/broken.yaml"
}
broken 's/^    budget:.*/    budget: "-5"/' 'budget'
broken 's/^    goal:.*/    goal: make_money/' 'goal'
broken 's/^    pacing:.*/    pasing: even/' "pasing.*pacing"
broken 's/size: 300x250/size: 300/' 'size'
broken 's/^currency: CNY/currency: CNYX/' 'currency'
sed 's/^    budget:.*/    budget: x/' "$work/account.yaml" >"$work/broken.yaml"
line=$(grep -n 'budget: x' "$work/broken.yaml" | cut -d: -f1)
refused "the line of the field" 1 "^$work/broken.yaml:$line:" qbid import "$work/broken.yaml"
printf 'campaigns: [' >"$work/broken.yaml"
refused "no YAML" 1 "^$work/broken.yaml:" qbid import "$work/broken.yaml"
refused "no file" 1 'No such file' qbid import "$work/none.yaml"
printf 'a\0b' >"$work/broken.yaml"
refused "no text" 1 'zero byte' qbid import "$work/broken.yaml"
is "as JSON, too: exit code" 1 "$(code=0; qbid --output json import "$work/broken.yaml" >"$work/said" 2>&1 || code=$?; echo $code)"
refused "target of an unknown campaign" 1 'no campaign 5' qbid target set 5 --budget 1
refused "target without a value" 2 'nothing to set' qbid target set 2997
refused "a target that is none" 1 'target|goal' qbid target set 2997 --goal nonsense
refused "an unknown command" 2 'no command' qbid frobnicate
refused "no command" 2 'command is needed' qbid
refused "an unknown option" 2 'unrecognized option' qbid status --nonsense
refused "a bad form" 2 'json or table' qbid status --output xml
refused "learning maybe" 2 'sage' qbid learning maybe
is "all that changed nothing" "$before" "$(state)"
is "and made no generation" "$gen" "$(generation_now)"
is "help" 0 "$(exit_of qbid --help)"
for command in status top import target account generations publish learning live ledger snapshot history stat audit explain; do
    holds "help lists $command" grep -q "^ *$command " "$work/said"
done

complete_of() { # what bash would offer for the last of these words
    PATH=$B/bin:$PATH bash -c '. tools/qbid/completion/qbid; COMP_WORDS=(qbid "$@"); COMP_CWORD=$#; _qbid; echo ${COMPREPLY[@]}' _ "$@"
}
is "completion of a command" "learning ledger" "$(complete_of --output json le)"
is "completion of its options" "--cap-cpa --cap-cpc" "$(complete_of target --cap)"

tools/man/page.sh "$B/bin/qbid" 1 "operate qbid" >"$work/qbid.1"
is "the manual page has every command" 0 "$(qbid --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p' |
    while read -r command; do grep -qi "^.SH \"qbid $command\"" "$work/qbid.1" || echo "$command"; done | wc -l)"

# --- the audit that somebody changed behind our back
site_stop
python3 - "$SITE/state/qbid.db" <<'PY'
import sqlite3, sys
store = sqlite3.connect(sys.argv[1])
try:
    store.execute("UPDATE audit SET after = 'nothing'")
    sys.exit("the audit can be changed")
except sqlite3.IntegrityError:
    pass
store.execute("DROP TRIGGER audit_is_final")
store.execute("UPDATE audit SET after = 'nothing' WHERE id = (SELECT max(id) - 1 FROM audit)")
store.commit()
PY
site_start_qbidd
refused "a changed audit" 1 'record [0-9]+ is the first that does not fit' qbid audit --verify
site_stop
is "qbidd has ended: exit code" 3 "$(exit_of qbid top)"
finish
