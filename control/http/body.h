/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a JSON body: bounded before it is parsed, each field checked and refused by its name. */
#ifndef QBID_CONTROL_HTTP_BODY_H
#define QBID_CONTROL_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "control/http/refusal.h"

#define QBID_BODY_DEPTH_MAX 16 /* of objects and arrays in each other */

/** Parse an object. NULL with a refusal: 400 for what is no JSON (or no UTF-8, deeper than
 *  QBID_BODY_DEPTH_MAX, with a zero character), 422 for what is no object. Needs no end behind
 * text.
 */
cJSON *qbid_body_parse(const char *text, size_t len, struct qbid_refusal *refusal);

/* Where a field stands: `path` is that of the object, "" for the body itself. */
struct qbid_body_at {
    const cJSON *object;
    const char *path;
    struct qbid_refusal *refusal;
};

/** The object or array of a name; NULL when it is missing (refused if needed) or of another kind.
 */
const cJSON *qbid_body_object(const struct qbid_body_at *at, const char *name, bool needed);

/* Each leaves *ret alone when the field is missing, which is refused if it is needed, or wrong,
 * which is refused always. null counts as missing. Returns whether *ret was set. */

/** A whole number in [least, most]; most <= 2^53. */
bool qbid_body_whole(const struct qbid_body_at *at, const char *name, bool needed, uint64_t least,
                     uint64_t most, uint64_t *ret);
/** A finite number in [least, most]. */
bool qbid_body_real(const struct qbid_body_at *at, const char *name, bool needed, double least,
                    double most, double *ret);
/** Money >= 0 as a number, or exactly as a text like "12.50"; at most 10^9 units. */
bool qbid_body_money(const struct qbid_body_at *at, const char *name, bool needed,
                     int64_t *ret_nanos);
bool qbid_body_flag(const struct qbid_body_at *at, const char *name, bool needed, bool *ret);
/** A text of less than size bytes, copied; not empty where it is needed. */
bool qbid_body_text(const struct qbid_body_at *at, const char *name, bool needed, char *ret,
                    size_t size);

/** Refuse a field of `at` by its full name. */
void qbid_body_refuse(const struct qbid_body_at *at, const char *name, const char *reason);

#endif
