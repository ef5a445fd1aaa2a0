#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nginx reloading again and again while tables are swapped, and then upgraded to another binary and back, all under
# load: no request is lost.
#   QBID_RELOADS (5), QBID_SWAPS (50), QBID_FACTS a file for the figures
. "$(dirname "$0")/lib.sh"

begin reloads
conf "qbid_wait off;" ""
bid_request 1800 >"$work/bid"
table 5
start
await workers 2
await adopted 5
reloads=${QBID_RELOADS:-5} swaps=${QBID_SWAPS:-50}
before=$(descriptors "$master")

load_begin 32 600 0
swapped=0
for ((reload = 1; reload <= reloads; reload++)); do
    kill -HUP "$master"
    for (( ; swapped < swaps * reload / reloads; swapped++)); do
        ask publish >/dev/null
        read -r -t 0.05 <&"$table_out" # a pause without a process of its own
    done
done
await adopted $((5 + swaps))
becomes "the old workers are gone" 2 worker_cnt
kill -TERM "$load_pid"
load_end
is "$reloads reloads, $swaps swaps: lost" "0 0" "$(loaded lost) $(loaded refused)"
is "$reloads reloads, $swaps swaps: answers" 200 "$(statuses)"
is "swaps that were refused" 0 "$(reported refused)"
becomes "the master's descriptors" "$before" descriptors "$master"
answers=$(loaded answers) lost=$(loaded lost)
cat "$work/losses"
echo "$reloads reloads, $swaps swaps: $answers answers on $(loaded connections) connections, $lost lost," \
    "slowest $(loaded slowest_us) us"

# --- another binary: the new one joins (USR2), the old one's workers leave (WINCH), then the old one (QUIT)
cat_pid() { # file: what is in it, which may not be there yet
    cat "$1" 2>/dev/null
}
pid_of() { # file: the process in it, once it has started
    for _ in $(seq 200); do
        [ ! -s "$1" ] || break
        sleep 0.05
    done
    cat "$1"
}
children() { # workers of a master; the new master is a child of the old one as well
    pgrep -P "$1" -f 'worker process' | wc -l
}
join() { # the new master becomes $master, the old one $old
    old=$master
    kill -USR2 "$old"
    becomes "the old one's pid file makes room" "$old" cat_pid "$work/nginx.pid.oldbin"
    master=$(pid_of "$work/nginx.pid")
    holds "there are two masters" test "$master" -ne "$old"
    becomes "the new one's workers" 2 worker_cnt
}
load_begin 32 60 0
join
await workers 4
kill -WINCH "$old"
becomes "the old one's workers leave" 0 children "$old"
kill -QUIT "$old"
holds "the old one leaves" gone "$old"
becomes "the status is the new one's" 2 eval "curl -s $url/status | grep -o '\"pid\"' | wc -l"
# --- and back: the new one does not please, the old one takes over again
join
kill -WINCH "$old"
becomes "its workers leave" 0 children "$old"
kill -HUP "$old"
becomes "it has workers again" 2 children "$old"
kill -QUIT "$master"
holds "the one that did not please leaves" gone "$master"
master=$old
becomes "the first one's pid file is back" "$master" cat_pid "$work/nginx.pid"
kill -TERM "$load_pid"
load_end
is "upgrade and way back: lost" "0 0" "$(loaded lost) $(loaded refused)"
is "upgrade and way back: answers" 200 "$(statuses)"
cat "$work/losses"
echo "two binaries, and back: $(loaded answers) answers, $(loaded lost) lost, slowest $(loaded slowest_us) us"
is "a bid after it" 200 "$(code --data-binary "@$work/bid" "$url/bid?x=2")"
if [ -n "${QBID_FACTS:-}" ]; then
    printf '{"reloads": %d, "swaps": %d, "answers": %d, "lost": %d, "upgrade_answers": %d, "upgrade_lost": %d}\n' \
        "$reloads" "$swaps" "$answers" "$lost" "$(loaded answers)" "$(loaded lost)" >"$QBID_FACTS"
fi
finish
