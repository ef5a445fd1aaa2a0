#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Branches of plugin/privacy that its own tests take: one line a file, and all of them must be taken.
#   tests/plugin/privacy/coverage.sh   builds with PROFILE=cov, runs, reads gcov
set -euo pipefail
cd "$(dirname "$0")/../../.."
B=build/cov
tests=("$B"/tests/test_{consent,privacy,privacy_left})
make -s PROFILE=cov "${tests[@]}"
rm -f "$B"/plugin/privacy/*.gcda
for test in "${tests[@]}"; do
    "$test" >"$B/privacy.log" 2>&1 || { cat "$B/privacy.log" >&2; exit 1; }
done
all=0 taken=0
for source in plugin/privacy/*.c; do
    read -r of hit < <(gcov -b -c -t -o "$B/plugin/privacy" "$B/${source%.c}.gcda" 2>/dev/null |
        awk -v source="$source" '$1 == "-:" && $2 ~ /^0:Source:/ { ours = index($0, ":Source:" source) }
            ours && /^branch +[0-9]+ (taken|never)/ { n++; hit += $3 == "taken" && $4 > 0 }
            END { print n + 0, hit + 0 }')
    printf '%-30s %3d of %3d branches taken\n' "$source" "$hit" "$of"
    all=$((all + of)) taken=$((taken + hit))
done
printf '%-30s %3d of %3d branches taken\n' all "$taken" "$all"
[ "$all" -gt 0 ] && [ "$taken" -eq "$all" ]
