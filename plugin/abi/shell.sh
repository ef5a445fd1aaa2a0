#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The library's interface as a shared library without an inside: each function of the installed header, empty,
# under the version script. What libabigail says of it is what hosts see, and nothing of how qbid is made.
#   plugin/abi/shell.sh HEADER MAP OUT.so
set -euo pipefail
header=$1 map=$2 out=$3
source=${out%.so}.c
{
    printf '#include "%s"\n' "$(realpath "$header")"
    # comments off, then every declaration that begins with QBID_API, its semicolon a body
    gcc -fpreprocessed -dD -E -P "$header" | awk '
        /^QBID_API/ { open = 1 }
        open { line = line " " $0 }
        open && /;/ { sub(/;.*/, " { __builtin_trap(); }", line); print line; line = ""; open = 0 }'
} >"$source"
gcc -std=c11 -g -O0 -shared -fPIC -fvisibility=hidden -Wl,-soname,libqbid.so.1 -Wl,--version-script="$map" \
    -o "$out" "$source"
