#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The comparison of two commits: its arithmetic on made-up runs, then all of it in a small repository whose
# benchmark programs are scripts with known times.
set -euo pipefail
export LC_ALL=C
root=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
unset BASE PROGRAM FILTER ROUNDS MIN_TIME
passed=0 failed=0

note() { # verdict (0 is well), what is wrong, file to show
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "compare: $2"
        sed 's/^/    /' "$3"
    fi
}
says() { # file, extended regular expression
    local rc=0
    grep -qE -- "$2" "$1" || rc=1
    note "$rc" "not said: $2" "$1"
}
run_json() { # cpu_time and time_unit of load, real_time and more members of decide/8
    printf '{"benchmarks":[{"name":"decide/8/iterations:1/manual_time","run_type":"iteration","real_time":%s,' "$3"
    printf '"cpu_time":1,"time_unit":"ns",%s},' "$4"
    printf '{"name":"load","run_type":"iteration","real_time":9,"cpu_time":%s,"time_unit":"%s"}]}\n' "$1" "$2"
}

# old against new in three pairs: a_ns 0.5, 0.8, 0.75; b_ns 2, 1, 1.5; c_ns 1.1, 1.2, 1.3; load 1, 0.9, 1.1 in us
cd "$dir"
run_json 1 us 100 '"a_ns":100,"b_ns":10,"c_ns":10,"d_ns":0,"e_ns":4,"gone_ns":1,"swaps":5' >old_1.json
run_json 1 us 200 '"a_ns":200,"b_ns":10,"c_ns":10,"d_ns":1,"e_ns":4,"gone_ns":1,"swaps":5' >old_2.json
run_json 1 us 400 '"a_ns":400,"b_ns":10,"c_ns":10,"d_ns":1,"gone_ns":1,"swaps":5' >old_3.json
run_json 1000 ns 50 '"a_ns":50,"b_ns":20,"c_ns":11,"d_ns":1,"e_ns":2,"come_ns":1,"swaps":9' >new_1.json
run_json 900 ns 160 '"a_ns":160,"b_ns":10,"c_ns":12,"d_ns":1,"e_ns":2,"come_ns":1,"swaps":9' >new_2.json
run_json 1100 ns 300 '"a_ns":300,"b_ns":15,"c_ns":13,"d_ns":1,"e_ns":2,"come_ns":1,"swaps":9' >new_3.json
"$root/bench/compare.py" . 3 >table
says table '^decide/8 +a_ns +200\.0 +160\.0 +0\.750 +0\.500-0\.800  faster$'
says table '^decide/8 +b_ns +10\.0 +15\.0 +1\.500 +1\.000-2\.000$'
says table '^decide/8 +c_ns +10\.0 +12\.0 +1\.200 +1\.100-1\.300  SLOWER$'
says table '^decide/8 +d_ns +1\.0 +1\.0 +- +-$'
says table '^decide/8 +e_ns +4\.0 +2\.0 +0\.500 +0\.500-0\.500  of 2 pairs$'
says table '^load +cpu_time +1,000 +1,000 +1\.000 +0\.900-1\.100$'
says table 'by chance alone 1 row of 4 '
for side in old:gone_ns new:come_ns; do
    says <(grep -A1 "Only the ${side%:*} program has, not compared:" table) "^  decide/8 ${side#*:}\$"
done
rc=0
grep -qE 'swaps|real_time|decide/8 +cpu_time' table && rc=1
note "$rc" "what is no time, or is said by a counter, has a row" table
"$root/bench/compare.py" . 1 >table
says table '^decide/8 +a_ns .* 0\.500-0\.500$'

# the small repository: HEAD~1 takes twice as long as HEAD, HEAD~2 does not build
mkdir -p repository/bench
cd repository
cp "$root/bench/compare.sh" "$root/bench/compare.py" bench/
printf '/build/\n' >.gitignore
printf '%s\n' 'build/release/bench/%: %.in' $'\tmkdir -p build/release/bench' $'\tinstall -m 755 $< $@' >Makefile
git init -q
commit() { # subject
    git add -A
    git -c user.name=test -c user.email=test@example.org commit -qm "$1"
}
program() { # nanoseconds
    printf '%s\n' '#!/bin/bash' 'for option; do [[ $option != --benchmark_out=* ]] || out=${option#*=}; done' \
        '[[ $* != *filter=none* ]] || { : >"$out"; exit 0; }' '[[ $* != *filter=slow* ]] || { : >../slow; sleep 5; }' \
        "echo $1 >>'$dir/order'" \
        "echo '{\"benchmarks\":[{\"name\":\"decide/1\",\"run_type\":\"iteration\",\"cpu_time\":$1,\"time_unit\":\"ns\"}]}' >\"\$out\"" \
        >decide.in
}
commit broken
program 200
commit slow
program 100
commit fast
compare() { # exit code, what is said, variables...
    local want=$1 text=$2 rc=0
    shift 2
    env "$@" bench/compare.sh >../out 2>&1 || rc=$?
    [ "$rc" -eq "$want" ] || rc=99
    note $((rc == want ? 0 : 1)) "wrong exit code, of: $*" ../out
    says ../out "$text"
    git worktree list >../worktrees
    note $(($(wc -l <../worktrees) == 1 ? 0 : 1)) "a worktree is left, of: $*" ../worktrees
}
compare 0 '^decide/1 +cpu_time +200\.0 +100\.0 +0\.500 +0\.500-0\.500  faster$' BASE=HEAD~1 ROUNDS=3
note "$([ "$(xargs <"$dir/order")" = '200 100 100 200 200 100' ]; echo $?)" "not in pairs" "$dir/order"
compare 1 'which commit' ROUNDS=3
compare 1 'BASE=nowhere is not a commit' BASE=nowhere
compare 1 "ROUNDS is a number above 0" BASE=HEAD ROUNDS=0
compare 1 'old \([0-9a-f]+\) does not build .*build/compare/[0-9a-f]+\.decide/old\.log$' BASE=HEAD~2
compare 1 'old: no benchmark of decide matches none' BASE=HEAD FILTER=none
mkdir -p "build/compare/$(git rev-parse --short HEAD~1)"
compare 0 'faster$' BASE=HEAD~1 ROUNDS=2

# interrupted while a program runs
rc=0
python3 - <<'PY' >../out 2>&1 || rc=$?
import os, signal, subprocess, sys, time
run = subprocess.Popen(["bench/compare.sh"], env=dict(os.environ, BASE="HEAD~1", FILTER="slow"), start_new_session=True)
end = time.time() + 20
while not os.path.exists("build/compare/slow") and time.time() < end:
    time.sleep(0.05)
seen = os.path.exists("build/compare/slow")
os.killpg(run.pid, signal.SIGINT)
sys.exit(0 if run.wait() == 130 and seen else f"exit code {run.returncode}, program ran: {seen}")
PY
note "$rc" "an interrupt does not end it" ../out
git worktree list >../worktrees
note $(($(wc -l <../worktrees) == 1 ? 0 : 1)) "a worktree is left by an interrupt" ../worktrees
note "$([ ! -e "build/compare/$(git rev-parse --short HEAD~1)" ]; echo $?)" "a folder is left by an interrupt" ../worktrees

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
