# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts of this folder: an nginx of their own with the module, and what every run must leave.
#
#   begin NAME            a fresh prefix build/<profile>/e2e/nginx/run/NAME, named $work
#   conf HTTP LOCATIONS   writes $work/nginx.conf; both texts are put into their blocks
#   start, stop           nginx on 127.0.0.1:$port; stop waits for the last process
#   table GEN, ask WORDS  a table server on $work/q.sock; its answer to a command; `table_end` ends it
#   is, becomes, holds    one check
#   finish                the checks of every run, the counts, the exit code
#
# $expected is a regular expression of alerts that a test provokes.
# Every run fails on any other [alert], [emerg], [crit] or a sanitizer's report in error.log, on a process that is left
# and on a file that is left open.
set -uo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
B=${B:-build/release}
PROFILE=${PROFILE:-release}
tools=$PWD/$B/e2e/nginx
module=$PWD/$B/ngx_http_qbid_module.so
nginx=$(PATH=$PATH:/usr/sbin command -v nginx || true)
data=../shared/data/openrtb
passed=0 failed=0 skipped=0
workers=2 port='' master='' table_pid='' table_in='' table_out='' expected='' load_pid=''

if [ -z "$nginx" ] || [ ! -f "$module" ]; then
    echo "nginx or $module is missing"
    exit 77
fi

# An uninstrumented program that loads an instrumented module must have the runtime in it from its start, and
# libstdc++ too, whose functions the runtime intercepts. nginx leaves its connections and their events to the
# kernel when it exits: those allocations, and no others, are excused (lsan.supp).
preload=()
if [ "$PROFILE" = asan ]; then
    # gcc 12 does not align its fake stack to 64 bytes (its bug 110027), which hash states and images ask for
    export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_stack_use_after_return=0
    runtime=$(realpath "$(gcc -print-file-name=libasan.so)"):$(realpath "$(gcc -print-file-name=libstdc++.so)")
    preload=(env "LD_PRELOAD=$runtime" "LSAN_OPTIONS=suppressions=$PWD/tests/e2e/nginx/lsan.supp:print_suppressions=0")
fi

. tests/e2e/checks.sh
. tools/demo/port.sh
# WHAT, WANTED, command...: what the command prints, now or within ten seconds
becomes() {
    local what=$1 wanted=$2 got='' i
    shift 2
    for i in $(seq 100); do
        got=$("$@")
        [ "$got" != "$wanted" ] || break
        sleep 0.1
    done
    is "$what" "$wanted" "$got"
}
# WHAT, command...: the command succeeds
holds() {
    local what=$1
    shift
    if "$@" >/dev/null; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n  command: %s\n' "$what" "$*"
    fi
}

begin() {
    work=$PWD/$B/e2e/nginx/run/$1
    rm -rf "$work"
    mkdir -p "$work/tmp"
    claim_port
    url=http://127.0.0.1:$port
    trap cleanup EXIT
    trap 'exit 130' INT TERM HUP
}

cleanup() {
    [ -z "$table_pid" ] || kill -TERM "$table_pid" 2>/dev/null
    [ -z "$master" ] || kill -TERM "$master" 2>/dev/null
}

conf() {
    local user=
    [ "$(id -u)" -ne 0 ] || user="user root root;" # else the workers could not reach a root's own folder
    cat >"$work/nginx.conf" <<CONF
load_module $module;
$user
worker_processes $workers;
pid $work/nginx.pid;
error_log $work/error.log info;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path $work/tmp/b; proxy_temp_path $work/tmp/p; fastcgi_temp_path $work/tmp/f;
    uwsgi_temp_path $work/tmp/u; scgi_temp_path $work/tmp/s;
    keepalive_timeout 180s; keepalive_requests 100000000; keepalive_time 7d;
    client_header_buffer_size 16k; client_body_buffer_size 256k; request_pool_size 8k;
    qbid_socket $work/q.sock;
    qbid_notice_url $url/notice;
    $1
    server {
        listen 127.0.0.1:$port;
        listen unix:$work/h2.sock http2;
        location = /bid { qbid_bid; }
        location /notice/ { qbid_notice; }
        location = /status { qbid_status; }
        location = /metrics { qbid_status prometheus; }
        location = /none { return 204; }
        $2
    }
}
CONF
}

run_nginx() {
    ${preload[@]+"${preload[@]}"} "$nginx" -p "$work/" -c "$work/nginx.conf" -e "$work/error.log" "$@"
}
start() {
    run_nginx >"$work/start.log" 2>&1
    for _ in $(seq 200); do
        [ ! -s "$work/nginx.pid" ] || break
        sleep 0.02
    done
    master=$(cat "$work/nginx.pid" 2>/dev/null)
    if [ -z "$master" ] || ! curl -s -m 10 -o "$work/up" "$url/none"; then
        cat "$work/start.log" "$work/error.log"
        echo "nginx does not start"
        exit 1
    fi
    # every worker is up when it has put itself on the board
    for _ in $(seq 200); do
        [ "$(curl -s "$url/status" | grep -o '"pid"' | wc -l)" -lt "$workers" ] || return 0
        sleep 0.05
    done
    echo "FAILED: only some of $workers workers came up"
    failed=$((failed + 1))
}
gone() { # pid: waits for its end
    for _ in $(seq 200); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.05
    done
    return 1
}
stop() {
    kill -QUIT "$master"
    holds "nginx ends within ten seconds of SIGQUIT" gone "$master"
    master=
}
worker_pids() {
    pgrep -P "$master" | xargs
}
worker_cnt() {
    worker_pids | wc -w
}

table() {
    local ready
    rm -f "$work/in" "$work/out"
    mkfifo "$work/in" "$work/out"
    "$tools/table_server" "$work/q.sock" "$1" <"$work/in" >"$work/out" 2>>"$work/table.log" &
    table_pid=$!
    exec {table_in}>"$work/in" {table_out}<"$work/out"
    read -r -t 10 ready <&"$table_out"
    is "the table server is ready" ready "${ready:-}"
}
ask() {
    local answer=
    echo "$*" >&"$table_in"
    read -r -t 10 answer <&"$table_out"
    echo "$answer"
}
table_end() { # KILL or nothing
    [ -z "${1:-}" ] || kill -"$1" "$table_pid"
    exec {table_in}>&- {table_out}<&-
    wait "$table_pid" 2>/dev/null
    table_pid=
}
# name: its number in the table server's report
reported() {
    ask report | grep -oE "(^| )$1 [0-9]+" | grep -oE '[0-9]+$'
}
await() { # name, number
    becomes "the table server reports $1" "$2" reported "$1"
}
# name: sum over the workers of a counter of the status page, the module's or the library's
counted() {
    curl -s "$url/status" | grep -oE "\"$1\":[0-9]+" | grep -oE '[0-9]+$' | awk '{ n += $1 } END { print n + 0 }'
}
# curl arguments...: the status code
code() {
    curl -s -m 10 -o "$work/answer" -w '%{http_code}' "$@"
}
# a bid request of the field's usual shape; CHARS of padding inside
bid_request() {
    printf '{"id":"r1","imp":[{"id":"1","banner":{"w":300,"h":250,"pos":1},"bidfloor":0.1,"bidfloorcur":"CNY","secure":1}],'
    printf '"site":{"domain":"news.example","page":"https://news.example/%s"},' "$(printf '%*s' "${1:-0}" '' | tr ' ' a)"
    printf '"device":{"ua":"Mozilla/5.0","ip":"192.0.2.1","devicetype":2,"os":"Windows","geo":{"country":"CHN"}},'
    printf '"user":{"id":"u1"},"at":2,"tmax":100,"cur":["CNY"]}'
}
# a bid request of exactly N bytes, padded with a space behind every brace that needs one
bid_request_bytes() {
    local text
    text=$(bid_request)
    printf '%s%*s' "$text" $(($1 - ${#text})) ''
}
# The client's load in the background: connections, seconds, longest pause in microseconds, or more (see load.h).
# Nothing is repeated: what is counted as lost is lost.
load_begin() {
    "$tools/client" load "$port" '/bid?x=2' "$work/bid" "$@" >"$work/load" 2>"$work/losses" &
    load_pid=$!
}
load_end() {
    wait "$load_pid"
}
loaded() { # word of the load's report: its number
    awk -v word="$1" '$1 == word { print $NF }' "$work/load"
}
statuses() { # that the load has seen
    sed -n 's/^status \([0-9]*\) .*/\1/p' "$work/load" | xargs
}
# pid: its descriptors by kind, without the numbers that differ from one to the next
descriptors() {
    find "/proc/$1/fd" -lname '*' -printf '%l\n' | sed -E 's/[0-9]+\]/N]/' | sort | uniq -c
}

finish() {
    [ -z "$master" ] || stop
    [ -z "$table_pid" ] || table_end
    is "error.log has no alert and no sanitizer's report" "" \
        "$(grep -hE '\[(alert|emerg|crit)\]|Sanitizer|runtime error' "$work/error.log" "$work/start.log" 2>/dev/null |
            grep -vE "${expected:-^$}" | head -n 20)"
    is "no process has a file of the test open" "" \
        "$(find /proc/[0-9]*/fd -lname "$work/*.log" 2>/dev/null | cut -d/ -f3 | sort -u | tr '\n' ' ')"
    is "the table server said nothing" "" "$(cat "$work/table.log" 2>/dev/null)"
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
    exit
}
