# SPDX-License-Identifier: Apache-2.0
# Sourced by demonstrations and end-to-end tests that run beside each other.
#
#   claim_port   sets $port: a port of 127.0.0.1 for this shell and what it starts
#
# The kernel may give any port of ip_local_port_range to the next connection out, also between our look and a
# server's bind: ports are taken from outside of it. Others who claim are kept off by a lock that the last process
# with the inherited descriptor ends.
claim_port() {
    local low high first=10000 last locks=${TMPDIR:-/tmp}/qbid-ports-$UID lock
    read -r low high </proc/sys/net/ipv4/ip_local_port_range
    last=$((low - 1))
    [ $((last - first)) -gt 500 ] || first=$((high + 1)) last=65535
    mkdir -p "$locks"
    for _ in $(seq 50); do
        port=$((first + (RANDOM << 15 | RANDOM) % (last - first + 1)))
        exec {lock}>"$locks/$port"
        if flock --nonblock "$lock" && ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            return
        fi
        exec {lock}>&-
    done
    echo "no free port on 127.0.0.1" >&2
    return 1
}
