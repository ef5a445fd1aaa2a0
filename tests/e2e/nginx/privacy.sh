#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Requests of every privacy class through nginx, with a real qbidd behind it: counted by class and reason, and no
# identifier of any of them in a log, the store, an image or memory that the two share.
. "$(dirname "$0")/site.sh"

begin privacy
site=$work/site asked=$work/asked
mkdir -p "$asked"
SITE_EXTRA='log: {level: debug, target: q.log}
ticks: {live_ms: 20, learn_ms: 200, snapshot_ms: 1000}
learning: {log_mb: 8}
partners: [{name: "2", id: 1, no_bid: nbr}]'
SITE_NGINX_EXTRA=''

# --- without the operator's choice qbidd does not start, and names what it wants
site_make "$site" 1
sed -i '/^privacy:/d' "$SITE_CONF"
said=$("$B/bin/qbidd" --config "$SITE_CONF" --foreground 2>&1)
is "qbidd without a choice: exit code" 1 "$([ $? -ne 0 ] && echo 1)"
holds "it names the field" grep -q 'privacy.gdpr_unknown: must be chosen' <<<"$said"

site_make "$site" 1
begin_site
# with a frequency cap, so that the user of an open request is asked for
demo_account 1000000 3600 '{fixed_cpm: 3}' asap 0.02 |
    sed -E 's/^( *)creatives:/\1frequency: {cap: 100, per: 24h, value: learned}\n&/' >"$site/account.yaml"
site_account "$site/account.yaml"
bid_request >"$work/bid"
a_bid() {
    code --data-binary "@$work/bid" "$url/bid?x=2"
}
becomes "a bid" 200 a_bid

# --- 40 requests of each case, every second one in gzip; each bid is billed
python3 - "$url" >"$asked/tally" <<'PY'
import gzip, json, sys, urllib.request
url, places = sys.argv[1], ["user.id", "buyeruid", "eids", "ext.eids", "ifa", "didsha1", "ip", "custom", "seg.name", "seg.id"]
cases = [("none", {}, {}), ("lmt", {"lmt": 1}, {}), ("us_opt_out", {}, {"us_privacy": "1YYN"}),
         ("gdpr_no_consent", {}, {"gdpr": 1}), ("coppa", {}, {"coppa": 1}), ("dsa", {}, {"ext": {"dsa": {"dsarequired": 2}}})]

def send(to, body=None, headers={}):
    with urllib.request.urlopen(urllib.request.Request(to, body, headers)) as answer:
        return answer.status, answer.read()

for number, (reason, device, regs) in enumerate(cases):
    m = {place: f"c{number}-{place}-9f3e" for place in places}
    bids, nbr = 0, set()
    for i in range(40):
        request = {"id": f"{reason}{i}", "imp": [{"id": "1", "banner": {"w": 300, "h": 250}, "bidfloorcur": "CNY"}],
                   "site": {"domain": f"case{number}.example"}, "regs": regs,
                   "device": {"ifa": m["ifa"], "didsha1": m["didsha1"], "ip": m["ip"], **device},
                   "user": {"id": m["user.id"], "buyeruid": m["buyeruid"], "customdata": m["custom"],
                            "eids": [{"source": "s", "uids": [{"id": f"c{number}-eids{i}-9f3e"}]}],
                            "ext": {"eids": [{"source": "s", "uids": [{"id": m["ext.eids"]}]}]},
                            "data": [{"segment": [{"id": m["seg.id"], "name": m["seg.name"]}]}]}}
        body, headers = json.dumps(request).encode(), {"Content-Type": "application/json"}
        if i % 2:
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        status, answer = send(url + "/bid?x=2", body, headers)
        if b"-9f3e" in answer:
            print("told", reason)
        answer = json.loads(answer) if status == 200 else {}
        nbr.add(answer.get("nbr", 0))
        if "seatbid" in answer:
            bids += 1
            send(answer["seatbid"][0]["bid"][0]["burl"].replace("${AUCTION_PRICE}", "1"))
    print(reason, bids, *sorted(nbr))
PY
is "bids and reasons of no bid by case" "none 40 0;lmt 40 0;us_opt_out 40 0;gdpr_no_consent 40 0;coppa 40 0;dsa 0 508;" "$(tr '\n' ';' <"$asked/tally")"
reason() {
    qbid stat | python3 -c "import json, sys; print(json.load(sys.stdin)['counters']['privacy.$1'])"
}
for name in lmt us_opt_out gdpr_no_consent coppa dsa; do
    becomes "privacy.$name in qbid stat" 40 reason "$name"
done
is "privacy.dnt" 0 "$(reason dnt)"
metric() {
    curl -s "$url/metrics" | awk -v name="qbid_privacy_total{" -v want="$1" \
        'index($0, name) && index($0, "reason=\"" want "\"") { n += $NF } END { print n + 0 }'
}
is "reason coppa in Prometheus' format" 40 "$(metric coppa)"

# --- the search: the segment of open requests is told, which shows that it finds; nothing else is
qbid publish >"$asked/publish.json"
sleep 1
shared() { # every memory file that qbidd and nginx hold
    local pid fd
    for pid in "$SITE_QBIDD" $(pgrep -P "$SITE_NGINX"); do
        for fd in /proc/"$pid"/fd/*; do
            case $(readlink "$fd") in
            /memfd:*) cat "$fd" 2>/dev/null ;;
            esac
        done
    done
}
marks() {
    grep -aohE 'c[0-9]-[a-z0-9.]+-9f3e' "$@" | sort -u | tr '\n' ' '
}
is "in shared memory" "c0-seg.id-9f3e " "$(shared | marks -)"
holds "the files of the site are searched" grep -raqF 'case5.example' "$site/state"
holds "the decision log among them" test "$(stat -c %s "$site"/state/decisions/0000000001.qdl)" -gt 10000
stray() {
    marks -r "$site" | sed 's/c0-seg.id-9f3e //'
}
is "in logs, store and images" "" "$(stray)"
site_stop
is "and after the end" "" "$(stray)"
finish
