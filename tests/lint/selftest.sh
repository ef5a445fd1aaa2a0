#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The lints' negative control: in a small tree each lint passes, and fails on every violation put into it,
# naming file and rule.
set -euo pipefail
export LC_ALL=C
lint=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$lint/../.." && pwd)
tree=$(mktemp -d)
model=$(mktemp -d) # the tree without a violation
trap 'rm -rf "$tree" "$model"' EXIT
cd "$tree"
passed=0 failed=0

spdx='/* SPDX-License-Identifier: Apache-2.0 */'
write() { # file, lines...
    mkdir -p "$(dirname "$1")"
    printf '%s\n' "${@:2}" >"$1"
}
header() { # file, guard, lines...
    write "$1" "$spdx" "#ifndef $2" "#define $2" "${@:3}" '#endif'
}
compile() { # C file
    mkdir -p "build/release/$(dirname "$1")"
    gcc -std=c17 -I. -O1 -fPIC -ffunction-sections -fvisibility=hidden -c -o "build/release/${1%.c}.o" "$1"
}
library() { # version script lines...
    printf '%s\n' "$@" >build/lib.map
    gcc -shared -fPIC -Wl,--version-script=build/lib.map -x c - -o build/release/libqbid.so.1 \
        <<<'int qbid_open(void) { return 0; } int other(void) { return 1; }'
}
base() {
    rm -rf "${tree:?}"/*
    cp -a "$model/." .
}
note() { # verdict (0 is well), what
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "selftest: $2"
        [ -z "${out:-}" ] || sed 's/^/    /' <<<"$out"
    fi
}
accepts() { # lint
    local rc=0
    out=$("$lint/$1.sh" . 2>&1) || rc=$?
    note "$rc" "$1 refuses a tree without a violation"
}
refuses() { # lint, file that must be named, part of the message
    local rc=0 good=1
    out=$("$lint/$1.sh" . 2>&1) || rc=$?
    if [ "$rc" -ne 0 ] && grep -F "$2" <<<"$out" | grep -F ": $1: " | grep -F -- "$3" >/dev/null; then
        good=0
    fi
    note "$good" "$1 does not name $2 ($3)"
    base
}

cp "$root/.clang-format" .
header shm/a.h QBID_SHM_A_H 'int qbid_a(int x);' 'int qbid_b(int x);'
write shm/a.c "$spdx" '#include "shm/a.h"' '' '#include <stdlib.h>' '' \
    'int qbid_a(int x)' '{' '    return x + 1;' '}' '' \
    'int qbid_b(int x)' '{' '    return malloc((size_t)x) != NULL;' '}'
header fastpath/f.h QBID_FASTPATH_F_H 'int qbid_f(int x);'
write fastpath/f.c "$spdx" '#include "fastpath/f.h"' '' '#include "shm/a.h"' '' \
    'int qbid_f(int x)' '{' '    return qbid_a(x);' '}'
header plugin/qbid.h QBID_PLUGIN_QBID_H
header control/client.h QBID_CONTROL_CLIENT_H
write plugin/p.c "$spdx" '#include "fastpath/f.h"' '#include "plugin/qbid.h"'
write control/c.c "$spdx" '#include "control/client.h"' '#include "shm/a.h"'
write tools/qbid/explain/e.c "$spdx" '#include "control/client.h"' '#include "fastpath/f.h"'
write tools/sim/s.c "$spdx" '#include "control/learn/l.h"' '#include "fastpath/f.h"' '#include "shm/a.h"'
write bench/b.c "$spdx" '#include "control/client.h"' '#include "fastpath/f.h"'
write tests/t.c "$spdx" '#include "bench/b.h"'
write tools/s.sh '#!/bin/sh' '# SPDX-License-Identifier: Apache-2.0' 'dir=$(mktemp -d /tmp/s.XXXXXX)'
compile shm/a.c
compile fastpath/f.c
library 'QBID_1 { global: qbid_*; local: *; };'
cp -a . "$model"
for name in layers guards words format symbols exports; do
    accepts "$name"
done

include() { # layers' violation: file, header
    write "$1" "$spdx" "#include \"$2\""
    refuses layers "$1:2" "$2"
}
include shm/x.c fastpath/f.h
include shm/x.c control/client.h
include fastpath/x.h plugin/qbid.h
include fastpath/x.c control/client.h
include plugin/nginx/x.c control/client.h
include control/x.c fastpath/f.h
include control/x.c plugin/qbid.h
include control/models/x.c tools/x.h
include tools/x.c fastpath/f.h
include tools/x.c control/store/db.h
include tools/x.c plugin/parse.h
include tools/sim/x.c plugin/parse.h
include plugin/x.cc tests/x.h
include control/x.c bench/x.h
include shm/x.c a.h
include shm/x.c shm/../fastpath/f.h

header shm/x.h QBID_X_H
refuses guards shm/x.h QBID_SHM_X_H
write shm/x.h "$spdx" '#pragma once'
refuses guards shm/x.h QBID_SHM_X_H
write shm/x.c 'int qbid_x;' "$spdx"
refuses guards shm/x.c SPDX
write tools/x.sh '#!/bin/sh' 'exit 0'
refuses guards tools/x.sh SPDX

for word in TODO FIXME XXX HACK; do
    write control/x.c "$spdx" "/* $word: later */"
    refuses words control/x.c:2 later
done
write tools/x.sh '#!/bin/sh' 'cat /home/me/data'
refuses words tools/x.sh:2 machine
write notes.md 'see /work/notes'
refuses words notes.md:1 machine

write shm/x.c "$spdx" 'int  qbid_x;'
refuses format shm/x.c:2 clang-format

call() { # symbols' violation: file to name, expression, symbol
    write fastpath/x.c "$spdx" '#include <pthread.h>' '#include <stdlib.h>' '#include <unistd.h>' \
        '#include "shm/a.h"' 'int qbid_x(int x)' '{' "    return $2;" '}'
    compile fastpath/x.c
    refuses symbols "$1" "$3"
}
call fastpath/x.c 'malloc((unsigned)x) != 0' malloc
call fastpath/x.c 'pthread_mutex_lock((void *)0) + x' pthread_mutex_lock
call fastpath/x.c '(int)getpid() + x' getpid
call shm/a.c 'qbid_b(x)' malloc
write fastpath/x.c "$spdx" 'int qbid_x;'
refuses symbols fastpath/x.c 'not built'

library 'QBID_1 { global: *; };'
refuses exports libqbid.so.1 other
library '{ global: qbid_*; local: *; };'
refuses exports libqbid.so.1 qbid_open

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
