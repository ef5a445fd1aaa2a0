#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The library keeps what the last release promised to its hosts, and the check that says so (plugin/abi) finds each
# kind of breach: headers changed in one place at a time, made into libraries without an inside.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/../.."
B=${B:-build/release}
if [ "$(uname -m)" != x86_64 ]; then
    echo "the interface is recorded for x86_64"
    exit 77
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
passed=0 failed=0

verdict() { # 0 is well, what
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "abi: $2"
        sed 's/^/    /' "$root/log"
    fi
}

changed() { # sed expression for the header, one for the version script: a library of both
    sed -E "$1" "$B/sdk/qbid.h" >"$root/qbid.h"
    sed -E "$2" plugin/qbid.map >"$root/qbid.map"
    if [ -n "$1" ] && cmp -s "$root/qbid.h" "$B/sdk/qbid.h"; then
        echo "the header has no place for $1" >"$root/log"
        return 1
    fi
    plugin/abi/shell.sh "$root/qbid.h" "$root/qbid.map" "$root/lib.so" >"$root/log" 2>&1
}
passes() { # what, expressions
    local rc=0
    { changed "$2" "$3" && plugin/abi/check.sh "$root/lib.so" >"$root/log" 2>&1; } || rc=1
    verdict "$rc" "refused: $1"
}
refuses() { # what, expressions
    local rc=1
    changed "$2" "$3" && ! plugin/abi/check.sh "$root/lib.so" >"$root/log" 2>&1 && rc=0
    verdict "$rc" "not refused: $1"
}

rc=0
plugin/abi/check.sh "$PWD/$B/libqbid.so.1" >"$root/log" 2>&1 || rc=1
verdict "$rc" "the library as built"

passes "the header as it is" "" ""
passes "a function more" 's/^(QBID_API const char \*qbid_version.*)$/\1\nQBID_API int qbid_more(int a);/' \
    's/qbid_version;/qbid_version; qbid_more;/'
passes "an option more, at the end" 's/^( *)unsigned schain;/\1unsigned schain, more_options[2];/' ""

refuses "a function less" 's/^QBID_API (uint64_t qbid_now_ns)/\1/' '/qbid_now_ns/d'
refuses "another version node" "" 's/QBID_1[.]0/QBID_0.9/'
refuses "a wider parameter" 's/unsigned n,$/uint64_t n,/' ""
refuses "a parameter more" 's/(qbid_worker_status\(struct qbid_worker \*worker,)/\1 int more,/' ""
refuses "another result" 's/^QBID_API int64_t qbid_worker_line_item/QBID_API int32_t qbid_worker_line_item/' ""
refuses "a parameter by another pointer" 's/(qbid_value_hash\(unsigned dim, const )char/\1unsigned char/' ""
refuses "an option in the middle" 's/^( *)const char \*image_file;/\1const char *more;\n&/' ""
refuses "an option of another type" 's/^( *)unsigned trace;/\1uint64_t trace;/' ""
refuses "options in another order" \
    's/^( *)unsigned tmax_default_ms;/\1unsigned swapped;/; s/tmax_margin_ms;/tmax_default_ms;/' ""
refuses "a field more in what the host allocates" 's/^( *)uint64_t decide_ns;/\1uint64_t decide_ns, more;/' ""
refuses "a larger state of the host's" 's/uint64_t opaque\[48\]/uint64_t opaque[49]/' ""
refuses "a field in the middle of a decision" 's/^( *)uint64_t nonce;/\1uint64_t more;\n&/' ""
refuses "more slots in a request" 's/QBID_REQUEST_SLOTS_MAX 16/QBID_REQUEST_SLOTS_MAX 17/' ""
refuses "another value of a format" 's/QBID_STATUS_JSON,/QBID_STATUS_TEXT, QBID_STATUS_JSON,/' ""

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
