/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON with simdjson On-Demand so that every value is validated: C++, for the parser only.
 *
 * On-Demand checks what it is asked for and steps over the rest. Here nothing is stepped over
 * unseen: containers that are read are walked to their end, and skip() checks a value that nobody
 * wants (plugin/openrtb/json_walk.h) before On-Demand steps over it. UTF-8 and closed strings are
 * checked by its first stage for the whole body.
 */
#ifndef QBID_PLUGIN_OPENRTB_SIMDJSON_READER_H
#define QBID_PLUGIN_OPENRTB_SIMDJSON_READER_H

#include <utility>

#include <simdjson.h>

#include "plugin/openrtb/json_walk.h"
#include "plugin/openrtb/openrtb.h"
#include "shm/error.h"

namespace qbid_json
{

using simdjson::ondemand::field;
using simdjson::ondemand::value;

/* State of one parse. */
struct reader {
    struct qbid_openrtb_request *out;
    const char *end;                   /* of the body */
    char *text;                        /* free part of the parser's text */
    simdjson::ondemand::parser *inner; /* of JSON in a string */
    char *inner_text;                  /* that, and its strings whose escapes were resolved */
    unsigned depth;
    bool vital; /* a wrong type here is malformed */
};

/* --- tokens: what stands at a value that was not entered yet */

/* A string is consumed here: left alone, On-Demand would take one that a colon follows for a key
 * and let "a": "b": 1 pass. Its token ends with its quote: the first stage has refused a body with
 * an open string, and what follows a quote without a blank is a token of its own. */
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

inline bool is_number(string_view token)
{
    return token[0] == '-' || (token[0] >= '0' && token[0] <= '9');
}

inline bool is_absent(string_view token)
{
    return token == "null" || token == "\"\"";
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
    const char *start = token.data() + 1, *end = find_mark(start);
    size_t len = static_cast<size_t>(end - start);
    int err = *end == '"' ? 0 : unescape(r, start, token.size() - 2, &start, &len);
    if (err == 0)
        *ret = {start, static_cast<uint32_t>(len)};
    return err;
}

inline int32_t small_value(string_view token)
{
    int32_t number = 0;
    for (char c : token)
        number = number * 10 + (c - '0');
    return number;
}

/* --- containers */

/* The key of a field: nearly always without an escape, and then where it stands. */
inline int take_key(reader &r, field &f, string_view *ret)
{
    const char *start = f.key().raw(), *end = find_mark(start);
    size_t len = static_cast<size_t>(end - start);
    if (*end != '"') {
        while (*end != '"')
            end = find_mark(end + 2);
        int err = unescape(r, start, static_cast<size_t>(end - start), &start, &len);
        if (err != 0)
            return err;
    }
    *ret = {start, len};
    return 0;
}

template <typename Object, typename Each> int each_field(reader &r, Object object, Each each)
{
    r.depth++; /* what is read nests far less deeply than a request may */
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

template <typename Each> int each_element(reader &r, simdjson::ondemand::array array, Each each)
{
    r.depth++;
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

/* Validate a value that nobody reads: On-Demand itself steps over it unseen. */
inline int skip(reader &r, value v)
{
    string_view token = token_of(v);
    if (token[0] == '{' || token[0] == '[')
        return walk_container(token.data(), r.end, QBID_OPENRTB_DEPTH_MAX - r.depth);
    const char *end = walk_scalar(token.data(), token.data() + token.size());
    return end == token.data() + token.size() ? 0 : QBID_ERR_PARSE;
}

/* A value of a wrong type, whose token was taken: still to be valid JSON. */
inline int mismatch(reader &r, value v)
{
    if (r.vital)
        return QBID_ERR_PARSE;
    r.out->wrong_type = true;
    return skip(r, v);
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
    simdjson::ondemand::object object;
    if (is_absent(token_of(v)))
        return 0;
    if (v.get_object().get(object) != simdjson::SUCCESS)
        return mismatch(r, v);
    return each_field(r, object, each);
}

template <typename Each> int read_array(reader &r, value v, Each each)
{
    simdjson::ondemand::array array;
    if (is_absent(token_of(v)))
        return 0;
    if (v.get_array().get(array) != simdjson::SUCCESS)
        return mismatch(r, v);
    return each_element(r, array, each);
}

} // namespace qbid_json

#endif
