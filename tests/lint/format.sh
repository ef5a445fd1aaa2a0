#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lint: every C and C++ file of the project (tracked or new) is as clang-format writes it.
set -euo pipefail
. "$(dirname "$0")/files.sh"
cd "${1:-.}"

mapfile -t files < <(source_files | grep -E '\.(c|h|cc)$' || true)
[ "${#files[@]}" -gt 0 ] || exit 0
if ! out=$(clang-format --dry-run -Werror "${files[@]}" 2>&1); then
    grep -E 'error: ' <<<"$out" | sed -E 's/: error: .*/: format: clang-format would write this otherwise/' |
        awk -F: '!seen[$1]++'
    exit 1
fi
