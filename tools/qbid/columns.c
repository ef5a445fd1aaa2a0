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

static void cell_print(FILE *out, const char *text, size_t width, bool left, bool last)
{
    int pad = (int)(width - qbid_columns_width(text));
    if (left)
        fprintf(out, "%s%*s", text, last ? 0 : pad, "");
    else
        fprintf(out, "%*s%s", pad, "", text);
    fputs(last ? "\n" : "  ", out);
}

void qbid_columns_print(const struct qbid_columns *columns, FILE *out, bool bold)
{
    size_t width[QBID_COLUMNS_MAX], cnt = columns->column_cnt;
    size_t rows = columns->failed || cnt == 0 ? 0 : columns->cell_cnt / cnt;
    for (size_t c = 0; c < cnt; c++) {
        width[c] = qbid_columns_width(columns->head[c]) - (columns->head[c][0] == '<');
        for (size_t r = 0; r < rows; r++) {
            size_t w = qbid_columns_width(columns->cell[r * cnt + c]);
            width[c] = w > width[c] ? w : width[c];
        }
    }
    if (bold)
        fputs("\033[1m", out);
    for (size_t c = 0; c < cnt; c++) {
        bool left = columns->head[c][0] == '<';
        cell_print(out, columns->head[c] + left, width[c], left, c + 1 == cnt);
    }
    if (bold)
        fputs("\033[0m", out);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cnt; c++)
            cell_print(out, columns->cell[r * cnt + c], width[c], columns->head[c][0] == '<',
                       c + 1 == cnt);
}
