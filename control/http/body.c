/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes that anybody may have sent to checked values. */
#include "control/http/body.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/written/money.h"
#include "control/api/json.h"
#include "shm/error.h"
#include "shm/units.h"

#define MONEY_UNITS_MAX 1e9
#define NAME_MAX QBID_REFUSAL_FIELD_MAX

/* What the parser would take, but should not: depth, and \u0000, which ends a text too early. */
static const char *structure_fault(const char *text, size_t len)
{
    unsigned depth = 0;
    bool string = false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\0')
            return "the body holds a zero byte";
        if (string && text[i] == '\\') {
            if (len - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0)
                return "the body holds the character \\u0000";
            i++; /* what is escaped, a quote too */
        } else if (text[i] == '"') {
            string = !string;
        } else if (!string && (text[i] == '{' || text[i] == '[')) {
            if (++depth > QBID_BODY_DEPTH_MAX)
                return "the body is nested too deep: at most 16 objects and arrays in each other";
        } else if (!string && (text[i] == '}' || text[i] == ']')) {
            depth -= depth > 0;
        }
    }
    return NULL;
}

cJSON *qbid_body_parse(const char *text, size_t len, struct qbid_refusal *refusal)
{
    const char *fault = len == 0                        ? "the body is empty"
                        : !qbid_json_is_utf8(text, len) ? "the body is not UTF-8"
                                                        : structure_fault(text, len);
    if (fault) {
        qbid_refuse(refusal, 400, "%s", fault);
        return NULL;
    }
    char *copy = malloc(len + 1); /* the parser wants an end to insist on it */
    const char *end = NULL;
    if (!copy) {
        qbid_refuse(refusal, 503, "out of memory");
        return NULL;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    cJSON *body = cJSON_ParseWithLengthOpts(copy, len + 1, &end, true);
    if (!body)
        qbid_refuse(refusal, 400, "the body is not JSON, at byte %zu",
                    end ? (size_t)(end - copy) : 0);
    else if (!cJSON_IsObject(body))
        qbid_refuse(refusal, 422, "the body is not an object");
    free(copy);
    if (body && !cJSON_IsObject(body)) {
        cJSON_Delete(body);
        body = NULL;
    }
    return body;
}

void qbid_body_refuse(const struct qbid_body_at *at, const char *name, const char *reason)
{
    char full[NAME_MAX];
    snprintf(full, sizeof full, "%s%s%s", at->path, *at->path ? "." : "", name);
    qbid_refuse_field(at->refusal, full, "%s", reason);
}

/* The item of a name; NULL when it is missing, null, or there twice. */
static const cJSON *item_find(const struct qbid_body_at *at, const char *name, bool needed)
{
    const cJSON *found = NULL, *item;
    cJSON_ArrayForEach(item, at->object)
    {
        if (strcmp(item->string, name) != 0)
            continue;
        if (found) {
            qbid_body_refuse(at, name, "is there twice");
            return NULL;
        }
        found = item;
    }
    if (found && !cJSON_IsNull(found))
        return found;
    if (needed)
        qbid_body_refuse(at, name, "is missing");
    return NULL;
}

const cJSON *qbid_body_object(const struct qbid_body_at *at, const char *name, bool needed)
{
    const cJSON *item = item_find(at, name, needed);
    if (item && !cJSON_IsObject(item)) {
        qbid_body_refuse(at, name, "is not an object");
        return NULL;
    }
    return item;
}

bool qbid_body_real(const struct qbid_body_at *at, const char *name, bool needed, double least,
                    double most, double *ret)
{
    const cJSON *item = item_find(at, name, needed);
    char reason[QBID_REFUSAL_TEXT_MAX];
    if (!item)
        return false;
    if (!cJSON_IsNumber(item)) {
        qbid_body_refuse(at, name, "is not a number");
        return false;
    }
    if (!(item->valuedouble >= least && item->valuedouble <= most)) {
        snprintf(reason, sizeof reason, "is not in %.15g..%.15g", least, most);
        qbid_body_refuse(at, name, reason);
        return false;
    }
    *ret = item->valuedouble;
    return true;
}

bool qbid_body_whole(const struct qbid_body_at *at, const char *name, bool needed, uint64_t least,
                     uint64_t most, uint64_t *ret)
{
    double value;
    if (!qbid_body_real(at, name, needed, (double)least, (double)most, &value))
        return false;
    if (floor(value) != value) {
        qbid_body_refuse(at, name, "is not a whole number");
        return false;
    }
    *ret = (uint64_t)value;
    return true;
}

bool qbid_body_money(const struct qbid_body_at *at, const char *name, bool needed,
                     int64_t *ret_nanos)
{
    const cJSON *item = item_find(at, name, needed);
    double most = MONEY_UNITS_MAX, value;
    if (!item)
        return false;
    if (cJSON_IsString(item)) {
        int64_t nanos;
        const char *text = item->valuestring;
        if (qbid_money_parse(text, strlen(text), &nanos) != 0 || nanos < 0 ||
            (double)nanos > most * (double)QBID_NANOS_PER_UNIT) {
            qbid_body_refuse(at, name, "is not money like \"12.50\", from 0 to 1000000000");
            return false;
        }
        *ret_nanos = nanos;
        return true;
    }
    if (!qbid_body_real(at, name, needed, 0, most, &value))
        return false;
    *ret_nanos = (int64_t)llround(value * (double)QBID_NANOS_PER_UNIT);
    return true;
}

bool qbid_body_flag(const struct qbid_body_at *at, const char *name, bool needed, bool *ret)
{
    const cJSON *item = item_find(at, name, needed);
    if (!item)
        return false;
    if (!cJSON_IsBool(item)) {
        qbid_body_refuse(at, name, "is neither true nor false");
        return false;
    }
    *ret = cJSON_IsTrue(item);
    return true;
}

bool qbid_body_text(const struct qbid_body_at *at, const char *name, bool needed, char *ret,
                    size_t size)
{
    const cJSON *item = item_find(at, name, needed);
    char reason[QBID_REFUSAL_TEXT_MAX] = "";
    if (!item)
        return false;
    if (!cJSON_IsString(item))
        snprintf(reason, sizeof reason, "is not a text");
    else if (needed && !*item->valuestring)
        snprintf(reason, sizeof reason, "is empty");
    else if (strlen(item->valuestring) >= size)
        snprintf(reason, sizeof reason, "is longer than %zu bytes", size - 1);
    if (*reason) {
        qbid_body_refuse(at, name, reason);
        return false;
    }
    strcpy(ret, item->valuestring);
    return true;
}
