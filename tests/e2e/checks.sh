# SPDX-License-Identifier: Apache-2.0
# Sourced by the lib.sh of each folder, from the project's root: counts in $passed and $failed.

# WHAT, WANTED, GOT
is() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"
    fi
}
