#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lint: libqbid.so exports qbid_* and nothing else, each name with a version node.
set -euo pipefail
export LC_ALL=C
cd "${1:-.}"

bad=0
for library in build/release/libqbid.so*; do
    [ -f "$library" ] && [ ! -L "$library" ] || continue
    names=$(nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }')
    if [ -z "$names" ]; then
        echo "$library: exports: no symbol is exported"
        bad=1
    fi
    while read -r name; do
        if [[ ! $name =~ ^qbid_[a-z0-9_]+@@QBID_[0-9.]+$ ]]; then
            echo "$library: exports: $name is not a versioned qbid_ name"
            bad=1
        fi
    done < <(printf '%s\n' "$names" | sed '/^$/d')
done
exit "$bad"
