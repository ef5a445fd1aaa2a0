#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A manual page out of what a program says of itself, so that it is never behind:
#     tools/man/page.sh PROGRAM SECTION "one line on what it is" > PAGE
# The help of every command follows that of the program; of qbidd all keys of its configuration do.
set -euo pipefail
program=$1 section=$2 what=$3
name=$(basename "$program")
unset ARGP_HELP_FMT # somebody's own layout

text() { # as it stands; a line must not begin with a word of roff's
    sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\([.']\)/\\\\\&\1/"
}
part() { # HEADING, text on stdin
    printf '.SH "%s"\n.nf\n' "${1^^}"
    text
    printf '.fi\n'
}

printf '.TH "%s" "%s" "" "%s"\n.SH NAME\n%s \\- %s\n' "${name^^}" "$section" "$("$program" --version)" "$name" "$what"
"$program" --help | part 'use'
for command in $("$program" --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    "$program" "$command" --help | sed '/^ Everywhere:/,$d' | part "$name $command"
done
case $name in
qbidd)
    "$program" --options | sed -E 's/^([^ ]+) +/\1\n    /; s/: /\n    /' | part 'configuration: every key'
    printf '.SH FILES\n/etc/qbid/qbidd.yaml, /var/lib/qbid, /run/qbid\n.SH "SEE ALSO"\nqbid(1)\n'
    ;;
*) printf '.SH "SEE ALSO"\nqbid(1), qbidd(8)\n' ;;
esac
