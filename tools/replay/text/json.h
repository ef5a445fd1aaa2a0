/* SPDX-License-Identifier: Apache-2.0 */
/* A small JSON scanner: no tree is built, and numbers stay exact text. */
#ifndef QBID_TOOLS_REPLAY_TEXT_JSON_H
#define QBID_TOOLS_REPLAY_TEXT_JSON_H

#include <stdbool.h>

#include "tools/replay/text/buffer.h"

/* Deepest nesting that is read. */
#define QBID_REPLAY_JSON_DEPTH_MAX 32

/* Where the scanner stands. Every function below moves it past what it read. On an error it may
 * stand anywhere: an error ends the reading of the whole text. */
struct qbid_replay_json {
    const char *at;
    const char *end;
};

/** Start at the first byte of a text. */
struct qbid_replay_json qbid_replay_json_start(const char *text, size_t len);

/** First byte of the next value, 0 at the end of the text; it is not consumed. */
char qbid_replay_json_peek(struct qbid_replay_json *json);

/** Consume '{' or '['. Returns: 0 or QBID_ERR_PARSE. */
int qbid_replay_json_enter(struct qbid_replay_json *json, char bracket);

/**
 * Go to the next member of an object; its value must be read or skipped before the next call.
 *
 * Shapes:  *first is true on the first call for an object, the function clears it.
 * Returns: 1 with the key's raw text (escapes not resolved), 0 when '}' was consumed,
 * QBID_ERR_PARSE.
 */
int qbid_replay_json_member(struct qbid_replay_json *json, bool *first,
                            struct qbid_replay_span *ret_key);

/** Go to the next item of an array, like qbid_replay_json_member. Returns: 1, 0 at ']',
 * QBID_ERR_PARSE. */
int qbid_replay_json_item(struct qbid_replay_json *json, bool *first);

/** Read a string; *ret_raw is the text between the quotes, escapes not resolved. Returns: 0 or
 * QBID_ERR_PARSE. */
int qbid_replay_json_string(struct qbid_replay_json *json, struct qbid_replay_span *ret_raw);

/** Read a number as text. Returns: 0 or QBID_ERR_PARSE. */
int qbid_replay_json_number(struct qbid_replay_json *json, struct qbid_replay_span *ret_text);

/** Skip one value, checking it. Returns: 0, QBID_ERR_PARSE, QBID_ERR_LIMIT (too deep). */
int qbid_replay_json_skip(struct qbid_replay_json *json);

/** The text is read: only white space may follow. Returns: 0 or QBID_ERR_PARSE. */
int qbid_replay_json_finish(struct qbid_replay_json *json);

/** Add a raw string with its escapes resolved; a lone surrogate becomes U+FFFD. */
void qbid_replay_json_unescape(struct qbid_replay_buffer *buffer, struct qbid_replay_span raw);

#endif
