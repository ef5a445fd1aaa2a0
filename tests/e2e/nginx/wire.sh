#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Formats and encodings of HTTP through a real nginx: JSON and protobuf, plain and in gzip, what is damaged and what is
# a bomb; other requests are answered meanwhile, and the worker stays as big as it is.
. "$(dirname "$0")/lib.sh"

begin wire
workers=1
conf "qbid_wait off;" "location = /zip { qbid_gzip on; qbid_bid; }
        location = /twice { qbid_gzip on; gzip on; gzip_types application/json; gzip_min_length 1; qbid_bid; }"
table 5
start
await adopted 5

json='Content-Type: application/json' protobuf='Content-Type: application/x-protobuf'
gzip='Content-Encoding: gzip'
bid_request 800 >"$work/bid"
gzip -nc "$work/bid" >"$work/bid.gz"
bid="$url/bid?x=2"
head_of() { # name, curl arguments...: a header of the answer
    local name=$1
    shift
    curl -s -m 10 -o "$work/answer" -D - "$@" | tr -d '\r' | sed -n "s/^$name: //Ip"
}

# --- gzip in
is "JSON in gzip" 200 "$(code -H "$json" -H "$gzip" --data-binary "@$work/bid.gz" "$bid")"
holds "its answer is JSON" python3 -m json.tool "$work/answer"
is "by the query" 200 "$(code --data-binary "@$work/bid.gz" "$bid&gzip=1")"
is "gzip=0 is none" 400 "$(code --data-binary "@$work/bid.gz" "$bid&gzip=0")"
is "in chunks" 200 "$(code -H "$json" -H "$gzip" -H 'Transfer-Encoding: chunked' --data-binary "@$work/bid.gz" "$bid")"
is "over HTTP/2" 200 "$(code --http2-prior-knowledge --unix-socket "$work/h2.sock" -H "$gzip" \
    --data-binary "@$work/bid.gz" "http://h2/bid?x=2")"
is "said, but not so" 400 "$(code -H "$gzip" --data-binary "@$work/bid" "$bid")"
is "so, but not said" 400 "$(code --data-binary "@$work/bid.gz" "$bid")"
head -c -1 "$work/bid.gz" >"$work/cut.gz"
is "cut off" 400 "$(code -H "$gzip" --data-binary "@$work/cut.gz" "$bid")"
(cat "$work/bid.gz" && echo) >"$work/tail.gz"
is "something behind it" 400 "$(code -H "$gzip" --data-binary "@$work/tail.gz" "$bid")"
(head -c 100 "$work/bid" | gzip -nc && tail -c +101 "$work/bid" | gzip -nc) >"$work/two.gz"
is "two members" 200 "$(code -H "$gzip" --data-binary "@$work/two.gz" "$bid")"

# --- gzip out
is "not accepted" "" "$(head_of Content-Encoding --data-binary "@$work/bid" "$url/zip?x=2")"
is "refused by q=0" "" "$(head_of Content-Encoding -H 'Accept-Encoding: gzip;q=0' --data-binary "@$work/bid" "$url/zip?x=2")"
is "not allowed here" "" "$(head_of Content-Encoding -H 'Accept-Encoding: gzip' --data-binary "@$work/bid" "$bid")"
is "accepted" gzip "$(head_of Content-Encoding -H 'Accept-Encoding: gzip' --data-binary "@$work/bid" "$url/zip?x=2")"
holds "it is gzip of JSON" python3 -c 'import gzip, json, sys; json.loads(gzip.open(sys.argv[1]).read())' "$work/answer"
is "beside nginx's own filter: once" gzip \
    "$(head_of Content-Encoding -H 'Accept-Encoding: gzip' --data-binary "@$work/bid" "$url/twice?x=2")"
holds "it is gzip of JSON" python3 -c 'import gzip, json, sys; json.loads(gzip.open(sys.argv[1]).read())' "$work/answer"

# --- headers
is "our version" 2.6 "$(head_of x-openrtb-version --data-binary "@$work/bid" "$bid")"
for version in 2.5 2.6-202309 2.99; do
    is "version $version is read" 200 "$(code -H "x-openrtb-version: $version" --data-binary "@$work/bid" "$bid")"
done
before=$(counted answered_415)
is "version 3.0 is not" 415 "$(code -H 'x-openrtb-version: 3.0' --data-binary "@$work/bid" "$bid")"
is "nor XML" 415 "$(code -H 'Content-Type: application/xml' --data-binary "@$work/bid" "$bid")"
is "nor br" 415 "$(code -H 'Content-Encoding: br' --data-binary "@$work/bid" "$bid")"
is "nor gzip in gzip" 415 "$(code -H 'Content-Encoding: gzip, gzip' --data-binary "@$work/bid.gz" "$bid")"
is "no type is JSON" 200 "$(code -H 'Content-Type:' --data-binary "@$work/bid" "$bid")"
becomes "415 is counted" "$((before + 4))" counted answered_415

# --- bombs: 1 to 100 MB of zeros, while another client asks
dd if=/dev/zero bs=1000000 count=100 status=none | gzip -9nc >"$work/bomb100.gz"
dd if=/dev/zero bs=1000000 count=1 status=none | gzip -9nc >"$work/bomb1.gz"
dd if=/dev/zero bs=1000000 count=10 status=none | gzip -9nc >"$work/bomb10.gz"
size() {
    awk '/^VmRSS/ { print $2 }' "/proc/$(worker_pids)/status"
}
worker=$(worker_pids)
bombs() { # rounds
    local i n
    for i in $(seq "$1"); do
        for n in 1 10 100; do
            curl -s -m 10 -o /dev/null -w '%{http_code}\n' -H "$json" -H "$gzip" \
                --data-binary "@$work/bomb$n.gz" "$bid"
            curl -s -m 10 -o /dev/null -w '%{http_code}\n' -H "$protobuf" -H "$gzip" \
                --data-binary "@$work/bomb$n.gz" "$bid"
        done
    done | sort | uniq -c | xargs
}
is "bombs get no bid" "6 204" "$(bombs 1)"
over=$(counted over_limit)
load_begin 4 30 1000
before=$(size)
is "30 of them" "30 204" "$(bombs 5)"
after=$(size)
kill -TERM "$load_pid" 2>/dev/null
load_end
is "they are counted" "$((over + 30))" "$(counted over_limit)"
is "others meanwhile: lost" 0 "$(loaded lost)"
is "others meanwhile: answers" 200 "$(statuses)"
[ "$PROFILE" != release ] || holds "memory: $before KiB, then $after" test $((after - before)) -lt 1024
is "the worker is the same" "$worker" "$(worker_pids)"

# --- protobuf, written and read by Google's library
if ! command -v protoc >/dev/null || ! python3 -c 'import google.protobuf' 2>/dev/null; then
    echo "protobuf: protoc or python3-protobuf is missing, not checked against them"
    skipped=$((skipped + 1))
    finish
fi
mkdir -p "$work/proto"
sed 's/\bbytes\b/string/' plugin/openrtb/openrtb.proto >"$work/proto/openrtb.proto"
protoc -I "$work/proto" --python_out="$work/proto" "$work/proto/openrtb.proto"
requests=$data/requests.ndjson
if [ ! -f "$requests" ]; then
    requests=$work/bid
    echo "protobuf: $data/requests.ndjson is missing, one request is compared"
fi
python3 tests/e2e/nginx/wire.py "$work/proto" "$requests" "$work" "$port" 1000 >"$work/compared" 2>&1
is "the same answers" "" "$(grep -v '^asked' "$work/compared" | head -n 10)"
echo "protobuf: $(tail -n 1 "$work/compared")"
holds "some with bids" test -s "$work/request.pb"
gzip -nc "$work/request.pb" >"$work/pb.gz"
is "protobuf in gzip" 200 "$(code -H "$protobuf" -H "$gzip" --data-binary "@$work/pb.gz" "$bid")"
is "JSON said to be protobuf" 400 "$(code -H "$protobuf" --data-binary "@$work/bid" "$bid")"
is "protobuf said to be JSON" 400 "$(code -H "$json" --data-binary "@$work/request.pb" "$bid")"
head -c $(($(stat -c %s "$work/request.pb") - 1)) "$work/request.pb" >"$work/cut.pb"
is "protobuf cut off" 400 "$(code -H "$protobuf" --data-binary "@$work/cut.pb" "$bid")"

finish
