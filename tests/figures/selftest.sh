#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The collector keeps sound figures and refuses broken ones, scripts that fail and scripts that state nothing.
set -euo pipefail
collect=$(cd "$(dirname "$0")" && pwd)/collect.py
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
passed=0 failed=0

expect() { # exit code, what stdout or stderr or the JSON holds, lines of the script...
    local want=$1 text=$2 rc=0
    shift 2
    printf '%s\n' '#!/bin/sh' "$@" >script
    chmod +x script
    "$collect" --only 07 07:./script 08:./other >out 2>&1 || rc=$?
    if [ "$rc" -eq "$want" ] && grep -qF -- "$text" out build/figures/07.json; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "exit code $rc, wanted $want with '$text', of: $*"
        cat out
    fi
}
say() { # value, goal, holds[, name]: a script line that states one figure
    echo "echo '{\"name\":\"${4:-a}\",\"value\":$1,\"unit\":\"x\",\"goal\":$2,\"holds\":$3,\"how\":\"h\"}'"
}
expect 0 '"value": 1.5' 'echo noise' "$(say 1.5 '">= 1"' true)"
expect 0 'noise' 'echo noise' "$(say 1.5 '">= 1"' true)"
expect 0 '"name": "b"' "$(say 1 null null)" "$(say 2 null null b)"
expect 0 '1 goals do not hold' "$(say 0.5 '">= 1"' false)"
expect 1 'no figures' 'echo noise'
expect 1 'exit code 3' "$(say 1 null null)" 'exit 3'
expect 1 'value has the wrong type' "$(say '"1"' null null)"
expect 1 'value has the wrong type' "$(say true null null)"
expect 1 'value is not finite' "$(say NaN null null)"
expect 1 'holds belongs to a goal' "$(say 1 null true)"
expect 1 'holds belongs to a goal' "$(say 1 '">= 1"' null)"
expect 1 'stated before' "$(say 1 null null)" "$(say 2 null null)"
expect 1 'keys must be' "echo '{\"name\":\"a\",\"value\":1}'"
expect 1 'script' "echo '{\"name\":'"

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
