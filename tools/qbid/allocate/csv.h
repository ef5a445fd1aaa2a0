/* SPDX-License-Identifier: Apache-2.0 */
/* Comma-separated values (RFC 4180), row by row, with the place of each field. */
#ifndef QBID_TOOLS_QBID_ALLOCATE_CSV_H
#define QBID_TOOLS_QBID_ALLOCATE_CSV_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define QBID_CSV_FIELDS_MAX 256
#define QBID_CSV_BYTES_MAX (UINT64_C(256) << 20)
#define QBID_CSV_WHY_MAX 256

struct qbid_csv_field {
    char *text;            /* quotes taken off; ends with 0; lives as long as the file's */
    uint32_t line, column; /* where it begins, from 1; columns count bytes */
};

struct qbid_csv_row {
    struct qbid_csv_field field[QBID_CSV_FIELDS_MAX];
    uint32_t cnt;
    uint32_t line;
};

struct qbid_csv {
    char *text;
    size_t len, at;
    uint32_t line;
    size_t line_at; /* where the line begins */
};

/**
 * Read a whole file into memory; "-" is standard input. A byte order mark is left out.
 *
 * Errors:  QBID_ERR_SYS (see errno), NOMEM; LIMIT for more than QBID_CSV_BYTES_MAX. Release it with
 *          qbid_csv_done() in any case.
 */
int qbid_csv_open(const char *path, struct qbid_csv *ret_csv);
void qbid_csv_done(struct qbid_csv *csv);

/**
 * The next row that is not empty: fields between commas, rows ended by LF or CR LF, a field in
 * quotes may hold commas, line ends and doubled quotes.
 *
 * Returns: 1 with a row, 0 at the end.
 * Errors:  QBID_ERR_PARSE, why begins with line and column.
 */
int qbid_csv_next(struct qbid_csv *csv, struct qbid_csv_row *ret_row, char why[QBID_CSV_WHY_MAX]);

/** Write one field, quoted where it must be. */
void qbid_csv_write(FILE *out, const char *text);

#endif
