#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Branch coverage of the files that must have all of it: tests/coverage.sh FILE... -- TEST...
#
# Called by `make coverage`, which has built the tests with PROFILE=cov. Branches that only an exception takes are
# left out (gcovr --exclude-throw-branches; the C++ here is built without exceptions, the compiler's own calls may
# have them), and so are those of code that the compiler found to be unreachable.
# Report: build/coverage/index.html. Fails when a file has a branch that no test takes; the last lines say which.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
files=() tests=()
while [ "$1" != -- ]; do
    files+=("$1")
    shift
done
shift
tests=("$@")
mkdir -p build/coverage
find build/cov -name '*.gcda' -delete
for test in "${tests[@]}"; do
    "$test" >"build/coverage/${test##*/}.log" 2>&1 || {
        cat "build/coverage/${test##*/}.log"
        echo "coverage: ${test##*/} failed"
        exit 1
    }
done
filters=()
for file in "${files[@]}"; do
    filters+=(--filter "${file//./\\.}$")
done
gcovr --root . --object-directory build/cov "${filters[@]}" --exclude-throw-branches --exclude-unreachable-branches \
    --html-details build/coverage/index.html --json build/coverage/coverage.json build/cov/plugin build/cov/fastpath build/cov/shm \
    build/cov/tests >/dev/null
python3 tests/coverage.py build/coverage/coverage.json "${files[@]}"
