#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The status of all workers, asked of any of them, in every format.
. "$(dirname "$0")/lib.sh"

begin status
workers=3
conf "" "location = /default { qbid_status json; } location = /page { qbid_status html; }"
table 5
start
await adopted 5
bid_request >"$work/bid"
lint=tests/e2e/nginx/prometheus_lint.py

field() { # expression over the parsed status `s`
    curl -s "$url/status" | python3 -c "import json, sys; s = json.load(sys.stdin); print($1)"
}
metric() { # name: sum over the workers
    curl -s "$url/metrics" | awk -v name="$1" 'index($1, name "{") == 1 { n += $2 } END { print n + 0 }'
}

is "the workers of the status are the children of the master" "$(worker_pids | tr ' ' '\n' | sort)" \
    "$(field '"\n".join(sorted(str(w["pid"]) for w in s["workers"]))')"
is "each has adopted the table" "[5, 5, 5]" "$(field '[w["library"]["generation"] for w in s["workers"]]')"
is "the library is open in each" "True" "$(field 'all(w["open"] for w in s["workers"])')"
is "nobody is hidden" "0 128" "$(field '"%d %d" % (s["hidden"], s["slots_max"])')"
is "status is JSON" "application/json" "$(curl -s -o "$work/answer" -w '%{content_type}' "$url/default")"
is "metrics are Prometheus's" "text/plain; version=0.0.4" \
    "$(curl -s -o "$work/metrics" -w '%{content_type}' "$url/metrics")"
is "metrics of fresh workers are well formed" "" "$(python3 $lint "$work/metrics" | head -n 9)"
is "POST is refused" 405 "$(code -d '' "$url/status")"
is "HEAD is answered" 200 "$(code -I "$url/metrics")"
is "HTTP/2" 200 "$(code --http2-prior-knowledge --unix-socket "$work/h2.sock" http://a.example/metrics)"

# --- the page: it holds what JSON says, and asks for it again
is "the page is HTML" "text/html; charset=utf-8" "$(curl -s -o "$work/page" -w '%{content_type}' "$url/page")"
is "it has no marker left" "" "$(grep -o 'STATUS-->' "$work/page")"
page() { # expression over what the page holds, `p`
    curl -s "$url/page" | python3 -c "import html.parser, json, sys
class Script(html.parser.HTMLParser):
    inside, text, open, scripts = False, '', [], 0
    def handle_starttag(self, tag, attributes):
        self.inside = ('id', 'status') in attributes
        self.scripts += tag == 'script'
        if tag not in ('meta', 'br'): self.open.append(tag)
    def handle_endtag(self, tag):
        self.inside = False
        assert self.open.pop() == tag, tag
    def handle_data(self, data):
        self.text += data if self.inside else ''
s = Script(); s.feed(sys.stdin.read()); s.close(); p = json.loads(s.text)
print($1)"
}
is "its tags are closed, its scripts are two" "[] 2" "$(page '"%s %d" % (s.open, s.scripts)')"
is "it holds the status" "$(field 'sorted(s)')" "$(page 'sorted(p["status"])')"
is "of each worker" "$(field 'sorted(w["pid"] for w in s["workers"])')" \
    "$(page 'sorted(w["pid"] for w in p["status"]["workers"])')"
is "it knows every reason that is counted" "$(field 'sorted(s["workers"][0]["library"]["nobid"])')" \
    "$(page 'sorted(r for r in p["reasons"] if r not in ("", "bid"))')"
is "it asks for JSON" "application/json" "$(curl -s -o "$work/answer" -w '%{content_type}' "$url/page?json")"
is "which is the status" "$(field 'sorted(s)')" \
    "$(python3 -c 'import json, sys; print(sorted(json.load(open(sys.argv[1]))))' "$work/answer")"
holds "it takes nothing from elsewhere" grep -qi "^Content-Security-Policy: default-src 'none'" <(curl -sI "$url/page")
is "every counter of the page is one of the status" "" "$(
    curl -s "$url/status" >"$work/answer"
    sed -n '/^const REQUESTS/,/^const KINDS/p' "$work/page" | grep -oE '\["[a-z_0-9]+"' | tr -d '["' |
        while read -r name; do grep -q "\"$name\":" "$work/answer" || echo "$name"; done
)"

# --- the sums over all workers
repeats=()
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
    "$tools/client" repeat "$port" '/bid?x=2' "$work/bid" 25 >/dev/null &
    repeats+=($!)
done
wait "${repeats[@]}"
# every worker refreshes its own part once a second
becomes "bids over all workers" 300 field 'sum(w["answered_bid"] for w in s["workers"])'
is "the library counts the same" 300 "$(field 'sum(w["library"]["counters"]["bids"] for w in s["workers"])')"
is "and so do the metrics" "300 300" "$(metric qbid_nginx_answered_bid_total) $(metric qbid_bids_total)"
for _ in 1 2 3 4 5 6; do
    is "any worker says the same" 300 "$(field 'sum(w["answered_bid"] for w in s["workers"])')"
done
becomes "what is shown is fresh" "True" field 'all(w["age_ms"] < 1500 for w in s["workers"])'
curl -s "$url/metrics" >"$work/metrics"
is "metrics after traffic are well formed" "" "$(python3 $lint "$work/metrics" | head -n 9)"
holds "each metric has one sample a worker" test 3 -eq "$(grep -c '^qbid_nginx_answered_bid_total{' "$work/metrics" | head -n 9)"

# --- latencies: one in 16, of every worker and of all together
latency() { # expression over the latency of all workers `a` and of each `w`
    curl -s "$url/status" | python3 -c "import json, sys
s = json.load(sys.stdin); a = s['latency']; w = [x['library']['latency'] for x in s['workers']]; print($1)"
}
is "one of 16 is timed" "[16, 16, 16]" "$(field '[w["library"]["latency_every"] for w in s["workers"]]')"
for _ in $(seq 20); do
    "$tools/client" repeat "$port" '/bid?x=2' "$work/bid" 100 >/dev/null
done
becomes "2,300 answers" 2300 field 'sum(w["answered_bid"] for w in s["workers"])'
for kind in answer decide; do
    becomes "$kind: about one of 16 is in it" True latency "90 < a['$kind']['count'] < 210"
    is "$kind: all together" "True" \
        "$(latency "all(a['$kind'][f] == sum(x['$kind'][f] for x in w) for f in ('count', 'sum_ns'))")"
    is "$kind: the greatest of all" "True" "$(latency "a['$kind']['max_ns'] == max(x['$kind']['max_ns'] for x in w)")"
    is "$kind: quantiles in their order" "True" \
        "$(latency "all(0 < x['$kind']['p50_ns'] <= x['$kind']['p90_ns'] <= x['$kind']['p99_ns'] <=
            x['$kind']['p999_ns'] <= x['$kind']['max_ns'] for x in [a] + [y for y in w if y['$kind']['count']])")"
done
is "no notice came, so none was timed" "0 0" "$(latency "a['notice']['count'], a['notice']['max_ns']" | tr -d '(),')"
is "a decision is shorter than its answer" "True" "$(latency "a['decide']['p50_ns'] < a['answer']['p50_ns']")"
is "the metrics have as many" "$(latency "a['answer']['count']")" "$(metric qbid_answer_seconds_count)"
curl -s "$url/metrics" >"$work/metrics"
is "metrics with latencies are well formed" "" "$(python3 $lint "$work/metrics" | head -n 9)"

# --- the lint finds what it looks for
refuses() { # what, sed expression
    sed -E "$2" "$work/metrics" >"$work/bad_metrics"
    holds "the lint refuses $1" test -n "$(python3 $lint "$work/bad_metrics")"
}
refuses "a missing type" '/^# TYPE qbid_nginx_open/d'
refuses "a series twice" 's/^(qbid_nginx_open\{process="0"\}.*)$/\1\n\1/'
refuses "a metric in two places" '$s/$/\nqbid_nginx_open{process="77"} 1/'
refuses "a label without quotes" 's/process="0"/process=0/'
refuses "a value that is no number" 's/^(qbid_nginx_open\{process="1"\}) 1/\1 one/'
refuses "a negative counter" 's/^(qbid_nginx_notice_200_total\{process="1"\}) 0/\1 -1/'

refuses "a histogram without its last bucket" '/^qbid_answer_seconds_bucket.*Inf/d'
refuses "buckets that are not cumulative" 's/^(qbid_answer_seconds_bucket.*le="0.000000064".*) .*$/\1 999999/'
refuses "a histogram whose count is not that of its buckets" 's/^(qbid_answer_seconds_count.*) .*$/\1 1/'
refuses "a histogram without a sum" '/^qbid_answer_seconds_sum/d'

# --- a worker that is killed comes back in its place; one that stands still is left out
victim=$(worker_pids | cut -d' ' -f1)
expected="worker process $victim exited on signal 9"
kill -KILL "$victim"
becomes "three again, without the dead one" "3 False" \
    field '"%d %s" % (len(s["workers"]), any(w["pid"] == '"$victim"' for w in s["workers"]))'
victim=$(worker_pids | cut -d' ' -f1)
kill -STOP "$victim"
ask_others() { # the stopped worker still gets its share of new connections, so some questions wait for ever
    local i
    for i in $(seq 20); do
        curl -s -m 0.5 "$url/status" >"$work/answer" && return 0
    done
    return 1
}
shown() {
    ask_others && python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["workers"]))' "$work/answer"
}
becomes "a worker that stands still is left out after five seconds" 2 shown
kill -CONT "$victim"
becomes "and comes back" 3 field 'len(s["workers"])'

finish
