#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lint: a source file opens with the licence line, and the guard of a header is its path.
set -euo pipefail
. "$(dirname "$0")/files.sh"
cd "${1:-.}"

source_files | {
    bad=0
    complain() {
        echo "$1: guards: $2"
        bad=1
    }
    while IFS= read -r file; do
        case $file in
        *.c | *.h | *.cc)
            IFS= read -r first <"$file" || true
            [ "$first" = '/* SPDX-License-Identifier: Apache-2.0 */' ] ||
                complain "$file:1" "the first line is not the SPDX comment"
            ;;
        *.sh | *.py | *.mk | *.map | *.sql | Makefile)
            [[ $(head -n 2 "$file") == *'SPDX-License-Identifier: Apache-2.0'* ]] ||
                complain "$file:1" "no SPDX comment in the first two lines"
            ;;
        esac
        [[ $file == *.h ]] || continue
        guard=QBID_$(tr 'a-z/.-' 'A-Z___' <<<"$file")
        want="#ifndef $guard #define $guard"
        have=$(awk '/^[ \t]*#/ { printf "%s%s", n++ ? " " : "", $1 " " $2 } n == 2 { exit }' "$file")
        [ "$have" = "$want" ] || complain "$file:1" "the guard is not $guard"
    done
    exit "$bad"
}
