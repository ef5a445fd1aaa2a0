#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Money over lost, repeated, forged, altered and late notices, and in first-price auctions: what is charged is
# what the exchange settled and was told, to the nano, once, and never above the budget.
. "$(dirname "$0")/lib.sh"

begin notices
SITE_EXTRA='notice_ttl_ms: 2000
event_ttl_ms: 10000
image_valid_ms: 60000'
new_site site 2
site_start
request_make
account() { # BUDGET
    demo_account "$1" 3600 '{fixed_cpm: 3}' asap 0.02 >"$work/account.yaml"
    site_account "$work/account.yaml"
}
# What is charged follows the answered notices by a few milliseconds.
charged_is() { # what, nanos
    becomes "$1" "$2" spent
    is "$1: the account holds" True "$(from_ledger 'l["invariant_holds"] and c["spent_nanos"] <= c["authority_nanos"]')"
}
total=0
add() { # report: its charged nanos to the sum
    total=$((total + $(got "$1" charged_nanos)))
}

# --- all lost: reservations fill the budget, bids stop, nothing is charged; when the notices' time is over, the
#     money is free again
budget=2000000000 # nanos: 667 bids at a CPM of 3, reserved in full
account 2
becomes "bids" 200 ask_bid
burl_of() { # of the latest answer, for a price
    python3 - "$work/answer" "$1" <<'PY'
import json, sys
print(json.load(open(sys.argv[1]))["seatbid"][0]["bid"][0]["burl"].replace("${AUCTION_PRICE}", sys.argv[2]))
PY
}
old_burl=$(burl_of 1.5)
replay silent --count 3000 --rate 3000 --seed 3 --ctr 0.02 --drop-notices 1
charged_is "no notice at all" 0
bids=$(got silent bids)
holds "bids until the money was reserved: $bids of 3000" test "$bids" -gt 300 -a "$bids" -le 667
becomes "then none, and counted" True from_stat "n['nobid.no_allowance'] >= 3000 - $bids"
is "every request was answered" 3000 "$(($(got silent answered_200) + $(got silent answered_204)))"
free() { # most of the budget
    from_ledger "c['exposure_nanos'] < $budget // 2"
}
becomes "free after their time" True free
becomes "and bids again" 200 ask_bid

# --- to the end of the budget: what is answered is charged, twice as many auctions as it can pay for
replay all --count 6000 --rate 3000 --seed 11 --ctr 0.02 --dup-notices 2
add all
charged_is "to the end of the budget" "$total"
holds "to the end of the budget: $total of $budget nanos" test "$total" -gt $((budget / 4)) -a "$total" -le "$budget"
holds "and then no bid" test "$(got all answered_204)" -gt 0
echo "budget of $budget nanos: $total charged, $(got all bids) bids of 6000"

# --- every notice five times: charged once
account 1000
becomes "the new budget" True from_ledger 'c["authority_nanos"] == 1000 * 10**9'
becomes "bids with it" 200 ask_bid
repeats=$(from_stat 'n["ingest.duplicates"]')
replay five --count 3000 --seed 1 --ctr 0.02 --dup-notices 5
add five
charged_is "each notice five times" "$total"
is "each notice five times: charged is settled" "$(got five spend_nanos)" "$(got five charged_nanos)"
is "all of them were answered 200" "$((5 * $(got five wins)))" "$(got five notices.billing.ok)"
becomes "repeats of billing notices and all others counted" \
    "$((repeats + 4 * ($(got five notices.win.ok) + $(got five notices.billing.ok) + $(got five notices.impression.ok) + \
    $(got five notices.click.ok) + $(got five notices.loss.ok)) / 5))" from_stat 'n["ingest.duplicates"]'

# --- three of ten lost: what was answered is charged, no more
replay lost --count 3000 --seed 2 --ctr 0.02 --drop-notices 0.3
add lost
charged_is "three of ten notices lost" "$total"
holds "some were: $(got lost notices.billing.dropped) of $(got lost wins)" \
    test "$(got lost notices.billing.dropped)" -gt $(($(got lost wins) / 5))
holds "so less is charged than was settled" test "$(got lost charged_nanos)" -lt "$(got lost spend_nanos)"

# --- first price
replay first --count 3000 --seed 6 --ctr 0.02 --auction first --answers "$work/first.ndjson"
add first
charged_is "first price" "$total"
is "first price: charged is settled" "$(got first spend_nanos)" "$(got first charged_nanos)"
is "first price: settled is what was bid, win for win" "$(got first spend_nanos)" "$(python3 - "$work/first.ndjson" <<'PY'
import json, sys
from decimal import Decimal
wins = [r for r in (json.loads(line, parse_float=Decimal) for line in open(sys.argv[1])) if r["outcome"] == "win"]
print(int(sum(Decimal(r["bid"]) for r in wins) * 10**6))
PY
)"
holds "first price: it won $(got first wins)" test "$(got first wins)" -gt 100

# --- forged and altered tokens, tokens of another site, late notices: 4xx, counted, never spend
is "a bid" 200 "$(ask_bid)"
burl=$(burl_of 1.5)
python3 - "$burl" >"$work/forged" <<'PY'
import random, re, sys
url = sys.argv[1]
token = re.search(r"t=([^&]*)", url)[1]
alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
random.seed(1)
forged = ["".join(random.choices(alphabet, k=len(token))) for _ in range(20)] + ["", "A", token[:-1], token + "A"]
for i in range(0, len(token), 2):
    forged.append(token[:i] + alphabet[(alphabet.index(token[i]) + 1) % 64] + token[i + 1:])
for one in forged:
    print('url = "%s"' % url.replace(token, one))
PY
refused() {
    from_stat 'n["worker.token_forged"] + n["worker.token_malformed"]'
}
before=$(refused)
forged=$(wc -l <"$work/forged")
is "forged tokens answered 4xx" "$forged" \
    "$(curl -s -K "$work/forged" -w '\n%{http_code}\n' -m 60 | grep -acE '^4[0-9][0-9]$')"
becomes "and each counted" $((before + forged)) refused
charged_is "forged tokens" "$total"
expired=$(from_stat 'n["worker.token_expired"]')
late() {
    curl -s -m 5 -o /dev/null -w '%{http_code}' "$old_burl"
}
is "a billing notice after its time" 410 "$(late)"
becomes "and counted" $((expired + 1)) from_stat 'n["worker.token_expired"]'
charged_is "late notices" "$total"
# what the operator sees is what nginx counts
becomes "nginx counts what it refused" True from_status "sum(x['notice_4xx'] for x in w) == $forged + 1"

for name in silent all five lost first; do
    is "$name: lost, late, refused" "0 0 0" "$(got $name lost) $(got $name timeouts) $(got $name non_2xx)"
done
echo "charged over all: $total nanos; $forged forged tokens refused"
site_stop
finish
