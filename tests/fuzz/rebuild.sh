#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a changed header makes old: objects of a profile and those of the fuzz targets.
set -euo pipefail
cd "$(dirname "$0")/../.."
passed=0 failed=0

quiet_make() {
    env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES -u MAKELEVEL make -s --no-print-directory PROFILE=release "$@"
}

expect() { # object, a header that it includes (through another), one that it does not
    quiet_make "$1"
    if quiet_make -q "$1" && ! quiet_make -q -W "$2" "$1" && quiet_make -q -W "$3" "$1"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$1: must be old after a change of $2, and only then"
    fi
}

expect build/release/fastpath/request.o shm/dims.h shm/watcher.h
if command -v clang >/dev/null; then
    expect build/fuzz/fastpath/request.o shm/dims.h shm/watcher.h
else
    echo 'fuzz objects: skipped, no clang'
fi

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
