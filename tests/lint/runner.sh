#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The test runner's negative control: in a small project built by the same Makefile, every kind of failure
# (assertion, crash, leak, undefined behaviour, race, time-out, no tests, build) is counted and ends non-zero.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$tree"
unset PROFILE B
passed=0 failed=0

mkdir -p shm tests/unit tests/e2e/loop
cp "$root/Makefile" "$root/deps.mk" .
cp "$root/tests/run.sh" "$root/tests/local.mk" "$root/tests/coverage.mk" tests/
# what is tested, of which the undefined sanitizer looks at the arithmetic; the code of the tests goes without
printf '%s\n' 'int next(int number);' >shm/next.h
printf '%s\n' '#include "shm/next.h"' 'int next(int number) { return number + 1; }' >shm/next.c
cat >tests/unit/test_modes.c <<'C'
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <unistd.h>
#include <cmocka.h>
#include "shm/next.h"

static int shared;

static void *increment(void *arg)
{
    shared++;
    return arg;
}
static void passes(void **state)
{
    assert_null(*state);
}
static void skips(void **state)
{
    fprintf(stderr, "no data on %s machine\n", *state ? "that" : "this");
    skip();
}
static void depends(void **state)
{
    const char *mode = getenv("MODE");
    volatile int number = 2147483647;
    pthread_t thread;

    if (!strcmp(mode, "fail"))
        assert_non_null(*state);
    if (!strcmp(mode, "crash"))
        raise(SIGSEGV);
    if (!strcmp(mode, "abort"))
        abort();
    if (!strcmp(mode, "leak"))
        memset(malloc(32), number & 1, 32);
    if (!strcmp(mode, "overflow"))
        number = next(number);
    if (!strcmp(mode, "hang"))
        pause();
    if (!strcmp(mode, "race") && pthread_create(&thread, NULL, increment, NULL) == 0) {
        shared++;
        pthread_join(thread, NULL);
    }
}
int main(void)
{
    const struct CMUnitTest one[] = {cmocka_unit_test(passes), cmocka_unit_test(skips)};
    const struct CMUnitTest two[] = {cmocka_unit_test(depends)};
    int rc = 0;

    if (!strcmp(getenv("MODE"), "empty"))
        return 0;
    rc += cmocka_run_group_tests(one, NULL, NULL);
    rc += cmocka_run_group_tests(two, NULL, NULL);
    return strcmp(getenv("MODE"), "fail") ? rc : 0; /* a program that forgets its failures */
}
C
cat >tests/unit/local.mk <<'M'
$(call test,test_modes,tests/unit/test_modes.c shm/next.c,,)
$(call e2e,script,tests/unit/script.sh)
$(call e2e,alone,tests/e2e/alone.sh)
$(call e2e,loop,tests/e2e/loop/loop.sh)
ifdef AHEAD
$(call e2e,later,tests/e2e/alone.sh,asan)
endif
TSAN_TESTS += test_modes
M
printf '%s\n' '#!/bin/sh' 'echo "in $B"' 'echo "$SAYS"' 'exit "$RC"' >tests/unit/script.sh
printf '%s\n' '#!/bin/sh' 'exit 0' >tests/e2e/alone.sh
printf '%s\n' '#!/bin/sh' 'exit "${LOOP:-0}"' >tests/e2e/loop/loop.sh
chmod +x tests/unit/script.sh tests/e2e/alone.sh tests/e2e/loop/loop.sh

verdict() { # 0 is well, what
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "runner: $2"
        sed 's/^/    /' out
    fi
}
expect() { # exit code, last line, another text of the output, stage, environment...
    local want=$1 last=$2 text=$3 stage=$4 rc=0 good=1
    shift 4
    env "$@" tests/run.sh "$stage" >out 2>&1 || rc=$?
    if [ "$rc" -eq "$want" ] && [ "$(tail -n 1 out)" = "$last" ] && grep -qF -- "$text" out; then
        good=0
    fi
    verdict "$good" "$stage $*: exit code $rc, wanted $want, '$last' and '$text'"
}
expect 0 '2 passed, 0 failed, 1 skipped' 'skipped skips: no data on this machine' release MODE=ok
expect 0 '2 passed, 0 failed, 1 skipped' '2 passed, 1 skipped' asan MODE=ok
expect 0 '2 passed, 0 failed, 1 skipped' '2 passed, 1 skipped' tsan MODE=ok
expect 1 '1 passed, 1 failed, 1 skipped' '[  FAILED  ] depends' release MODE=fail
expect 1 '1 passed, 1 failed, 1 skipped' 'Segmentation fault' release MODE=crash
expect 1 '1 passed, 1 failed, 1 skipped' 'exit code 134' release MODE=abort
expect 1 '0 passed, 1 failed, 0 skipped' '0 passed, 1 failed' release MODE=empty
expect 1 '1 passed, 1 failed, 1 skipped' 'ended after 1 s' release MODE=hang TEST_TIMEOUT=1
expect 1 '2 passed, 1 failed, 1 skipped' 'LeakSanitizer' asan MODE=leak
expect 1 '1 passed, 1 failed, 1 skipped' 'signed integer overflow' asan MODE=overflow
expect 1 '1 passed, 1 failed, 1 skipped' 'data race' tsan MODE=race
# beside the script, which runs among others, one of hosts and one of the loop that pass
expect 0 '3 passed, 0 failed, 0 skipped' 'alone' e2e MODE=ok SAYS=well RC=0
expect 0 '2 passed, 0 failed, 1 skipped' 'skipped: no nginx' e2e MODE=ok 'SAYS=no nginx' RC=77
expect 0 '5 passed, 0 failed, 2 skipped' 'script' e2e MODE=ok 'SAYS=3 passed, 0 failed, 2 skipped' RC=0
expect 1 '2 passed, 1 failed, 0 skipped' 'in build/release' e2e MODE=ok SAYS=ill RC=1
expect 1 '5 passed, 1 failed, 0 skipped' 'in build/release' e2e MODE=ok 'SAYS=3 passed, 0 failed, 0 skipped' RC=5
expect 1 '2 passed, 1 failed, 0 skipped' 'exit code 3' e2e MODE=ok SAYS=well RC=0 LOOP=3
# the sanitizers' programs are built while the scripts run, and that is not a stage of its own
rm -rf build/asan build/tsan
tests=(AHEAD=1 MODE=ok SAYS=well RC=0)
rc=0
env "${tests[@]}" tests/run.sh e2e asan tsan >out 2>&1 || rc=$?
[ "$(tail -n 1 out)" = '8 passed, 0 failed, 2 skipped' ] || rc=1
for profile in asan tsan; do
    grep -q 'Nothing to be done' "build/$profile/build.log" || rc=1
done
verdict "$rc" 'e2e, then asan and tsan: wanted 8 passed, and all built ahead'
expect 2 "tests/run.sh: no stage 'speed'" 'speed' speed MODE=ok

# an interrupted run takes the running program with it
rc=0
MODE=hang timeout 2 tests/run.sh release >out 2>&1 || rc=$?
sleep 0.2
left=$(for pid in $(pgrep -x test_modes); do readlink "/proc/$pid/cwd"; done | grep -cxF "$tree" || true)
verdict $((rc == 124 ? left : 1)) "interrupted: exit code $rc, $left left"

echo 'int main(void) { return missing(); }' >tests/unit/test_modes.c
expect 1 '0 passed, 1 failed, 0 skipped' 'missing' release MODE=ok

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
