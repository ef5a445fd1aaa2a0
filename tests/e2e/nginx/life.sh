#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nginx reloading, losing a worker and quitting, all under load.
. "$(dirname "$0")/lib.sh"

begin life
conf "qbid_wait off;" "" # what is lost is asked, not what is late
bid_request 1800 >"$work/bid"
table 5
start
await workers 2
await adopted 5

new_ones() {
    for pid in $(worker_pids); do
        [[ " $old " == *" $pid "* ]] || { echo new && return; }
    done
}
# --- reload: three times under full load, three times with clients that pause
before=$(descriptors "$master")
for pause in 0 3000; do
    load_begin 32 4 $pause
    sleep 0.5
    for _ in 1 2 3; do
        old=$(worker_pids)
        kill -HUP "$master"
        sleep 0.9
        becomes "reload: new workers" new new_ones
    done
    load_end
    is "reload, pause $pause us: lost" "0 0" "$(loaded lost) $(loaded refused)"
    is "reload, pause $pause us: answers" 200 "$(statuses)"
    echo "3 reloads, pause $pause us: $(loaded answers) answers on $(loaded connections) connections, slowest $(loaded slowest_us) us"
done
cat "$work/losses"
becomes "the old workers are gone" 2 worker_cnt
await workers 2
becomes "the master's descriptors after six reloads" "$before" descriptors "$master"

# --- a connection that rests while nginx reloads gets its next answer, and is told to close
{
    printf 'POST /bid HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n' "$(wc -c <"$work/bid")"
    cat "$work/bid"
} >"$work/whole"
"$tools/client" pieces "$port" 800 "$work/whole" "$work/whole" >"$work/rest" &
rest=$!
sleep 0.4
kill -HUP "$master"
wait $rest
is "a resting connection" "200
200 close
closed" "$(sed -E 's/^(200) [0-9]+/\1/' "$work/rest")"
becomes "and its worker is gone" 2 worker_cnt

# --- kill -9 of a worker: its own connections are lost, no others, and it is replaced. This is also the
#     load's negative control: a loss is seen.
# A worker that has just answered all it had loses nothing: then another is killed, under the next load.
victims=
for _ in 1 2 3 4 5; do
    load_begin 32 2 0
    sleep 1
    victim=$(for pid in $(worker_pids); do
        echo "$(find "/proc/$pid/fd" -lname 'socket:*' | wc -l) $pid"
    done | sort -n | tail -n 1 | cut -d' ' -f2) # the one with the most connections
    kill -KILL "$victim"
    victims+="${victims:+|}$victim"
    load_end
    [ "$(loaded lost)" -eq 0 ] || break
    becomes "one that held no request is replaced" 2 worker_cnt
done
holds "a killed worker loses something" test "$(loaded lost)" -ge 1
holds "but no more than one request for each connection" test "$(loaded lost)" -le 32
holds "and the load goes on" test "$(loaded answers)" -gt 1000
becomes "it is replaced" 2 worker_cnt
await workers 2
code --data-binary "@$work/bid" "$url/bid?x=2" >/dev/null
is "answers after it" 200 "$(code --data-binary "@$work/bid" "$url/bid?x=2")"
echo "kill -9 of one of two workers: $(loaded lost) of $(loaded answers) requests lost"

# --- worker_shutdown_timeout bounds what a client that never ends its request can hold up
sed -i '1i worker_shutdown_timeout 4s;' "$work/nginx.conf"
kill -HUP "$master"
sleep 2.5
becomes "workers with the new setting" 2 worker_cnt
exec {slow}<>"/dev/tcp/127.0.0.1/$port"
head -c 600 "$work/whole" >&"$slow"
sleep 0.2
kill -HUP "$master"
sleep 2.5
is "a client in the middle of its request holds its worker" 3 "$(worker_cnt)"
becomes "but not for longer than worker_shutdown_timeout" 2 worker_cnt
exec {slow}>&-
await workers 2

# --- SIGQUIT: what is on the way is answered. No connection is opened once the old ones end: nobody would take
#     it from the kernel's queue, and what it brought is lost with any nginx.
load_begin 32 3 0 once
sleep 1
stop
kill -TERM "$load_pid" 2>/dev/null
load_end
is "quit: lost" 0 "$(loaded lost)"
is "quit: answers" 200 "$(statuses)"
await hosts 0

expected="worker process ($victims) exited on signal 9"
finish
