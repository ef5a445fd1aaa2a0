/* SPDX-License-Identifier: Apache-2.0 */
/* cJSON in the units of this program. */
#include "control/api/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "control/account/written/instant.h"
#include "control/account/written/money.h"

cJSON *qbid_json_row(cJSON *list)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddItemToArray(list, row);
    return row;
}

void qbid_json_nanos(cJSON *object, const char *name, int64_t nanos)
{
    char text[QBID_MONEY_TEXT_MAX];
    qbid_money_format(nanos, text);
    cJSON_AddStringToObject(object, name, text);
}

void qbid_json_micros(cJSON *object, const char *name, int64_t micros)
{
    char text[QBID_MONEY_TEXT_MAX];
    qbid_money_format_micros(micros, text);
    cJSON_AddStringToObject(object, name, text);
}

void qbid_json_count(cJSON *object, const char *name, uint64_t count)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, count);
    cJSON_AddRawToObject(object, name, text);
}

void qbid_json_hex(cJSON *object, const char *name, uint64_t word)
{
    char text[24];
    snprintf(text, sizeof text, "%016" PRIx64, word);
    cJSON_AddStringToObject(object, name, text);
}

void qbid_json_unix_s(cJSON *object, const char *name, int64_t unix_s)
{
    char text[QBID_INSTANT_TEXT_MAX];
    qbid_instant_format(unix_s, text);
    cJSON_AddStringToObject(object, name, text);
}

void qbid_json_unix_ns(cJSON *object, const char *name, uint64_t unix_ns)
{
    char text[QBID_INSTANT_TEXT_MAX + 8];
    qbid_instant_format((int64_t)(unix_ns / QBID_NS_PER_S), text);
    size_t len = strlen(text);
    if (len > 1)
        snprintf(text + len - 1, 8, ".%03uZ", (unsigned)(unix_ns % QBID_NS_PER_S / QBID_NS_PER_MS));
    cJSON_AddStringToObject(object, name, text);
}

void qbid_json_seconds(cJSON *object, const char *name, uint64_t ns)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64 ".%03u", ns / QBID_NS_PER_S,
             (unsigned)(ns % QBID_NS_PER_S / QBID_NS_PER_MS));
    cJSON_AddRawToObject(object, name, text);
}

/* Bytes of the sequence that starts here; 0 = none. Over-long forms and surrogates are excluded by
 * the range of the second byte. */
static size_t sequence(const unsigned char *at, size_t left)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t n = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (at[0] > 0xf4 || n > left)
        return 0;
    if (at[0] == 0xe0 || at[0] == 0xf0)
        low = at[0] == 0xe0 ? 0xa0 : 0x90;
    if (at[0] == 0xed || at[0] == 0xf4)
        high = at[0] == 0xed ? 0x9f : 0x8f;
    for (size_t i = 1; i < n; i++) {
        if (at[i] < (i == 1 ? low : 0x80) || at[i] > (i == 1 ? high : 0xbf))
            return 0;
    }
    return n;
}

bool qbid_json_is_utf8(const char *text, size_t len)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t n;
    for (size_t i = 0; i < len; i += n) {
        n = sequence(at + i, len - i);
        if (n == 0)
            return false;
    }
    return true;
}

const char *qbid_json_text(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

int qbid_json_flag(const cJSON *object, const char *name, int preset)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : preset;
}

int64_t qbid_json_whole(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 0x1p53) ||
        floor(item->valuedouble) != item->valuedouble)
        return -1;
    return (int64_t)item->valuedouble;
}
