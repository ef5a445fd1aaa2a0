#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A partner as the README describes one, through nginx and the real qbidd: its answers, its coded prices, what its
# profile becomes with SIGHUP, the keys of notices rotated, and what an operator is told of a wrong file.
. "$(dirname "$0")/site.sh"

begin partner
site=$work
profile() { # seat
    printf "  - {name: adx, id: 1, price: google, key_file: adx.keys, price_macro: '\${AUCTION_PRICE:G}',\n"
    printf "     seat: %s, no_bid: nbr, required: [crid, adomain], notices: [burl], test: decline}\n" "$1"
}
SITE_EXTRA="partners:
$(profile s-17)" SITE_NGINX_EXTRA=''
site_make "$site" 2
# the keys of google/openrtb-doubleclick's DoubleClickCryptoTest, which its prices below belong to
printf '# encryption, integrity\n%s\n%s\n' sIxwz7yw62yrfoLGt12lIHKuYrK_S5kLuApI2BQe7Ac= \
    v3fsVcMBMMHYzRhi7SpM0sdqwzvAxM6KPTu9OtVod5I= >"$site/adx.keys"
chmod 600 "$site/adx.keys"
begin_site
qbid() {
    "$B/bin/qbid" --socket "$SITE_SOCKET" "$@"
}
demo_account 1000000 3600 '{fixed_cpm: 3}' asap 0.02 >"$site/account.yaml"
site_account "$site/account.yaml"
bid_request >"$work/bid"
ask_as() { # exchange
    code --data-binary "@$work/bid" "$url/bid?x=$1"
}
field() { # of the answer's first bid, or of the answer
    python3 -c 'import json, sys
a = json.load(open(sys.argv[1]))
seat = a.get("seatbid", [{}])[0]
print({**a, **seat, **seat.get("bid", [{}])[0]}.get(sys.argv[2]))' "$work/answer" "$1"
}
spent() {
    qbid --output json ledger | python3 -c "import json, sys; print(json.load(sys.stdin)['campaigns'][0]['spent_nanos'])"
}
told() { # counter
    qbid --output json stat | python3 -c "import json, sys; print(json.load(sys.stdin)['counters'].get('$1', 0))"
}

# --- answers
becomes "a bid" 200 ask_as adx
is "its seat" s-17 "$(field seat)"
is "no win notice" None "$(field nurl)"
is "no loss notice" None "$(field lurl)"
holds "the price macro" grep -qF 'p=${AUCTION_PRICE:G}' <<<"$(field burl)"
burl=$(field burl)
cpm_micros=$(field price | awk '{ printf "%d", $1 * 1e6 + 0.5 }')
is "an exchange without a profile" 200 "$(ask_as 2)"
is "has the tenant as its seat" 1 "$(field seat)"
holds "and a win notice" grep -q '/win?t=' <<<"$(field nurl)"
sed 's/"w":300,"h":250/"w":1,"h":1/' "$work/bid" >"$work/odd"
is "no bid is said with a body" 200 "$(code --data-binary "@$work/odd" "$url/bid?x=adx")"
holds "that holds the reason" test "$(field nbr)" -gt 0
is "no bid to another" 204 "$(code --data-binary "@$work/odd" "$url/bid?x=2")"
sed 's/"at":2/"at":2,"test":1/' "$work/bid" >"$work/test"
code --data-binary "@$work/test" "$url/bid?x=adx" >"$work/code"
is "no bid on a test request" None "$(field price)"

# --- prices
priced() { # price
    code "${burl/'${AUCTION_PRICE:G}'/$1}"
}
is "a forged price" 200 "$(priced OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5DMQ)"
becomes "is charged at the bid" "$cpm_micros" spent
becomes "and counted" 1 told ingest.price_unknown
is "another bid" 200 "$(ask_as adx)"
burl=$(field burl)
is "a price of 1.2 by Google's published vector" 200 "$(priced OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ)"
becomes "is charged" $((cpm_micros + 1200000)) spent

# --- the profile changes while everything runs
sed -i "s/seat: s-17/seat: s-18/" "$SITE_CONF"
kill -HUP "$SITE_QBIDD"
seat() {
    ask_as adx >"$work/code" && field seat
}
becomes "SIGHUP: the new seat" s-18 seat
holds "qbid partners lists it" grep -qE '^adx +1 +google +- +nbr +burl +crid,adomain +0' <<<"$(qbid --output table partners)"

# --- keys rotated: tokens of before are accepted, those of now are signed by the new key
key_of() { # burl: the key id of its token, its second byte
    python3 -c 'import base64, re, sys; print(base64.urlsafe_b64decode(re.search(r"t=([^&]*)", sys.argv[1])[1])[1])' "$1"
}
ask_as adx >"$work/code"
burl=$(field burl)
is "the first key" 1 "$(key_of "$burl")"
holds "qbid keys rotate" qbid keys rotate
new_key() {
    ask_as adx >"$work/code"
    key_of "$(field burl)"
}
becomes "signs with the next one" 2 new_key
before=$(spent)
is "a bill of the key before" 200 "$(priced OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ)"
becomes "is charged" $((before + 1200000)) spent
qbid keys rotate >"$work/rotate" 2>&1
is "a second rotation at once is refused" 5 "$?"
holds "with the reason" grep -q 'notices signed with its second key may come for .* s (event_ttl_ms); --force drops it now' "$work/rotate"
holds "and done with --force" qbid keys rotate --force

# --- what is wrong has its place and its reason
wrong() { # what, sed expression on the configuration, text
    sed -E "$2" "$SITE_CONF" >"$site/wrong.yaml"
    "$B/bin/qbidd" -t "$site/wrong.yaml" >"$work/wrong" 2>&1
    is "$1: refused" 1 "$(($? != 0))"
    holds "$1: '$3' in $(tr '\n' ' ' <"$work/wrong")" grep -qE "wrong.yaml:[0-9]+:[0-9]+: .*$3" "$work/wrong"
}
wrong "id" 's/id: 1,/id: 256,/' 'partners\[0\].id: 256 is not in 1..255'
wrong "price" 's/price: google/price: blowfish/' "partners\[0\].price: 'blowfish' is none of: plain, google, aes-ecb, aes-gcm"
wrong "key file" 's/key_file: adx.keys, //' 'partners\[0\].key_file: is missing: the coding of the price needs it'
wrong "required" 's/required: \[crid/required: [crids/' 'partners\[0\].required: knows crid, adomain, cat and size'
wrong "a misspelt key" 's/no_bid:/no_bids:/' "unknown key 'no_bids' in partners\[0\]; did you mean 'no_bid'"
chmod 644 "$site/adx.keys"
"$B/bin/qbidd" -t "$SITE_CONF" >"$work/wrong" 2>&1
is "an open key file: refused" 1 "$(($? != 0))"
holds "an open key file: $(cat "$work/wrong")" grep -q 'partners\[0\].key_file .*adx.keys: .*its mode must be 0600' "$work/wrong"

site_stop
finish
