#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The HTTP operations of a real qbidd by curl: every status, answers against openapi.json, executions once and not
# twice, slow and broken clients beside a control loop that goes on; tenants on the socket; the audit's key.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
B=${B:-build/release}
passed=0 failed=0
. tests/e2e/checks.sh
. tools/demo/lib.sh
for tool in curl python3 setpriv; do
    command -v $tool >/dev/null || {
        echo "$tool is missing"
        exit 77
    }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/qbid-http-XXXXXX")
daemon=''
qbidd_stop() {
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
    [ -z "$daemon" ] || wait "$daemon" 2>/dev/null || true
    daemon=''
}
clean_up() {
    local code=$?
    trap - EXIT
    qbidd_stop
    [ $code = 0 ] || tail -n 20 "$work/log"
    rm -rf "$work"
    exit $code
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

claim_port
url=http://127.0.0.1:$port/api/v1/optimization
cat >"$work/q.yaml" <<YAML
state_dir: state
privacy: {gdpr_unknown: applies_not}
handover: {path: h.sock}
control: {path: c.sock, mode: "0660"}
keys: {file: keys, create: true}
access: {tokens: tokens}
audit: {key_file: secret}
http: {port: $port, timeout_s: 2, rate: 1000, burst: 1000, body_kb: 16, connections: 40}
execution: {four_eyes: "15", day_change: 0.5, item_change: 0.2}
capacity: {line_items: 64, budgets: 16, workers: 1, contexts: 1024, pending_bids: 1024, seen_notices: 1024, frequency_lg: 3, frequency_lg_bids: 10}
ticks: {snapshot_ms: 1000}
YAML
qbidd_start() {
    "$B/bin/qbidd" -c "$work/q.yaml" >>"$work/log" 2>&1 &
    daemon=$!
    for _ in $(seq 100); do
        [ ! -S "$work/c.sock" ] || return 0
        kill -0 "$daemon" 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}
qbid() {
    "$B/bin/qbid" --socket "$work/c.sock" "$@"
}
exit_of() {
    local code=0
    "$@" >"$work/said" 2>&1 || code=$?
    echo $code
}
token() { # NAME TENANT RIGHTS
    "$B/bin/qbid" token new --name "$1" --tenant "$2" --rights "$3" --file "$work/tokens" >"$work/$1.token"
}
token alpha 1 read,execute
token looker 1 read
token beta 2 read,approve,execute
cat >"$work/account.yaml" <<'YAML'
currency: USD
campaigns:
  - {id: 7, tenant: 1, name: one, budget: "100", period: daily, start: "2020-01-01T00:00:00Z", end: "2040-01-01T00:00:00Z", goal: max_value, pacing: even, line_items: [{id: 70, name: li, floor: "0.1", ceiling: "3", order_value: "40", prior_ctr: 0.01, prior_cvr: 0.02, adomain: a.example}]}
  - {id: 8, tenant: 2, name: two, budget: "50", period: daily, start: "2020-01-01T00:00:00Z", end: "2040-01-01T00:00:00Z", goal: max_value, pacing: even}
YAML
cat >"$work/analyze" <<'JSON'
{"campaign_id":7,"platform":"search","metrics":{"impressions":120000,"clicks":1400,"conversions":42,"spend":95.5,"revenue":1680},"total_budget":500,"avg_order_value":40,"bid_context":{"ad_set_id":70,"device_type":"mobile","placement":"feed","hour_of_day":14},"unknown":{"x":1}}
JSON
qbidd_start
qbid import "$work/account.yaml" >/dev/null

# OPERATION, BODY (a file), TOKEN's name, more curl options...: status and body in $status, $work/answer
ask() {
    local operation=$1 body=$2 who=$3 authorization=()
    shift 3
    [ -z "$who" ] || authorization=(-H "Authorization: Bearer $(cat "$work/$who.token")")
    status=$(curl -s -m 8 -o "$work/answer" -D "$work/headers" -w '%{http_code}' "${authorization[@]}" \
        -H 'Content-Type: application/json' --data-binary "@$body" "$@" "$url/$operation") || true
}
field() { # python expression over the answer `a`
    python3 -c "import json, sys; a = json.load(open('$work/answer')); print($1)"
}
fits() { # NAME: the answer has to fit that schema of openapi.json; all are checked at the end
    { printf '%s ' "$1" && tr -d '\n' <"$work/answer" && echo; } >>"$work/fits"
}
header() {
    sed -n "s/^$1: *//Ip" "$work/headers" | tr -d '\r'
}
refused() { # WHAT, STATUS: the last answer is that refusal, as problem details
    is "$1" "$2 application/problem+json $2" \
        "$status $(header content-type) $(sed -n 's/.*"status":\([0-9]*\).*/\1/p' "$work/answer")"
    fits Problem
}

# --- analyze
{ printf 'AnalyzeRequest ' && cat "$work/analyze"; } >>"$work/fits"
ask analyze "$work/analyze" looker
is "analyze" 200 "$status"
fits Analysis
is "it recommends a budget" "['budget']" "$(field '[r["optimization_type"] for r in a["recommendations"]]')"
is "from the present one, one step up" "100 120" "$(field 'a["recommendations"][0]["current_value"] + " " + a["recommendations"][0]["recommended_value"]')"
is "with its numbers" True "$(field '"conversions" in a["recommendations"][0]["reasoning"] and float(a["recommendations"][0]["estimated_improvement"]["revenue"]) > 0')"
is "and says why there is no bid" True "$(field 'a["notes"][0].startswith("bid: ")')"
is "and changes nothing" 0 "$(qbid --output json recommend | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["recommendations"]))')"
recommendation() { # DRY_RUN: a request to execute the first recommendation
    python3 -c "import json; print(json.dumps({'recommendation': json.load(open('$work/answer'))['recommendations'][0], 'dry_run': '$1' == 'true'}))"
}
recommendation true >"$work/dry"
recommendation false >"$work/run"
{ printf 'ExecuteRequest ' && cat "$work/run"; } >>"$work/fits"

# --- execute: a dry run, approval, the thing itself, once
budget() {
    qbid --output json ledger | python3 -c 'import json, sys; print(json.load(sys.stdin)["campaigns"][0]["budget"])'
}
ask execute "$work/dry" looker
is "above four eyes, dry" "200 approval_required" "$status $(field 'a["status"]')"
fits Execution
is "a dry run leaves no recommendation" 0 "$(qbid --output json recommend | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["recommendations"]))')"
ask execute "$work/run" alpha
is "above four eyes" "200 approval_required False" "$status $(field 'a["status"], a["success"]' | tr -d "(',)")"
fits Execution
is "nothing changed" 100 "$(budget)"
id=$(field 'a["recommendation_id"]')
qbid recommend approve "$id" >/dev/null
ask execute "$work/dry" looker
is "approved, dry" simulated "$(field 'a["status"]')"
is "what it would change" "100 120 +20 %" "$(field 'a["changes_applied"]["old_budget"] + " " + a["changes_applied"]["new_budget"] + " " + a["changes_applied"]["change"]')"
fits Execution
is "nothing changed" 100 "$(budget)"
for n in 1 2 3; do
    ask execute "$work/run" alpha -H "Idempotency-Key: key-1"
    cp "$work/answer" "$work/answer.$n"
done
is "executed" "executed True" "$(field 'a["status"], a["success"]' | tr -d "(',)")"
fits Execution
is "the same key, the same answer, to the byte" same "$(cmp -s "$work/answer.1" "$work/answer.3" && echo same)"
is "the budget" 120 "$(budget)"
ask execute "$work/run" alpha
is "without a key: applied before" "executed applied before" "$(field 'a["status"] + " " + a["message"][:14]')"
is "one execution" 1 "$(qbid --output json executions | python3 -c 'import json, sys; print(sum(e["kind"] == "recommendation" for e in json.load(sys.stdin)["executions"]))')"
sed 's/"reasoning": "/&x/' "$work/run" >"$work/other"
ask execute "$work/other" alpha -H "Idempotency-Key: key-1"
refused "the key with another body" 422
qbidd_stop
qbidd_start
ask execute "$work/run" alpha -H "Idempotency-Key: key-1"
is "after a restart, too" same "$(cmp -s "$work/answer.1" "$work/answer" && echo same)"
qbid hold on campaign 7 --reason "mine" >/dev/null
sed 's/"total_budget":500/"total_budget":130/' "$work/analyze" >"$work/little"
ask analyze "$work/little" alpha
recommendation false >"$work/held"
ask execute "$work/held" alpha
is "held" "200 refused False" "$status $(field 'a["status"], a["success"]' | tr -d "(',)")"
is "by whom and why" True "$(field '"held by uid" in a["message"] and "mine" in a["message"]')"
fits Execution
qbid hold off campaign 7 --reason "" >/dev/null

# --- a full disk: nothing is done without its record, and what goes on goes on
sed 's/"total_budget":500/"total_budget":125/' "$work/analyze" >"$work/little"
ask analyze "$work/little" alpha
recommendation false >"$work/next"
prlimit --pid "$daemon" --fsize=4096:
ask execute "$work/next" alpha -H 'Idempotency-Key: key-2'
refused "execute on a full disk" 503
is "the budget stays" 120 "$(budget)"
ask analyze "$work/analyze" alpha
is "analyze goes on" 200 "$status"
prlimit --pid "$daemon" --fsize=unlimited:
ask execute "$work/next" alpha -H 'Idempotency-Key: key-2'
is "and with room again it is done" "executed 125" "$(field 'a["status"]') $(budget)"
is "every change has its record" 0 "$(exit_of qbid audit verify)"

# --- who may not
ask analyze "$work/analyze" ''
refused "no token" 401
is "no token: how" 'Bearer realm="qbid"' "$(header www-authenticate)"
ask analyze "$work/analyze" '' -H 'Authorization: Bearer qbid_0000000000000000000000000000000000000000000'
refused "an unknown token" 401
ask analyze "$work/analyze" beta
refused "another tenant's campaign" 404
is "as if there were none" "there is no campaign 7" "$(field 'a["detail"]')"
ask execute "$work/run" beta
refused "another tenant's recommendation" 404
ask execute "$work/run" looker
refused "the right to read alone" 403

# --- what is no request
ask nothing "$work/analyze" alpha
refused "another path" 404
for method in GET PUT DELETE PATCH OPTIONS; do
    ask analyze /dev/null alpha -X $method
    refused "$method" 405
    is "$method: what may be" POST "$(header allow)"
done
is "HEAD" 405 "$(curl -s -m 5 -I -o /dev/null -w '%{http_code}' "$url/analyze")"
ask analyze "$work/analyze" alpha -H 'Content-Type: text/plain'
refused "another type" 415
ask analyze "$work/analyze" alpha -H 'Content-Encoding: gzip'
refused "a coded body" 415
ask analyze "$work/analyze" alpha -H 'Transfer-Encoding: chunked'
refused "a body without a length" 411
ask analyze "$work/analyze" alpha -H 'Idempotency-Key: a b'
refused "a key with a space" 400
head -c 17000 /dev/zero | tr '\0' ' ' >"$work/big"
ask analyze "$work/big" alpha
refused "too long a body" 413
is "and the connection ends" close "$(header connection)"
: >"$work/empty"
ask analyze "$work/empty" alpha
refused "an empty body" 400
printf '{"campaign_id":7' >"$work/broken"
ask analyze "$work/broken" alpha
refused "no JSON" 400
head -c 16000 /dev/zero | tr '\0' '[' >"$work/deep"
ask analyze "$work/deep" alpha
refused "too deep a JSON" 400
sed 's/"clicks":1400/"clicks":"many"/; s/"hour_of_day":14/"hour_of_day":24/' "$work/analyze" >"$work/wrong"
ask analyze "$work/wrong" alpha
refused "wrong fields" 422
is "by their names" "['metrics.clicks', 'bid_context.hour_of_day']" "$(field '[e["field"] for e in a["errors"]]')"
sed 's/"ad_set_id":70/"ad_set_id":71/' "$work/analyze" >"$work/wrong"
ask analyze "$work/wrong" alpha
refused "a line item of nobody" 422
is "one connection for several requests, refused ones too" "1 0 0" "$(
    for body in analyze broken analyze; do
        printf -- '--next\n-s\n-o /dev/null\n-w "%%{num_connects} "\n-H "Content-Type: application/json"\n-H "Authorization: Bearer %s"\n--data-binary "@%s"\nurl = "%s"\n' \
            "$(cat "$work/alpha.token")" "$work/$body" "$url/analyze"
    done | sed 1d >"$work/three"
    curl -K "$work/three" 2>/dev/null | xargs
)"

# --- clients that are slow, rude, or many; the control loop answers all the while
python3 - "$port" "$work" <<'PY' >"$work/rude" &
import socket, sys, time
port, work = int(sys.argv[1]), sys.argv[2]
token, body = open(work + "/alpha.token").read().strip(), open(work + "/analyze", "rb").read()
head = (f"POST /api/v1/optimization/analyze HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()

def connect(data):
    s = socket.create_connection(("127.0.0.1", port))
    s.settimeout(30)
    s.sendall(data)
    return s

def status(s):
    try:
        answer = s.recv(65536)
    except OSError as error:
        return type(error).__name__
    return answer.split(b" ")[1].decode() if answer.startswith(b"HTTP/1.") else "closed"

slow = [connect(head + body[:10]) for _ in range(20)]
silent = [connect(head[:30]) for _ in range(10)]
print("garbage", status(connect(b"\x16\x03\x01\x00\x01\r\n\r\n")) != "200")
print("two lengths", status(connect(head[:-2] + b"Content-Length: 5\r\n\r\n" + body)))
print("length and chunks", status(connect(head[:-2] + b"Transfer-Encoding: chunked\r\n\r\n" + body)))
print("a huge length", status(connect(head.replace(str(len(body)).encode(), b"9" * 30) + body)))
print("headers of 6 kB", status(connect(head[:-2] + b"X: " + b"y" * 6000 + b"\r\n\r\n" + body)))
print("bytes behind the body", status(connect(head + body + head + body)) in ("closed", "200"))
odd = connect(b"")
for at in range(0, len(head + body), 101):
    odd.sendall((head + body)[at:at + 101])
print("in pieces", status(odd))
gone = connect(head + body)
gone.close()
print("bodies that do not come", {status(s) for s in slow})
print("heads that do not come", {status(s) for s in silent})
PY
rude=$!
for _ in $(seq 8); do
    is "the control loop answers meanwhile" 0 "$(exit_of timeout 2 "$B/bin/qbid" --socket "$work/c.sock" ledger)"
done
wait $rude
is "rude clients" "garbage True
two lengths 400
length and chunks 411
a huge length 400
headers of 6 kB closed
bytes behind the body True
in pieces 200
bodies that do not come {'408'}
heads that do not come {'closed'}" "$(cat "$work/rude")"
ticks() {
    awk '{ print $14 + $15 }' "/proc/$daemon/stat"
}
before=$(ticks)
sleep 0.5
is "and then nothing runs: ticks of 10 ms in half a second, below 20" yes "$([ $(($(ticks) - before)) -lt 20 ] && echo yes)"
ask analyze "$work/analyze" alpha
is "it answers still" 200 "$status"
is "and counts" True "$(qbid --output json stat | python3 -c 'import json, sys; c = json.load(sys.stdin)["counters"]; print(c["http.requests"] >= c["http.answered"] + c["http.refused"] and c["http.refused"] > 20)')"

# --- reload: tokens and rates without a restart
sed -i 's/rate: 1000, burst: 1000/rate: 0.01, burst: 2/' "$work/q.yaml"
grep -v ' looker ' "$work/tokens" >"$work/fewer" && cat "$work/fewer" >"$work/tokens"
kill -HUP "$daemon"
for _ in $(seq 50); do
    ask analyze "$work/analyze" looker
    [ "$status" != 401 ] || break
    sleep 0.05
done
refused "a token that was taken away" 401
for _ in 1 2 3; do ask analyze "$work/analyze" beta; done
refused "more than may be asked" 429
is "when again" True "$([ "$(header retry-after)" -ge 60 ] && echo True)"
echo "7 read x" >>"$work/tokens"
kill -HUP "$daemon"
for _ in $(seq 50); do
    grep -q 'reload: refused: access.tokens.*line 3' "$work/log" && break
    sleep 0.05
done
is "a broken file of tokens is refused with its line" 1 "$(grep -c 'reload: refused: access.tokens.*line 3' "$work/log")"

# --- tenants on the control socket
beta() {
    QBID_TOKEN=$(cat "$work/beta.token") qbid "$@"
}
is "a tenant sees its campaigns" "[8]" "$(beta --output json account dump | python3 -c 'import json, sys; print([c["id"] for c in json.load(sys.stdin)["campaigns"]])')"
is "its ledger" "[8]" "$(beta --output json ledger | python3 -c 'import json, sys; print([c["id"] for c in json.load(sys.stdin)["campaigns"]])')"
is "its recommendations" "[]" "$(beta --output json recommend | python3 -c 'import json, sys; print(json.load(sys.stdin)["recommendations"])')"
is "its audit" "{'campaign 8 added'}" "$(beta --output json audit -m 100 | python3 -c 'import json, sys; print({r["what"] for r in json.load(sys.stdin)["records"]})')"
is "changes its own" 0 "$(exit_of beta target set 8 --budget 51)"
is "and no other" 1 "$(exit_of beta target set 7 --budget 51)"
is "as if there were none" "qbid: there is no campaign 7" "$(cat "$work/said")"
is "nor by a recommendation" 1 "$(exit_of beta recommend add campaign 7 budget 121 --reason x)"
is "nor takes back another's" 1 "$(exit_of beta rollback 2)"
is "nothing of the host" 4 "$(exit_of beta status)"
is "nor imports" 4 "$(exit_of beta import "$work/account.yaml")"
is "nor verifies" 4 "$(exit_of beta audit verify)"
is "by its name" "token beta" "$(qbid --output json audit -m 20 | python3 -c 'import json, sys; print([r["actor"] for r in json.load(sys.stdin)["records"] if r["what"] == "campaign 8 changed"][0])')"
is "an unknown token" 4 "$(QBID_TOKEN=qbid_x exit_of qbid ledger)"
if [ "$(id -u)" = 0 ]; then
    chmod 711 "$work"
    chmod 666 "$work/c.sock"
    cp "$B/bin/qbid" "$work/qbid"
    nobody() {
        setpriv --reuid=65534 --regid=65534 --clear-groups "$work/qbid" --socket "$work/c.sock" "$@"
    }
    is "a user who is no operator, without a token" 4 "$(exit_of nobody ledger)"
    is "is told so" True "$(grep -q 'user 65534 is no operator' "$work/said" && echo True)"
    is "with one he acts for its tenant" 0 "$(QBID_TOKEN=$(cat "$work/beta.token") exit_of nobody ledger)"
fi

# --- the audit: its key, checkpoints, and a chain that was written anew
qbid audit export >"$work/checkpoint"
is "verify with a checkpoint" 0 "$(exit_of qbid audit verify --checkpoint "$work/checkpoint")"
is "it is in it" True "$(grep -q 'keyed from record 1 on; the checkpoint is in it' "$work/said" && echo True)"
is "the key is nobody else's" "600" "$(stat -c %a "$work/secret")"
qbidd_stop
python3 - "$work/state/qbid.db" <<'PY'
import hashlib, sqlite3, sys
store = sqlite3.connect(sys.argv[1])
store.executescript("DROP TRIGGER audit_is_final; DROP TRIGGER audit_is_kept")
prev, last = bytes(32), 0
for row in store.execute("SELECT id, unix_ns, actor, what, why, before, after, tenant FROM audit ORDER BY id").fetchall():
    after = "forged" if row[0] == 2 else row[6]
    h = hashlib.blake2b(prev + row[0].to_bytes(8, "little") + row[1].to_bytes(8, "little"), digest_size=32)
    for text in (*row[2:6], after):
        h.update(len(text.encode()).to_bytes(8, "little") + text.encode())
    if row[7]:
        h.update(row[7].to_bytes(4, "little"))
    store.execute("UPDATE audit SET after = ?, prev_hash = ?, hash = ? WHERE id = ?", (after, prev, h.digest(), row[0]))
    prev, last = h.digest(), row[0]
store.execute("UPDATE audit_head SET id = ?, hash = ?", (last, prev))
store.commit()
PY
sed -i '$d' "$work/tokens"
is "a chain made anew without the key is no start" 1 "$(exit_of "$B/bin/qbidd" -c "$work/q.yaml")"
is "for the key has not made it" True "$(grep -q 'audit.key_file .* has not made record [0-9]*, or that was changed' "$work/said" && echo True)"

# --- the description: all that was asked and answered fits it
is "answers beside openapi.json, at least 30" yes "$([ "$(wc -l <"$work/fits")" -ge 30 ] && echo yes)"
is "and each fits" "" "$(python3 tests/e2e/http/schema.py control/http/openapi.json <"$work/fits" 2>&1 || true)"
is "a wrong answer would not" "Problem.status: 200 is out of range" \
    "$(echo 'Problem {"type":"about:blank","title":"x","status":200,"detail":"x"}' |
        python3 tests/e2e/http/schema.py control/http/openapi.json || true)"

# --- what is wrong at the start is said
chmod 644 "$work/secret"
is "a key that others can read" 1 "$(exit_of "$B/bin/qbidd" -c "$work/q.yaml")"
is "is refused by name" True "$(grep -q 'audit.key_file .*secret: is open to group or others' "$work/said" && echo True)"
chmod 600 "$work/secret"
sed -i 's/^access:.*//' "$work/q.yaml"
is "HTTP without tokens" 1 "$(exit_of "$B/bin/qbidd" -t "$work/q.yaml")"
is "is refused by name" True "$(grep -q 'http.port: needs access.tokens' "$work/said" && echo True)"
echo "access: {tokens: $work/no-tokens}" >>"$work/q.yaml"
is "a file of tokens that is missing" 1 "$(exit_of "$B/bin/qbidd" -t "$work/q.yaml")"
is "is refused by name before a start" True "$(grep -q 'access.tokens: .*no-tokens: the file is missing' "$work/said" && echo True)"
is "nothing was wrong in the log" "" "$(grep -E 'Sanitizer|error' "$work/log" | grep -vE 'reload: refused: access.tokens|store: disk I.O error' | head -n 3)"
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
