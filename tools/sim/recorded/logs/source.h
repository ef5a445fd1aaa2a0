/* SPDX-License-Identifier: Apache-2.0 */
/* Which recorded logs a file or folder holds, told by what stands in the files. */
#ifndef QBID_TOOLS_SIM_RECORDED_LOGS_SOURCE_H
#define QBID_TOOLS_SIM_RECORDED_LOGS_SOURCE_H

#include <stdint.h>

#define QBID_RECORDED_SOURCES_MAX 1024
#define QBID_RECORDED_DEPTH_MAX 8 /* folders within folders */

/* What a line holds; blanks or tabs between the fields. */
enum qbid_recorded_format {
    QBID_RECORDED_UNKNOWN,
    QBID_RECORDED_PCTR,  /* click price pctr time */
    QBID_RECORDED_THETA, /* click price theta; with info.json beside it: totals, price histogram */
    QBID_RECORDED_RAW,   /* iPinYou's 24 columns, or 27 with click, weekday and hour in front */
    QBID_RECORDED_BIDS,  /* bid win */
    QBID_RECORDED_FORMATS
};

struct qbid_recorded_source {
    enum qbid_recorded_format format;
    char *path; /* of a raw log made of imp*, clk* and train* files: their folder */
};

struct qbid_recorded_sources {
    struct qbid_recorded_source *source;
    uint32_t cnt;
    uint32_t passed; /* files of a folder that are none of the formats */
};

/** Name of a format in reports ("pctr"). */
const char *qbid_recorded_format_name(enum qbid_recorded_format format);

/**
 * Judge a file by its first lines: the format that most of them have, so that a damaged line is
 * reported when it is read, and does not make the file another one.
 *
 * Returns: 0, QBID_RECORDED_UNKNOWN for anything else.
 * Errors:  QBID_ERR_SYS, the message (QBID_RECORDED_MESSAGE_BYTES) says why.
 */
int qbid_recorded_source_detect(const char *path, enum qbid_recorded_format *ret_format,
                                char *message);

/**
 * Add the logs of a path: a file is itself, a folder is searched with all folders below it, in the
 * order of names.
 *
 * Errors:  QBID_ERR_PARSE (a file, named by itself, of no known format); QBID_ERR_SYS;
 *          QBID_ERR_LIMIT; QBID_ERR_NOMEM. The message says what.
 */
int qbid_recorded_sources_add(struct qbid_recorded_sources *sources, const char *path,
                              char *message);

void qbid_recorded_sources_done(struct qbid_recorded_sources *sources);

#endif
