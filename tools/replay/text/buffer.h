/* SPDX-License-Identifier: Apache-2.0 */
/* A growing text: what requests, notices and reports are written into. */
#ifndef QBID_TOOLS_REPLAY_TEXT_BUFFER_H
#define QBID_TOOLS_REPLAY_TEXT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of somebody else's text; not terminated. */
struct qbid_replay_span {
    const char *at;
    size_t len;
};

#define QBID_REPLAY_SPAN(literal) ((struct qbid_replay_span){(literal), sizeof(literal) - 1})
/* For printf's %.*s. */
#define QBID_REPLAY_SPAN_ARGS(span) (int)(span).len, (span).at

/* Out of memory is remembered in `failed` and checked once at the end; further adds do nothing. */
struct qbid_replay_buffer {
    char *text;
    size_t len;
    size_t cap;
    bool failed;
};

/** Release the memory; an all-zero buffer is a valid empty one. */
void qbid_replay_buffer_done(struct qbid_replay_buffer *buffer);

/** Forget the text, keep the memory. */
void qbid_replay_buffer_clear(struct qbid_replay_buffer *buffer);

/**
 * Make room for more bytes at the end.
 *
 * Returns: the end of the text, with room for extra bytes; NULL when out of memory (and `failed`).
 */
char *qbid_replay_buffer_reserve(struct qbid_replay_buffer *buffer, size_t extra);

void qbid_replay_buffer_add(struct qbid_replay_buffer *buffer, const char *text, size_t len);
void qbid_replay_buffer_add_text(struct qbid_replay_buffer *buffer, const char *text);
void qbid_replay_buffer_add_span(struct qbid_replay_buffer *buffer, struct qbid_replay_span span);
void qbid_replay_buffer_add_int(struct qbid_replay_buffer *buffer, int64_t number);
void qbid_replay_buffer_add_micros(struct qbid_replay_buffer *buffer, int64_t micros);

/**
 * Add a JSON string with its quotes: what JSON asks for is escaped, what is not UTF-8 is replaced
 * by U+FFFD.
 */
void qbid_replay_buffer_add_json(struct qbid_replay_buffer *buffer, const char *text, size_t len);

/** Add formatted text. */
__attribute__((format(printf, 2, 3))) void
qbid_replay_buffer_print(struct qbid_replay_buffer *buffer, const char *format, ...);

#endif
