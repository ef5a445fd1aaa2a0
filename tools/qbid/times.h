/* SPDX-License-Identifier: Apache-2.0 */
/* Times and latencies as qbidd tells them, on a terminal. */
#ifndef QBID_TOOLS_QBID_TIMES_H
#define QBID_TOOLS_QBID_TIMES_H

#include <stdbool.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#define QBID_TIMES_TEXT_MAX 16

/** "830 ns", "8.31 us", "1.2 ms", "2.05 s": three digits. */
void qbid_times_format(double ns, char out[QBID_TIMES_TEXT_MAX]);

/** A length of time: "90 s", "119 min", "9.5 h", "12.0 d". */
void qbid_times_span(double seconds, char out[QBID_TIMES_TEXT_MAX]);

/** The answer's member latency as a table: all workers together, then each. Nothing that was not
 *  timed has a row; one line in place of a table when nothing was. */
void qbid_times_print(const cJSON *latency, bool bold);

/** One line for top; nothing when no answer was timed. */
void qbid_times_print_answer(FILE *out, const cJSON *latency);

#endif
