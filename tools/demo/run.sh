#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make run`: a whole qbid site on loopback for about a minute. Traffic is replayed against nginx three
# times: before learning, while learning, and after, on the same auctions and with the same budget.
#
#   QBID_LOG=PATH   recorded auctions (iPinYou format) instead of generated ones
#   RATE=N          bid requests a second (1500)
#   SECONDS_EACH=N  of the before and after phase (14); learning takes twice that
#   KEEP=1          leave qbidd and nginx running; `make stop` ends them
set -euo pipefail
cd "$(dirname "$0")/../.."
. tools/demo/lib.sh
. tools/demo/account.sh

run=build/run
rate=${RATE:-1500}
each=${SECONDS_EACH:-14}
[ -z "${QBID_LOG:-}" ] || [ -e "$QBID_LOG" ] || {
    echo "QBID_LOG: $QBID_LOG does not exist" >&2
    exit 2
}
bash tools/demo/stop.sh quiet
rm -rf "$run"
# so that `qbid ope` and `qbid explain --bid` have something to tell afterwards
SITE_EXTRA='learning: {pace_period_ms: 250, log_mb: 64}
images_kept: 1024'
site_make "$run" 2

finish() {
    local code=$?
    trap - EXIT INT TERM
    [ -z "${replay_pid:-}" ] || kill -INT "$replay_pid" 2>/dev/null || true
    if [ "${kept:-}" != 1 ]; then site_stop; fi
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

qbid() { "$B/bin/qbid" --socket "$SITE_SOCKET" "$@"; }

# The same auctions before and after; others to learn from.
if [ -n "${QBID_LOG:-}" ]; then
    traffic=(--log "$QBID_LOG" --omit-tags --order hash:1)
    learn_on=(--split 1/A)
    judge_on=(--split 1/B)
    ctr=0.04
else
    ctr=0.02
    traffic=(--ctr $ctr)
    learn_on=(--seed 1 --count $((rate * each * 2)))
    judge_on=(--seed 2 --count $((rate * each)))
fi
baselines() { "$B/bin/qbid-replay" "${traffic[@]}" "${judge_on[@]}" --baselines 1/4 --output json --quiet; }
baselines >"$run/baselines.json"
budget_nanos=$(site_json "$run/baselines.json" budget_nanos)
judged=$(site_json "$run/baselines.json" run.auctions)
seconds=$(((judged + rate - 1) / rate))
judge_rate=$((judged / seconds + 1)) # the judged traffic fills its flight

# A budget for one phase on top of what is spent: nanos to currency units.
phase() {
    local name=$1 budget=$2 length=$3 goal=$4 pacing=$5
    shift 5
    qbid --output json ledger >"$run/ledger.json"
    local total
    total=$(python3 - "$run/ledger.json" "$budget" <<'PY'
import json, sys
spent = sum(int(c["spent_nanos"]) for c in json.load(open(sys.argv[1]))["campaigns"])
total = spent + int(sys.argv[2])
print("%d.%09d" % divmod(total, 10**9))
PY
    )
    demo_account "$total" "$length" "$goal" "$pacing" "$ctr" >"$run/account.yaml"
    site_account "$run/account.yaml"
    "$B/bin/qbid-replay" --url "$SITE_BID_URL" "${traffic[@]}" --rate "$judge_rate" --output json \
        --answers "$run/answers-$name.ndjson" --answers-every 50 "$@" >"$run/$name.json" &
    replay_pid=$!
    wait "$replay_pid"
    replay_pid=
    sleep 0.3
    qbid --output json ledger >"$run/ledger-$name.json"
}

site_start
demo_account 0.000001 1 max_clicks even "$ctr" >"$run/account.yaml"
site_account "$run/account.yaml"
echo "qbidd and nginx are up: $SITE_BID_URL"

echo
echo "1/3 before: one value for every impression, learning held, budget a quarter of the auctions' cost"
qbid learning off >/dev/null
phase before "$budget_nanos" "$seconds" max_clicks even "${judge_on[@]}"

echo
echo "2/3 learning: other auctions, ample budget"
qbid learning on >/dev/null
phase learn $((budget_nanos * 40)) 3600 '{fixed_cpm: 3}' asap "${learn_on[@]}"
sleep 1.2 # one more learn tick
qbid top

echo
echo "3/3 after: the learned generations, the same auctions and budget as before"
phase after "$budget_nanos" "$seconds" max_clicks even "${judge_on[@]}"

qbid --output json status >"$run/status.json"
echo
python3 tools/demo/report.py "$run"
if [ "${KEEP:-}" = 1 ]; then
    kept=1
    cat >"$run/env" <<ENV
QBID_BID_URL=$SITE_BID_URL
QBID_STATUS_URL=$SITE_STATUS_URL
QBID_SOCKET=$SITE_SOCKET
QBID_CONF=$SITE_CONF
ENV
    printf '%s\n%s\n' "$SITE_NGINX" "$SITE_QBIDD" >"$run/pids"
    echo
    echo "left running (make stop ends it):"
else
    echo
    echo "the site was at:"
fi
echo "  bid requests  $SITE_BID_URL"
echo "  status        $SITE_STATUS_URL  (Prometheus: $SITE_METRICS_URL)"
echo "  operator      $B/bin/qbid --socket ${SITE_SOCKET#"$PWD"/} status"
