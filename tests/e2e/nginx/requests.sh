#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Bid requests in every form that they arrive in: methods, sizes, chunks, pieces, pipelines, versions of HTTP.
. "$(dirname "$0")/lib.sh"

begin requests
workers=1
conf "qbid_max_body 200k;
    log_format bids '\$status \$arg_x \$qbid_decision \$qbid_reason \$qbid_generation \$qbid_ns';" "
        location = /logged { access_log $work/bids.log bids; qbid_bid; }
        location = /small { client_body_buffer_size 1k; qbid_bid; }
        location = /named { access_log $work/bids.log bids; qbid_exchange 2; qbid_bid; }
        location = /mirrored { mirror /bid; qbid_bid; }
        location = /page { qbid_status html; }
        location = /unfiled { client_body_in_file_only on; qbid_bid; }
        location = /filed {
            client_body_in_file_only clean; mirror /bid; proxy_pass http://127.0.0.1:$port/none;
        }
        location = /asked { auth_request /bid; return 200; }
        location = /from_header { qbid_exchange \$http_x_exchange; qbid_bid; }"
table 5
start
await adopted 5

limit=204800
bid_request >"$work/bid"
bid_request 2000 >"$work/bid_2k"
bid_request 20000 >"$work/bid_20k"
bid_request_bytes $limit >"$work/at_limit"
bid_request_bytes $((limit + 1)) >"$work/over_limit"
printf '{"id":"r2","imp":[{"id":"1","banner":{"w":1,"h":1}}],"site":{"domain":"a.example"}}' >"$work/nobid"
printf '{"id":' >"$work/cut"
printf '{' >"$work/one"
: >"$work/empty"

# --- methods
is "a bid" 200 "$(code --data-binary "@$work/bid" "$url/bid?x=2")"
holds "it is JSON" python3 -m json.tool "$work/answer"
for method in GET HEAD PUT DELETE OPTIONS PATCH; do
    head=()
    [ $method != HEAD ] || head=(-I)
    is "$method is refused" 405 "$(code "${head[@]}" -X $method "$url/bid")"
done
is "405 names the method" "Allow: POST" "$(curl -si "$url/bid" | tr -d '\r' | grep -i ^allow)"
is "405 has no body" 0 "$(curl -s "$url/bid" | wc -c)"
head=$(curl -si --data-binary "@$work/bid" "$url/bid?x=2" | tr -d '\r')
for line in 'Content-Type: application/json' 'x-openrtb-version: 2.6' 'Connection: keep-alive'; do
    holds "an answer says $line" grep -qx "$line" <<<"$head"
done

# --- system calls: what nginx itself makes of a request on a kept connection, and nothing else
if [ "$PROFILE" = release ] && strace -o "$work/strace.log" true 2>/dev/null; then
    : >"$work/attached"
    strace -o "$work/strace.log" -p "$(worker_pids)" 2>"$work/attached" &
    tracer=$!
    becomes "strace is attached" 1 grep -c attached "$work/attached"
    "$tools/client" repeat "$port" '/bid?x=2' "$work/bid" 50 >/dev/null
    kill -INT $tracer
    wait $tracer
    calls() { # what, how often
        sed -nE 's/^([a-z_0-9]+)\(.*/\1/p' "$work/strace.log" | grep -cE "^($1)$"
    }
    holds "50 bids: reads" test "$(calls 'recvfrom|readv')" -le 55
    is "50 bids: writes" 50 "$(calls writev)"
    # qbid_wait's question, after a turn of the loop that other work on the machine has made long: not each time
    holds "50 bids: getsockopt" test "$(calls getsockopt)" -le 25
    is "50 bids: others" "" "$(sed -nE 's/^([a-z_0-9]+)\(.*/\1/p' "$work/strace.log" |
        grep -vxE 'getsockopt|recvfrom|readv|writev|epoll_wait|accept4|epoll_ctl|setsockopt|close|write|gettid' | sort | uniq -c)"
elif [ "$PROFILE" = release ]; then
    skipped=$((skipped + 1))
    echo "skipped: strace may not trace here"
fi

# --- what is in the body
is "nothing to bid on" 204 "$(code --data-binary "@$work/nobid" "$url/bid?x=2")"
is "204 has no body" 0 "$(wc -c <"$work/answer")"
for body in cut one empty; do
    is "malformed: $body" 400 "$(code --data-binary "@$work/$body" "$url/bid?x=2")"
    is "400 has no body: $body" 0 "$(wc -c <"$work/answer")"
done
is "a POST without length and body" "400 0
open" "$(printf 'POST /bid HTTP/1.1\r\nHost: a\r\n\r\n' >"$work/raw" && "$tools/client" pieces "$port" 0 "$work/raw")"

# --- sizes, with a length and in chunks, where the body fits the buffer and where it does not; the next
#     request on the same connection is answered as well
for location in bid small; do
    for chunked in "" "Transfer-Encoding: chunked"; do
        for case in 'bid 200' 'bid_2k 200' 'bid_20k 200' 'at_limit 200' 'over_limit 204' 'empty 400' 'one 400'; do
            read -r body want <<<"$case"
            got=$(curl -s -m 10 -H Expect: -H "$chunked" -o "$work/answer" -w '%{http_code} %{num_connects} ' \
                --data-binary "@$work/$body" "$url/$location?x=2" \
                --next -s -m 10 -o "$work/answer" -w '%{http_code} %{num_connects}' \
                --data-binary "@$work/bid" "$url/$location?x=2")
            is "/$location $body ${chunked:+chunked}, then another" "$want 1 200 0" "$got"
        done
    done
done
is "bodies over the limit are counted" 4 "$(counted over_max_body)"
is "Expect: 100-continue" "200 1" "$(curl -s -m 10 -H 'Expect: 100-continue' -o "$work/answer" \
    -w '%{http_code} %{num_connects}' --data-binary "@$work/at_limit" "$url/bid?x=2")"
is "no body went to a file" "" "$(find "$work/tmp" -type f)"

# --- a body that fits behind its header is parsed where it lies, any other is copied once
before=$(counted body_copied)
code --data-binary "@$work/bid_2k" "$url/bid?x=2" >/dev/null
is "a small body is not copied" "$before" "$(counted body_copied)"
code --data-binary "@$work/bid_20k" "$url/bid?x=2" >/dev/null
is "a large one is" $((before + 1)) "$(counted body_copied)"

# --- pieces: byte by byte, headers and body apart, a slow client, two requests in one packet
request() { # path, body file
    printf 'POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n' "$1" "$(wc -c <"$2")"
    cat "$2"
}
request '/bid?x=2' "$work/bid" >"$work/whole"
size=$(wc -c <"$work/whole")
answer=$(code --data-binary "@$work/bid" "$url/bid?x=2" >/dev/null && wc -c <"$work/answer")
rm -rf "$work/pieces" && mkdir "$work/pieces"
split -b 1 -a 4 "$work/whole" "$work/pieces/"
is "$size packets of one byte" "200 $answer
open" "$("$tools/client" pieces "$port" 0 "$work"/pieces/*)"
for cut in 20 $((size - $(wc -c <"$work/bid"))) $((size - 1)); do
    head -c "$cut" "$work/whole" >"$work/piece1"
    tail -c +$((cut + 1)) "$work/whole" >"$work/piece2"
    is "cut after $cut bytes, 300 ms apart" "200 $answer
open" "$("$tools/client" pieces "$port" 300 "$work/piece1" "$work/piece2")"
done
{
    printf 'POST /bid?x=2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
    printf '%x;note=1\r\n' 100
    head -c 256 "$work/bid"
    printf '\r\n%x\r\n' $(($(wc -c <"$work/bid") - 256))
    tail -c +257 "$work/bid"
    printf '\r\n0\r\nTrailer: x\r\n\r\n'
} | sed 's/^64;note/100;note/' >"$work/chunks"
rm -rf "$work/pieces" && mkdir "$work/pieces"
split -b 7 -a 4 "$work/chunks" "$work/pieces/"
is "chunks with an extension and a trailer, 7 bytes a packet" "200 $answer
open" "$("$tools/client" pieces "$port" 0 "$work"/pieces/*)"
sed 's/^100;note/zz;note/' "$work/chunks" >"$work/bad_chunks"
holds "a chunk without a size is 400 and the end" grep -q '^400 .* close$' \
    <("$tools/client" pieces "$port" 0 "$work/bad_chunks")
head -c 200 "$work/whole" >"$work/half"
is "a client that leaves in the middle costs nothing" 0 "$(python3 - "$port" "$work/half" <<'PY'
import socket, sys
for _ in range(50):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
        s.sendall(open(sys.argv[2], "rb").read())
print(0)
PY
)"
cat "$work/whole" "$work/whole" "$work/whole" >"$work/three"
is "three requests in one packet" "200 $answer
200 $answer
200 $answer
open" "$("$tools/client" pieces "$port" 0 "$work/three")"
request '/bid' "$work/over_limit" >"$work/mixed"
request '/bid?x=2' "$work/cut" >>"$work/mixed"
printf 'GET /bid HTTP/1.1\r\nHost: a\r\n\r\n' >>"$work/mixed"
cat "$work/whole" >>"$work/mixed"
is "one packet: over the limit, malformed, wrong method, a bid" "204 0
400 0
405 0
200 $answer
open" "$("$tools/client" pieces "$port" 0 "$work/mixed")"

# --- one connection for a thousand requests, and a pipeline; nothing stays open
code --data-binary "@$work/bid" "$url/bid?x=2" >/dev/null
sleep 0.2
before=$(descriptors "$(worker_pids)")
is "1000 requests on one connection" "200 1000
connections 1" "$("$tools/client" repeat "$port" '/bid?x=2' "$work/bid_2k" 1000)"
is "200 requests in a pipeline" "200 200
connections 1" "$("$tools/client" pipeline "$port" '/bid?x=2' "$work/bid_2k" 200)"
is "malformed ones keep the connection" "400 1000
connections 1" "$("$tools/client" repeat "$port" '/bid?x=2' "$work/cut" 1000)"
becomes "the worker's descriptors after 2200 requests" "$before" descriptors "$(worker_pids)"

# --- HTTP/1.0, and closing when the client asks for it
is "HTTP/1.0" 200 "$(code -0 --data-binary "@$work/bid" "$url/bid?x=2")"
is "Connection: close" "close" "$(curl -si -H 'Connection: close' --data-binary "@$work/bid" "$url/bid?x=2" |
    tr -d '\r' | sed -n 's/^Connection: //p')"

# --- the partner and the log variables
code --data-binary "@$work/bid" "$url/logged?x=2" >/dev/null
code --data-binary "@$work/nobid" "$url/logged?x=$(printf '%080d' 0)" >/dev/null
code --data-binary "@$work/cut" "$url/logged" >/dev/null
code "$url/logged" >/dev/null
code --data-binary "@$work/over_limit" "$url/logged" >/dev/null
code --data-binary "@$work/bid" "$url/named" >/dev/null
is "the log" "200 2 bid bid 5 0
204 $(printf '%080d' 0) nobid no_candidate 5 0
400 - malformed malformed 0 0
405 - - - - -
204 - nobid over_limit 0 0
200 - bid bid 5 0" "$(cat "$work/bids.log")"

unknown() { # curl arguments...: values of the request that the dictionary lacks
    local before
    before=$(counted unknown_values)
    code --data-binary "@$work/bid" "$@" >/dev/null
    echo $(($(counted unknown_values) - before))
}
base=$(unknown "$url/bid?x=2")
is "without an argument there is no partner" "$base" "$(unknown "$url/bid")"
is "the partner of the argument" $((base + 1)) "$(unknown "$url/bid?x=9")"
is "the partner of the configuration" "$base" "$(unknown "$url/named?x=9")"
is "the partner of a header" $((base + 1)) "$(unknown -H 'X-Exchange: 9' "$url/from_header?x=2")"

# --- inside other modules' requests
for body in bid bid_20k; do
    for chunked in "" "Transfer-Encoding: chunked"; do
        before=$(counted answered_bid)
        is "mirrored $body ${chunked:+chunked}" 200 \
            "$(code -H Expect: -H "$chunked" --data-binary "@$work/$body" "$url/mirrored?x=2")"
        becomes "and its copy" $((before + 2)) counted answered_bid
    done
done
for body in bid bid_20k at_limit; do
    is "a location that asks for a file gets memory: $body" 200 "$(code --data-binary "@$work/$body" "$url/unfiled?x=2")"
    is "no file: $body" "" "$(find "$work/tmp" -type f)"
    before=$(counted answered_bid)
    is "another location keeps $body in a file" 204 "$(code --data-binary "@$work/$body" "$url/filed?x=2")"
    becomes "its copy is read from there: $body" $((before + 1)) counted answered_bid
done
before=$(counted over_max_body)
is "another location's file is over the limit" 204 "$(code --data-binary "@$work/over_limit" "$url/filed?x=2")"
becomes "which is counted" $((before + 1)) counted over_max_body
before=$(counted refused_method)
code "$url/asked" >/dev/null
holds "as the answer to auth_request it is a GET" test "$(counted refused_method)" -ge "$before"

# --- the status in each format, here also under a sanitizer; status.sh has the rest
for location in status metrics page; do
    is "/$location" 200 "$(code "$url/$location")"
    is "/$location over HTTP/2" 200 "$(code --http2-prior-knowledge --unix-socket "$work/h2.sock" "http://a.example/$location")"
done

# --- HTTP/2
h2=(--http2-prior-knowledge --unix-socket "$work/h2.sock" -o "$work/answer" -s -m 10 -w '%{http_version} %{http_code}\n')
for case in 'bid 200' 'bid_20k 200' 'at_limit 200' 'over_limit 204' 'cut 400' 'nobid 204' 'empty 400'; do
    read -r body want <<<"$case"
    is "HTTP/2: $body" "2 $want" "$(curl "${h2[@]}" --data-binary "@$work/$body" "http://a.example/bid?x=2")"
done
is "HTTP/2: a body without a length" "2 200" \
    "$(curl "${h2[@]}" -X POST -T - "http://a.example/bid?x=2" <"$work/bid_20k")"
is "HTTP/2: no body went to a file" "" "$(find "$work/tmp" -type f)"

finish
