/* SPDX-License-Identifier: Apache-2.0 */
/* UBJSON draft 12 without no-ops, big-endian numbers, every length checked against the end. */
#include "control/models/predict/ubj.h"

#include <string.h>

#include "shm/error.h"

static size_t number_bytes(char type)
{
    switch (type) {
    case 'i':
    case 'U':
    case 'C':
        return 1;
    case 'I':
        return 2;
    case 'l':
    case 'd':
        return 4;
    case 'L':
    case 'D':
        return 8;
    default:
        return 0;
    }
}

static double number_read(const uint8_t *at, char type)
{
    uint64_t word = 0;
    for (size_t i = 0; i < number_bytes(type); i++)
        word = word << 8 | at[i];
    uint32_t half = (uint32_t)word;
    float single;
    double wide;
    switch (type) {
    case 'i':
        return (int8_t)word;
    case 'I':
        return (int16_t)word;
    case 'l':
        return (int32_t)half;
    case 'L':
        return (double)(int64_t)word;
    case 'd':
        memcpy(&single, &half, sizeof single);
        return (double)single;
    case 'D':
        memcpy(&wide, &word, sizeof wide);
        return wide;
    default:
        return (double)word;
    }
}

static size_t left(struct qbid_ubj v)
{
    return (size_t)(v.end - v.at);
}

/* A length: an integer with its type in front. */
static int length_take(struct qbid_ubj *v, size_t *ret_length)
{
    if (left(*v) < 1)
        return QBID_ERR_PARSE;
    char type = (char)*v->at++;
    size_t bytes = type == 'd' || type == 'D' || type == 'C' ? 0 : number_bytes(type);
    if (bytes == 0 || left(*v) < bytes)
        return QBID_ERR_PARSE;
    double n = number_read(v->at, type);
    v->at += bytes;
    if (!(n >= 0 && n <= (double)left(*v)))
        return QBID_ERR_PARSE;
    *ret_length = (size_t)n;
    return 0;
}

static int text_skip(struct qbid_ubj *v)
{
    size_t n = 0;
    int err = length_take(v, &n);
    if (!err)
        v->at += n;
    return err;
}

static int value_skip(struct qbid_ubj *v, unsigned depth);

static int object_skip(struct qbid_ubj *v, unsigned depth)
{
    int err = 0;
    while (!err && left(*v) > 0 && *v->at != '}') {
        err = text_skip(v);
        if (!err)
            err = value_skip(v, depth + 1);
    }
    if (err || left(*v) == 0)
        return QBID_ERR_PARSE;
    v->at++;
    return 0;
}

static int array_open(struct qbid_ubj *v, struct qbid_ubj_array *ret_array)
{
    struct qbid_ubj_array a = {.type = 0};
    if (left(*v) >= 2 && *v->at == '$') {
        a.type = (char)v->at[1];
        v->at += 2;
        if (number_bytes(a.type) == 0)
            return QBID_ERR_PARSE;
    }
    if (left(*v) < 1 || *v->at != '#')
        return QBID_ERR_PARSE;
    v->at++;
    int err = length_take(v, &a.cnt);
    if (err || (a.type && left(*v) / number_bytes(a.type) < a.cnt))
        return QBID_ERR_PARSE;
    a.first = *v;
    *ret_array = a;
    return 0;
}

static int array_skip(struct qbid_ubj *v, unsigned depth)
{
    struct qbid_ubj_array a;
    int err = array_open(v, &a);
    if (err)
        return err;
    if (a.type)
        v->at += a.cnt * number_bytes(a.type);
    for (size_t i = 0; !a.type && i < a.cnt && !err; i++)
        err = value_skip(v, depth + 1);
    return err;
}

static int value_skip(struct qbid_ubj *v, unsigned depth)
{
    if (depth > QBID_UBJ_DEPTH_MAX || left(*v) < 1)
        return QBID_ERR_PARSE;
    char type = (char)*v->at++;
    size_t bytes = number_bytes(type);
    if (bytes > left(*v))
        return QBID_ERR_PARSE;
    v->at += bytes;
    if (bytes > 0 || type == 'T' || type == 'F' || type == 'Z')
        return 0;
    if (type == 'S')
        return text_skip(v);
    if (type == '{')
        return object_skip(v, depth);
    return type == '[' ? array_skip(v, depth) : QBID_ERR_PARSE;
}

int qbid_ubj_next(struct qbid_ubj value, struct qbid_ubj *ret_next)
{
    int err = value_skip(&value, 0);
    if (!err)
        *ret_next = value;
    return err;
}

int qbid_ubj_find(struct qbid_ubj object, const char *key, struct qbid_ubj *ret_value)
{
    if (left(object) < 1 || *object.at++ != '{')
        return QBID_ERR_PARSE;
    while (left(object) > 0 && *object.at != '}') {
        size_t n = 0;
        int err = length_take(&object, &n);
        if (err)
            return err;
        int same = n == strlen(key) && memcmp(object.at, key, n) == 0;
        object.at += n;
        if (same) {
            *ret_value = object;
            return 0;
        }
        err = value_skip(&object, 0);
        if (err)
            return err;
    }
    return left(object) > 0 ? QBID_ERR_NOENT : QBID_ERR_PARSE;
}

int qbid_ubj_array(struct qbid_ubj value, struct qbid_ubj_array *ret_array)
{
    if (left(value) < 1 || *value.at++ != '[')
        return QBID_ERR_PARSE;
    return array_open(&value, ret_array);
}

double qbid_ubj_number(const struct qbid_ubj_array *array, size_t i)
{
    return number_read(array->first.at + i * number_bytes(array->type), array->type);
}
