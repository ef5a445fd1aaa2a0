#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks the models of this folder with spin: each whole, without an error; and with one step broken (-D),
# where spin must find an error, or the model is blind: [FULL=1] model.sh [MODEL]. One line a run: states, seconds,
# how it is broken.
#
# A run counts as whole only if spin neither reached its depth nor its memory, and if no step of the model
# was left out: what was not reached is printed, and may only be what $beyond (a pattern) allows that run.
# The end of a process that never ends is never reached.
set -uo pipefail
cd "$(dirname "$0")"
models=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
only=${1:-}
passed=0 failed=0
beyond='^$'
optimise=-O1 # of a whole search; most mutants are found sooner than they are compiled
DEPTH=20000
MEMORY_MB=2000
# compressed states take a quarter more time, and only those of the full search would not fit
store=${FULL:+-DCOLLAPSE}

command -v spin >/dev/null || {
    echo "spin is not installed"
    exit 77
}

# verdict, text, log: counts it, and shows the log of a failure
verdict() {
    printf '%-4s %s\n' "$1" "$2"
    if [ "$1" = ok ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        grep -v '^Depth=' "$3" | tail -n 40 | sed 's/^/    | /'
    fi
}

# model, property (safety, or the name of an ltl), flags...: the verifier's report goes to $work/log
search() {
    local model=$1 property=$2 dir=$work/run
    shift 2
    rm -rf "$dir"
    mkdir "$dir"
    (
        cd "$dir" || exit 1
        cp "$models"/*.pml .
        spin -a "$@" "$model.pml" || exit 1
        if [ "$property" = safety ]; then
            gcc "$optimise" -w ${store:+"$store"} -DSAFETY -DNOCLAIM -DMEMLIM=$MEMORY_MB -o pan pan.c || exit 1
            ./pan -m$DEPTH
        else
            gcc "$optimise" -w ${store:+"$store"} -DNFAIR=4 -DMEMLIM=$MEMORY_MB -o pan pan.c || exit 1
            ./pan -a -f -N "$property" -m$DEPTH
        fi
    ) >"$work/log" 2>&1
}

states() {
    sed -nE 's/^ *([0-9.e+]+) states, stored.*/\1/p' "$work/log"
}

seconds() {
    sed -nE 's/^pan: elapsed time ([0-9.]+) seconds/\1/p' "$work/log"
}

# Steps of the model's processes that were never reached, without the ends of processes.
unreached() {
    sed -nE '/^unreached in claim/q; s/^\t([a-z]+\.pml:[0-9]+), state [0-9]+, (.*)/\1 \2/p' "$work/log" |
        grep -v '"-end-"'
}

# model, ...: whether it was asked for; no argument asks for all
asked() {
    [ -z "$only" ] || [ "$only" = "$1" ]
}

# model, property, flags...: no error, and nothing left out
whole() {
    local missed text
    asked "$1" || return 0
    search "$@"
    text="model $1, $2${3:+ ($(echo "${@:3}"))}: $(states) states, $(seconds) s"
    if ! grep -q 'errors: 0$' "$work/log" ||
        grep -qE 'Search not completed|max search depth too small|out of memory|truncated' "$work/log"; then
        verdict FAIL "$text: an error, or not searched to the end" "$work/log"
        return
    fi
    missed=$([ "$2" != safety ] || unreached)
    if [ -n "$missed" ] && grep -vE -- "$beyond" <<<"$missed" >"$work/missed"; then
        verdict FAIL "$text: steps that nothing reaches" "$work/missed"
        return
    fi
    [ -z "$missed" ] || sed 's/^/     not reached: /' <<<"$missed"
    verdict ok "$text"
}

# model, property, the switch that breaks it, flags...: an error, and by the property; late=-O1 for one that
# takes a long search
broken() {
    local model=$1 property=$2 switch=$3
    shift 3
    asked "$model" || return 0
    optimise=${late:--O0} search "$model" "$property" "-D$switch" "$@"
    if grep -qE '^pan:1: (assertion violated|acceptance cycle)' "$work/log"; then
        verdict ok "mutant $model -D$switch: found by $(sed -nE 's/^pan:1: (assertion violated|acceptance cycle).*/\1/p' \
            "$work/log")${property:+ ($property)} after $(states) states"
    else
        verdict FAIL "mutant $model -D$switch: not found" "$work/log"
    fi
}

# two images are too few for a publish to be refused; three are, in one life
beyond='made = \(made\+1\)' whole swap safety -DIMAGES=2
beyond=. whole swap safety -DEPOCHS=1 # no death, so none of its steps
whole swap unmapped -DIMAGES=2 -DEPOCHS=1
whole swap goes_on -DEPOCHS=1
broken swap safety NO_GRACE
broken swap safety ONE_PASS
broken swap safety IN_PLACE
broken swap safety NO_CHECK -DIMAGES=2
late=-O1 broken swap safety NO_ORDER
late=-O1 broken swap goes_on BLOCKING -DEPOCHS=1
broken swap unmapped STARVED -DIMAGES=2 -DEPOCHS=1

whole stage safety
beyond=. whole stage safety -DHELD_MAX=3 # three images cannot be too many then
whole stage goes_on -DEPOCHS=1 -DIMAGES=2
whole stage adopts -DEPOCHS=1 -DIMAGES=2
broken stage safety NO_GRACE
broken stage safety EARLY
broken stage safety KEEP
broken stage safety NO_REPLACE -DHELD_MAX=3
broken stage safety NO_ORDER
broken stage goes_on NO_DEADLINE -DEPOCHS=1 -DIMAGES=2
broken stage adopts FORGET_COMMIT -DEPOCHS=1 -DIMAGES=2

# Within one life of qbidd (which does not die) a worker may be cut off and leave its slot; over two lives it stays.
beyond=. whole allowance safety -DSLOTS=1 -DLIVES=1
whole allowance safety -DSLOTS=1 -DSTAY
# a bill that is read again is charged to what is held for another bid, if the budget has room for two
# eleven million states, a minute: not in every `make test`
if [ -n "${FULL:-}" ]; then
    whole allowance safety -DSLOTS=1 -DSTAY -DBUDGET=2
fi
broken allowance safety RAISE_FIRST -DSLOTS=1 -DSTAY
broken allowance safety NO_HOLD -DSLOTS=1 -DSTAY
broken allowance safety FORGET_BILLS -DSLOTS=1 -DSTAY
late=-O1 broken allowance safety SPENT_ALONE -DSLOTS=1 -DSTAY -DBUDGET=2
broken allowance safety NO_CLEAR -DSLOTS=1 -DLIVES=1
broken allowance safety REUSE -DSLOTS=1 -DLIVES=1
broken allowance safety NO_RUN_OUT -DSLOTS=1 -DLIVES=1
broken allowance safety UNDRAINED -DSLOTS=1 -DLIVES=1

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
