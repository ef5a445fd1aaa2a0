/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded requests, one a line, in buffers that end as hosts' buffers do. */
#ifndef QBID_TESTS_PLUGIN_LINES_H
#define QBID_TESTS_PLUGIN_LINES_H

#include <stddef.h>
#include <stdio.h>

#define LINES_FOLDER "../shared/data/openrtb/"

struct lines {
    FILE *file;
    char *text; /* of the current line, len bytes, then QBID_PADDING bytes */
    size_t len;
    size_t max;
    unsigned number; /* from 1 */
};

/** 0 when the file is not there (the reason is printed). */
int lines_open(struct lines *lines, const char *name);

/** The next line that is not empty; 0 at the end. */
int lines_next(struct lines *lines);

void lines_close(struct lines *lines);

/** A copy of exactly len bytes and QBID_PADDING bytes of `fill` behind it, in memory of its own, so
 *  that a sanitizer sees every byte read too far; free() it. */
char *lines_padded(const char *text, size_t len, char fill);

#endif
