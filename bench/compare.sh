#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compares the speed of a commit with that of the working tree (`make bench-compare BASE=commit`).
#
# BASE is checked out and built below build/compare/ and goes away again at the end. The two programs run in pairs,
# first old and new, then new and old, and so on: what else the machine does hits both, and what gets slower or
# faster with time cancels out. bench/compare.py prints the table.
#   BASE      commit, branch or tag to compare with
#   PROGRAM   the benchmark program (decide)
#   FILTER    regular expression of the benchmarks to run (^decide/ of decide, all of another)
#   ROUNDS    pairs (5)
#   MIN_TIME  seconds that a benchmark takes at least, where it does not say so itself (0.2)
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
program=${PROGRAM:-decide}
filter=${FILTER:-$([ "$program" != decide ] || echo '^decide/')}
rounds=${ROUNDS:-5}

die() {
    printf 'bench-compare: %s\n' "$1" >&2
    exit 1
}
[ -n "${BASE:-}" ] || die "which commit to compare with? make bench-compare BASE=HEAD~1"
[[ $rounds =~ ^[1-9][0-9]*$ ]] || die "ROUNDS is a number above 0, not '$rounds'"
[ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$(pwd -P)" ] || die "$PWD is not a git work tree"
commit=$(git rev-parse --verify --quiet --end-of-options "$BASE^{commit}") || die "BASE=$BASE is not a commit"
short=$(git rev-parse --short "$commit")
tree=build/compare/$short
out=build/compare/$short.$program
mkdir -p "$out"
exec 9>build/compare/lock
flock -n 9 || die "another comparison is running here"

discard() { # the checked-out commit, and git's note of it
    git worktree remove --force --force "$tree" 2>/dev/null && return
    rm -rf "$tree" # half made: without the folder git can forget it; no prune, which forgets others' as well
    git worktree remove --force --force "$tree" 2>/dev/null || true
}
trap 'trap "" INT TERM HUP; discard' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

build() { # old or new, folder
    local log=$out/$1.log
    # what the calling make was told (its targets' variables, its job slots) is not for these
    env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES -u MAKELEVEL \
        make -C "$2" -j"${JOBS:-2}" PROFILE=release "build/release/bench/$program" >"$log" 2>&1 9>&- && return
    tail -n 5 "$log" >&2
    die "$1 ($3) does not build build/release/bench/$program; all of it is in $log"
}
run() { # old or new, its folder, round
    local json=$PWD/$out/$1_$3.json log=$PWD/$out/$1.log
    rm -f "$json"
    # the builder's benchmark has rounds of its own
    (cd "$2" && exec env -u BENCH_CDF ROUNDS=1 "build/release/bench/$program" --benchmark_filter="${filter:-.}" \
        --benchmark_min_time="${MIN_TIME:-0.2}" --benchmark_out="$json" --benchmark_out_format=json \
        >"$log" 2>&1 9>&-) || die "$1 ($program) failed in round $3, see $out/$1.log"
    [ -s "$json" ] || die "$1: no benchmark of $program matches ${filter:-.}"
}

discard # what a run left that was killed
git worktree add --quiet --detach "$tree" "$commit" 9>&- || die "$short cannot be checked out into $tree"
here=$(git rev-parse --short HEAD)
[ -z "$(git status --porcelain)" ] || here="$here and what is not committed"
echo "old: $short $(git log -1 --format=%s "$commit")"
echo "new: $here"
build old "$tree" "$short"
build new . "$here"
rm -f "$out"/*.json
for ((round = 1; round <= rounds; round++)); do
    sides=(old new)
    [ $((round % 2)) -eq 1 ] || sides=(new old)
    for side in "${sides[@]}"; do
        [ "$side" = old ] && folder=$tree || folder=.
        run "$side" "$folder" "$round"
    done
    echo "round $round of $rounds" >&2
done
bench/compare.py "$out" "$rounds"
