#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whether a host that was built against the last release runs on this library: plugin/abi/check.sh LIBRARY
# Functions may be added, and options at their end; everything else is refused with a report.
set -euo pipefail
library=$(realpath "$1")
cd "$(dirname "$0")"
now=$(mktemp)
trap 'rm -f "$now"' EXIT
bad=0
report=$(abidiff --no-added-syms --suppressions allowed.abignore libqbid.so.1.abi "$library") || bad=1
abidw --no-corpus-path --no-comp-dir-path --no-show-locs --out-file "$now" "$library"
report+=$'\n'$(python3 options.py libqbid.so.1.abi "$now") || bad=1
[ "$bad" -ne 0 ] || exit 0
echo "$report"
echo "$1: abi: unlike plugin/abi/libqbid.so.1.abi; is the change meant, 'make abi' writes that anew"
exit 1
