/* SPDX-License-Identifier: Apache-2.0 */
/* `qbid explain`: a decision made again offline, with the parser and the fast path of the server.
 *
 *   REQUEST.json -> plugin/openrtb -> plugin/impression -> fastpath/decide -> what it came to, why
 *                                          ^                    ^
 *                               saved table image      private live page and worker page
 *
 * The same request, generation, pace, Q state and hour give the same line item, price and creative.
 * What only the host knows is left out: tmax and its margin, allowances (here without end).
 */
#ifndef QBID_TOOLS_QBID_EXPLAIN_EXPLAIN_H
#define QBID_TOOLS_QBID_EXPLAIN_EXPLAIN_H

#include <stdio.h>

enum qbid_explain_exit {
    QBID_EXPLAIN_OK = 0,
    QBID_EXPLAIN_FAILED = 1, /* a file, or an answer that the replay does not give */
    QBID_EXPLAIN_USAGE = 2,
    QBID_EXPLAIN_STALE = 6 /* with --strict */
};

/** `qbid explain ...` on stdout and stderr; argv[0] is the subcommand's name. Returns: exit code.
 */
int qbid_explain_main(int argc, char **argv);

/** The same with streams of the caller's: data goes to out, messages to err. */
int qbid_explain_run(int argc, char **argv, FILE *out, FILE *err);

#endif
