#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs fuzz targets one after the other and ends with a table: tests/fuzz/run.sh SECONDS NAME...
#
# Called by `make fuzz T=60`. A target starts from its seeds (written by its replay test) and from what earlier
# runs have found worth keeping (build/fuzz/corpus/NAME). Covered edges are those of the target's whole program.
set -uo pipefail
export LC_ALL=C
seconds=$1
shift
cd "$(dirname "$0")/../.."
bad=0

one() { # name
    local name=$1 dict=()
    [ ! -f "tests/fuzz/$name.dict" ] || dict=(-dict="tests/fuzz/$name.dict")
    [[ $name != openrtb* ]] || dict=(-dict=tests/fuzz/openrtb.dict)
    rm -rf "build/fuzz/seeds/$name"
    mkdir -p "build/fuzz/corpus/$name" "build/fuzz/seeds/$name"
    "build/release/tests/test_fuzz_$name" --write "build/fuzz/seeds/$name" >/dev/null || return 1
    "build/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
        -print_final_stats=1 -artifact_prefix="build/fuzz/$name-" "${dict[@]}" "build/fuzz/corpus/$name" \
        "build/fuzz/seeds/$name" 2>&1 | tee "build/fuzz/$name.log" | grep -aE 'ERROR|SUMMARY|Test unit written|^#[0-9]+.*DONE'
    return "${PIPESTATUS[0]}"
}

row() { # name, found
    local log=build/fuzz/$1.log
    awk -v name="$1" -v found="$2" '
        /^INFO: Loaded .* inline 8-bit counters/ { edges = $0; sub(/.*\(/, "", edges); sub(/ .*/, "", edges) }
        / cov: [0-9]+/ { cov = $0; sub(/.* cov: /, "", cov); sub(/ .*/, "", cov) }
        / corp: [0-9]+/ { corp = $0; sub(/.* corp: /, "", corp); sub(/[\/ ].*/, "", corp) }
        /^stat::number_of_executed_units:/ { execs = $2 }
        /^stat::average_exec_per_sec:/ { rate = $2 }
        END { printf "%-18s %12d %9d %7d %7d %5.1f%% %7d  %s\n", name, execs, rate, cov, edges,
              edges ? 100 * cov / edges : 0, corp, found }' "$log"
}

results=()
for name in "$@"; do
    echo "fuzz $name, $seconds s"
    if one "$name"; then results+=("$name none"); else results+=("$name FOUND"); bad=1; fi
done
printf '\n%-18s %12s %9s %7s %7s %6s %7s  %s\n' target execs execs/s covered edges share corpus findings
for result in "${results[@]}"; do
    row "${result% *}" "${result#* }"
done
exit "$bad"
