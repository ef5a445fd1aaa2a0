#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One split of the recorded log: learn on one half, replay the other at a fraction of its cost.
#     recorded_split.sh LOG SEED FRACTION RATE      prints one line of JSON
# RATE is that of learning; what is judged comes half as fast, so that the tenths of a second between the
# start of its flight and the first request are little of it. QBID_TREE names another checkout to run.
set -euo pipefail
cd "${QBID_TREE:-$(dirname "$0")/../..}"
. tools/demo/lib.sh
. tools/demo/account.sh
log=$1 seed=$2 fraction=$3 rate=$4
run=$(mktemp -d "${TMPDIR:-/tmp}/qbid-split-XXXXXX")
# Some hundred auctions a control period: with fewer the pace follows noise.
SITE_EXTRA="learning: {pace_period_ms: 400, explore: 0, price_samples: 16384}"
site_make "$run" 1
sed -i '/^learning: {pace_period_ms: 250}/d' "$SITE_CONF" # the first site_make leaves its own in
trap 'site_stop; rm -rf "$run"' EXIT
qbid() { "$B/bin/qbid" --socket "$SITE_SOCKET" "$@"; }
replay() { "$B/bin/qbid-replay" --log "$log" --omit-tags --quiet --output json "$@"; }

replay --split "$seed/B" --tune-on "$seed/A" --baselines "$fraction" >"$run/base.json"
site_start
demo_account 1000 3600 '{fixed_cpm: 3}' asap 0.04 >"$run/account.yaml"
site_account "$run/account.yaml"
replay --url "$SITE_BID_URL" --split "$seed/A" --order "hash:$seed" --rate "$rate" >"$run/learn.json"
sleep 2.2 # outcomes read, two learn ticks
qbid learning off >"$run/learning.log"
qbid --output json ledger >"$run/before.json"
budget=$(site_json "$run/base.json" budget_nanos)
auctions=$(site_json "$run/base.json" run.auctions)
rate=$(((rate + 1) / 2))
seconds=$(((auctions + rate - 1) / rate))
rate=$((auctions / seconds + 1)) # the judged traffic fills the flight
total=$(python3 - "$run/before.json" "$budget" <<'PY'
import json, sys
spent = sum(int(c["spent_nanos"]) for c in json.load(open(sys.argv[1]))["campaigns"])
print("%d.%09d" % divmod(spent + int(sys.argv[2]), 10**9))
PY
)
demo_account "$total" "$seconds" max_clicks even 0.04 >"$run/account.yaml"
site_account "$run/account.yaml"
replay --url "$SITE_BID_URL" --split "$seed/B" --order "hash:$seed" --rate "$rate" >"$run/judge.json"
sleep 0.5
qbid --output json ledger >"$run/after.json"
python3 - "$run" "$seed" <<'PY'
import json, sys
run, seed = sys.argv[1:]
load = lambda n: json.load(open(f"{run}/{n}.json"))
spent = lambda n: sum(int(c["spent_nanos"]) for c in load(n)["campaigns"])
learn, judge, base = load("learn"), load("judge"), load("base")
out = {"split": int(seed), "clicks": judge["clicks"], "auctions": learn["auctions"] + judge["auctions"],
       "lost": sum(r["lost"] + r["timeouts"] + r["non_2xx"] for r in (learn, judge)),
       "budget_nanos": int(base["budget_nanos"]), "ledger_nanos": spent("after") - spent("before"),
       "charged_nanos": int(judge["charged_nanos"]), "wins": judge["wins"], "bids": judge["bids"]}
out.update({b["name"]: b["clicks"] for b in base["baselines"]})
print(json.dumps(out))
PY
