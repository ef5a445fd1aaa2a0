/* SPDX-License-Identifier: Apache-2.0 */
/* Lenient lookups over a Jansson tree. */
#include "tests/conformance/rtb.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOAD (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY)

/* Whether a number's token says more than a double holds: one that becomes 0, or whole by rounding.
 */
static bool is_rounded(const char *token, size_t len)
{
    char copy[RTB_RAW_MAX];
    unsigned digits = 0;
    bool split = memchr(token, '.', len) || memchr(token, '-', len);
    if (len >= sizeof copy)
        return true;
    memcpy(copy, token, len);
    copy[len] = '\0';
    for (size_t i = 0; i < len && copy[i] != 'e' && copy[i] != 'E'; i++)
        digits += copy[i] >= (digits ? '0' : '1') && copy[i] <= '9';
    double value = strtod(copy, NULL);
    return digits != 0 && (value == 0 || (split && digits > DBL_DIG && value == floor(value)));
}

/* Over the numbers outside of strings in what is sound JSON. */
static bool has_rounded(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        size_t n = 0;
        if (text[i] == '"')
            for (i++; text[i] != '"'; i++)
                i += text[i] == '\\';
        else if (text[i] == '-' || (text[i] >= '0' && text[i] <= '9'))
            for (n = 1; i + n < len && strchr("0123456789.eE+-", text[i + n]); n++)
                ;
        if (n != 0 && is_rounded(text + i, n))
            return true;
        i += n ? n - 1 : 0;
    }
    return false;
}

json_t *rtb_load(const char *text, size_t len, json_error_t *ret_error, bool *ret_beyond)
{
    *ret_beyond = false;
    if (memchr(text, '\0', len)) { /* which Jansson takes behind a number */
        snprintf(ret_error->text, sizeof ret_error->text, "a NUL between the values");
        return NULL;
    }
    json_t *root = json_loadb(text, len, LOAD, ret_error);
    if (root && !has_rounded(text, len))
        return root;
    if (root) {
        snprintf(ret_error->text, sizeof ret_error->text, "a number that no double holds");
        json_decref(root);
        *ret_beyond = true;
        return NULL;
    }
    switch (json_error_code(ret_error)) {
    case json_error_numeric_overflow:
    case json_error_null_byte_in_key:
    case json_error_duplicate_key:
    case json_error_null_character:
    case json_error_stack_overflow:
        *ret_beyond = true;
        break;
    default:
        *ret_beyond = strstr(ret_error->text, "invalid Unicode") != NULL;
    }
    return NULL;
}

static bool says_nothing(const json_t *item)
{
    return !item || json_is_null(item) || (json_is_string(item) && json_string_length(item) == 0);
}

const json_t *rtb_get(const json_t *object, const char *key)
{
    const json_t *item = json_object_get(object, key);
    return says_nothing(item) ? NULL : item;
}

const json_t *rtb_object(const json_t *object, const char *key)
{
    const json_t *item = rtb_get(object, key);
    return json_is_object(item) ? item : NULL;
}

const json_t *rtb_array(const json_t *object, const char *key)
{
    const json_t *item = rtb_get(object, key);
    return json_is_array(item) ? item : NULL;
}

const json_t *rtb_text(const json_t *object, const char *key)
{
    const json_t *item = rtb_get(object, key);
    return json_is_string(item) ? item : NULL;
}

const json_t *rtb_label(const json_t *object, const char *key)
{
    const json_t *item = rtb_get(object, key);
    return json_is_string(item) || json_is_number(item) ? item : NULL;
}

int64_t rtb_int(const json_t *object, const char *key, int64_t absent)
{
    const json_t *item = rtb_get(object, key);
    double number = json_number_value(item);
    if (!json_is_number(item) || number != floor(number))
        return absent;
    return number > INT32_MAX ? INT32_MAX : number <= INT32_MIN ? -INT32_MAX : (int64_t)number;
}

int rtb_tri(const json_t *object, const char *key)
{
    const json_t *item = rtb_get(object, key);
    if (json_is_boolean(item))
        return json_is_true(item);
    int64_t number = rtb_int(object, key, INT64_MIN);
    return number == INT64_MIN ? -1 : number != 0;
}

bool rtb_flag(const json_t *object, const char *key)
{
    return rtb_tri(object, key) == 1;
}

int64_t rtb_micros(const json_t *item, bool up)
{
    char text[40];
    double number = json_number_value(item);
    if (!json_is_number(item) || !(number > 0))
        return 0;
    for (int digits = 15; digits <= 17; digits++) { /* the fewest that stand for this double */
        snprintf(text, sizeof text, "%.*e", digits - 1, number);
        if (strtod(text, NULL) == number)
            break;
    }
    int exponent = atoi(strchr(text, 'e') + 1) + 6;
    uint64_t value = 0;
    bool rest = false, half = false;
    int place = exponent; /* power of ten of the next digit, in micros */
    for (const char *c = text; *c != 'e'; c++) {
        if (*c == '.')
            continue;
        if (place >= 0) {
            if (value > (INT64_MAX - 9) / 10)
                return INT64_MAX;
            value = value * 10 + (uint64_t)(*c - '0');
        } else {
            half |= place == -1 && *c >= '5';
            rest |= *c != '0';
        }
        place--;
    }
    for (; place >= 0; place--) {
        if (value > INT64_MAX / 10)
            return INT64_MAX;
        value *= 10;
    }
    return (int64_t)value + (up ? rest : half);
}

static size_t text_of(const json_t *item, char number[40], const char **ret_text)
{
    *ret_text = number;
    if (json_is_string(item)) {
        *ret_text = json_string_value(item);
        return json_string_length(item);
    }
    if (!json_is_number(item))
        return 0;
    return (size_t)snprintf(number, 40, "%.15g", json_number_value(item));
}

bool rtb_is(const json_t *item, const char *text, bool fold)
{
    char number[40];
    const char *at;
    size_t len = text_of(item, number, &at);
    if (!item || len != strlen(text))
        return false;
    for (size_t i = 0; i < len; i++) {
        int a = (unsigned char)at[i], b = (unsigned char)text[i];
        if (fold ? tolower(a) != tolower(b) : a != b)
            return false;
    }
    return true;
}

void rtb_append(struct rtb_raw *raw, const json_t *item, int (*map)(int))
{
    char number[40];
    const char *at;
    size_t len = text_of(item, number, &at);
    for (size_t i = 0; i < len && raw->len < RTB_RAW_MAX; i++)
        raw->text[raw->len++] = (char)(map ? map((unsigned char)at[i]) : at[i]);
}

void rtb_append_word(struct rtb_raw *raw, const char *word)
{
    for (; *word && raw->len < RTB_RAW_MAX; word++)
        raw->text[raw->len++] = *word;
}

bool rtb_currency(const json_t *item, char ret[4])
{
    strcpy(ret, "");
    if (says_nothing(item) || !json_is_string(item))
        return false;
    strcpy(ret, "???");
    const char *text = json_string_value(item);
    if (json_string_length(item) != 3)
        return false;
    for (int i = 0; i < 3; i++)
        if (!isalpha((unsigned char)text[i]))
            return false;
    for (int i = 0; i < 3; i++)
        ret[i] = (char)toupper((unsigned char)text[i]);
    return true;
}

unsigned rtb_depth(const json_t *value)
{
    unsigned deepest = 0, depth;
    size_t i;
    const char *key;
    json_t *inner;
    json_t *walk = (json_t *)(uintptr_t)value; /* Jansson's iterators take no const */
    if (json_is_array(walk)) {
        json_array_foreach(walk, i, inner)
        {
            depth = rtb_depth(inner);
            deepest = depth > deepest ? depth : deepest;
        }
        return deepest + 1;
    }
    if (!json_is_object(walk))
        return 0;
    json_object_foreach(walk, key, inner)
    {
        depth = rtb_depth(inner);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}
