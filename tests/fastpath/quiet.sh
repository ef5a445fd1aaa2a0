#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A million decisions make no system call, so they wait for no lock either (a contended one would be a
# futex): strace sees nothing between the two marks of tests/fastpath/million.c. The two negative controls
# make one call there, which must be seen.
set -uo pipefail
cd "$(dirname "$0")/../.."
million=${B:-build/release}/tests/million
passed=0 failed=0
trace=$(mktemp)
trap 'rm -f "$trace" "$trace.said"' EXIT

strace -o /dev/null true 2>/dev/null || {
    echo "strace may not trace here"
    exit 77
}

# arguments of million: prints the calls between the marks, one a line; 1 when a mark is missing
between() {
    strace -f -o "$trace" "$million" "$@" >"$trace.said" || return 1
    [ "$(grep -cE 'fsync\((-2|-3)\)' "$trace")" -eq 2 ] || return 1
    sed -n '/fsync(-2)/,/fsync(-3)/p' "$trace" | sed '1d;$d'
}

verdict() { # what, whether (0 = good)
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok   $1"
    else
        failed=$((failed + 1))
        echo "FAIL $1"
        head -n 20 "$trace.said" | sed 's/^/    | /'
    fi
}

for way in one many; do
    calls=$(between "$way")
    rc=$?
    cnt=$(grep -c . <<<"$calls")
    [ "$rc" -eq 0 ] && [ "$cnt" -eq 0 ] && grep -q '^1000000 decisions' "$trace.said"
    verdict "decide_$way: $cnt system calls; $(cat "$trace.said")" $?
done
for control in call:getppid lock:futex; do
    calls=$(between one "${control%:*}")
    [ $? -eq 0 ] && [ "$(grep -c . <<<"$calls")" -eq 1 ] && grep -q "${control#*:}(" <<<"$calls"
    verdict "negative control: one ${control#*:} is seen" $?
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
