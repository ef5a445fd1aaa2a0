#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The module with the real qbidd: a bid, its notices, its money; qbidd killed and back, nginx reloaded, a worker
# killed, under load.
. "$(dirname "$0")/site.sh"

begin qbidd
site=$work
SITE_EXTRA='' SITE_NGINX_EXTRA='qbid_wait off;' # what is lost is asked, not what is late
site_make "$site" 2
begin_site
# a budget that the load of this test cannot reserve in full
demo_account 1000000 3600 '{fixed_cpm: 3}' asap 0.02 >"$site/account.yaml"
site_account "$site/account.yaml"
bid_request >"$work/bid"
a_bid() {
    code --data-binary "@$work/bid" "$url/bid?x=2"
}
field() { # of the ledger
    qbid ledger | python3 -c "import json, sys; l = json.load(sys.stdin); c = l['campaigns'][0]; print($1)"
}

# --- a bid, and its billing notice five times: charged once, to the nano
becomes "a bid" 200 a_bid
burl=$(python3 - "$work/answer" <<'PY'
import json, sys
print(json.load(open(sys.argv[1]))["seatbid"][0]["bid"][0]["burl"].replace("${AUCTION_PRICE}", "1.25"))
PY
)
for _ in 1 2 3 4 5; do
    is "its billing notice" 200 "$(code "$burl")"
done
# --- a loss and a video event of another bid five times each: counted once, under their names
told() {
    qbid stat | python3 -c "import json, sys; print(json.load(sys.stdin)['counters'].get('$1', 0))"
}
becomes "another bid" 200 a_bid
lurl=$(python3 -c 'import json, sys
bid = json.load(open(sys.argv[1]))["seatbid"][0]["bid"][0]
print(bid["lurl"].replace("${AUCTION_LOSS}", "102").replace("${AUCTION_MIN_TO_WIN}", "2.5"))' "$work/answer")
for _ in 1 2 3 4 5; do
    is "its loss notice" 200 "$(code "$lurl")"
    is "a video event" 200 "$(code "${lurl/loss?/video?}&e=midpoint")"
done
becomes "the loss, once, by its reason" 1 told loss.higher_bid
becomes "the video event, once" 1 told video.midpoint
becomes "a CPM of 1.25, once" 1250000 field 'c["spent_nanos"]'
is "the account holds" True "$(field 'l["invariant_holds"]')"

# --- qbidd killed and back under load: the generation does not go back
generation() {
    curl -s "$url/status" | python3 -c 'import json, sys
print(min(w["library"]["generation"] for w in json.load(sys.stdin)["workers"]))'
}
load_begin 16 4 1000
sleep 0.5
before=$(generation)
kill -KILL "$SITE_QBIDD"
wait "$SITE_QBIDD" 2>/dev/null
sleep 1
site_start_qbidd
load_end
is "qbidd killed and back: lost" 0 "$(loaded lost)"
# until the new qbidd has given the workers their allowances they make no bid, and say so
is "qbidd killed and back: answers" "" "$(statuses | sed -E 's/\b20[04]\b ?//g')"
echo "qbidd killed and back: $(loaded answers) answers, of these no bid $(sed -n 's/^status 204 //p' "$work/load")"
becomes "both workers are connected again" 2 counted connected
holds "generation $before, then $(generation)" test "$(generation)" -ge "$before"
qbid publish >"$site/publish.json"
newer() {
    [ "$(generation)" -le "$before" ] || echo yes
}
becomes "and a newer one is adopted" yes newer

# --- reload and a lost worker
load_begin 16 3 1000
sleep 0.5
kill -HUP "$SITE_NGINX"
load_end
is "reload: lost" 0 "$(loaded lost)"
is "reload: answers" 200 "$(statuses)"
master=$SITE_NGINX
becomes "the old workers are gone" 2 worker_cnt
victim=$(worker_pids | cut -d' ' -f1)
expected="worker process $victim exited on signal 9"
kill -KILL "$victim"
becomes "a killed worker is replaced" 2 worker_cnt
becomes "and bids" 2 counted lease
is "a bid" 200 "$(a_bid)"
becomes "the account holds" True field 'l["invariant_holds"]'

# --- workers that start while qbidd is away make small rings for themselves, and get whole ones when it is back
rings=$(counted ring_size)
kill -KILL "$SITE_QBIDD"
wait "$SITE_QBIDD" 2>/dev/null
kill -HUP "$SITE_NGINX"
becomes "rings of 4,096 events each" 8192 counted ring_size
# they have no keys to check a token with: the exchange shall try again
is "a notice is refused for now" 503 "$(code "$burl")"
site_start_qbidd
becomes "the rings as configured" "$rings" counted ring_size
is "events lost" 0 "$(counted events_dropped)"
is "the notice, again" 200 "$(code "$burl")"
becomes "both bid" 2 counted lease
is "a bid" 200 "$(a_bid)"
master=''

site_stop
finish
