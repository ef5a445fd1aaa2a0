/* SPDX-License-Identifier: Apache-2.0 */
/* JSON into a fixed buffer: what does not fit is not written, and the writer says so. */
#ifndef QBID_PLUGIN_WRITER_H
#define QBID_PLUGIN_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "plugin/text.h"

/* full stays set once something did not fit; a caller that steps back sets it off itself. */
struct qbid_writer {
    char *start;
    char *at;
    char *end;
    bool full;
    bool raw; /* the text is no part of JSON: qbid_put_escaped() escapes nothing */
};

static inline struct qbid_writer qbid_writer_init(char *out, size_t out_max)
{
    return (struct qbid_writer){out, out, out + out_max, false, false};
}

static inline size_t qbid_writer_len(const struct qbid_writer *w)
{
    return (size_t)(w->at - w->start);
}

/** Bytes as they are. */
static inline void qbid_put(struct qbid_writer *w, const char *bytes, size_t len)
{
    if ((size_t)(w->end - w->at) < len) {
        w->full = true;
        return;
    }
    memcpy(w->at, bytes, len);
    w->at += len;
}

/** A literal. */
#define QBID_PUT(w, literal) qbid_put((w), (literal), sizeof(literal) - 1)

static inline void qbid_put_char(struct qbid_writer *w, char c)
{
    qbid_put(w, &c, 1);
}

static inline void qbid_put_word(struct qbid_writer *w, const char *word)
{
    qbid_put(w, word, strlen(word));
}

/** Text as the inside of a JSON string: quotes, backslashes and control characters escaped. */
void qbid_put_escaped(struct qbid_writer *w, const char *text, size_t len);

/** Text as a JSON string. */
void qbid_put_string(struct qbid_writer *w, const char *text, size_t len);

void qbid_put_u64(struct qbid_writer *w, uint64_t value);
void qbid_put_i64(struct qbid_writer *w, int64_t value);

/** 16 lower-case hex digits. */
void qbid_put_hex(struct qbid_writer *w, uint64_t value);

/** Micros as a plain decimal of units, exact. */
void qbid_put_micros(struct qbid_writer *w, int64_t micros);

/** A ratio with six decimals; what is not finite or out of +-10^12 becomes 0. */
void qbid_put_ratio(struct qbid_writer *w, double ratio);

/** The three letters of a currency code. */
void qbid_put_currency(struct qbid_writer *w, uint32_t currency);

#endif
