# SPDX-License-Identifier: Apache-2.0
# A whole qbid site on loopback: qbidd, nginx with the module, a demonstration account. Sourced by the
# demonstration and by end-to-end tests; everything lives in one folder and ends with site_stop.
#
#   site_make DIR [WORKERS]   write configuration; SITE_EXTRA = lines of qbidd.yaml, in place of ours,
#                             SITE_NGINX_EXTRA = more lines of nginx's http block
#   site_start                qbidd, then nginx; returns when both answer
#   site_account FILE         import an account
#   site_stop                 end both, wait for them
# Variables afterwards: SITE, SITE_PORT, SITE_BID_URL, SITE_STATUS_URL, SITE_SOCKET, SITE_CONF.
B=${B:-build/release}

. "$(dirname "${BASH_SOURCE[0]}")/port.sh"

site_make() {
    SITE=$(mkdir -p "$1" && cd "$1" && pwd)
    local workers=${2:-2} bin user= port
    bin=$(cd "$B" && pwd)
    claim_port
    SITE_PORT=$port
    SITE_SOCKET=$SITE/control.sock
    SITE_CONF=$SITE/qbidd.yaml
    SITE_BID_URL=http://127.0.0.1:$SITE_PORT/bid
    SITE_STATUS_URL=http://127.0.0.1:$SITE_PORT/status
    SITE_METRICS_URL=http://127.0.0.1:$SITE_PORT/metrics
    [ "$(id -u)" != 0 ] || user="user root;"
    mkdir -p "$SITE/nginx"
    cat >"$SITE_CONF" <<YAML
# qbidd of the demonstration site.
state_dir: state
privacy: {gdpr_unknown: applies_not}
handover: {path: qbid.sock}
control: {path: control.sock}
keys: {file: keys, create: true}
currency: CNY
levels: [[device, slot, site], [device, slot], [device]]
market_segments: [slot]
ticks: {live_ms: 20, learn_ms: 1000, snapshot_ms: 5000}
learning: {pace_period_ms: 250}
grant_ppm: 20000
YAML
    local key
    for key in $(sed -nE 's/^([a-z_]+):.*/\1/p' <<<"${SITE_EXTRA:-}"); do
        sed -i "/^$key:/d" "$SITE_CONF"
    done
    printf '%s\n' "${SITE_EXTRA:-}" >>"$SITE_CONF"
    cat >"$SITE/nginx/nginx.conf" <<NGINX
# nginx of the demonstration site.
load_module $bin/ngx_http_qbid_module.so;
$user
worker_processes $workers;
daemon off;
pid $SITE/nginx/pid;
error_log $SITE/nginx/error.log warn;
worker_shutdown_timeout 5s;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path $SITE/nginx/body;
    proxy_temp_path $SITE/nginx/proxy;
    fastcgi_temp_path $SITE/nginx/fastcgi;
    uwsgi_temp_path $SITE/nginx/uwsgi;
    scgi_temp_path $SITE/nginx/scgi;
    keepalive_timeout 180s;
    keepalive_requests 100000000;
    keepalive_time 7d;
    client_header_buffer_size 16k;
    client_body_buffer_size 256k;
    qbid_socket $SITE/qbid.sock;
    qbid_image $SITE/state/images/last.qbi;
    qbid_notice_url http://127.0.0.1:$SITE_PORT/n;
    qbid_trace on;
    ${SITE_NGINX_EXTRA:-}
    server {
        listen 127.0.0.1:$SITE_PORT backlog=4096;
        location = /bid { qbid_bid; }
        location /n/ { qbid_notice; }
        location = /status { qbid_status; }
        location = /metrics { qbid_status prometheus; }
    }
}
NGINX
}

# Wait until a command succeeds: site_until SECONDS WHAT COMMAND...
site_until() {
    local tries=$(($1 * 20)) what=$2
    shift 2
    for _ in $(seq "$tries"); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.05
    done
    echo "$what does not answer; see $SITE" >&2
    return 1
}

site_start_qbidd() {
    "$B/bin/qbidd" --config "$SITE_CONF" --foreground >>"$SITE/qbidd.log" 2>&1 &
    SITE_QBIDD=$!
    site_until 10 qbidd "$B/bin/qbid" --socket "$SITE_SOCKET" status || {
        cat "$SITE/qbidd.log" >&2
        return 1
    }
}

# nginx says on stderr what it also logs; a broken configuration must be seen at once.
site_start_nginx() {
    /usr/sbin/nginx -p "$SITE/nginx/" -c nginx.conf >>"$SITE/nginx/stderr.log" 2>&1 &
    SITE_NGINX=$!
    site_until 10 nginx curl -sf -o "$SITE/nginx/status" "$SITE_STATUS_URL" || {
        cat "$SITE/nginx/stderr.log" >&2
        return 1
    }
}

site_start() {
    site_start_qbidd && site_start_nginx
}

site_account() {
    "$B/bin/qbid" --socket "$SITE_SOCKET" import "$1" >>"$SITE/import.log"
}

# End one process and wait until it is gone; KILL after ten seconds.
site_end() {
    local pid=$1 signal=$2
    kill -"$signal" "$pid" 2>/dev/null || return 0
    for _ in $(seq 200); do
        kill -0 "$pid" 2>/dev/null || break
        [ "$(ps -o stat= -p "$pid" 2>/dev/null | cut -c1)" != Z ] || break
        sleep 0.05
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    return 0
}

site_stop() {
    [ -z "${SITE_NGINX:-}" ] || site_end "$SITE_NGINX" QUIT
    [ -z "${SITE_QBIDD:-}" ] || site_end "$SITE_QBIDD" TERM
    SITE_NGINX= SITE_QBIDD=
}

# One field of a JSON object on one line: json_field FILE NAME
site_json() {
    python3 -c 'import json,sys
v = json.load(open(sys.argv[1]))
for k in sys.argv[2].split("."):
    v = v[int(k)] if k.isdigit() else v[k]
print(v)' "$1" "$2"
}
