#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Processes that die or stand still under load: the others go on, what comes back takes over, the money stays
# exact, and nothing is left behind. What must be refused is refused with its reason.
. "$(dirname "$0")/lib.sh"

begin kills
request_make
load=(--duration 60 --rate 1500 --connections 16 --ctr 0.02)
total=0
account() { # BUDGET
    demo_account "$1" 3600 '{fixed_cpm: 3}' asap 0.02 >"$work/account.yaml"
    site_account "$work/account.yaml"
}
bids() {
    from_status 'sum(x["library"]["counters"]["bids"] for x in w)'
}
generation() {
    from_status 'min(x["library"]["generation"] for x in w)'
}
pages() {
    for pid in $(worker_pids); do
        memory_of "$pid" page
    done | xargs
}
adds_up() { # report: what is charged by now
    total=$((total + $(got "$1" charged_nanos)))
    becomes "$1: all events are read" 0 drained
    becomes "$1: ledger and settled prices agree to the nano" "$total" spent
    is "$1: the account holds" True "$(from_ledger 'l["invariant_holds"] and c["spent_nanos"] <= c["authority_nanos"]')"
}

new_site site 2
# --- refused at the start: a wrong configuration, with file, line, key and reason
sed 's/^currency: CNY/currency: CNY\nlease_ms: 5/' "$SITE_CONF" >"$work/wrong.yaml"
line=$(grep -n '^lease_ms' "$work/wrong.yaml" | cut -d: -f1)
is "a wrong configuration: exit code" 1 "$(exit_of "$B/bin/qbidd" --config "$work/wrong.yaml" --foreground)"
holds "and its message: $(head -n 1 "$work/said")" grep -q "^$work/wrong.yaml:$line:.*lease_ms.*1000" "$work/said"
printf 'currency: CNY\nlaese_ms: 5000\n' >"$work/wrong.yaml"
is "an unknown key: exit code" 1 "$(exit_of "$B/bin/qbidd" --config "$work/wrong.yaml" --foreground)"
holds "and its message: $(head -n 1 "$work/said")" \
    grep -q "^$work/wrong.yaml:2:.*unknown key 'laese_ms'.*did you mean 'lease_ms'" "$work/said"
is "without qbidd: exit code of qbid" 3 "$(exit_of qbid status)"

site_start
account 1000000
becomes "bids" 200 ask_bid
# --- a second qbidd on the same state
is "a second qbidd: exit code" 5 "$(exit_of "$B/bin/qbidd" --config "$SITE_CONF" --foreground)"
holds "names the pid and the socket of the first: $(cat "$work/said")" \
    grep -q "another qbidd holds this state folder: pid $SITE_QBIDD, control socket $SITE_SOCKET" "$work/said"
is "and the first goes on" 0 "$(exit_of qbid status)"

# --- kill -9 of qbidd under load: bids go on; a new one takes over
replay_begin qbidd "${load[@]}" --seed 1
sleep 0.6
before_gen=$(generation) before_pages=$(pages)
kill -KILL "$SITE_QBIDD"
wait "$SITE_QBIDD" 2>/dev/null || true
from=$(bids)
sleep 1.5
without=$(($(bids) - from))
is "without qbidd: exit code of qbid" 3 "$(exit_of qbid status)"
holds "bids in 1.5 s without qbidd: $without" test "$without" -gt 500
site_start_qbidd
becomes "both workers are connected again" 2 from_status 'sum(x["library"]["connected"] for x in w)'
becomes "and may bid" 2 from_status 'sum(x["library"]["lease"] for x in w)'
becomes "with the pages that they had" "$before_pages" pages
from=$(bids)
sleep 1
holds "bids go on: $(($(bids) - from)) in a second" test $(($(bids) - from)) -gt 300
qbid publish >"$work/published"
newer() {
    [ "$(generation)" -gt "$before_gen" ] && echo yes
}
becomes "a generation after $before_gen is adopted" yes newer
replay_end now
is "requests lost, late, refused" "0 0 0" "$(got qbidd lost) $(got qbidd timeouts) $(got qbidd non_2xx)"
echo "qbidd killed and back: $(got qbidd auctions) requests, $(got qbidd answered_204) without a bid," \
    "$without bids in 1.5 s without it, billing notices refused $(got qbidd notices.billing.refused)"
adds_up qbidd

# --- at any moment: five times, a little later each time
replay_begin moments "${load[@]}" --seed 2
for i in 1 2 3 4 5; do
    sleep "0.$((i * 13 + 10))"
    qbid publish >"$work/published" 2>&1 &
    kill -KILL "$SITE_QBIDD"
    wait "$SITE_QBIDD" 2>/dev/null || true
    site_start_qbidd
done
becomes "both workers are connected after five kills" 2 from_status 'sum(x["library"]["connected"] for x in w)'
replay_end now
is "requests lost, late, refused" "0 0 0" "$(got moments lost) $(got moments timeouts) $(got moments non_2xx)"
adds_up moments
is "the audit is whole" 0 "$(exit_of qbid audit --verify)"

# --- kill -9 of a worker: the other goes on, a new one comes, what it wrote counts
replay_begin worker "${load[@]}" --seed 3
sleep 0.5
victim=$(worker_pids | cut -d' ' -f1) other=$(worker_pids | cut -d' ' -f2)
expected_log="worker process $victim exited on signal 9"
kill -KILL "$victim"
becomes "a killed worker is replaced" 2 worker_cnt
becomes "and bids" 2 from_status 'sum(x["library"]["lease"] for x in w)'
holds "the other is the same" grep -qw "$other" <<<"$(worker_pids)"
sleep 0.5
replay_end now
holds "requests that were in the dead worker's hands: $(got worker lost)" test "$(got worker lost)" -le 16
is "late, refused" "0 0" "$(got worker timeouts) $(got worker non_2xx)"
# A notice that the dead worker wrote down and did not answer is charged, and the exchange knows of no answer.
becomes "all events are read" 0 drained
sleep 0.3
unanswered=$(($(spent) - total - $(got worker charged_nanos)))
holds "charged without an answer: $unanswered nanos" test "$unanswered" -ge 0 -a \
    "$unanswered" -le $((3000000 * $(got worker notices.billing.failed)))
total=$((total + unanswered))
adds_up worker

# --- SIGSTOP of a worker: the other goes on, publishing stops at eight held generations, all ends well
replay_begin stopped --duration 60 --rate 500 --connections 16 --ctr 0.02 --seed 4
sleep 0.5
stopped=$(worker_pids | cut -d' ' -f1)
other=$(worker_pids | cut -d' ' -f2)
status_of_other() {
    local i
    for i in $(seq 20); do
        curl -s -m 0.3 -o "$work/answer" "$SITE_STATUS_URL" && break
    done
    python3 -c "import json; print([x['library']['counters']['bids'] for x in json.load(open('$work/answer'))['workers'] if x['pid'] == $other][0])"
}
kill -STOP "$stopped"
from=$(status_of_other)
code=0
for i in $(seq 12); do
    code=$(exit_of qbid publish)
    [ "$code" = 0 ] || break
done
is "publishing with a reader that stands still: exit code in the end" 5 "$code"
held=$(from_stat 'n["publish.held_generations"]')
is "generations that it holds" 8 "$held"
sleep 1.5
to=$(status_of_other)
holds "bids of the other meanwhile: $((to - from))" test $((to - from)) -gt 50
kill -CONT "$stopped"
stopped=
published() {
    exit_of qbid publish
}
becomes "publishing goes on" 0 published
becomes "one generation is held" True from_stat 'n["publish.held_generations"] <= 2'
becomes "by both" "True" from_status "min(x['library']['generation'] for x in w) >= $(from_stat 'n["publish.generation"]')"
replay_end now
becomes "all events are read" 0 drained
sleep 0.3
# as above: what came late was answered to nobody
unanswered=$(($(spent) - total - $(got stopped charged_nanos)))
holds "charged without an answer in time: $unanswered nanos" test "$unanswered" -ge 0 -a \
    "$unanswered" -le $((3000000 * $(got stopped notices.billing.failed)))
total=$((total + unanswered))
adds_up stopped
echo "a worker stood still: $(got stopped timeouts) of $(got stopped auctions) requests late," \
    "charged without an answer in time: $unanswered nanos"

# --- a small budget, qbidd and a worker killed on the way: never above it
account "$(python3 -c "print('%d.%09d' % divmod($total + 2 * 10**9, 10**9))")"
authority=$((total + 2000000000))
becomes "the small budget" "$authority" from_ledger 'c["authority_nanos"]'
replay_begin small "${load[@]}" --seed 5
sleep 0.5
kill -KILL "$SITE_QBIDD"
victim=$(worker_pids | cut -d' ' -f1)
expected_log+="|worker process $victim exited on signal 9"
kill -KILL "$victim"
wait "$SITE_QBIDD" 2>/dev/null || true
site_start_qbidd
sleep 2
replay_end now
becomes "all events are read" 0 drained
sleep 0.3
# What a worker wrote down while there was no qbidd, and died with, only the exchange knows.
is "small budget: the account holds" True "$(from_ledger 'l["invariant_holds"] and c["spent_nanos"] <= c["authority_nanos"]')"
holds "small budget: settled $(got small charged_nanos) nanos" test "$(got small charged_nanos)" -le 2000000000
holds "small budget: charged at most that, and nearly all" python3 -c "
import sys
sys.exit(not 0 <= $(got small spend_nanos) - ($(spent) - $total) <= $(got small spend_nanos) // 2)"
echo "small budget: $(got small bids) bids, charged $(got small charged_nanos), ledger $(($(spent) - total)) of 2000000000 nanos"

# --- the end: nothing is left
remember
site_stop
no_leftover "the end"

# --- nginx alone with a corrupt image: refused, said once, no bids
cp "$SITE/state/images/last.qbi" "$work/good.qbi"
python3 - "$SITE/state/images/last.qbi" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 2] ^= 1
open(sys.argv[1], "wb").write(data)
PY
: >"$SITE/nginx/error.log"
site_start_nginx
is "a corrupt image: no bid" 204 "$(ask_bid)"
becomes "no table" "[0, 0]" from_status '[x["library"]["generation"] for x in w]'
becomes "error.log says so, once for each worker" 2 grep -c 'last.qbi' "$SITE/nginx/error.log"
echo "error.log: $(grep -m 1 'last.qbi' "$SITE/nginx/error.log")"
site_stop
# --- the whole one is taken, and without an allowance nobody bids
cp "$work/good.qbi" "$SITE/state/images/last.qbi"
site_start_nginx
is "a good image without qbidd: no bid" 204 "$(ask_bid)"
becomes "but a table" True from_status 'len(w) == 2 and all(x["library"]["generation"] > 0 for x in w)'
becomes "and the reason is counted" 1 from_status 'sum(x["library"]["nobid"]["no_lease"] for x in w)'
site_stop

# --- qbidd gone for longer than tables and leases last
# The prices that a client sees from the kill on, each once in its order.
prices() {
    local code price last=''
    for _ in $(seq 250); do
        code=$(ask_bid) price=none
        [ "$code" != 200 ] || price=$(site_json "$work/answer" seatbid.0.bid.0.price)
        [ "$price" = "$last" ] || printf '%s ' "$price"
        last=$price
        [ "$price" != none ] || return 0
        sleep 0.1
    done
}
gone() { # NAME, on_stale, WANTED
    SITE_EXTRA="lease_ms: 3500
image_valid_ms: 1500
on_stale: $2
learning: {explore: 0}
ticks: {live_ms: 100, learn_ms: 500, snapshot_ms: 5000}"
    new_site "$1" 1
    site_start
    account 1000
    becomes "$1: bids" 200 ask_bid
    sleep 0.5 # a table built since
    is "$1: the price with qbidd" 3 "$(ask_bid >"$work/code" && site_json "$work/answer" seatbid.0.bid.0.price)"
    kill -KILL "$SITE_QBIDD"
    wait "$SITE_QBIDD" 2>/dev/null || true
    is "$1: prices from then on" "$3 " "$(prices)"
    echo "$1: prices $3; $(from_status '{k: v for k, v in w[0]["library"]["nobid"].items() if v}')"
    site_start_qbidd
    becomes "$1: it bids again with qbidd" 200 ask_bid
    remember
    site_stop
    no_leftover "$1"
}
gone decline decline "3 none"
gone conservative '{conservative: 0.5}' "3 1.5 none"
finish
