#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lint: a source file opens with the licence line, and the guard of a header is its path.
set -euo pipefail
. "$(dirname "$0")/files.sh"
cd "${1:-.}"

mapfile -t files < <(source_files | grep -E '(\.(c|h|cc|sh|py|mk|map|sql)|(^|/)Makefile)$' || true)
[ "${#files[@]}" -gt 0 ] || exit 0
awk '
    function complain(what) {
        print file ":1: guards: " what
        bad = 1
    }
    BEGIN {
        for (i = 1; i < ARGC; i++) {
            file = ARGV[i]
            header = file ~ /\.h$/
            first = have = ""
            licensed = directives = 0
            for (n = 1; (n <= 2 || header && directives < 2) && (getline text < file) > 0; n++) {
                if (n == 1)
                    first = text
                if (n <= 2 && index(text, "SPDX-License-Identifier: Apache-2.0"))
                    licensed = 1
                if (text ~ /^[ \t]*#/) {
                    split(text, word)
                    have = have (directives++ ? " " : "") word[1] " " word[2]
                }
            }
            close(file)
            if (file !~ /\.(c|h|cc)$/) {
                if (!licensed)
                    complain("no SPDX comment in the first two lines")
                continue
            }
            if (first != "/* SPDX-License-Identifier: Apache-2.0 */")
                complain("the first line is not the SPDX comment")
            guard = "QBID_" toupper(file)
            gsub(/[\/.-]/, "_", guard)
            if (header && have != "#ifndef " guard " #define " guard)
                complain("the guard is not " guard)
        }
        exit bad
    }' "${files[@]}"
