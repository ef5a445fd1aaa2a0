#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and runs stages of the tests: tests/run.sh [lint] [release] [asan] [tsan] [cov] [e2e]
#
# One line a program: stage, name, seconds, counts; a skipped test prints its reason, a failed program its
# whole output, which stays in build/<profile>/tests/NAME.log. The last line is the sum over all stages.
# What a stage holds comes from the Makefile (targets `suite` and `manifest`). Programs run beside each other,
# but for the scripts in tests/e2e: each of these has several processes. Those of the loop and of HTTP go one after
# the other beside those of hosts. They mostly wait, and in that time the profiles that are still needed are built,
# at the lowest priority. The stage of a sanitizer has its own end-to-end scripts.
#   JOBS          parallel compilations (2); one program more runs at a time, for some mostly wait
#   TEST_TIMEOUT  seconds that one program may take (300)
set -uo pipefail
set -m # a job keeps its own process group and the default action of SIGINT
export LC_ALL=C
cd "$(dirname "$0")/.."
ulimit -c 0

# Debian's interpreter has the packages that some scripts ask for. What else comes first in PATH may be a version manager's
# script, which takes ten times as long to start, a thousand times a run.
if [ -x /usr/bin/python3 ]; then
    mkdir -p build/python
    ln -sf /usr/bin/python3 build/python/python3
    PATH=$PWD/build/python:$PATH
fi

jobs=${JOBS:-2}
timeout_s=${TEST_TIMEOUT:-300}
passed=0 failed=0 skipped=0
pid=
ahead= # the process of build_ahead()
ahead_steps=() # what it builds, in this order: profile.target
running=() # processes of start() that may not have ended
counts=$(mktemp) # a line for each program of start() that has: passed failed skipped
trap 'rm -f "$counts" "$counts".*' EXIT

# A report of a sanitizer ends the program with an exit code that no test uses.
# detect_stack_use_after_return stays off: the frames that gcc 12 puts on its fake stack align to 32 bytes,
# and every cache line or hash state on the stack would be reported as misaligned.
# what is freed is kept for 16 MB more: with the usual 256 MB each program of ours only meets new pages, which cost most of all
export ASAN_OPTIONS=halt_on_error=1:exitcode=66:detect_leaks=1:strict_string_checks=1:quarantine_size_mb=16
export UBSAN_OPTIONS=halt_on_error=1:exitcode=66:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:exitcode=66:second_deadlock_stack=1
# Each line of this file says why it is there.
[ ! -f tests/tsan.supp ] || TSAN_OPTIONS+=:suppressions=$PWD/tests/tsan.supp

interrupted() {
    local job
    for job in $pid $ahead ${running[@]+"${running[@]}"}; do
        kill -TERM -- "-$job" 2>/dev/null
    done
    exit 130
}
trap interrupted INT TERM HUP

# A process costs milliseconds where memory is virtual: what is done for every program starts none but the program and its
# time-out.
now_ms() { # into $now
    now=$((${EPOCHREALTIME/./} / 1000))
}

# status, stage, name, milliseconds, text
line() {
    printf '%-4s %-8s %-34s %4d.%02d s  %s\n' "$1" "$2" "$3" $(($4 / 1000)) $(($4 % 1000 / 10)) "$5"
}

show() {
    local total
    total=$(wc -l <"$1")
    [ "$total" -le 400 ] || echo "    | ... the last 400 of $total lines of $1"
    tail -n 400 "$1" | sed 's/^/    | /'
}

# The inner make is the only one that builds; flags of an outer one would reach it twice.
submake() {
    env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES -u MAKELEVEL make --no-print-directory "$@"
}

# profile, targets: 0 when they are built
build() {
    local profile=$1 log=build/$1/build.log start target
    shift
    mkdir -p "build/$profile"
    now_ms
    start=$now
    # what builds ahead may still be at it, and from here on nothing else matters more; only root may raise it again
    [ -z "$ahead" ] || renice -n 0 -g "$ahead" >/dev/null 2>&1
    for target in "$@"; do
        while [[ " ${ahead_steps[*]} " == *" $profile.$target "* ]] && [ ! -e "$counts.$profile.$target" ] &&
            kill -0 "$ahead" 2>/dev/null; do
            sleep 0.1
        done
    done
    if submake -j"$jobs" PROFILE="$profile" "$@" >"$log" 2>&1; then
        now_ms
        grep -q '^make: Nothing to be done' "$log" || line ok build "$profile" $((now - start)) ""
        return 0
    fi
    now_ms
    line FAIL build "$profile" $((now - start)) "see $log"
    grep -E -A5 'error|Error|undefined reference' "$log" | head -n 60 | sed 's/^/    | /'
    failed=$((failed + 1))
    return 1
}

# Builds ahead_steps beside what runs meanwhile. What goes wrong is not said here: build() finds it again.
build_ahead() {
    local step
    (
        trap - EXIT INT TERM HUP
        renice -n 19 -p "$BASHPID"
        for step in "${ahead_steps[@]}"; do
            submake -j"$jobs" PROFILE="${step%.*}" "${step#*.}"
            : >"$counts.$step"
        done
    ) >"$counts.ahead" 2>&1 &
    ahead=$!
}

# log: into p, f and s, as cmocka's closing lines count them, over all groups of the program
cmocka_counts() {
    local said
    p=0 f=0 s=0
    while IFS= read -r said; do
        [[ $said == '[  '* ]] || continue
        if [[ $said =~ ^\[\ \ PASSED\ \ \]\ ([0-9]+)\ test\(s\) ]]; then
            p=$((p + BASH_REMATCH[1]))
        elif [[ $said =~ ^\[\ \ FAILED\ \ \]\ ([0-9]+)\ test\(s\),\ listed ]]; then
            f=$((f + BASH_REMATCH[1]))
        elif [[ $said =~ ^\[\ \ SKIPPED\ \]\ ([0-9]+)\ test\(s\),\ listed ]]; then
            s=$((s + BASH_REMATCH[1]))
        fi
    done <"$1"
}

# log: what each skipped test printed before it was skipped
cmocka_skips() {
    awk '/^\[==========\] Running/ { running = 1; next }
         /^\[==========\]/ { running = 0; next }
         /^\[ RUN      \]/ { n = 0; said = ""; next }
         running && /^\[  SKIPPED \]/ {
             sub(/^\[  SKIPPED \] /, "")
             printf "     skipped %s: %s\n", $0, n ? said : "no reason printed"
             next
         }
         /Skipped!|^\[/ { next }
         NF && n < 3 { said = said (n++ ? " " : "") $0 }' "$1"
}

# log, exit code: into p, f and s, as a script's last line counts them, or else its exit code
script_counts() {
    local said=()
    mapfile -t said <"$1"
    [ "${#said[@]}" -gt 0 ] || said=('')
    if [[ ${said[-1]} =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
        p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[3]}
    else
        p=$(($2 == 0)) f=0 s=$(($2 == 77))
    fi
}

# kind (cmocka or script), stage, profile, name, command...
run() {
    local kind=$1 stage=$2 profile=$3 name=$4 rc start ms p f s word=ok text
    local log=build/$profile/tests/$name.log
    shift 4
    [ -d "${log%/*}" ] || mkdir -p "${log%/*}"
    now_ms
    start=$now
    B=build/$profile PROFILE=$profile timeout -k 10 "$timeout_s" "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    wait "$pid" 2>/dev/null
    rc=$?
    pid=
    now_ms
    ms=$((now - start))
    "${kind}_counts" "$log" "$rc"
    # A crash, a report of a sanitizer, a time-out and a program without tests are failures like any other.
    if [ "$rc" -ne 0 ] && [ "$f" -eq 0 ] && ! [ "$kind$rc" = script77 ]; then
        f=1
    elif [ $((p + f + s)) -eq 0 ]; then
        f=1
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    text="$p passed"
    [ "$f" -eq 0 ] || text+=", $f failed"
    [ "$s" -eq 0 ] || text+=", $s skipped"
    case $rc in
    0 | 1 | 77) ;;
    66) text+=" (sanitizer report)" ;;
    124 | 137) text+=" (ended after $timeout_s s or killed)" ;;
    *) text+=" (exit code $rc)" ;;
    esac
    [ "$f" -eq 0 ] || word=FAIL
    line "$word" "$stage" "$name" "$ms" "$text"
    if [ "$f" -gt 0 ]; then
        show "$log"
    elif [ "$s" -gt 0 ] && [ "$kind" = cmocka ]; then
        cmocka_skips "$log"
    elif [ "$s" -gt 0 ]; then
        tail -n 1 "$log" | sed 's/^/     skipped: /'
    fi
}

# A function and its arguments, in a process beside others.
beside() {
    (
        trap interrupted INT TERM HUP
        trap - EXIT
        set -m
        running=() passed=0 failed=0 skipped=0
        "$@"
        echo "$passed $failed $skipped" >>"$counts"
    ) &
    running+=($!)
}

# The arguments of run, whose lines come out together when it ends.
run_whole() {
    local out=$counts.$BASHPID said=()
    run "$@" >"$out"
    mapfile said <"$out"
    printf %s ${said[@]+"${said[@]}"}
}

# The arguments of run: beside others, `jobs` of them.
start() {
    local live
    while jobs -pr >"$counts.jobs" && mapfile -t live <"$counts.jobs" && [ "${#live[@]}" -gt "$jobs" ]; do
        wait -n
    done
    beside run_whole "$@"
}

# profile, lines "name script": one after the other
run_each() {
    local name script
    while read -r name script; do
        run_whole script e2e "$1" "$name" "$script"
    done <<<"$2"
}

# Waits for what start() began and adds its counts.
finish() {
    local job p f s ended=0
    for job in ${running[@]+"${running[@]}"}; do
        wait "$job" 2>/dev/null
    done
    while read -r p f s; do
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s)) ended=$((ended + 1))
    done <"$counts"
    # one that was killed before it could say how it went has failed
    failed=$((failed + ${#running[@]} - ended))
    running=()
    : >"$counts"
}

stage_lint() {
    local name built=0
    for name in layers guards words format selftest; do
        [ ! -x "tests/lint/$name.sh" ] || start script lint release "lint_$name" "tests/lint/$name.sh"
    done
    build release all || built=1
    finish
    [ "$built" -eq 0 ] || return
    for name in symbols exports; do
        [ ! -x "tests/lint/$name.sh" ] || run script lint release "lint_$name" "tests/lint/$name.sh"
    done
}

# A sanitizer's end-to-end scripts go one after the other beside its unit tests: these fill the time that those wait.
stage_profile() {
    local profile=$1 path prefix=() entries=()
    if [ "$profile" != release ]; then
        mapfile -t entries < <(e2e_entries "$profile")
    fi
    [ "${#entries[@]}" -eq 0 ] || build "$profile" all || return
    build "$profile" suite || return
    # gcc 12's ThreadSanitizer knows only the address layouts of kernels that randomise 28 bits or fewer.
    if [ "$profile" = tsan ] && setarch -R true 2>/dev/null; then
        prefix=(setarch -R)
    fi
    [ "${#entries[@]}" -eq 0 ] || beside run_each "$profile" "$(printf '%s\n' "${entries[@]}")"
    while read -r path; do
        start cmocka "$profile" "$profile" "${path##*/}" ${prefix[@]+"${prefix[@]}"} "$path"
    done < <(submake -s PROFILE="$profile" manifest | sed -n 's/^suite //p')
}

# the stages that come later
stage_e2e() {
    local entries entry name script profile waiting hosts
    mapfile -t entries < <(e2e_entries release)
    finish
    build release all || return
    for profile; do
        [[ $profile =~ ^(asan|tsan|cov)$ ]] || continue
        [ -z "$(e2e_entries "$profile")" ] || ahead_steps+=("$profile.all")
        ahead_steps+=("$profile.suite")
    done
    [ "${#ahead_steps[@]}" -eq 0 ] || build_ahead
    for entry in ${entries[@]+"${entries[@]}"}; do
        read -r name script <<<"$entry"
        [[ $script == tests/e2e/* ]] || start script e2e release "$name" "$script"
    done
    finish
    waiting=$(printf '%s\n' ${entries[@]+"${entries[@]}"} | grep -E ' tests/e2e/(loop|http)/')
    hosts=$(printf '%s\n' ${entries[@]+"${entries[@]}"} | grep -E ' tests/e2e/' | grep -vE ' tests/e2e/(loop|http)/')
    [ -z "$waiting" ] || beside run_each release "$waiting"
    [ -z "$hosts" ] || run_each release "$hosts"
    finish
}

# profile: "name script" of each end-to-end script that is run in it
e2e_entries() {
    submake -s manifest | awk -v profile="$1" '$1 == "e2e" && $4 == profile { print $2, $3 }'
}

while [ $# -gt 0 ]; do
    stage=$1
    shift
    case $stage in
    lint) stage_lint ;;
    e2e) stage_e2e "$@" ;;
    release | asan | tsan | cov) stage_profile "$stage" ;;
    *)
        echo "tests/run.sh: no stage '$stage'" >&2
        exit 2
        ;;
    esac
done
finish
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
