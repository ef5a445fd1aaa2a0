/* SPDX-License-Identifier: Apache-2.0 */
/* One table of the account's fields: what importing, comparing, showing and storing agree on. */
#ifndef QBID_CONTROL_ACCOUNT_FIELDS_H
#define QBID_CONTROL_ACCOUNT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/account/account.h"

enum qbid_item_kind { QBID_ITEM_CAMPAIGN, QBID_ITEM_LINE_ITEM, QBID_ITEM_CREATIVE, QBID_ITEM_CNT };

enum qbid_field_type {
    QBID_FIELD_U32,
    QBID_FIELD_U16,
    QBID_FIELD_TEXT,  /* char *, owned */
    QBID_FIELD_NANOS, /* money, int64 */
    QBID_FIELD_MICROS,
    QBID_FIELD_TIME, /* unix seconds, int64 */
    QBID_FIELD_WORD, /* an enum with a list of words */
    QBID_FIELD_BOOL,
    QBID_FIELD_REAL,  /* double */
    QBID_FIELD_TARGET /* struct qbid_target_def */
};

struct qbid_word {
    const char *text; /* NULL ends a list */
    int value;
};

struct qbid_field {
    const char *name; /* key in files, column in the store; NULL ends a table */
    size_t off;
    enum qbid_field_type type;
    int64_t least, most; /* numbers in their unit; bytes of a text */
    double least_real, most_real;
    const struct qbid_word *words;
    const char *preset; /* text of a new item's value; NULL = must be given, "" = none */
};

extern const struct qbid_word qbid_words_goal[];
extern const struct qbid_word qbid_words_pacing[];
extern const struct qbid_word qbid_words_period[];
extern const struct qbid_word qbid_words_format[];

/** Fields of a kind, without id, parent and indices, which are not changed. NULL name ends. */
const struct qbid_field *qbid_fields(enum qbid_item_kind kind);
const struct qbid_field *qbid_fields_find(enum qbid_item_kind kind, const char *name);

/** "campaign", "line_item", "creative". */
const char *qbid_item_kind_name(enum qbid_item_kind kind);

/** Value of a word, -1 when it is not in the list; and back, "?" when it is not. */
int qbid_words_value(const struct qbid_word *words, const char *text);
const char *qbid_words_text(const struct qbid_word *words, int value);

/** A field's value as the text that a file would hold (targets: values joined by commas). Malloc'd;
 *  NULL without memory. */
char *qbid_field_text(const struct qbid_field *field, const void *item);

/** The same of a value as the store keeps it (money in nanos or micros, times in seconds). */
char *qbid_field_stored_text(const struct qbid_field *field, const char *stored);

/** Whether two items have the same value. */
bool qbid_field_equal(const struct qbid_field *field, const void *a, const void *b);

#endif
