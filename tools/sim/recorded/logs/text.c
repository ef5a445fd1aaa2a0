/* SPDX-License-Identifier: Apache-2.0 */
/* Splits lines at blanks and tabs; numbers are read whole or refused. */
#include "tools/sim/recorded/logs/text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "tools/replay/source/log_folder.h"

#define NUMBER_BYTES 64 /* longest text of a number, with its end */

int qbid_recorded_text_init(struct qbid_recorded_text *text, const char *path, char *message)
{
    *text = (struct qbid_recorded_text){.path = path};
    int err = qbid_replay_log_folder_read(path, &text->text, &text->len);
    if (err)
        snprintf(message, QBID_RECORDED_MESSAGE_BYTES, "%s: %s", path, strerror(errno));
    return err;
}

void qbid_recorded_text_done(struct qbid_recorded_text *text)
{
    free(text->text);
    *text = (struct qbid_recorded_text){0};
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void fields_split(struct qbid_recorded_text *text, const char *at, const char *end)
{
    text->field_cnt = 0;
    while (at < end) {
        while (at < end && is_blank(*at))
            at++;
        const char *from = at;
        while (at < end && !is_blank(*at))
            at++;
        if (at == from)
            break;
        if (text->field_cnt < QBID_RECORDED_FIELDS_MAX)
            text->field[text->field_cnt] = (struct qbid_replay_span){from, (size_t)(at - from)};
        text->field_cnt++;
    }
}

int qbid_recorded_text_next(struct qbid_recorded_text *text)
{
    while (text->at < text->len) {
        const char *from = text->text + text->at, *end = text->text + text->len;
        const char *newline = memchr(from, '\n', (size_t)(end - from));
        const char *stop = newline ? newline : end;
        text->at += (size_t)(stop - from) + 1;
        text->line++;
        fields_split(text, from, stop);
        if (text->field_cnt > 0)
            return 1;
    }
    return 0;
}

int qbid_recorded_text_fields(const struct qbid_recorded_text *text, uint32_t cnt,
                              const char *names, char *message)
{
    if (text->field_cnt == cnt)
        return 0;
    snprintf(message, QBID_RECORDED_MESSAGE_BYTES, "%s:%u: %u fields, but a line has %u: %s",
             text->path, text->line, text->field_cnt, cnt, names);
    return QBID_ERR_PARSE;
}

static int number_refuse(const struct qbid_recorded_text *text, uint32_t field, const char *name,
                         double low, double high, char *message)
{
    int shown = text->field[field].len < NUMBER_BYTES ? (int)text->field[field].len : NUMBER_BYTES;
    snprintf(message, QBID_RECORDED_MESSAGE_BYTES,
             "%s:%u: %s (field %u): '%.*s' is not a number from %.10g to %.10g", text->path,
             text->line, name, field + 1, shown, text->field[field].at, low, high);
    return QBID_ERR_PARSE;
}

int qbid_recorded_text_number(const struct qbid_recorded_text *text, uint32_t field,
                              const char *name, double low, double high, double *ret_number,
                              char *message)
{
    char copy[NUMBER_BYTES], *end = copy;
    struct qbid_replay_span span = text->field[field];
    if (span.len < sizeof copy) {
        memcpy(copy, span.at, span.len);
        copy[span.len] = '\0';
        double number = strtod(copy, &end);
        bool plain = strspn(copy, "+-.eE0123456789") == span.len;
        if (plain && end == copy + span.len && number >= low && number <= high) {
            *ret_number = number;
            return 0;
        }
    }
    return number_refuse(text, field, name, low, high, message);
}

int qbid_recorded_text_whole(const struct qbid_recorded_text *text, uint32_t field,
                             const char *name, int64_t low, int64_t high, int64_t *ret_number,
                             char *message)
{
    double number = 0;
    int err =
        qbid_recorded_text_number(text, field, name, (double)low, (double)high, &number, message);
    if (!err && number != floor(number))
        err = number_refuse(text, field, name, (double)low, (double)high, message);
    if (!err)
        *ret_number = (int64_t)number;
    return err;
}
