/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a recorded file as fields, and errors that name file, line and field. */
#ifndef QBID_TOOLS_SIM_RECORDED_LOGS_TEXT_H
#define QBID_TOOLS_SIM_RECORDED_LOGS_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "tools/replay/text/buffer.h"

#define QBID_RECORDED_MESSAGE_BYTES 512
#define QBID_RECORDED_FIELDS_MAX 8

struct qbid_recorded_text {
    const char *path; /* the caller's */
    char *text;       /* the whole file */
    size_t len;
    size_t at;
    uint32_t line;      /* of the fields, from 1 */
    uint32_t field_cnt; /* of the line; only the first QBID_RECORDED_FIELDS_MAX are in `field` */
    struct qbid_replay_span field[QBID_RECORDED_FIELDS_MAX];
};

/**
 * Read a file.
 *
 * Shapes:  message of QBID_RECORDED_MESSAGE_BYTES, here and below.
 * Errors:  QBID_ERR_SYS, the message says why.
 */
int qbid_recorded_text_init(struct qbid_recorded_text *text, const char *path, char *message);

void qbid_recorded_text_done(struct qbid_recorded_text *text);

/** Go to the next line that is not empty; blanks and tabs part its fields. Returns: 1, 0 at the
 * end. */
int qbid_recorded_text_next(struct qbid_recorded_text *text);

/**
 * Check the number of fields of the line.
 *
 * Shapes:  names: the fields in order, for the message ("click price pctr time").
 * Errors:  QBID_ERR_PARSE and a message.
 */
int qbid_recorded_text_fields(const struct qbid_recorded_text *text, uint32_t cnt,
                              const char *names, char *message);

/**
 * One field of the line as a number.
 *
 * Returns: 0 and a number in [low, high].
 * Errors:  QBID_ERR_PARSE: not a decimal number, or outside; the message names file, line and
 * field.
 */
int qbid_recorded_text_number(const struct qbid_recorded_text *text, uint32_t field,
                              const char *name, double low, double high, double *ret_number,
                              char *message);

/** The same for whole numbers. */
int qbid_recorded_text_whole(const struct qbid_recorded_text *text, uint32_t field,
                             const char *name, int64_t low, int64_t high, int64_t *ret_number,
                             char *message);

#endif
