#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ten times as many requests as one worker bears: those that waited too long get 204 unread, the others a bid in
# time, memory stays what it was, and a second later all is as before. With qbid_wait off, as a control, nearly
# every answer is late. The exchange's connections are the queue: as many as the worker answers in 160 ms, and what
# finds none free is not sent.
#   QBID_OVERLOAD_MS (1000) how long, QBID_FACTS a file for the figures
. "$(dirname "$0")/lib.sh"

begin overload
ulimit -Sn "$(ulimit -Hn)"
workers=1
ms=${QBID_OVERLOAD_MS:-1000}
# 100 kB in gzip, which a worker unpacks and reads for some 300 us, so that the load is little work beside the answers
python3 - "$work" <<'PY'
import gzip, json, random, sys
draw = random.Random(1)
with open(f"{sys.argv[1]}/requests", "w", encoding="utf-8") as lines:
    for i in range(16):
        words = [f"interest-{draw.randrange(10**6)}" for _ in range(400)]
        body = {"id": f"r{i}", "imp": [{"id": "1", "banner": {"w": 300, "h": 250, "pos": 1}, "bidfloor": 0.1,
                                        "bidfloorcur": "CNY", "secure": 1}],
                "site": {"domain": "news.example", "page": "https://news.example/"},
                "device": {"ua": "Mozilla/5.0", "ip": "192.0.2.1", "devicetype": 2, "os": "Windows",
                           "geo": {"country": "CHN"}},
                "user": {"id": "u1"}, "at": 2, "tmax": 100, "cur": ["CNY"], "ext": {"words": words * 14}}
        path = f"{sys.argv[1]}/request-{i}.gz"
        with open(path, "wb") as file:
            file.write(gzip.compress(json.dumps(body, separators=(",", ":")).encode()))
        print(f"@{path}", file=lines)
PY
server() { # qbid_wait
    conf "qbid_wait $1; log_format why '\$status \$qbid_reason';" "
        access_log $work/why.log why buffer=64k;"
    sed -i 's/worker_connections 512/worker_connections 8192/' "$work/nginx.conf"
}
pace() { # connections, phases...
    "$tools/pace" "$port" '/bid?x=2&gzip=1' "$work/requests" "$@" >"$work/pace"
}
of() { # phase, word: its number
    awk -v phase="$1" -v word="$2" '$2 == phase { for (i = 3; i < NF; i += 2) if ($i == word) print $(i + 1) }' "$work/pace"
}
memory() { # VmRSS or VmHWM of the worker in KiB
    awk -v word="$1:" '$1 == word { print $2 }' "/proc/$(worker_pids)/status"
}

# --- what the worker bears, as fast as answers come
server 50
table 5
start
await adopted 5
pace 16 0:500 0:1000
capacity=$(of 2 answers)
# what else runs here may keep the worker from its core for a while, so one in 50 is allowed everywhere
holds "without overload all get bids" test $(($(of 2 bids) * 50)) -ge $((capacity * 49))
holds "hardly anybody waited" test $(($(counted answered_unread) * 50)) -le "$capacity"
before=$(memory VmRSS)
quarter=$((capacity / 4)) tenfold=$((capacity * 10)) queue=$((capacity * 160 / 1000))
queue=$((queue < 4000 ? queue : 4000))

# --- tenfold
pace $queue $quarter:500 $tenfold:"$ms" $quarter:1000 $quarter:1000
sent=$(of 2 sent) bids=$(of 2 bids) nobids=$(of 2 nobids) late=$(of 2 late)
is "lost" "0 0 0 0" "$(of 1 lost) $(of 2 lost) $(of 3 lost) $(of 4 lost)"
is "answers other than 200 and 204" "0 0 0 0" "$(of 1 other) $(of 2 other) $(of 3 other) $(of 4 other)"
is "connections that nginx ended" "connections $queue" "$(grep ^connections "$work/pace")"
holds "some are answered unread" test "$(counted answered_unread)" -gt $((sent / 10))
holds "and many get a bid" test "$bids" -gt $((capacity * ms / 1000 / 10))
holds "in time, of $sent: $late late" test $((late * 5)) -le "$sent"
holds "the second second after it: without a bid, late" test $((($(of 4 nobids) + $(of 4 late)) * 50)) -le "$(of 4 sent)"
holds "memory: $before KiB, then $(memory VmRSS), at most $(memory VmHWM)" test $(($(memory VmHWM) - before)) -lt 16384
growth=$(($(memory VmHWM) - before)) after_us=$(of 3 p99_us) second_us=$(of 4 p99_us) unsent=$(of 2 unsent)
stop
is "the reasons that are logged" "200 bid
204 timeout" "$(grep -v -- - "$work/why.log" | sort -u)"
echo "$capacity/s borne, $tenfold/s come for $ms ms on $queue connections: $sent sent, $bids bids, $nobids without, $late late, p99" \
    "$(of 2 p99_us) us; a second later p99 $second_us us; memory grew by $growth KiB"
p99_us=$(of 2 p99_us) borne=$capacity offered=$tenfold connections=$queue

# --- the control
server off
start
await adopted 5
# nearly all are, unless the worker was held up while its capacity was measured: then the queue is too short for what
# it bears now, and a longer one is tried
for _ in 1 2 3; do
    pace $queue $quarter:500 $tenfold:"$ms" $quarter:1000
    [ $(($(of 2 late) * 10)) -le "$(of 2 sent)" ] || break
    capacity=$(($(of 2 answers) * 1000 / ms))
    quarter=$((capacity / 4)) tenfold=$((capacity * 10)) queue=$((capacity * 160 / 1000))
    queue=$((queue < 4000 ? queue : 4000))
done
holds "without qbid_wait many are late: $(of 2 late) of $(of 2 sent)" test $(($(of 2 late) * 10)) -gt "$(of 2 sent)"
echo "with qbid_wait off: $(of 2 sent) sent, $(of 2 bids) bids, $(of 2 late) late, p99 $(of 2 p99_us) us"
if [ -n "${QBID_FACTS:-}" ]; then
    printf '{"capacity": %d, "offered": %d, "sent": %d, "unsent": %d, "queue": %d, "bids": %d, "nobids": %d, "late": %d, ' \
        "$borne" "$offered" "$sent" "$unsent" "$connections" "$bids" "$nobids" "$late" >"$QBID_FACTS"
    printf '"p99_us": %s, "after_p99_us": %s, "second_p99_us": %s, "growth_kib": %d, "ms": %d, ' \
        "$p99_us" "$after_us" "$second_us" "$growth" "$ms" >>"$QBID_FACTS"
    printf '"off": {"sent": %d, "bids": %d, "late": %d}}\n' "$(of 2 sent)" "$(of 2 bids)" "$(of 2 late)" >>"$QBID_FACTS"
fi
finish
