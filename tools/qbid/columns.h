/* SPDX-License-Identifier: Apache-2.0 */
/* Tables on a terminal: columns as wide as their widest cell. */
#ifndef QBID_TOOLS_QBID_COLUMNS_H
#define QBID_TOOLS_QBID_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define QBID_COLUMNS_MAX 20

struct qbid_columns {
    const char *head[QBID_COLUMNS_MAX]; /* "<NAME" is aligned left, "NAME" right */
    size_t column_cnt;
    char **cell; /* row by row, owned */
    size_t cell_cnt, cell_max;
    bool failed; /* out of memory: printed as nothing */
};

/** heads end with NULL. */
void qbid_columns_init(struct qbid_columns *columns, const char *const *heads);
void qbid_columns_done(struct qbid_columns *columns);

/** Next cell of the running row; rows fill from left to right. */
void qbid_columns_add(struct qbid_columns *columns, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Print heads and whole rows; bold: heads stand out (on a terminal). Plain decimals of a column
 *  that is aligned right stand below each other by their points. */
void qbid_columns_print(const struct qbid_columns *columns, FILE *out, bool bold);
/** The same, or one line that says so where there is no row. */
void qbid_columns_print_or(const struct qbid_columns *columns, FILE *out, bool bold,
                           const char *none);

/** Display width of a UTF-8 text: one a code point. */
size_t qbid_columns_width(const char *text);

#endif
