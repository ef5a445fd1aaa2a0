#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages named as arguments that are missing; quiet when none is.
set -euo pipefail
export LC_ALL=C

missing() {
    local have
    have=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
    comm -23 <(printf '%s\n' "$@" | sort -u) <(awk '$2 == "installed" { print $1 }' <<<"$have" | sort -u)
}

if ! command -v dpkg-query >/dev/null; then
    echo "deps: this is not Debian; needed are the equivalents of: $*" >&2
    exit 0
fi
mapfile -t need < <(missing "$@")
[ "${#need[@]}" -gt 0 ] || exit 0

root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "deps: packages are missing and this is not root; run as root:" >&2
        echo "  apt-get update && apt-get install --no-install-recommends ${need[*]}" >&2
        exit 1
    fi
    root=(sudo)
fi
echo "deps: installing ${need[*]}"

# A package must not start its service (nginx would take port 80). policy-rc.d is the system's switch
# for that; one that is already there belongs to the machine's owner and stays as it is.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    restore() { "${root[@]}" rm -f "$policy"; }
    trap restore EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
    "${root[@]}" chmod 755 "$policy"
fi

log=$(mktemp)
apt() {
    if ! "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        echo "deps: apt-get $* failed" >&2
        rm -f "$log"
        exit 1
    fi
}
apt -o Acquire::Languages=none update # no translated descriptions
apt install --no-install-recommends "${need[@]}"
rm -f "$log"

mapfile -t need < <(missing "$@")
if [ "${#need[@]}" -gt 0 ]; then
    echo "deps: still missing after the installation: ${need[*]}" >&2
    exit 1
fi
