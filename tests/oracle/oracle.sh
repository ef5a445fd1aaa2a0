#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes every fixture anew and compares it with the committed one; arguments COMMAND:FIXTURE. A
# generator whose tool is not installed is named and fails.
set -uo pipefail
bad=0
mkdir -p build/oracle
for entry in "$@"; do
    command=${entry%%:*} fixture=${entry#*:}
    made=build/oracle/$(tr / _ <<<"$fixture")
    if ! $command >"$made"; then
        echo "FAIL $fixture: $command failed"
        bad=1
    elif cmp -s "$made" "$fixture"; then
        echo "ok   $fixture"
    else
        echo "FAIL $fixture differs from $made"
        bad=1
    fi
done
exit $bad
