/* SPDX-License-Identifier: Apache-2.0 */
/* Words for building answers. Money is a text (an exact decimal of currency units), because a JSON
 * number is a double to most readers; so are 64-bit hashes. */
#ifndef QBID_CONTROL_API_JSON_H
#define QBID_CONTROL_API_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

/** A new object at the end of a list. */
cJSON *qbid_json_row(cJSON *list);

void qbid_json_nanos(cJSON *object, const char *name, int64_t nanos);
void qbid_json_micros(cJSON *object, const char *name, int64_t micros);
void qbid_json_count(cJSON *object, const char *name, uint64_t count);
void qbid_json_hex(cJSON *object, const char *name, uint64_t word);
/** RFC 3339; the same with milliseconds. */
void qbid_json_unix_s(cJSON *object, const char *name, int64_t unix_s);
void qbid_json_unix_ns(cJSON *object, const char *name, uint64_t unix_ns);
/** Seconds with milliseconds. */
void qbid_json_seconds(cJSON *object, const char *name, uint64_t ns);

/** Whether text is well-formed UTF-8 (RFC 3629): cJSON takes any bytes in a string and writes them
 *  out again. */
bool qbid_json_is_utf8(const char *text, size_t len);

/** A member of a request; NULL or the preset when it is missing or of another kind. */
const char *qbid_json_text(const cJSON *object, const char *name);
int qbid_json_flag(const cJSON *object, const char *name, int preset);
/** -1 when it is not a whole number in [0, 2^53]. */
int64_t qbid_json_whole(const cJSON *object, const char *name);

#endif
