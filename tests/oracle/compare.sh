#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs each GENERATOR:FIXTURE and shows where what it prints is not what is committed.
set -u
failed=0
for pair in "$@"; do
    generator=${pair%%:*} fixture=${pair#*:}
    if "$generator" | diff -u "$fixture" - && [ "${PIPESTATUS[0]}" = 0 ]; then
        echo "oracle: $fixture is what $generator makes"
    else
        echo "oracle: $fixture is not what $generator makes"
        failed=1
    fi
done
exit "$failed"
