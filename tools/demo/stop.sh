#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make stop`: ends what `make run KEEP=1` left running. "quiet" says nothing where there is nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tools/demo/lib.sh
pids=build/run/pids
if [ ! -s "$pids" ]; then
    [ "${1:-}" = quiet ] || echo "nothing is running"
    exit 0
fi
# A number may be somebody else's by now: only our own programs of this folder are ended.
ours() { tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -F "$PWD/build/run" >/dev/null; }
{
    read -r nginx
    read -r qbidd
} <"$pids"
if ours "$nginx"; then site_end "$nginx" QUIT; fi
if ours "$qbidd"; then site_end "$qbidd" TERM; fi
rm -f "$pids" build/run/env
[ "${1:-}" = quiet ] || echo "stopped"
