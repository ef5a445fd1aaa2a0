#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What creatives declare in an account's YAML, all the way: qbid import, the store, qbidd's table, nginx, and for each
# field a request that gets the bid and one that gets the reason. A line item for each site, so that a case has one.
. "$(dirname "$0")/site.sh"

begin terms
site=$work
# one level, so that the candidates of a site are its line item alone
SITE_EXTRA=$'levels: [[site]]\nmarket_segments: [site]' SITE_NGINX_EXTRA='qbid_nbr on;'
site_make "$site" 2
begin_site

line_item() { # id, fields of the line item, fields of the creative
    printf '      - {id: %s, ceiling: 50, prior_ctr: 0.1, adomain: shop%s.example, %s ' "$1" "$1" "$2"
    printf 'targeting: {site: ["s%s.example"]}, creatives: [{id: %s0, ' "$1" "$1"
    printf '%s, landing: "https://shop.example/", markup: "<i>{{imp_url}}{{click_url}}</i>"}]}\n' "$3"
}
{
    printf 'currency: CNY\ncampaigns:\n  - id: 7\n    name: terms\n    budget: "1000000"\n    start: now\n    end: +1d\n'
    printf '    goal: {fixed_cpm: 20}\n    pacing: asap\n    line_items:\n'
    line_item 11 '' 'format: banner, size: 11x11, attr: "3,9"'
    line_item 12 '' 'format: banner, size: 12x12, api: "5"'
    line_item 13 '' 'format: banner, size: 13x13, mimes: "image/png"'
    line_item 14 '' 'format: banner, size: 14x14, language: de, bundle: com.game'
    line_item 15 'categories: "IAB2", cattax: 2,' 'format: banner, size: 15x15'
    line_item 16 'deal: agreed,' 'format: banner, size: 16x16'
    line_item 17 '' 'format: banner, size: 17x17, not_for: interstitial'
    line_item 18 '' 'format: banner, size: 18x18, btype: "4", expdir: "2"'
    line_item 20 '' 'format: video, size: 20x20, mimes: "video/mp4", protocols: "2,3", duration: "20", bitrate: "800", delivery: "2", attr: "16"'
    line_item 30 '' 'format: native, title: "25", image: "1200x627", data: "1:10,2:90"'
} >"$site/account.yaml"
site_account "$site/account.yaml"

# The answer: "bid PRICE DEALID" or the reason's number.
asked() { # line item, fields of the impression, fields of the request
    printf '{"id":"r","at":1,"tmax":1000,"cur":["CNY"],%s"site":{"domain":"s%s.example"},' "${3:-}" "$1" >"$work/request"
    printf '"imp":[{"id":"1","bidfloorcur":"CNY",%s}]}' "$2" >>"$work/request"
    code --data-binary "@$work/request" "$url/bid?x=2" >"$work/code"
    python3 -c 'import json, sys
a = json.load(open(sys.argv[1]))
b = a["seatbid"][0]["bid"][0] if "seatbid" in a else None
print("bid " + b["adid"] if b else a["nbr"])' "$work/answer" 2>/dev/null || cat "$work/code"
}
banner() { # size, more
    printf '"banner":{"w":%s,"h":%s%s}' "$1" "$1" "${2:+,$2}"
}
video() {
    printf '"video":{"w":20,"h":20,%s}' "$1"
}
native() { # assets
    printf '"native":{"request":"{\\"ver\\":\\"1.2\\",\\"assets\\":[%s]}"}' "${1//\"/\\\"}"
}
pair() { # what, impression with a bid, its creative, impression without, reason, fields of the requests
    is "$1: a bid" "bid $3" "$(asked "${3%0}" "$2" "${6:-}")"
    is "$1: the reason" "$5" "$(asked "${3%0}" "$4" "${7:-${6:-}}")"
}
becomes "the table is there" "bid 110" asked 11 "$(banner 11)"
pair "battr" "$(banner 11 '"battr":[1,2]')" 110 "$(banner 11 '"battr":[1,9]')" 541
pair "api" "$(banner 12 '"api":[3,5]')" 120 "$(banner 12 '"api":[3]')" 542
pair "mimes" "$(banner 13 '"mimes":["image/gif","IMAGE/PNG"]')" 130 "$(banner 13 '"mimes":["image/gif"]')" 543
pair "wlang" "$(banner 14)" 140 "$(banner 14)" 547 '"wlang":["fr","de"],' '"wlang":["fr"],'
pair "bapp" "$(banner 14)" 140 "$(banner 14)" 549 '"bapp":["com.other"],' '"bapp":["com.game"],'
pair "cattax" "$(banner 15)" 150 "$(banner 15)" 548 '"bcat":["IAB7"],"cattax":2,' '"bcat":["IAB7"],"cattax":7,'
pair "acat" "$(banner 15)" 150 "$(banner 15)" 548 '"acat":["IAB2"],"cattax":2,' '"acat":["IAB7"],"cattax":2,'
pair "instl" "$(banner 17)" 170 "$(banner 17),\"instl\":1" 552
pair "btype" "$(banner 18 '"btype":[3],"expdir":[2,4]')" 180 "$(banner 18 '"btype":[4],"expdir":[2,4]')" 541
pair "expdir" "$(banner 18 '"expdir":[2]')" 180 "$(banner 18 '"expdir":[1]')" 541
pair "duration" "$(video '"minduration":5,"maxduration":30')" 200 "$(video '"maxduration":15')" 544
pair "rqddurs" "$(video '"rqddurs":[15,20]')" 200 "$(video '"rqddurs":[15,30]')" 544
pair "protocols" "$(video '"protocols":[3]')" 200 "$(video '"protocols":[7]')" 545
pair "bitrate" "$(video '"maxbitrate":800')" 200 "$(video '"maxbitrate":799')" 546
pair "delivery" "$(video '"delivery":[1,2]')" 200 "$(video '"delivery":[1]')" 546
pair "skip" "$(video '"skip":1')" 200 "$(video '"skip":0')" 541
pair "durfloors" "$(video '"durfloors":[{"mindur":15,"bidfloor":1}]'),\"bidfloor\":900" 200 \
    "$(video '"durfloors":[{"mindur":15,"bidfloor":900}]')" 502
pair "assets" "$(native '{"id":1,"required":1,"title":{"len":25}},{"id":2,"required":1,"img":{"type":3,"wmin":600,"hmin":300}}')" 300 \
    "$(native '{"id":1,"required":1,"title":{"len":24}}')" 550
deal() { # fields of the deal
    printf '"pmp":{"private_auction":1,"deals":[{"id":"agreed","bidfloorcur":"CNY",%s}]}' "$1"
}
pair "wadomain" "$(banner 16),$(deal '"bidfloor":1,"wadomain":["shop16.example"]')" 160 \
    "$(banner 16),$(deal '"bidfloor":1,"wadomain":["other.example"]')" 551
pair "wseat" "$(banner 16),$(deal '"wseat":["1"]')" 160 "$(banner 16),$(deal '"wseat":["2"]')" 540
is "at 3: a bid" "bid 160" "$(asked 16 "$(banner 16),$(deal '"bidfloor":2.5,"at":3')")"
holds "at 3: exactly the agreed price" grep -q '"price":2.5,' "$work/answer"
is "guar: a bid above its worth" "bid 160" "$(asked 16 "$(banner 16),$(deal '"bidfloor":49,"at":3,"guar":1')")"
pair "exp" "$(banner 11),\"exp\":30" 110 "$(banner 11),\"exp\":999999" 553
pair "qty" "$(banner 11),\"qty\":{\"multiplier\":1}" 110 "$(banner 11),\"qty\":{\"multiplier\":14.2}" 554
site_stop
finish
