/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON with simdjson On-Demand so that every value is validated: C++, for the parser only.
 *
 * On-Demand checks what it is asked for and steps over the rest. Here nothing is stepped over:
 * containers are walked to their end, and skip() does for a value that nobody wants what the
 * readers do for the others. UTF-8 and closed strings are checked by its first stage for the whole
 * body.
 */
#ifndef QBID_PLUGIN_SIMDJSON_READER_H
#define QBID_PLUGIN_SIMDJSON_READER_H

#include <string_view>
#include <utility>

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <simdjson.h>

#include "plugin/number.h"
#include "plugin/openrtb.h"
#include "shm/error.h"

namespace qbid_json
{

using simdjson::ondemand::field;
using simdjson::ondemand::value;
using std::string_view;

/* State of one parse. */
struct reader {
    struct qbid_openrtb_request *out;
    char *text;                        /* free part of the parser's text */
    simdjson::ondemand::parser *inner; /* of JSON in a string */
    char *inner_text;                  /* that, and its strings whose escapes were resolved */
    unsigned depth;
    bool vital; /* a wrong type here is malformed */
};

/* --- tokens: what stands at a value that was not entered yet */

inline bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* A string is consumed here: left alone, On-Demand would take one that a colon follows for a key
 * and let "a": "b": 1 pass. */
inline string_view token_of(value v)
{
    string_view token = v.raw_json_token();
    /* Behind the last one of a body that was cut off, where bytes that are not ours may go on with
     * it: its length is the difference to the first place, below 0. */
    if (token.size() > QBID_OPENRTB_BYTES_MAX + QBID_PADDING)
        return token.substr(0, 1);
    if (token[0] == '"')
        (void)v.get_raw_json_string();
    while (token.size() > 1 && is_blank(token.back()))
        token.remove_suffix(1);
    return token;
}

inline bool is_string(string_view token)
{
    return token.size() >= 2 && token.front() == '"' && token.back() == '"';
}

inline bool is_number(string_view token)
{
    return token[0] == '-' || (token[0] >= '0' && token[0] <= '9');
}

inline bool is_absent(string_view token)
{
    return token == "null" || token == "\"\"";
}

/* The first quote or backslash of a string's inside. The first stage has seen its closing quote,
 * and padding follows the body, so that 16 bytes can be read from every place before it. */
inline const char *find_mark(const char *at)
{
#ifdef __SSE2__
    for (;; at += 16) {
        __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at));
        __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                     _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
        int mask = _mm_movemask_epi8(marks);
        if (mask != 0)
            return at + __builtin_ctz(static_cast<unsigned>(mask));
    }
#else
    while (*at != '"' && *at != '\\')
        at++;
    return at;
#endif
}

/* Resolve escapes into the parser's own text. */
inline int unescape(reader &r, const char *text, size_t len, const char **ret_at, size_t *ret_len)
{
    int64_t n = qbid_text_unescape(text, len, r.text);
    if (n < 0)
        return static_cast<int>(n);
    *ret_at = r.text;
    *ret_len = static_cast<size_t>(n);
    r.text += n;
    return 0;
}

/* The inside of a string, with its escapes resolved. */
inline int take_string(reader &r, string_view token, struct qbid_text *ret)
{
    if (!is_string(token))
        return QBID_ERR_PARSE;
    const char *start = token.data() + 1, *end = find_mark(start);
    size_t len = static_cast<size_t>(end - start);
    int err = *end == '"' ? 0 : unescape(r, start, token.size() - 2, &start, &len);
    if (err == 0)
        *ret = {start, static_cast<uint32_t>(len)};
    return err;
}

/* Up to nine digits: what most numbers of a request are. */
inline bool is_small(string_view token)
{
    if (token.size() > 9 || (token[0] == '0' && token.size() > 1))
        return false;
    for (char c : token)
        if (c < '0' || c > '9')
            return false;
    return true;
}

inline int32_t small_value(string_view token)
{
    int32_t number = 0;
    for (char c : token)
        number = number * 10 + (c - '0');
    return number;
}

inline bool is_valid_number(string_view token)
{
    return is_small(token) || qbid_number_valid(token.data(), token.size());
}

/* --- containers */

/* The key of a field: nearly always without an escape, and then where it stands. */
inline int take_key(reader &r, field &f, string_view *ret)
{
    const char *start = f.key().raw(), *end = find_mark(start);
    size_t len = static_cast<size_t>(end - start);
    if (*end != '"') {
        while (*end != '"')
            end = find_mark(end + (*end == '\\' ? 2 : 0));
        int err = unescape(r, start, static_cast<size_t>(end - start), &start, &len);
        if (err != 0)
            return err;
    }
    *ret = {start, len};
    return 0;
}

template <typename Object, typename Each> int each_field(reader &r, Object object, Each each)
{
    if (++r.depth > QBID_OPENRTB_DEPTH_MAX)
        return QBID_ERR_LIMIT;
    for (auto result : object) {
        field f;
        string_view key;
        if (std::move(result).get(f) != simdjson::SUCCESS)
            return QBID_ERR_PARSE;
        int err = take_key(r, f, &key);
        if (err == 0)
            err = each(key, f.value());
        if (err != 0)
            return err;
    }
    r.depth--;
    return 0;
}

template <typename Each> int each_element(reader &r, value v, Each each)
{
    simdjson::ondemand::array array;
    if (v.get_array().get(array) != simdjson::SUCCESS)
        return QBID_ERR_PARSE;
    if (++r.depth > QBID_OPENRTB_DEPTH_MAX)
        return QBID_ERR_LIMIT;
    for (auto result : array) {
        value element;
        if (std::move(result).get(element) != simdjson::SUCCESS)
            return QBID_ERR_PARSE;
        int err = each(element);
        if (err != 0)
            return err;
    }
    r.depth--;
    return 0;
}

/* Validate a value that nobody reads: On-Demand itself would step over it unseen. */
inline int skip(reader &r, value v)
{
    string_view token = token_of(v);
    switch (token[0]) {
    case '{': {
        simdjson::ondemand::object object;
        if (v.get_object().get(object) != simdjson::SUCCESS)
            return QBID_ERR_PARSE;
        return each_field(r, object, [&](string_view, value inner) { return skip(r, inner); });
    }
    case '[':
        return each_element(r, v, [&](value inner) { return skip(r, inner); });
    case '"':
        if (!is_string(token))
            return QBID_ERR_PARSE;
        if (*find_mark(token.data() + 1) == '"')
            return 0;
        return qbid_text_escapes_valid(token.data() + 1, token.size() - 2) ? 0 : QBID_ERR_PARSE;
    case 't':
        return token == "true" ? 0 : QBID_ERR_PARSE;
    case 'f':
        return token == "false" ? 0 : QBID_ERR_PARSE;
    case 'n':
        return token == "null" ? 0 : QBID_ERR_PARSE;
    default:
        return is_valid_number(token) ? 0 : QBID_ERR_PARSE;
    }
}

/* A value of a wrong type, whose token was taken: still to be valid JSON. */
inline int mismatch(reader &r, value v, string_view token)
{
    if (r.vital)
        return QBID_ERR_PARSE;
    r.out->wrong_type = true;
    if (token[0] != '"')
        return skip(r, v);
    return is_string(token) && qbid_text_escapes_valid(token.data() + 1, token.size() - 2)
               ? 0
               : QBID_ERR_PARSE;
}

/* Read with a wrong type being malformed. */
template <typename Read> int vitally(reader &r, Read read)
{
    bool before = r.vital;
    r.vital = true;
    int err = read();
    r.vital = before;
    return err;
}

/* An object that may be absent; reads its fields into what was reset before. */
template <typename Each> int read_object(reader &r, value v, Each each)
{
    string_view token = token_of(v);
    if (is_absent(token))
        return 0;
    if (token[0] != '{')
        return mismatch(r, v, token);
    simdjson::ondemand::object object;
    if (v.get_object().get(object) != simdjson::SUCCESS)
        return QBID_ERR_PARSE;
    return each_field(r, object, each);
}

template <typename Each> int read_array(reader &r, value v, Each each)
{
    string_view token = token_of(v);
    if (is_absent(token))
        return 0;
    return token[0] == '[' ? each_element(r, v, each) : mismatch(r, v, token);
}

} // namespace qbid_json

#endif
