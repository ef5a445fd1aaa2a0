#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lint: who may include whom. An include names its folder, so the include line is the dependency record.
#
#   shm <- fastpath <- plugin      runs inside the ad server
#   shm <- control  <- tools       fastpath and control meet in shm only
#
# Exceptions, each with its reason:
#   tools/qbid/explain  may include shm/ and fastpath/: `qbid explain` replays one decision offline with the
#                       real code; a second implementation could explain something that never happened. For
#                       the same reason it may include plugin/openrtb/openrtb.h and plugin/impression.h, which turn the
#                       saved request into what the fast path is asked, and plugin/currency.h and
#                       plugin/openrtb/response.h, which say in which currency the answer is. event and terms may
#                       include control/decisions/, whose records they replay.
#   tools/sim           may include control/, fastpath/ and shm/: a strategy is judged with the code that will run, so
#                       `qbid-sim` calls the real stages of qbidd and the real decision under a virtual clock.
#   tools/qbid/ope, commands/ope.c   may include control/models/ope.h and control/decisions/: they read the decision log and
#                       judge with the models' own estimators; and what a record is made of (shm/).
#   tools/qbid/allocate, commands/allocate.c   may include control/models/allocate/, control/models/random.h,
#                       control/account/written/money.h and shm/hash.h: `qbid allocate` answers by the budget agent's own models,
#                       without a qbidd.
#   plugin/example      is built by others as their own sources: its files include each other by name.
#   tools               may include shm/error.h and shm/units.h: the words in which control/client answers; shm/version.h.
set -euo pipefail
. "$(dirname "$0")/files.sh"
cd "${1:-.}"

source_files | grep -E '^(shm|fastpath|plugin|control|tools|bench|tests)/.*\.(c|h|cc)$' | tr '\n' '\0' |
    xargs -0 -r awk '
    function allowed(from, to) {
        if (from ~ /^shm\//) return to ~ /^shm\//
        if (from ~ /^fastpath\//) return to ~ /^(shm|fastpath)\//
        if (from ~ /^plugin\//) return to ~ /^(shm|fastpath|plugin)\//
        if (from ~ /^control\//) return to ~ /^(shm|control)\//
        if (from ~ /^tools\//) {
            if (to ~ /^(tools\/|control\/client)/ || to == "plugin/qbid.h") return 1
            if (to ~ /^shm\/(error|units|version)\.h$/) return 1
            if (from ~ /^tools\/sim\//) return to ~ /^(control|fastpath|shm)\//
            if (from ~ /^tools\/qbid\/(ope\/|commands\/ope\.c$)/ && to ~ /^(shm\/|control\/(models\/ope|decisions\/[a-z_]+)\.h$)/) return 1
            if (from ~ /^tools\/qbid\/(allocate\/|commands\/allocate\.c$)/ && to ~ /^(shm\/hash|control\/(models\/(allocate\/[a-z_]+|random)|account\/written\/money))\.h$/) return 1
            if (from ~ /^tools\/qbid\/explain\/(event|terms)\./ && to ~ /^control\/decisions\/[a-z_]+\.h$/) return 1
            return from ~ /^tools\/qbid\/explain\// && to ~ /^(shm\/|fastpath\/|plugin\/(openrtb\/(openrtb|response)|impression|currency)\.h$)/
        }
        return 1 # bench and tests see everything
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        to = $0
        sub(/^[^"]*"/, "", to)
        sub(/".*/, "", to)
        if (FILENAME ~ /^plugin\/example\// && to ~ /^[a-z_]+\.h$/) next
        if (to !~ /^(shm|fastpath|plugin|control|tools|bench|tests)\/.+/) {
            printf "%s:%d: layers: \"%s\" does not name its folder\n", FILENAME, FNR, to
            bad = 1
        } else if (to ~ /\.\.\//) {
            printf "%s:%d: layers: \"%s\" is not a path from the root\n", FILENAME, FNR, to
            bad = 1
        } else if (!allowed(FILENAME, to)) {
            from = FILENAME
            sub(/\/.*/, "", from)
            printf "%s:%d: layers: %s may not include \"%s\"\n", FILENAME, FNR, from, to
            bad = 1
        }
    }
    END { exit bad }'
