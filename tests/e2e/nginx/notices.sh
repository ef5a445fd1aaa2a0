#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Notices of each kind, valid, forged, expired, repeated, and what senders make of them.
. "$(dirname "$0")/lib.sh"

begin notices
workers=1
conf "" ""
table 5
start
await adopted 5
bid_request >"$work/bid"

# --- the notices of a real bid, with the exchange's macros replaced
is "a bid" 200 "$(code --data-binary "@$work/bid" "$url/bid?x=2")"
await bid 1
python3 - "$work/answer" >"$work/urls" <<'PY'
import json, re, sys
bid = json.load(open(sys.argv[1]))["seatbid"][0]["bid"][0]
urls = [bid["nurl"], bid["lurl"], bid["burl"]] + re.findall(r'https?://[^"]*/notice/[^"]*', bid["adm"])
values = {"AUCTION_PRICE": str(bid["price"]), "AUCTION_LOSS": "102", "AUCTION_MIN_TO_WIN": "0.9"}
for url in urls:
    print(re.sub(r"\$\{(\w+)\}", lambda m: values[m[1]], url))
PY
is "kinds of its URLs" "bill click imp loss win" "$(sed -E 's|.*/notice/([a-z]+)\?.*|\1|' "$work/urls" | sort | xargs)"
while read -r notice; do
    kind=$(sed -E 's|.*/notice/([a-z]+)\?.*|\1|' <<<"$notice")
    want=200
    [ "$kind" != click ] || want=302
    is "$kind" "$want" "$(code "$notice")"
    await "$kind" 1
done <"$work/urls"

# --- what an answer looks like
token=$(ask token 0)
printf 'GIF89a\1\0\1\0\200\0\0\0\0\0\377\377\377!\371\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;' >"$work/pixel"
for kind in imp conv win; do
    is "GET $kind" 200 "$(code "$url/notice/$kind?t=$token&p=1")"
    holds "GET $kind answers a pixel" cmp "$work/pixel" "$work/answer"
    is "POST $kind" 200 "$(code -d '' "$url/notice/$kind?t=$token&p=1")"
    is "POST $kind has no body" 0 "$(wc -c <"$work/answer")"
done
for kind in loss bill; do
    is "GET $kind" 200 "$(code "$url/notice/$kind?t=$token&p=1")"
    is "GET $kind has no body" 0 "$(wc -c <"$work/answer")"
    is "POST $kind with a body" 200 "$(code -d "@$work/bid" "$url/notice/$kind?t=$token&p=1")"
done
head=$(curl -si "$url/notice/imp?t=$token" | tr -d '\r' | grep -a :)
for line in 'Content-Type: image/gif' 'Cache-Control: no-store' 'Content-Length: 43' 'Connection: keep-alive'; do
    holds "a pixel says $line" grep -qx "$line" <<<"$head"
done
is "a click goes to the landing page of the image" "302 https://brand.example/landing" \
    "$(curl -s -o "$work/answer" -w '%{http_code} %{redirect_url}' "$url/notice/click?t=$token&l=https://evil.example/")"
is "a click by POST" 302 "$(code -d '' "$url/notice/click?t=$token")"
is "deeper paths: the last segment is the kind" 200 "$(code "$url/notice/a/b/win?t=$token&p=1")"

# --- repeats are accepted: control counts them once
before=$(reported bill)
for _ in 1 2 3 4 5; do
    is "the same billing notice" 200 "$(code "$url/notice/bill?t=$token&p=1")"
done
await bill $((before + 5))

# --- what must not pass, and that none of it becomes an event
ask report >"$work/before"
for method in HEAD PUT DELETE; do
    head=()
    [ $method != HEAD ] || head=(-I)
    is "$method" 405 "$(code "${head[@]}" -X $method "$url/notice/win?t=$token&p=1")"
done
for kind in bid nobid seen WIN wins '' '%00win' 'win/'; do
    is "kind '$kind'" 400 "$(code "$url/notice/$kind?t=$token&p=1")"
done
is "no query" 400 "$(code "$url/notice/win")"
is "an empty token" 400 "$(code "$url/notice/win?t=&p=1")"
is "half a token" 400 "$(code "$url/notice/win?t=${token:0:48}&p=1")"
is "a token and more" 400 "$(code "$url/notice/win?t=${token}A&p=1")"
is "a query over 2 KiB" 400 "$(code "$url/notice/win?t=$token&p=1&z=$(printf '%03000d' 0)")"
python3 - "$token" >"$work/forged" <<'PY'
import sys
token = sys.argv[1]
alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
for i in range(len(token)):
    for bit in range(6):
        print(token[:i] + alphabet[alphabet.index(token[i]) ^ 1 << bit] + token[i + 1:])
PY
is "a token with one bit changed, each of 576" "576" "$(
    sed "s|.*|url = \"$url/notice/bill?t=&\&p=1\"|" "$work/forged" |
        curl -s -K - -w '%{http_code}\n' | grep -cE '^(400|403)$')"
is "most are known as forged" 1 "$(($(counted token_forged) > 500))"
for age in 86400 31536000; do
    is "a billing notice $age s after the bid" 410 "$(code "$url/notice/bill?t=$(ask token $age)&p=1")"
done
# the image takes clicks for 86,400 s; a minute leaves a slow machine time between token and notice
is "a click before the day is over" 302 "$(code "$url/notice/click?t=$(ask token 86340)")"
for age in 86460 31536000; do
    is "a click $age s after the bid" 410 "$(code "$url/notice/click?t=$(ask token $age)")"
done
sleep 0.2
is "events after all this: one click" "$(sed -E 's/click ([0-9]+)/click/' "$work/before")" \
    "$(ask report | sed -E 's/click ([0-9]+)/click/')"
is "the click" $(($(grep -oE 'click [0-9]+' "$work/before" | cut -d' ' -f2) + 1)) "$(reported click)"

# --- keep-alive over different kinds
is "five notices on one connection" "200 1 200 0 302 0 403 0 200 0" "$(
    for one in "win?t=$token&p=1" "loss?t=$token" "click?t=$token" \
        "win?t=$(tail -n 1 "$work/forged")&p=1" "imp?t=$token"; do
        printf 'url = "%s/notice/%s"\noutput = "%s"\n' "$url" "$one" "$work/answer"
    done | curl -s -K - -w '%{http_code} %{num_connects}\n' | xargs)"

finish
