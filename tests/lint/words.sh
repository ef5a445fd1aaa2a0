#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lint: nothing is left for later in a source, and no file holds a path of one machine.
set -euo pipefail
. "$(dirname "$0")/files.sh"
cd "${1:-.}"

# the rule itself and its test have to say the words
files() {
    source_files | grep -vxE 'LICENSE|tests/lint/(words|selftest)\.sh' || true
}
bad=0
scan() { # expression, message
    local hits
    hits=$(tr '\n' '\0' | xargs -0 -r grep -nIHE -e "$1" -- | cut -d: -f1,2 || true)
    [ -n "$hits" ] || return 0
    sed "s|\$|: words: $2|" <<<"$hits"
    bad=1
}
scan '\b(TODO|FIXME|XXX|HACK)\b' "left for later" \
    < <(files | grep -E '(\.(c|h|cc|sh|py|mk|js|sql|map|yaml|yml)|Makefile)$')
scan '(^|[^A-Za-z0-9_./*-])/(work|home)/' "a path of one machine" < <(files)
exit "$bad"
