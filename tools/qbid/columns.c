/* SPDX-License-Identifier: Apache-2.0 */
/* Cells first, widths when all are known. */
#include "tools/qbid/columns.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void qbid_columns_init(struct qbid_columns *columns, const char *const *heads)
{
    *columns = (struct qbid_columns){.column_cnt = 0};
    while (heads[columns->column_cnt] && columns->column_cnt < QBID_COLUMNS_MAX) {
        columns->head[columns->column_cnt] = heads[columns->column_cnt];
        columns->column_cnt++;
    }
}

void qbid_columns_done(struct qbid_columns *columns)
{
    for (size_t i = 0; i < columns->cell_cnt; i++)
        free(columns->cell[i]);
    free(columns->cell);
    *columns = (struct qbid_columns){.column_cnt = 0};
}

void qbid_columns_add(struct qbid_columns *columns, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (columns->cell_cnt == columns->cell_max) {
        size_t max = columns->cell_max ? columns->cell_max * 2 : 64;
        char **more = realloc(columns->cell, max * sizeof *more);
        if (more) {
            columns->cell = more;
            columns->cell_max = max;
        }
    }
    if (len < 0 || columns->cell_cnt == columns->cell_max) {
        if (len >= 0)
            free(text);
        columns->failed = true;
        return;
    }
    columns->cell[columns->cell_cnt++] = text;
}

size_t qbid_columns_width(const char *text)
{
    size_t width = 0;
    for (const unsigned char *s = (const unsigned char *)text; *s; s++)
        width += (*s & 0xc0) != 0x80;
    return width;
}

/* Characters from the decimal point on, of a plain decimal; -1 of anything else. */
static int fraction(const char *text)
{
    size_t whole, digits;
    text += *text == '-' || *text == '+';
    whole = strspn(text, "0123456789");
    if (whole == 0)
        return -1;
    if (!text[whole])
        return 0;
    digits = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
    return digits && !text[whole + 1 + digits] ? (int)(1 + digits) : -1;
}

/* Room of one column; its decimals stand below each other by their points. */
struct column {
    size_t width;
    int fraction; /* longest of its decimals */
    bool left;
};

static size_t cell_width(const struct column *column, const char *text)
{
    int own = column->left ? -1 : fraction(text);
    return qbid_columns_width(text) + (own >= 0 ? (size_t)(column->fraction - own) : 0);
}

static struct column measure(const struct qbid_columns *columns, size_t c, size_t rows)
{
    const char *head = columns->head[c];
    struct column column = {.left = head[0] == '<'};
    column.width = qbid_columns_width(head) - column.left;
    for (size_t at = c; at < rows * columns->column_cnt; at += columns->column_cnt)
        if (fraction(columns->cell[at]) > column.fraction)
            column.fraction = fraction(columns->cell[at]);
    for (size_t at = c; at < rows * columns->column_cnt; at += columns->column_cnt) {
        size_t width = cell_width(&column, columns->cell[at]);
        column.width = width > column.width ? width : column.width;
    }
    return column;
}

static void cell_print(FILE *out, const struct column *column, const char *text, bool last)
{
    size_t own = qbid_columns_width(text), behind = cell_width(column, text) - own;
    size_t before = column->left ? 0 : column->width - own - behind;
    if (column->left)
        behind = column->width - own;
    fprintf(out, "%*s%s%*s%s", (int)before, "", text, last ? 0 : (int)behind, "",
            last ? "\n" : "  ");
}

void qbid_columns_print(const struct qbid_columns *columns, FILE *out, bool bold)
{
    struct column column[QBID_COLUMNS_MAX];
    size_t cnt = columns->column_cnt;
    size_t rows = columns->failed || cnt == 0 ? 0 : columns->cell_cnt / cnt;
    for (size_t c = 0; c < cnt; c++)
        column[c] = measure(columns, c, rows);
    if (bold)
        fputs("\033[1m", out);
    for (size_t c = 0; c < cnt; c++)
        cell_print(out, &column[c], columns->head[c] + column[c].left, c + 1 == cnt);
    if (bold)
        fputs("\033[0m", out);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cnt; c++)
            cell_print(out, &column[c], columns->cell[r * cnt + c], c + 1 == cnt);
}

void qbid_columns_print_or(const struct qbid_columns *columns, FILE *out, bool bold,
                           const char *none)
{
    if (columns->cell_cnt > 0)
        qbid_columns_print(columns, out, bold);
    else
        fprintf(out, "%s\n", none);
}
