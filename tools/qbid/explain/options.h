/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `qbid explain`. */
#ifndef QBID_TOOLS_QBID_EXPLAIN_OPTIONS_H
#define QBID_TOOLS_QBID_EXPLAIN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/qbid/explain/terms.h"

#define QBID_EXPLAIN_SETTINGS_MAX 1024 /* of --pace, --qstate, --exposures */
#define QBID_EXPLAIN_MESSAGE_BYTES 256

/* What the live page shall say of a line item instead of pace 1 and state 0. */
struct qbid_explain_setting {
    uint32_t line_item_id;
    uint32_t qstate; /* of --qstate */
    float pace;      /* of --pace, finite; below 0 a fixed price */
    uint8_t exposures;
    struct qbid_pace_terms terms; /* of --pace-terms */
};

struct qbid_explain_options {
    const char *request;  /* file, "-" = stdin; NULL with check */
    const char *image;    /* file */
    const char *exchange; /* NULL = none */
    const char *check;    /* NDJSON file; NULL = explain one request */
    const char *images;   /* folder of GEN.qbi files */
    const char *log;      /* with by_bid: folder of the decision log */
    uint64_t bid;         /* nonce, 0 = the last one of the log */
    bool by_bid;          /* explain a bid of the decision log */
    uint64_t sample;      /* answers to check, spread over the file; 0 = all */
    uint64_t now_unix_s;  /* --now */
    bool has_now;
    bool json;
    bool strict;
    bool help;
    unsigned pace_cnt;
    unsigned pace_terms_cnt;
    unsigned qstate_cnt;
    unsigned exposures_cnt;
    struct qbid_explain_setting pace[QBID_EXPLAIN_SETTINGS_MAX];
    struct qbid_explain_setting pace_terms[QBID_EXPLAIN_SETTINGS_MAX];
    struct qbid_explain_setting qstate[QBID_EXPLAIN_SETTINGS_MAX];
    struct qbid_explain_setting exposures[QBID_EXPLAIN_SETTINGS_MAX];
};

/**
 * Read the command line; texts point into argv.
 *
 * Returns: 0; QBID_ERR_INVAL with a message that names the option.
 * Threads: one at a time (getopt).
 */
int qbid_explain_options_parse(int argc, char **argv, struct qbid_explain_options *ret_options,
                               char message[QBID_EXPLAIN_MESSAGE_BYTES]);

/**
 * Parse a time: seconds since 1970, or RFC 3339 ("2026-03-01T12:00:00Z", "...+08:00").
 *
 * Returns: 0; QBID_ERR_PARSE, also for times before 1970.
 */
int qbid_explain_time_parse(const char *text, uint64_t *ret_unix_s);

/** Take the pace of a bid apart by the --pace-terms of its line item, where they were given. */
void qbid_explain_options_split(const struct qbid_explain_options *options,
                                const struct qbid_decision *decision,
                                struct qbid_explain_terms *terms);

void qbid_explain_options_help(FILE *out);

#endif
