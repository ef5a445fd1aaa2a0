#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lint: what the fast path calls. No allocation, no lock, no system call, no libm, no log.
#
# The objects of fastpath/ are linked with those of shm/ into one relocatable file in which only what the
# functions of fastpath/ reach is kept (every function has its own section), so that a function of shm/ counts
# exactly if the fast path can arrive there. What is still undefined then comes from outside.
# Needs the objects of the release build, in build/release.
set -euo pipefail
export LC_ALL=C
. "$(dirname "$0")/files.sh"
cd "${1:-.}"
# The __*_chk forms are what _FORTIFY_SOURCE makes of the same three calls.
allowed='memcpy|memset|memcmp|__memcpy_chk|__memset_chk|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_'

objects() { # folder
    source_files | sed -nE "s|^($1/.*)\.c$|build/release/\1.o|p"
}
mapfile -t fast < <(objects fastpath)
mapfile -t shared < <(objects shm)
[ "${#fast[@]}" -gt 0 ] || exit 0
for object in "${fast[@]}"; do
    if [ ! -f "$object" ]; then
        source=${object#build/release/}
        echo "${source%.o}.c:1: symbols: not built, $object is missing"
        exit 1
    fi
done
present=()
for object in ${shared[@]+"${shared[@]}"}; do
    [ ! -f "$object" ] || present+=("$object")
done

closure=$(mktemp)
trap 'rm -f "$closure" "$closure.a"' EXIT
rm -f "$closure.a"
ar rcs "$closure.a" ${present[@]+"${present[@]}"}
mapfile -t roots < <(nm -g --defined-only "${fast[@]}" | awk 'NF == 3 { print "-u"; print $3 }')
ld -r --gc-sections -o "$closure" "${roots[@]}" "${fast[@]}" "$closure.a"
strip --strip-unneeded "$closure" # forgets the names that only removed sections used

bad=0
while read -r symbol; do
    bad=1
    callers=0
    for object in "${fast[@]}" ${present[@]+"${present[@]}"}; do
        nm -u "$object" | awk '{ print $2 }' | grep -xF -- "$symbol" >/dev/null || continue
        source=${object#build/release/}
        # an object of shm/ is named only if nothing in fastpath/ calls the symbol itself
        [[ $source == fastpath/* || $callers -eq 0 ]] || continue
        callers=$((callers + 1))
        echo "${source%.o}.c:1: symbols: the fast path reaches $symbol"
    done
done < <(nm -u "$closure" | awk '{ print $2 }' | grep -vxE "$allowed" | sort -u)
exit "$bad"
