#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The library as others get it: the header alone in three languages, an installation in a folder of its own,
# the example host built against that by pkg-config, shared and static, and run against a control side.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/../.."
B=${B:-build/release}
root=$(mktemp -d)
broker=
finish() {
    exec 3>&- || true
    [ -z "$broker" ] || wait "$broker" || true
    rm -rf "$root"
}
trap finish EXIT
passed=0 failed=0

check() { # what, command...
    local what=$1
    shift
    if "$@" >"$root/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "library: $what"
        sed 's/^/    /' "$root/log"
    fi
}

env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory -s PROFILE=release DESTDIR="$root" PREFIX=/usr \
    install-"$B"/libqbid.so.1 install-"$B"/libqbid.so install-"$B"/sdk/libqbid.a install-"$B"/sdk/qbid.h \
    install-"$B"/sdk/qbid.pc
export PKG_CONFIG_LIBDIR=$root/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root

include=$root/usr/include
for standard in c11 c17; do
    check "the header alone as $standard" gcc -std=$standard -Wall -Wextra -Wpedantic -Wconversion -Werror \
        -fsyntax-only -x c "$include/qbid.h"
done
for standard in c++11 c++17; do
    check "the header alone as $standard" g++ -std=$standard -Wall -Wextra -Wpedantic -Wconversion -Werror \
        -fsyntax-only -x c++ "$include/qbid.h"
done
if command -v clang >/dev/null; then # gcc's extensions are not clang's
    check "the header alone as c11, clang" clang -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Werror \
        -fsyntax-only -x c "$include/qbid.h"
    check "the header alone as c++11, clang" clang++ -std=c++11 -Wall -Wextra -Wpedantic -Wconversion -Werror \
        -fsyntax-only -x c++ "$include/qbid.h"
fi
printf '#include <qbid.h>\nint main() { qbid_options o = {}; qbid *q; return sizeof o && qbid_open(nullptr, &q) == 0; }\n' \
    >"$root/plus.cc"
check "pkg-config knows the package and its version" pkg-config --exact-version=1.0.0 qbid
check "C++ links the functions by their names" \
    g++ -std=c++11 -Wall -Wextra -pedantic -Werror -o "$root/plus" "$root/plus.cc" $(pkg-config --cflags --libs qbid)
check "and runs: no options are refused" env LD_LIBRARY_PATH="$root/usr/lib" "$root/plus"
check "the header includes nothing of ours" bash -c "! grep -n 'include \"' '$include/qbid.h'"

# every function of the header is exported, and nothing else is
grep -oE '\bqbid_[a-z_]+\(' <(grep -E '^QBID_API|^ +QBID_API' -A2 "$include/qbid.h") | tr -d '(' | sort -u >"$root/declared"
nm -D --defined-only "$root/usr/lib/libqbid.so.1" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort -u \
    >"$root/exported"
check "exports are what the header declares" diff "$root/declared" "$root/exported"
check "the soname" grep -q 'libqbid.so.1' <(readelf -d "$root/usr/lib/libqbid.so.1" | grep SONAME)

flags=$(pkg-config --cflags --libs qbid)
check "the example, shared" gcc -std=c11 -Wall -Werror -o "$root/shared" plugin/example/host.c $flags
static=$(pkg-config --static --libs qbid | sed 's/-lqbid\b/-l:libqbid.a/')
check "the example, static" gcc -std=c11 -Wall -Werror -I"$include" -o "$root/static" plugin/example/host.c $static
check "the static example needs no libqbid.so" bash -c "! ldd '$root/static' | grep libqbid"
check "the epoll example, shared" gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$root/epoll" plugin/example/epoll.c \
    plugin/example/http.c $flags
check "the example has under 100 lines" test "$(wc -l <plugin/example/host.c)" -lt 100

# --- a control side, and the example host on it
mkfifo "$root/in"
"$B/e2e/plugin/broker" <"$root/in" >"$root/path" &
broker=$!
exec 3>"$root/in"
for _ in $(seq 100); do
    [ -s "$root/path" ] && break
    sleep 0.05
done
socket=$(cat "$root/path")

answers() { # example, folder of its library: the statuses of four requests; then a notice out of the first answer
    {
        echo '{"id":"a","imp":[{"id":"1","banner":{"w":300,"h":250}}]}'
        echo '{"id":"b","imp":[{"id":"1","banner":{"w":1,"h":1}}]}'
        echo '{"id":"c","imp":[]}'
        echo '/win?t=nonsense'
    } >"$root/requests"
    LD_LIBRARY_PATH=$2 "$1" "$socket" https://n.example/q <"$root/requests" >"$root/answers" \
        2>"$root/status"
    [ "$(cut -d' ' -f1 "$root/answers" | tr '\n' ' ')" = "200 204 400 400 " ] &&
        head -n 1 "$root/answers" | grep -q '"impid":"1","price":5,' &&
        grep -q '"requests":3' "$root/status"
}
for kind in shared static; do
    check "the $kind example answers" answers "$root/$kind" "$root/usr/lib"
    url=$(grep -o 'https://n.example/q/bill[^"]*' "$root/answers" | head -n 1 | sed 's|.*/q||; s|[$]{AUCTION_PRICE}|4.5|')
    check "the $kind example takes the notice of its own bid" grep -qx '200 ' \
        <(echo "$url" | LD_LIBRARY_PATH=$root/usr/lib "$root/$kind" "$socket" https://n.example/q 2>&1)
done
check "the example of this tree answers" answers "$B/bin/qbid-example" ""

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
