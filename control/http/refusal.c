/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting what is wrong, and saying it. */
#include "control/http/refusal.h"

#include <stdarg.h>
#include <stdio.h>

#include <cjson/cJSON.h>

void qbid_refuse(struct qbid_refusal *refusal, int status, const char *format, ...)
{
    va_list args;
    if (refusal->status != 0)
        return;
    refusal->status = status;
    va_start(args, format);
    vsnprintf(refusal->detail, sizeof refusal->detail, format, args);
    va_end(args);
}

void qbid_refuse_field(struct qbid_refusal *refusal, const char *name, const char *format, ...)
{
    va_list args;
    uint32_t i = refusal->field_cnt++;
    qbid_refuse(refusal, 422, "fields of the request are wrong or missing");
    if (i >= QBID_REFUSAL_FIELDS_MAX)
        return;
    snprintf(refusal->field[i].name, sizeof refusal->field[i].name, "%s", name);
    va_start(args, format);
    vsnprintf(refusal->field[i].reason, sizeof refusal->field[i].reason, format, args);
    va_end(args);
}

const char *qbid_http_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {{200, "OK"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {408, "Request Timeout"},
                   {409, "Conflict"},
                   {411, "Length Required"},
                   {413, "Content Too Large"},
                   {415, "Unsupported Media Type"},
                   {422, "Unprocessable Content"},
                   {429, "Too Many Requests"},
                   {500, "Internal Server Error"},
                   {503, "Service Unavailable"}};
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Error";
}

char *qbid_refusal_body(const struct qbid_refusal *refusal)
{
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "type", "about:blank");
    cJSON_AddStringToObject(body, "title", qbid_http_phrase(refusal->status));
    cJSON_AddNumberToObject(body, "status", refusal->status);
    cJSON_AddStringToObject(body, "detail", refusal->detail);
    if (refusal->field_cnt) {
        cJSON *list = cJSON_AddArrayToObject(body, "errors");
        for (uint32_t i = 0; i < refusal->field_cnt && i < QBID_REFUSAL_FIELDS_MAX; i++) {
            cJSON *to = cJSON_CreateObject();
            cJSON_AddItemToArray(list, to);
            cJSON_AddStringToObject(to, "field", refusal->field[i].name);
            cJSON_AddStringToObject(to, "reason", refusal->field[i].reason);
        }
    }
    char *text = cJSON_PrintUnformatted(body);
    cJSON_Delete(body);
    return text;
}
