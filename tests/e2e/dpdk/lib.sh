# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts of this folder: a bidder of their own at one end of a pair of virtual links, the test at
# the other, each in a network namespace. Root is not needed where the kernel lets users have namespaces.
#
#   begin NAME           a fresh folder build/<profile>/e2e/dpdk/NAME, named $work; a broker on $broker_socket
#   link                 v0 10.9.0.1 here, v1 in the namespace of $far: the bidder is 10.9.0.2, the kernel 10.9.0.3
#   bidder OPTIONS...    start one over v1 and wait until it polls; $bidder is its pid
#   bidder_on EAL -- ... the same with EAL options of the caller's
#   stop                 SIGTERM; its exit code must be 0
#   is, becomes, holds   one check
#   finish               what every run must leave, the counts, the exit code
set -uo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
B=${B:-build/release}
tools=$PWD/$B/e2e/dpdk
passed=0 failed=0 skipped=0
# one lcore, on any processor that we may use
lcore=(--lcores "0@($(taskset -pc $$ | sed 's/.*: //'))")
bidder='' broker='' far='' broker_in=''

for file in "$B/bin/qbid-dpdk" "$B/bin/qbid-blast" "$tools/check"; do
    [ -x "$file" ] || {
        echo "$file is missing (libdpdk-dev, libmsgpack-dev)"
        exit 77
    }
done
command -v ip >/dev/null && command -v ethtool >/dev/null || {
    echo "ip or ethtool is missing (iproute2, ethtool)"
    exit 77
}
if [ -z "${QBID_NAMESPACE:-}" ]; then
    flags=-n
    [ "$(id -u)" -eq 0 ] || flags=-Urn
    if ! unshare "$flags" ip link add q0 type veth peer name q1 2>/dev/null; then
        echo "no network namespace with a pair of virtual links (needs root, or user namespaces)"
        exit 77
    fi
    QBID_NAMESPACE=1 exec unshare "$flags" "$0" "$@"
fi
[ "${PROFILE:-release}" != asan ] || export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0

. tests/e2e/checks.sh
# WHAT, WANTED, command...: what the command prints, now or within ten seconds
becomes() {
    local what=$1 wanted=$2 got='' i
    shift 2
    for i in $(seq 200); do
        got=$("$@" 2>/dev/null)
        [ "$got" != "$wanted" ] || break
        sleep 0.05
    done
    is "$what" "$wanted" "$got"
}
# WHAT, command...: the command succeeds
holds() {
    local what=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n  command: %s\n' "$what" "$*"
        head -c 2000 "$work/said"
    fi
}

begin() {
    work=$PWD/$B/e2e/dpdk/run/$1
    rm -rf "$work"
    mkdir -p "$work"
    status=$(mktemp -u /tmp/qbid-dpdk-XXXXXX.sock) # the work folder's path may be too long for a socket
    trap cleanup EXIT
    trap 'exit 130' INT TERM HUP
    mkfifo "$work/in"
    "$B/e2e/plugin/broker" <"$work/in" >"$work/broker.path" 2>"$work/broker.log" &
    broker=$!
    exec {broker_in}>"$work/in"
    becomes "the broker serves" 1 grep -c / "$work/broker.path"
    broker_socket=$(cat "$work/broker.path")
}
cleanup() {
    local pid
    for pid in $bidder $far $broker; do
        kill -KILL "$pid" 2>/dev/null
    done
    rm -f "$status"
}

in_far() {
    nsenter -t "$far" -n "$@"
}
link() {
    # both ends speak IPv4 only: nothing but our own frames is on the link
    echo 1 2>/dev/null >/proc/sys/net/ipv6/conf/default/disable_ipv6
    unshare -n sh -c 'echo 1 2>/dev/null >/proc/sys/net/ipv6/conf/default/disable_ipv6; exec sleep 3600' &
    far=$!
    becomes "the far namespace is there" different \
        sh -c "[ \$(readlink /proc/$far/ns/net) = \$(readlink /proc/self/ns/net) ] || echo different"
    ip link add v0 type veth peer name v1
    ip link set v1 netns "$far"
    ip link set lo up
    ip addr add 10.9.0.1/24 dev v0
    ip link set v0 up
    in_far ip addr add 10.9.0.3/24 dev v1
    in_far ip link set v1 up
    # else the kernel leaves UDP checksums to hardware that a virtual link does not have
    ethtool -K v0 tx off >/dev/null
    in_far ethtool -K v1 tx off >/dev/null
}

# field of a counter object in the status: counters or frames, name
counted() {
    "$B/bin/qbid-dpdk" --ask "$status" |
        python3 -c "import json, sys; print(sum(l['$1']['$2'] for l in json.load(sys.stdin)['lcores']))"
}
polling() {
    "$B/bin/qbid-dpdk" --ask "$status" |
        python3 -c "import json, sys; s = json.load(sys.stdin)
print(all(l['library'] and l['library']['generation'] and l['library']['lease'] for l in s['lcores']))"
}
# words before "--" are EAL's
bidder_on() {
    local eal=() run=()
    while [ "$1" != -- ]; do
        eal+=("$1")
        shift
    done
    shift
    [ -z "$far" ] || run=(nsenter -t "$far" -n)
    rm -f "$status"
    ${run[@]+"${run[@]}"} "$B/bin/qbid-dpdk" --no-huge -m 64 --no-pci --log-level=4 "${eal[@]}" -- --ip 10.9.0.2 \
        --notice-url https://n.example/q --socket "$broker_socket" --status "$status" --exchange 2 \
        --idle-us 50 "$@" >>"$work/bidder.log" 2>&1 &
    bidder=$!
}
# a ring of 8,192 frames: on a machine that is busy with other things it must last while the poller waits for a processor
bidder() {
    bidder_on "${lcore[@]}" --vdev=net_af_packet0,iface=v1,framecnt=8192 -- "$@"
    becomes "the bidder polls with a table and a lease" True polling
}
blast() { # report, options...
    local name=$1
    shift
    "$B/bin/qbid-blast" --to 10.9.0.2:7788 --output json "$@" >"$work/$name.json" 2>>"$work/blast.log"
}
got() { # report, field
    python3 -c "import json, sys
v = json.load(open(sys.argv[1]))
for k in sys.argv[2].split('.'): v = v[k]
print(v)" "$work/$1.json" "$2"
}
stop() {
    local code=0
    kill -TERM "$bidder"
    wait "$bidder" || code=$?
    bidder=
    is "exit code of the bidder after SIGTERM" 0 "$code"
    is "the status socket is gone" "" "$(ls "$status" 2>/dev/null)"
}
finish() {
    [ -z "$bidder" ] || stop
    if [ -n "$far" ]; then # it has the broker's input open as well
        kill -KILL "$far"
        wait "$far" 2>/dev/null
        far=
    fi
    exec {broker_in}>&-
    wait "$broker" 2>/dev/null
    broker=
    is "no sanitizer's report" "" "$(grep -hE 'Sanitizer|runtime error' "$work"/*.log | head -n 20)"
    [ "$failed" -eq 0 ] || tail -n 20 "$work"/*.log
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
    exit
}
