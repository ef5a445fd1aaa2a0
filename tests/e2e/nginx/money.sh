#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Notices through nginx to the real qbidd: each kind five times counts once, every bit of a token flipped is refused,
# macros that nobody replaced are charged at the bid, AUDIT and a price above the bid never; and a notice that comes
# again after qbidd was killed is not charged again.
. "$(dirname "$0")/site.sh"

begin money
site=$work
SITE_EXTRA='notice_ttl_ms: 600000' SITE_NGINX_EXTRA=''
site_make "$site" 2
begin_site
demo_account 1000000 3600 '{fixed_cpm: 3}' asap 0.02 >"$site/account.yaml"
site_account "$site/account.yaml"
bid_request >"$work/bid"
a_bid() {
    code --data-binary "@$work/bid" "$url/bid?x=2"
}
total=0       # that is charged
next_bid() { # then $token is its token and $bid its nanos
    is "a bid" 200 "$(a_bid)"
    read -r token bid < <(python3 - "$work/answer" <<'PY'
import json, re, sys
from decimal import Decimal
bid = json.load(open(sys.argv[1]), parse_float=Decimal)["seatbid"][0]["bid"][0]
print(re.search(r"t=([^&]*)", bid["burl"])[1], int(bid["price"] * 10**6))
PY
    )
}
charged() { # what, nanos more
    total=$((total + $2))
    becomes "$1" "$total" spent
}
not_charged() { # what
    is "$1" "$total" "$(spent)"
}
notice() { # kind, the rest of its query
    code "$url/n/$1?t=$token$2"
}
told() { # counter
    qbid stat | python3 -c "import json, sys; print(json.load(sys.stdin)['counters'].get('$1', 0))"
}
spent() {
    qbid ledger | python3 -c "import json, sys; print(json.load(sys.stdin)['campaigns'][0]['spent_nanos'])"
}
series() { # names...: what all campaigns have of them
    qbid snapshot --window all | python3 -c 'import json, sys
s = json.load(sys.stdin)["series"][0]
print(*(s[name] for name in sys.argv[1:]))' "$@"
}
becomes "bids" 200 a_bid

# --- each kind five times: counts once
next_bid
won=$token
for _ in 1 2 3 4 5; do
    is "win" 200 "$(notice win '&p=1.25&m=1')"
    is "bill" 200 "$(notice bill '&p=1.25')"
    is "imp" 200 "$(notice imp '')"
    is "click" 302 "$(notice click '')"
    is "conv" 200 "$(notice conv '&v=19.99')"
    is "video" 200 "$(notice video '&e=midpoint')"
done
next_bid
lost=$token
for _ in 1 2 3 4 5; do
    is "loss" 200 "$(notice loss '&l=102&m=4.5')"
done
becomes "win, loss, bill, imp, click, conv: once" "1 1 1 1 1 1" series wins losses bills imps clicks convs
becomes "video: once" 1 told video.midpoint
midpoint=$(told video.midpoint)
becomes "loss: once, by its reason" 1 told loss.higher_bid
becomes "the other 28 were repeats" 28 told ingest.duplicates
once=$(series wins losses bills imps clicks convs)
charged "charged: a CPM of 1.25" 1250000

# --- each bit of a token flipped, as each kind: refused, counted
token=$won
python3 - "$url" "$token" >"$work/flips" <<'PY'
import sys
url, token = sys.argv[1:]
alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
for kind in ("win", "loss", "bill", "imp", "click", "conv", "video"):
    for bit in range(6 * len(token)):
        at = bit // 6
        other = alphabet[alphabet.index(token[at]) ^ 1 << bit % 6]
        print(f'url = "{url}/n/{kind}?t={token[:at]}{other}{token[at + 1:]}&p=1&l=102&e=start&v=1"')
PY
flips=$(wc -l <"$work/flips")
is "bits of a token, as seven kinds" $((7 * 96 * 6)) "$flips"
answers=$(curl -s -K "$work/flips" -w '\n%{http_code}\n' -m 60 | grep -acE '^40[03]$')
is "flipped bits refused" "$flips" "$answers"
refused() {
    echo $(($(told worker.token_forged) + $(told worker.token_malformed)))
}
becomes "and counted" "$flips" refused
not_charged "and charged nothing"

# --- macros that nobody replaced, as text and percent-encoded: charged at the bid
next_bid
is "a price macro as text" 200 "$(code --globoff "$url/n/bill?t=$token&p=\${AUCTION_PRICE}")"
charged "is charged at the bid" "$bid"
next_bid
is "a price macro, encoded" 200 "$(notice bill '&p=%24%7BAUCTION_PRICE%7D')"
charged "is charged at the bid, too" "$bid"
becomes "and both are counted" 2 told ingest.price_unknown
next_bid
is "a reason that nobody filled in" 200 "$(code --globoff "$url/n/loss?t=$token&l=\${AUCTION_LOSS}&m=\${AUCTION_MIN_TO_WIN}")"
becomes "is a loss without one" 1 told loss.unknown

# --- AUDIT, in any place: never charged, counted nowhere
next_bid
for query in '&p=AUDIT' '&p=QVVESVQ%3D' '&p=1.25&m=AUDIT' '&p=1.25&a=AUDIT'; do
    is "bill$query" 200 "$(notice bill "$query")"
    is "win$query" 200 "$(notice win "$query")"
done
is "loss&l=AUDIT" 200 "$(notice loss '&l=AUDIT')"
for kind in imp click conv; do
    is "$kind&a=AUDIT" "$([ $kind = click ] && echo 302 || echo 200)" "$(notice $kind '&a=AUDIT&v=5')"
done
becomes "seen as test renders" 12 told ingest.tests
is "not counted" "1 2 3 1 1 1" "$(series wins losses bills imps clicks convs)"
not_charged "not charged"
is "its own price after that" 200 "$(notice bill '&p=1')"
charged "is charged" 1000000

# --- a price above the bid: counted, not charged
next_bid
is "a price above the bid" 200 "$(notice bill "&p=$(python3 -c "print('%.6f' % ($bid / 1e6 + 1e-6))")")"
becomes "is counted" 1 told ingest.price_above
becomes "and by the ledger" 1 told ledger.invalid
not_charged "and not charged"

# --- the same after qbidd was killed: nothing is charged twice, losses and bills alike
kill -KILL "$SITE_QBIDD"
wait "$SITE_QBIDD" 2>/dev/null
site_start_qbidd
not_charged "spent as before"
becomes "bids" 200 a_bid
token=$won
for _ in 1 2 3 4 5; do
    is "a bill from before" 200 "$(notice bill '&p=1.25')"
done
becomes "is known" 1 told ledger.bills_repeated
token=$lost
is "an impression from before" 200 "$(notice imp '')"
is "a loss from before" 200 "$(notice loss '&l=102&m=4.5')"
next_bid
is "a bill of now" 200 "$(notice bill '&p=0.5')"
charged "is charged" 500000
is "the account holds" True "$(qbid ledger | python3 -c 'import json, sys; print(json.load(sys.stdin)["invariant_holds"])')"

# what tests/figures/03_notices.py states
[ -z "${QBID_FACTS:-}" ] || printf '{"flips": %d, "refused": %d, "sent": 5, "counted": {%s, "video": %d}}\n' "$flips" \
    "$answers" "$(printf '"win": %d, "loss": %d, "bill": %d, "imp": %d, "click": %d, "conv": %d' $once)" \
    "$midpoint" >"$QBID_FACTS"

site_stop
finish
