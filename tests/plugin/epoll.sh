#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The epoll example as a server of its own, with a real table: every way in, requests in pieces and one behind the
# other, clients that are broken or slow, and load on many connections. Under asan it must leave nothing behind.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/../.."
B=${B:-build/release}
root=$(mktemp -d)
broker='' server=''
finish() {
    [ -z "$server" ] || kill -TERM "$server" 2>/dev/null || true
    exec 3>&- || true
    [ -z "$broker" ] || wait "$broker" || true
    rm -rf "$root"
}
trap finish EXIT
passed=0 failed=0

is() { # what, wanted, got
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "epoll: $1: '$3', not '$2'"
    fi
}
await() { # file, expression
    for _ in $(seq 200); do
        grep -q "$2" "$1" 2>/dev/null && return 0
        sleep 0.05
    done
    echo "epoll: no '$2' in $1"
    cat "$1" "$root/err" || true
    exit 1
}

mkfifo "$root/in"
"$B/e2e/plugin/broker" <"$root/in" >"$root/path" &
broker=$!
exec 3>"$root/in"
await "$root/path" sock
"$B/bin/qbid-example-epoll" "$(cat "$root/path")" https://n.example/qbid/notice >"$root/out" 2>"$root/err" &
server=$!
await "$root/out" listening
port=$(sed 's/.*://' "$root/out")
url=http://127.0.0.1:$port
client=$B/e2e/nginx/client

code() { curl -s -m 10 -o "$root/answer" -w '%{http_code}' "$@"; }

printf '{"id":"a","imp":[{"id":"1","banner":{"w":300,"h":250}}],"site":{"domain":"news.example"}}' >"$root/bid"
printf '{"id":"b","imp":[{"id":"1","banner":{"w":1,"h":1}}]}' >"$root/nobid"
printf '{"id":' >"$root/cut"

is "a bid" 200 "$(code --data-binary "@$root/bid" "$url/bid")"
is "its price" 1 "$(grep -c '"impid":"1","price":5,' "$root/answer")"
notice=$(grep -o 'https://n.example/qbid/notice/[a-z]*?t=[^"\\&]*' "$root/answer" | sed "s|https://n.example|$url|")
is "its fields" 2 "$(curl -si --data-binary "@$root/bid" "$url/bid" | grep -ciE '^(x-openrtb-version: 2.6|content-type: application/json)')"
is "no bid" 204 "$(code --data-binary "@$root/nobid" "$url/bid")"
is "no JSON" 400 "$(code --data-binary "@$root/cut" "$url/bid")"
is "a bid by GET" 405 "$(code "$url/bid")"
is "another path" 404 "$(code "$url/")"
is "a win" 200 "$(code "$(grep -m1 /win <<<"$notice")&p=4.5")"
is "a billing notice by POST" 200 "$(code -X POST "$(grep -m1 /bill <<<"$notice")&p=4.5")"
is "the same again" 200 "$(code "$(grep -m1 /bill <<<"$notice")&p=4.5")"
is "a click" 302 "$(code "$(grep -m1 /click <<<"$notice")")"
is "where it leads" 1 "$(curl -si "$(grep -m1 /click <<<"$notice")" | grep -c '^Location: https://shop.example/p?id=')"
is "a forged notice" 403 "$(code "$(grep -m1 /win <<<"$notice" | sed 's/t=AQ\(.\)...../t=AQ\1AAAAA/')")"
is "an unreadable notice" 400 "$(code "$url/qbid/notice/win?t=nonsense")"
is "a notice of no kind" 400 "$(code "$url/qbid/notice/")"
is "counters" 200 "$(code "$url/status")"
is "requests counted" 1 "$(grep -c '"requests":4' "$root/answer")"

# --- one connection
seq 50 | sed 's|.*|{"id":"k&","imp":[{"id":"1","banner":{"w":300,"h":250}}]}|' >"$root/lines"
is "50 requests on one connection" "50 connections 1" \
    "$("$client" lines "$port" /bid "$root/lines" | awk '$2 == 200 { n++ } /^connections/ { print n, $0 }')"
is "40 requests sent before the first answer is read" "200 40 connections 1" \
    "$("$client" pipeline "$port" /bid "$root/bid" 40 | paste -sd' ')"

# --- in pieces
len=$(wc -c <"$root/bid")
printf 'POST /bid HT' >"$root/p1"
printf 'TP/1.1\r\nHost: a\r\ncontent-LENGTH:  %d\r\n\r' "$len" >"$root/p2"
printf '\n' | cat - <(head -c 20 "$root/bid") >"$root/p3"
tail -c +21 "$root/bid" >"$root/p4"
pieces() { "$client" pieces "$port" 30 "$@"; }
is "a request in four pieces" "200 open" \
    "$(pieces "$root/p1" "$root/p2" "$root/p3" "$root/p4" | awk '{ print $1 }' | paste -sd' ')"

# --- what is refused, and ends the connection
refused() { # what, status, raw text
    printf "$3" >"$root/raw"
    is "$1" "$2 closed" "$(pieces "$root/raw" | awk '{ print $1 }' | paste -sd' ')"
}
refused "no HTTP" 400 'hello\r\n\r\n'
refused "no target" 400 'POST  HTTP/1.1\r\n\r\n'
refused "HTTP/2" 400 'GET / HTTP/2.0\r\n\r\n'
refused "a length that is none" 400 'POST /bid HTTP/1.1\r\nContent-Length: 1x\r\n\r\n'
refused "a negative length" 400 'POST /bid HTTP/1.1\r\nContent-Length: -1\r\n\r\n'
refused "a body over the limit" 413 'POST /bid HTTP/1.1\r\nContent-Length: 262145\r\n\r\n'
refused "chunks" 501 'POST /bid HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
head -c 17000 /dev/zero | tr '\0' a | cat <(printf 'GET /') - >"$root/long"
is "a head over the limit" "431 closed" "$(pieces "$root/long" | awk '{ print $1 }' | paste -sd' ')"
printf 'GET /status HTTP/1.1\r\nConnection: close\r\n\r\n' >"$root/raw"
is "a connection that is to end" "200 closed" "$(pieces "$root/raw" | awk '{ print $1 }' | paste -sd' ')"

# --- a client that stops in the middle does not stop others; load on many connections
exec 4<>"/dev/tcp/127.0.0.1/$port"
printf 'POST /bid HTTP/1.1\r\nContent-Length: 100\r\n\r\n{' >&4
"$client" load "$port" /bid "$root/bid" 64 2 0 >"$root/load"
is "answers lost under load" "lost 0" "$(grep '^lost' "$root/load")"
is "answers under load" 1 "$(awk '$1 == "status" && $2 == 200 && $3 > 1000 { n++ } $1 == "status" && $2 != 200 { n = 9 } END { print n + 0 }' "$root/load")"
exec 4>&-

kill -TERM "$server"
rc=0
wait "$server" || rc=$?
server=
is "its end" 0 "$rc"
is "what it has to say" "" "$(cat "$root/err")"

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
