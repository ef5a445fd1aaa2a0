#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The configuration: what nginx -t refuses, warns of, and leaves alone; master_process off, a module of
# another signature, the example file.
. "$(dirname "$0")/lib.sh"

begin config
workers=1

# --- refused, with file, line and reason
refuses() { # what, text at http level, text at server level, part of the message
    conf "$2" "$3"
    [ -z "${4:-}" ] || sed -i "$4" "$work/nginx.conf"
    local said rc=0
    said=$(run_nginx -t 2>&1) || rc=$?
    is "$1: exit code" 1 "$rc"
    holds "$1: says '$5' with file and line" grep -qE "\[emerg\].*$5.* in $work/nginx.conf:[0-9]+" <<<"$said"
}
refuses "qbid_tmax with a unit" "qbid_tmax 80ms;" "" "" 'invalid number'
refuses "qbid_tmax 0" "qbid_tmax 0;" "" "" 'value must be between 1 and 60000'
refuses "qbid_tmax_margin below 0" "qbid_tmax_margin -1;" "" "" 'invalid number'
refuses "qbid_trace maybe" "qbid_trace maybe;" "" "" 'invalid value "maybe"'
refuses "qbid_nbr maybe" "qbid_nbr maybe;" "" "" 'invalid value "maybe"'
refuses "qbid_schain all" "qbid_schain all;" "" "" 'invalid value "all"'
for every in 0 -1 1048577 16x "''" on; do
    refuses "qbid_latency $every" "qbid_latency $every;" "" "" '"qbid_latency" directive takes off or a number between 1'
done
refuses "qbid_latency twice" "qbid_latency off; qbid_latency 16;" "" "" '"qbid_latency" directive is duplicate'
for wait in 0 -1 60001 50ms "''" on; do
    refuses "qbid_wait $wait" "qbid_wait $wait;" "" "" '"qbid_wait" directive takes off or a number between 1 and 60000'
done
refuses "qbid_wait twice" "qbid_wait off; qbid_wait 16;" "" "" '"qbid_wait" directive is duplicate'
refuses "qbid_latency in a location" "" "location /a { qbid_latency 16; }" "" 'not allowed here'
refuses "qbid_max_body over the library's limit" "qbid_max_body 257k;" "" "" 'qbid_max_body must be between'
refuses "qbid_max_body 0" "qbid_max_body 0;" "" "" 'qbid_max_body must be between'
refuses "qbid_socket twice" "qbid_socket a;" "" "" '"qbid_socket" directive is duplicate'
refuses "an empty qbid_image" 'qbid_image "";' "" "" '"qbid_image" directive is empty'
refuses "a socket path that no socket can have" "" "" "s|qbid_socket .*|qbid_socket /$(printf '%0120d' 0);|" \
    'longer than 107 bytes'
refuses "neither socket nor image" "" "" '/qbid_socket/d' 'needs qbid_socket or qbid_image'
refuses "no notice URL" "" "" '/qbid_notice_url/d' 'needs qbid_notice_url'
refuses "a notice URL of another scheme" "" "" 's|qbid_notice_url .*|qbid_notice_url ftp://a.example/n;|' \
    'must begin with http'
refuses "a notice URL with a quote" "" "" "s|qbid_notice_url .*|qbid_notice_url 'http://a.example/\"n';|" \
    'has a character'
refuses "a notice URL of 1024 bytes" "" "" "s|qbid_notice_url .*|qbid_notice_url http://a/$(printf '%01015d' 0);|" \
    'longer than 1023'
refuses "qbid_bid at server level" "" "qbid_bid;" "" '"qbid_bid" directive is not allowed here'
refuses "qbid_bid with an argument" "" "location /a { qbid_bid on; }" "" 'invalid number of arguments'
refuses "qbid_bid beside qbid_notice" "" "location /a { qbid_bid; qbid_notice; }" "" 'stands beside another'
refuses "qbid_status xml" "" "location /a { qbid_status xml; }" "" 'takes json, prometheus or html'
conf "" "qbid_exchange \$nothing;"
holds "an unknown variable is refused" grep -q '\[emerg\] unknown "nothing" variable' <(run_nginx -t 2>&1)
refuses "qbid_socket in a location" "" "location /a { qbid_socket x; }" "" 'not allowed here'

# --- warned of, with file and line of the qbid_bid that it is about
warnings() { # text at http level, text of the location
    conf "$1" "location /a { $2 qbid_bid; }"
    run_nginx -t 2>&1 | sed -nE 's/.*\[warn\].*qbid_bid in [^:]*:([0-9]+): ([a-z_]+) .*/\2/p' | sort | xargs
}
is "a fit location" "" "$(warnings "" "")"
is "nginx's own defaults" "client_body_buffer_size keepalive_requests keepalive_time keepalive_timeout" \
    "$(warnings "" "keepalive_timeout 75s; keepalive_requests 1000; keepalive_time 1h; client_body_buffer_size 8k;")"
is "no keep-alive" "keepalive_timeout" "$(warnings "" "keepalive_timeout 0;")"
is "bodies in files" "client_body_in_file_only" "$(warnings "" "client_body_in_file_only clean;")"
is "a small buffer for a small qbid_max_body" "" "$(warnings "qbid_max_body 8k;" "client_body_buffer_size 8k;")"
conf "" "location /a {
            keepalive_requests 5;
            qbid_bid;
        }"
is "the line in the warning" "$(grep -n 'qbid_bid;' "$work/nginx.conf" | tail -n 1 | cut -d: -f1)" \
    "$(run_nginx -t 2>&1 | sed -nE 's/.*qbid_bid in [^:]*:([0-9]+): keepalive_requests.*/\1/p')"

# --- nginx -t takes nothing: no connection to qbidd, no memory file, no thread, no process; a running one is
#     not disturbed
conf "" ""
table 5
start
await workers 1
before=$(worker_pids) report=$(ask report)
run_nginx -t >"$work/test.log" 2>&1
is "nginx -t" 0 $?
is "the workers are the same" "$before" "$(worker_pids)"
becomes "and what qbidd knows" "$report" ask report
if strace -f -o "$work/strace.log" -e trace=connect,memfd_create,clone,clone3,fork,vfork true 2>/dev/null; then
    strace -f -o "$work/strace.log" -e trace=connect,memfd_create,clone,clone3,fork,vfork \
        "$nginx" -p "$work/" -c "$work/nginx.conf" -e "$work/test.log" -t 2>/dev/null
    holds "strace has seen nginx" grep -q 'exited with 0' "$work/strace.log"
    is "system calls of nginx -t towards qbidd" "" "$(grep -E 'q\.sock|memfd|clone|fork' "$work/strace.log")"
else
    skipped=$((skipped + 1))
    echo "skipped: strace may not trace here"
fi
stop
table_end

# --- without a location of ours the module does nothing at all
conf "" ""
sed -i -E '/qbid_(bid|notice|status)/d' "$work/nginx.conf"
sed -i -E '/qbid_(socket|notice_url)/d' "$work/nginx.conf"
run_nginx >"$work/start.log" 2>&1
sleep 0.5
master=$(cat "$work/nginx.pid")
is "idle: nginx serves" 204 "$(code "$url/none")"
is "idle: threads of the worker" 1 "$(find "/proc/$(worker_pids)/task" -mindepth 1 -maxdepth 1 | wc -l)"
is "idle: no memory file" "" "$(find "/proc/$(worker_pids)/fd" -lname '*memfd*')"
stop

# --- master_process off; nginx itself serves no more after a reload in that mode
conf "" ""
sed -i '1i master_process off;' "$work/nginx.conf"
table 5
bid_request >"$work/bid"
start
await adopted 5
is "one process: a bid" 200 "$(code --data-binary "@$work/bid" "$url/bid")"
is "one process: its status" 1 "$(counted answered_bid)"
kill -HUP "$master"
await hosts 0
stop
table_end

# --- a module for another nginx is named before nginx refuses it
source=$B/nginx-src
holds "the signature fits" plugin/nginx/signature.sh "$source" "$module" "$nginx"
sed -E 's/8,4,8,[01]{34}/8,4,8,0000111111010111001110101111000110/' "$module" >"$work/other.so"
said=$(plugin/nginx/signature.sh "$source" "$work/other.so" "$nginx" 2>&1)
is "another signature is refused" 1 $?
is "both signatures are named" 2 "$(grep -cE '^  (nginx|module) +[0-9.]+ +8,4,8,[01]{34}$' <<<"$said")"
conf "" ""
sed -i "s|$module|$work/other.so|" "$work/nginx.conf"
holds "nginx refuses it too" grep -q 'is not binary compatible' <(run_nginx -t 2>&1)
mkdir -p "$work/source/src/core"
sed -E 's/(NGINX_VERSION +)"[0-9.]+"/\1"1.0.1"/' "$source/src/core/nginx.h" >"$work/source/src/core/nginx.h"
said=$(plugin/nginx/signature.sh "$work/source" "$module" "$nginx" 2>&1)
holds "another version is named" grep -qE '^  module +1\.0\.1 ' <<<"$said"

# --- what is written about the directives
is "each directive is documented, with its default and context, and no other" \
    "$(sed -nE 's/^ *\{ngx_string\("(qbid_[a-z_]+)"\).*/\1/p' plugin/nginx/ngx_http_qbid_module.c | sort)" \
    "$(sed -nE '/^\*\*qbid_/{ s/^\*\*(qbid_[a-z_]+)\*\*.*/\1/; N; /Default: .* Context: (http|location|http, server, location)  $/P; }' \
        plugin/nginx/README.md | sort)"

# --- what is installed as an example is right, but for its paths
sed -E "s|/usr/local/lib/nginx/modules/ngx_http_qbid_module.so|$module|; s|listen 80 |listen 127.0.0.1:$port |;
    s|listen 127.0.0.1:8081|listen unix:$work/status.sock|; 1i pid $work/nginx.pid;" \
    plugin/nginx/qbid.conf.example >"$work/nginx.conf"
for kind in client_body proxy fastcgi uwsgi scgi; do
    sed -i "s|^http {|http { ${kind}_temp_path $work/tmp/$kind;|" "$work/nginx.conf"
done
said=$(run_nginx -t 2>&1)
is "the example" 0 $?
is "the example gives no warning" "" "$(grep -E '\[(warn|emerg)\]' <<<"$said" | grep -v 'worker_connections exceed')"

expected='\[emerg\].*(nginx.conf:[0-9]+$|unknown "nothing" variable)'
finish
