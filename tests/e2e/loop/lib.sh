# SPDX-License-Identifier: Apache-2.0
# What the tests of the whole site share: qbidd, nginx with the module, qbid-replay and qbid in a folder of
# their own. Sourced from the project's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
. tools/demo/lib.sh
. tools/demo/account.sh
passed=0 failed=0
replay_pid='' expected_log='^$'
SITE_EXTRA='' SITE_NGINX_EXTRA=''

for file in /usr/sbin/nginx "$B/ngx_http_qbid_module.so" "$B/bin/qbidd" "$B/bin/qbid" "$B/bin/qbid-replay"; do
    [ -e "$file" ] || {
        echo "$file is missing"
        exit 77
    }
done

. tests/e2e/checks.sh
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
# WHAT, WANTED, command...: what the command prints, now or within twenty seconds
becomes() {
    local what=$1 wanted=$2 got=''
    shift 2
    for _ in $(seq 200); do
        got=$("$@" 2>/dev/null) || true
        [ "$got" != "$wanted" ] || break
        sleep 0.1
    done
    is "$what" "$wanted" "$got"
}
# command...: its exit code; what it says is in $work/said
exit_of() {
    local code=0
    "$@" >"$work/said" 2>&1 || code=$?
    echo "$code"
}

# A folder of its own for NAME, and the end of everything in it however the test ends.
begin() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/qbid-loop-$1-XXXXXX")
    trap clean_up EXIT
    trap 'exit 130' INT TERM HUP
}
clean_up() {
    local code=$?
    trap - EXIT INT TERM HUP
    [ -z "$replay_pid" ] || kill -KILL "$replay_pid" 2>/dev/null || true
    [ -z "${stopped:-}" ] || kill -CONT "$stopped" 2>/dev/null || true
    site_stop
    if [ "$code" -ne 0 ]; then
        tail -n 20 "$work"/*/qbidd.log "$work"/*/nginx/error.log 2>/dev/null || true
    fi
    rm -rf "$work"
    exit "$code"
}

# NAME, WORKERS: configure a site in $work/NAME; SITE_EXTRA may replace keys of the demonstration's
new_site() {
    site_make "$work/$1" "$2"
    SITE_EXTRA=''
    # else an idle worker may take all connections, and the others see no load
    sed -i 's/backlog=4096/& reuseport/' "$SITE/nginx/nginx.conf"
    SITE_QBIDD='' SITE_NGINX=''
}
qbid() {
    "$B/bin/qbid" --socket "$SITE_SOCKET" "$@"
}
# REPORT, options...: replay against the site, the report into $work/REPORT.json
replay() {
    local report=$1
    shift
    "$B/bin/qbid-replay" --url "$SITE_BID_URL" --timeout-ms 1000 --quiet --output json "$@" \
        >"$work/$report.json" 2>>"$work/replay.log"
}
# The same in the background: until its end, or until replay_end stops it
replay_begin() {
    "$B/bin/qbid-replay" --url "$SITE_BID_URL" --timeout-ms 1000 --quiet --output json "${@:2}" \
        >"$work/$1.json" 2>>"$work/replay.log" &
    replay_pid=$!
}
replay_end() {
    local pid=$replay_pid code=0
    [ "${1:-}" != now ] || kill -INT "$pid" 2>/dev/null || true
    wait "$pid" || code=$?
    replay_pid=
    [ "$code" = 0 ] || [ "$code" = 130 ] || is "exit code of qbid-replay" "0 or 130" "$code"
}
# REPORT, FIELD of it
got() {
    site_json "$work/$1.json" "$2"
}
# python expression over the status page `s` (workers: `w`), the ledger `l` (its only campaign: `c`), stat `n`
from_status() {
    curl -s -m 5 "$SITE_STATUS_URL" | python3 -c "import json, sys; s = json.load(sys.stdin); w = s['workers']; print($1)"
}
from_ledger() {
    qbid --output json ledger |
        python3 -c "import json, sys; l = json.load(sys.stdin); c = l['campaigns'][0]; print($1)"
}
from_stat() {
    qbid --output json stat | python3 -c "import json, sys; n = json.load(sys.stdin)['counters']; print($1)"
}
spent() {
    from_ledger 'c["spent_nanos"]'
}
worker_pids() {
    pgrep -P "$SITE_NGINX" | xargs
}
worker_cnt() {
    worker_pids | wc -w
}
# Every event that the workers wrote has been read.
drained() {
    from_status 'sum(x["library"]["ring_events"] for x in w)'
}
# One bid request by hand: the answer in $work/answer, the status code on stdout
ask_bid() {
    curl -s -m 5 -o "$work/answer" -w '%{http_code}' --data-binary "@$work/request" "$SITE_BID_URL?x=1"
}
request_make() {
    cat >"$work/request" <<'JSON'
{"id":"r1","imp":[{"id":"1","banner":{"w":300,"h":250,"pos":1},"bidfloor":0.01,"bidfloorcur":"CNY"}],"site":{"domain":"news.example"},"device":{"ua":"Mozilla/5.0","ip":"192.0.2.1","devicetype":2,"geo":{"country":"CHN"}},"user":{"id":"u1"},"at":2,"tmax":1000,"cur":["CNY"]}
JSON
}

# What a site leaves behind when it has ended: nothing.
remember() {
    page_inodes=$(for pid in $SITE_QBIDD $(worker_pids); do memory_of "$pid"; done | sort -u | xargs)
}
# PIDS (a pattern): inodes of our shared memory that they map
memory_of() {
    { cat /proc/$1/maps 2>/dev/null || true; } | awk '/memfd:qbid-'"${2:-}"'/ { print $5 }' | sort -u
}
no_leftover() {
    local inodes
    is "$1: sockets" "" "$(find "$SITE" -type s)"
    is "$1: files half written" "" "$(find "$SITE" -name '.fresh*' -o -name '*.tmp' -o -name '*-journal')"
    is "$1: processes" "" "$(grep -lsF -f <(echo "$SITE") /proc/[0-9]*/cmdline | cut -d/ -f3 | xargs)"
    inodes=$(memory_of "[0-9]*")
    is "$1: shared memory, of $(wc -w <<<"$page_inodes") files" "" \
        "$(for inode in $page_inodes; do grep -x "$inode" <<<"$inodes" || true; done | xargs)"
}

finish() {
    local log
    is "error.log has no alert" "" "$(grep -hE '\[(alert|emerg|crit)\]|Sanitizer' "$work"/*/nginx/error.log 2>/dev/null |
        grep -vE "$expected_log" | head -n 5)"
    is "qbid-replay complained of nothing" "" "$(head -n 5 "$work/replay.log" 2>/dev/null || true)"
    echo "$passed passed, $failed failed, 0 skipped"
    [ "$failed" -eq 0 ]
}
