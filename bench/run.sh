#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every benchmark program of B/bench, then nginx.sh and nginx_profile.sh of bench/hosts, one after the other.
#
# A program's results go to build/bench/NAME.json and are shown as one table, by NAME_table.py where there
# is one. The repetitions of its benchmarks are run in random order, so that a slow minute of the machine hits
# all of them alike.
#   ROUNDS    repetitions (5)
#   MIN_TIME  seconds that a repetition takes at least (0.2)
#   FILTER    regular expression of the benchmarks to run (all)
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
export B=${B:-build/release}
out=build/bench
mkdir -p "$out"
failed=0

for program in "$B"/bench/*; do
    name=${program##*/}
    [[ -f $program && -x $program && $name != *.* ]] || continue
    if ! "$program" --benchmark_repetitions="${ROUNDS:-5}" --benchmark_min_time="${MIN_TIME:-0.2}" \
        --benchmark_enable_random_interleaving=true --benchmark_filter="${FILTER:-.}" \
        --benchmark_out="$out/$name.json" --benchmark_out_format=json \
        >"$out/$name.log" 2>"$out/$name.err"; then
        echo "bench: $name failed:"
        cat "$out/$name.err"
        failed=1
    elif [ ! -s "$out/$name.json" ]; then
        echo "$name: no benchmark matches ${FILTER:-.}"
    else
        table=(bench/*/"${name}"_table.py)
        [ -f "${table[0]}" ] || table=(bench/plain_table.py)
        "${table[0]}" "$out/$name.json"
    fi
    echo
done

for script in bench/hosts/*.sh; do
    "$script" || { echo "bench: $script failed"; failed=1; }
    echo
done
exit "$failed"
