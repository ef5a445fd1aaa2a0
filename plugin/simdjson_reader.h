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
    char *text; /* free part of the parser's text */
    unsigned depth;
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

/* The inside of a string, with its escapes resolved. */
inline int take_string(reader &r, string_view token, struct qbid_text *ret)
{
    if (!is_string(token))
        return QBID_ERR_PARSE;
    string_view inside = token.substr(1, token.size() - 2);
    if (memchr(inside.data(), '\\', inside.size()) == nullptr) {
        *ret = {inside.data(), static_cast<uint32_t>(inside.size())};
        return 0;
    }
    int64_t n = qbid_text_unescape(inside.data(), inside.size(), r.text);
    if (n < 0)
        return static_cast<int>(n);
    *ret = {r.text, static_cast<uint32_t>(n)};
    r.text += n;
    return 0;
}

/* --- containers */

/* The key of a field: nearly always without an escape, and then where it stands. */
inline int take_key(reader &r, field &f, string_view *ret)
{
    const char *start = f.key().raw(), *at = start;
    while (*at != '"' && *at != '\\')
        at++;
    if (*at == '"') {
        *ret = {start, static_cast<size_t>(at - start)};
        return 0;
    }
    for (; *at != '"'; at++)
        if (*at == '\\')
            at++;
    int64_t n = qbid_text_unescape(start, static_cast<size_t>(at - start), r.text);
    if (n < 0)
        return static_cast<int>(n);
    *ret = {r.text, static_cast<size_t>(n)};
    r.text += n;
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
        if (!is_string(token) || !qbid_text_escapes_valid(token.data() + 1, token.size() - 2))
            return QBID_ERR_PARSE;
        return 0;
    case 't':
        return token == "true" ? 0 : QBID_ERR_PARSE;
    case 'f':
        return token == "false" ? 0 : QBID_ERR_PARSE;
    case 'n':
        return token == "null" ? 0 : QBID_ERR_PARSE;
    default:
        return qbid_number_valid(token.data(), token.size()) ? 0 : QBID_ERR_PARSE;
    }
}

/* An object that may be absent; reads its fields into what was reset before. */
template <typename Each> int read_object(reader &r, value v, Each each)
{
    if (is_absent(token_of(v)))
        return 0;
    simdjson::ondemand::object object;
    if (v.get_object().get(object) != simdjson::SUCCESS)
        return QBID_ERR_PARSE;
    return each_field(r, object, each);
}

template <typename Each> int read_array(reader &r, value v, Each each)
{
    return is_absent(token_of(v)) ? 0 : each_element(r, v, each);
}

/* --- scalars: each sets its default first, so that a repeated key replaces */

inline int read_text(reader &r, value v, struct qbid_text *ret)
{
    string_view token = token_of(v);
    *ret = {nullptr, 0};
    return is_absent(token) ? 0 : take_string(r, token, ret);
}

inline int read_label(reader &r, value v, struct qbid_text *ret)
{
    string_view token = token_of(v);
    if (!is_number(token))
        return read_text(r, v, ret);
    *ret = {token.data(), static_cast<uint32_t>(token.size())};
    return qbid_number_valid(token.data(), token.size()) ? 0 : QBID_ERR_PARSE;
}

inline int read_int(value v, int32_t absent, int32_t *ret)
{
    string_view token = token_of(v);
    int64_t wide;
    *ret = absent;
    if (is_absent(token))
        return 0;
    int err = qbid_number_int(token.data(), token.size(), &wide);
    if (err != 0)
        return err;
    *ret = static_cast<int32_t>(wide > INT32_MAX    ? INT32_MAX
                                : wide <= INT32_MIN ? -INT32_MAX
                                                    : wide);
    return 0;
}

inline int read_tri(value v, enum qbid_openrtb_tri *ret)
{
    string_view token = token_of(v);
    int32_t number;
    *ret = QBID_TRI_ABSENT;
    if (token == "true" || token == "false") {
        *ret = token == "true" ? QBID_TRI_YES : QBID_TRI_NO;
        return 0;
    }
    int err = read_int(v, QBID_OPENRTB_INT_ABSENT, &number);
    if (err == 0 && number != QBID_OPENRTB_INT_ABSENT)
        *ret = number != 0 ? QBID_TRI_YES : QBID_TRI_NO;
    return err;
}

inline int read_flag(value v, bool *ret)
{
    enum qbid_openrtb_tri tri;
    int err = read_tri(v, &tri);
    *ret = tri == QBID_TRI_YES;
    return err;
}

inline int read_floor(value v, int64_t *ret)
{
    string_view token = token_of(v);
    *ret = 0;
    if (is_absent(token))
        return 0;
    int err = qbid_number_micros(token.data(), token.size(), QBID_NUMBER_UP, ret);
    if (*ret < 0)
        *ret = 0;
    return err;
}

} // namespace qbid_json

#endif
