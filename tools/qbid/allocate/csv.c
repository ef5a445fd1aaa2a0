/* SPDX-License-Identifier: Apache-2.0 */
/* Reading CSV in place: a field never grows when its quotes are taken off. */
#include "tools/qbid/allocate/csv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define READ_BYTES 65536

static int file_read(FILE *file, struct qbid_csv *csv)
{
    size_t room = 0;
    for (;;) {
        if (csv->len + READ_BYTES + 1 > room) {
            room = 2 * (csv->len + READ_BYTES + 1);
            char *text = realloc(csv->text, room);
            if (!text)
                return QBID_ERR_NOMEM;
            csv->text = text;
        }
        size_t got = fread(csv->text + csv->len, 1, READ_BYTES, file);
        csv->len += got;
        csv->text[csv->len] = 0;
        if (csv->len > QBID_CSV_BYTES_MAX)
            return QBID_ERR_LIMIT;
        if (got == 0)
            return ferror(file) ? QBID_ERR_SYS : 0;
    }
}

int qbid_csv_open(const char *path, struct qbid_csv *ret_csv)
{
    bool standard = strcmp(path, "-") == 0;
    *ret_csv = (struct qbid_csv){.line = 1};
    FILE *file = standard ? stdin : fopen(path, "r");
    if (!file)
        return QBID_ERR_SYS;
    int err = file_read(file, ret_csv);
    int kept = errno;
    if (!standard)
        fclose(file);
    errno = kept;
    if (!err && ret_csv->len >= 3 && memcmp(ret_csv->text, "\xef\xbb\xbf", 3) == 0)
        ret_csv->at = ret_csv->line_at = 3;
    return err;
}

void qbid_csv_done(struct qbid_csv *csv)
{
    free(csv->text);
}

static int fault(const struct qbid_csv *csv, size_t at, char *why, const char *words)
{
    snprintf(why, QBID_CSV_WHY_MAX, "line %u, column %zu: %s", csv->line, at - csv->line_at + 1,
             words);
    return QBID_ERR_PARSE;
}

static void line_next(struct qbid_csv *csv)
{
    csv->line++;
    csv->line_at = csv->at;
}

/* From behind the opening quote to behind the closing one. Returns where the text ends. */
static int quoted_take(struct qbid_csv *csv, char **ret_end, char *why)
{
    size_t from = csv->at - 1;
    struct qbid_csv begin = *csv;
    char *to = csv->text + csv->at;
    for (; csv->at < csv->len; csv->at++) {
        char c = csv->text[csv->at];
        if (c == 0)
            return fault(csv, csv->at, why, "a byte of value 0");
        if (c == '"' && csv->text[csv->at + 1] != '"') {
            csv->at++;
            *ret_end = to;
            return 0;
        }
        csv->at += c == '"';
        *to++ = c;
        if (c == '\n') {
            csv->at++;
            line_next(csv);
            csv->at--;
        }
    }
    return fault(&begin, from, why, "the quote that opens here is never closed");
}

static int plain_take(struct qbid_csv *csv, char **ret_end, char *why)
{
    for (; csv->at < csv->len; csv->at++) {
        char c = csv->text[csv->at];
        if (c == 0)
            return fault(csv, csv->at, why, "a byte of value 0");
        if (c == '"')
            return fault(csv, csv->at, why, "a quote inside a field that does not begin with one");
        if (c == ',' || c == '\n' || (c == '\r' && csv->text[csv->at + 1] == '\n'))
            break;
    }
    *ret_end = csv->text + csv->at;
    return 0;
}

/* One field and what ends it: ',' or '\n'; the end of the file counts as the latter. */
static int field_take(struct qbid_csv *csv, struct qbid_csv_field *field, char *ret_after,
                      char *why)
{
    bool quoted = csv->text[csv->at] == '"';
    *field = (struct qbid_csv_field){.line = csv->line,
                                     .column = (uint32_t)(csv->at - csv->line_at + 1)};
    csv->at += quoted;
    field->text = csv->text + csv->at;
    char *end;
    int err = quoted ? quoted_take(csv, &end, why) : plain_take(csv, &end, why);
    if (err)
        return err;
    char after = csv->text[csv->at];
    if (after == '\r' && csv->text[csv->at + 1] == '\n') {
        csv->at++;
        after = '\n';
    }
    if (csv->at < csv->len && after != ',' && after != '\n')
        return fault(csv, csv->at, why, "a comma or the end of the row must follow a quote");
    *end = 0;
    *ret_after = csv->at < csv->len ? after : '\n';
    csv->at += csv->at < csv->len;
    if (*ret_after == '\n')
        line_next(csv);
    return 0;
}

int qbid_csv_next(struct qbid_csv *csv, struct qbid_csv_row *ret_row, char why[QBID_CSV_WHY_MAX])
{
    while (csv->at < csv->len) {
        char after = ',';
        ret_row->cnt = 0;
        ret_row->line = csv->line;
        while (after == ',') {
            if (ret_row->cnt == QBID_CSV_FIELDS_MAX)
                return fault(csv, csv->at, why, "more than 256 fields");
            int err = field_take(csv, &ret_row->field[ret_row->cnt++], &after, why);
            if (err)
                return err;
        }
        if (ret_row->cnt > 1 || ret_row->field[0].text[0])
            return 1;
    }
    return 0;
}

void qbid_csv_write(FILE *out, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}
