#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every recorded request, and everything that is none, through a real nginx: answered as it should be, by the
# same worker to the end. Run once more with the module built for the sanitizers.
. "$(dirname "$0")/lib.sh"

if [ ! -d "$data" ]; then
    echo "no recorded requests: $data is missing"
    exit 77
fi
begin corpus
workers=1
conf "" ""
table 5
start
await adopted 5
worker=$(worker_pids)

answers() { # file of one request a line: writes "LINE STATUS BYTES" to $work/answers
    "$tools/client" lines "$port" '/bid?x=2' "$1" >"$work/answers"
    is "$1: one connection" "connections 1" "$(tail -n 1 "$work/answers")"
    is "$1: an answer to each line" "$(wc -l <"$1")" "$(($(wc -l <"$work/answers") - 1))"
}
lines_with() { # status
    awk -v status="$1" '$2 == status { print $1 }' "$work/answers" | xargs
}
others() { # statuses that no bid request may get
    awk '$1 != "connections" && $2 !~ /^(200|204|400)$/' "$work/answers"
}

# --- valid requests: a bid or none, also where a field that is read has a wrong type: tests/plugin/test_recorded.c
answers "$data/requests.ndjson"
is "requests: other answers" "" "$(others)"
is "requests: malformed" "" "$(lines_with 400)"
holds "requests: some get a bid" test "$(lines_with 200 | wc -w)" -gt 100
echo "requests: $(lines_with 200 | wc -w) bids, $(lines_with 204 | wc -w) without, $(lines_with 400 | wc -w) malformed"
is "an answer with a bid has a body, another has none" "" \
    "$(awk '($2 == 200) != ($3 > 0) && $1 != "connections"' "$work/answers")"
is "the module has counted them" "$(lines_with 200 | wc -w) $(lines_with 204 | wc -w) $(lines_with 400 | wc -w)" \
    "$(counted answered_bid) $(counted answered_nobid) $(counted answered_400)"
answers "$data/adx_2016_captured.ndjson"
is "captured: other answers" "" "$(others)"
is "captured: malformed" "" "$(lines_with 400)"

# --- requests that an exchange refused: what each gets is decided in tests/plugin/test_recorded.c
python3 - "$data/malformed.ndjson" "$work" >"$work/malformed.conf" <<'PY'
import json, sys
for number, line in enumerate(open(sys.argv[1], encoding="utf-8")):
    entry = json.loads(line)
    text = entry["raw"] if "raw" in entry else json.dumps(entry["body"])
    with open(f"{sys.argv[2]}/malformed-{number}", "w", encoding="utf-8", newline="") as file:
        file.write(text)
    print(("next\n" if number else "") + f'url = "{{url}}"\ndata-binary = "@{sys.argv[2]}/malformed-{number}"\n'
          f'output = "{sys.argv[2]}/answer"\nwrite-out = "{number} %{{http_code}} %{{size_download}}\\n"\nsilent')
PY
sed -i "s|{url}|$url/bid?x=2|" "$work/malformed.conf"
curl -K "$work/malformed.conf" >"$work/answers"
verdicts=$(sed -nE 's/^    \{([0-9]+), "[^"]*", ([0-9]+), .*/\1 \2/p' tests/plugin/test_recorded.c)
holds "the list of decisions is there" test "$(wc -l <<<"$verdicts")" -eq "$(wc -l <"$data/malformed.ndjson")"
is "malformed: as decided, a bid where no bid is expected is fine too" "" "$(
    paste -d ' ' <(echo "$verdicts") "$work/answers" |
        awk '$1 != $3 || ($2 == 400) != ($4 == 400) || $4 !~ /^(200|204|400)$/')"
is "malformed: 400 has no body" "" "$(awk '$2 == 400 && $3 > 0' "$work/answers")"

# --- what is no request at all
for file in malformed responses; do
    answers "$data/$file.ndjson"
    is "$file as they lie in the file: other answers" "" "$(others)"
done
bid_request >"$work/bid"
python3 - "$work/bid" "$work" <<'PY'
import random, sys
bid = open(sys.argv[1]).read()
rng = random.Random(1)
with open(sys.argv[2] + "/prefixes", "w") as file:
    file.writelines(bid[:n] + "\n" for n in range(1, len(bid)))
with open(sys.argv[2] + "/damaged", "wb") as file:
    for _ in range(3000):
        text = bytearray(bid.encode())
        for _ in range(rng.randint(1, 4)):
            text[rng.randrange(len(text))] = rng.choice(b'{}[]",:\\0-9eEtfn\x00\x7f\xc3\xff ')
        file.write(bytes(text) + b"\n")
with open(sys.argv[2] + "/deep", "w") as file:
    for depth in (31, 32, 33, 1000, 100000):
        file.write('{"id":"1","imp":[{"id":"1"}],"ext":' + "[" * depth + "]" * depth + "}\n")
        file.write('{"id":"1","imp":[{"id":"1"}],"ext":' + "[" * depth + "\n")
        file.write("[" * depth + "\n")
    for imps in (64, 65, 1000):
        imp = ",".join('{"id":"%d","banner":{"w":300,"h":250}}' % i for i in range(imps))
        file.write('{"id":"1","imp":[' + imp + '],"at":2,"cur":["CNY"]}\n')
PY
answers "$work/prefixes"
is "every prefix of a request is malformed" "$(grep -c '' "$work/prefixes")" "$(lines_with 400 | wc -w)"
answers "$work/damaged"
is "damaged requests: other answers" "" "$(others)"
answers "$work/deep"
is "deep ones and many impressions: other answers" "" "$(others)"
is "64 impressions are answered, 65 and 1000 are over the limit" "200 204 204" \
    "$(tail -n 4 "$work/answers" | head -n 3 | cut -d' ' -f2 | xargs)"

# --- the same worker, and as big as before
is "the worker" "$worker" "$(worker_pids)"
if [ "$PROFILE" = release ]; then
    size() {
        awk '/^VmRSS/ { print $2 }' "/proc/$worker/status"
    }
    before=$(size)
    for _ in 1 2; do
        "$tools/client" lines "$port" '/bid?x=2' "$data/requests.ndjson" >/dev/null
    done
    holds "memory after twice as many: $before KiB, then $(size)" test $(($(size) - before)) -lt 256
fi
finish
