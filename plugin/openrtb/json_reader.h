/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON over the index that simdjson's first stage makes of it, so that every value is
 * validated: C++, for the parser only.
 *
 * The first stage has checked that a body is UTF-8 and that its strings are closed and hold no
 * control character, and has noted where each token starts: brackets, commas, colons, strings,
 * numbers and words. The rest of the grammar is checked here, over those places: one place does not
 * wait for the one before, as it would where each string had to be searched for its end.
 *
 * A reader hands out each field of an object and each element of an array. Whoever gets a container
 * reads it or skips it, which checks it; so nothing is passed unseen.
 *
 * The last token of a body is a brace. So whatever is no closing bracket has a token behind it, and
 * only behind a closing one it is to be asked whether that was the last.
 */
#ifndef QBID_PLUGIN_OPENRTB_JSON_READER_H
#define QBID_PLUGIN_OPENRTB_JSON_READER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <simdjson.h>

#include "plugin/openrtb/json_key.h"
#include "plugin/number.h"
#include "plugin/openrtb/openrtb.h"
#include "plugin/text.h"
#include "shm/error.h"

namespace qbid_json
{

using first_stage = simdjson::internal::dom_parser_implementation;

/* Into the index: where a token starts in the body. */
using place = const uint32_t *;

/* State of one parse. */
struct reader {
    struct qbid_openrtb_request *out;
    char *text;         /* free part of the parser's text */
    first_stage *inner; /* of JSON in a string */
    char *inner_text;   /* that of its strings */
    unsigned depth;
    bool vital; /* a wrong type here is malformed */
    const char *body;
    const char *body_end;
    const char *escape; /* the first backslash behind the strings that were read, or the end */
    place at;           /* a container's bracket; behind it once it was read */
    place end;
};

enum kind : uint32_t {
    KIND_NULL,
    KIND_FALSE,
    KIND_TRUE,
    KIND_STRING,  /* without escapes */
    KIND_ESCAPED, /* with some, not checked yet */
    KIND_SMALL,   /* a number of up to nine digits: what most of a request are */
    KIND_NUMBER,  /* another one, not checked yet */
    KIND_OBJECT,
    KIND_ARRAY
};

struct value {
    const char *at; /* of a string its inside */
    uint32_t size;  /* bytes of a string or number; of a small number its value */
    enum kind kind;
};

inline bool is_number(const value &v)
{
    return v.kind == KIND_SMALL || v.kind == KIND_NUMBER;
}

inline bool is_absent(const value &v)
{
    return v.kind == KIND_NULL || (v.kind == KIND_STRING && v.size == 0);
}

/* Resolve escapes into the parser's own text. */
inline int unescape(reader &r, const char *text, size_t len, struct qbid_text *ret)
{
    int64_t n = qbid_text_unescape(text, len, r.text);
    if (n < 0)
        return static_cast<int>(n);
    *ret = {r.text, static_cast<uint32_t>(n)};
    r.text += n;
    return 0;
}

/* --- tokens: what stands at a place. Each returns the place behind it, nullptr where it is none.
 */

inline char mark_at(const reader &r, place at)
{
    return r.body[*at];
}

inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whether the token at a place ends before `behind`: nothing but blanks may follow it there. */
inline bool ends_before(const reader &r, place at, const char *behind)
{
    char c = *behind;
    return behind == r.body + at[1] || c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The first backslash from `from` on, or the end. */
inline const char *find_escape(const char *from, const char *end)
{
    const void *found = memchr(from, '\\', static_cast<size_t>(end - from));
    return found != nullptr ? static_cast<const char *>(found) : end;
}

/* The closing quote of the string at a place, behind which there are blanks at most. */
inline const char *closing_quote(const reader &r, place at)
{
    const char *quote = r.body + at[1] - 1;
    while (*quote != '"')
        quote--;
    return quote;
}

/* Whether a string may hold a backslash: one stands before its end, in it or in an earlier one. */
inline bool may_escape(const reader &r, const char *quote)
{
    return r.escape < quote;
}

/* A string that may hold a backslash. */
[[gnu::noinline, gnu::cold]] inline place take_escaped(reader &r, place at, value *ret)
{
    const char *start = r.body + at[0] + 1, *quote = closing_quote(r, at);
    if (r.escape < start)
        r.escape = find_escape(start, r.body_end);
    *ret = {start, static_cast<uint32_t>(quote - start),
            r.escape < quote ? KIND_ESCAPED : KIND_STRING};
    return at + 1;
}

/* What is rare is left to another function as a whole: this one needs no frame. */
inline place take_string(reader &r, place at, value *ret)
{
    const char *start = r.body + at[0] + 1, *quote = closing_quote(r, at);
    if (may_escape(r, quote))
        return take_escaped(r, at, ret);
    *ret = {start, static_cast<uint32_t>(quote - start), KIND_STRING};
    return at + 1;
}

/* Behind the characters that a number may have. */
inline const char *walk_number(const char *at)
{
    while (is_digit(*at) || *at == '.' || *at == '-' || *at == '+' || *at == 'e' || *at == 'E')
        at++;
    return at;
}

/* A number that is not small, or none. */
[[gnu::noinline]] inline place take_long_number(const reader &r, place at, value *ret)
{
    const char *start = r.body + *at, *behind = walk_number(start);
    *ret = {start, static_cast<uint32_t>(behind - start), KIND_NUMBER};
    return behind != start && ends_before(r, at, behind) ? at + 1 : nullptr;
}

inline place take_number(const reader &r, place at, value *ret)
{
    const char *start = r.body + *at, *behind = start;
    uint32_t number = 0;
    while (is_digit(*behind))
        number = number * 10 + static_cast<uint32_t>(*behind++ - '0'); /* of many digits not used */
    ptrdiff_t digits = behind - start;
    if (digits < 1 || digits > 9 || (*start == '0' && digits != 1) || !ends_before(r, at, behind))
        return take_long_number(r, at, ret);
    *ret = {start, number, KIND_SMALL};
    return at + 1;
}

template <size_t N>
inline place take_word(const reader &r, place at, const char (&word)[N], enum kind kind, value *ret)
{
    const char *start = r.body + *at;
    *ret = {start, N - 1, kind};
    return memcmp(start, word, N - 1) == 0 && ends_before(r, at, start + N - 1) ? at + 1 : nullptr;
}

/* A value that is no string. A container is not passed: its place becomes the reader's. */
[[gnu::noinline]] inline place take_other(reader &r, place at, value *ret)
{
    switch (mark_at(r, at)) {
    case '{':
        *ret = {nullptr, 0, KIND_OBJECT};
        return r.at = at;
    case '[':
        *ret = {nullptr, 0, KIND_ARRAY};
        return r.at = at;
    case 't':
        return take_word(r, at, "true", KIND_TRUE, ret);
    case 'f':
        return take_word(r, at, "false", KIND_FALSE, ret);
    case 'n':
        return take_word(r, at, "null", KIND_NULL, ret);
    default:
        return take_number(r, at, ret);
    }
}

inline place take_value(reader &r, place at, value *ret)
{
    return mark_at(r, at) == '"' ? take_string(r, at, ret) : take_other(r, at, ret);
}

/* A field whose key may hold a backslash. */
[[gnu::noinline, gnu::cold]] inline place take_escaped_field(reader &r, place at, json_key *ret_key,
                                                             value *ret)
{
    value key;
    struct qbid_text text;
    at = take_escaped(r, at, &key);
    if (mark_at(r, at) != ':')
        return nullptr;
    text = {key.at, key.size};
    if (key.kind == KIND_ESCAPED && unescape(r, key.at, key.size, &text) != 0)
        return nullptr;
    *ret_key = key_of(text.at, text.len);
    return take_value(r, at + 1, ret);
}

/* A field of an object; its key is where it stands. */
[[gnu::noinline]] inline place take_field(reader &r, place at, json_key *ret_key, value *ret)
{
    const char *start = r.body + at[0], *quote;
    if (*start != '"')
        return nullptr;
    quote = closing_quote(r, at);
    if (may_escape(r, quote))
        return take_escaped_field(r, at, ret_key, ret);
    if (mark_at(r, at + 1) != ':')
        return nullptr;
    *ret_key = key_of(start + 1, static_cast<size_t>(quote - start - 1));
    return take_value(r, at + 2, ret);
}

/* --- values that nobody reads */

inline bool is_sound(const value &v)
{
    if (v.kind == KIND_ESCAPED)
        return qbid_text_escapes_valid(v.at, v.size);
    return v.kind != KIND_NUMBER || qbid_number_valid(v.at, v.size);
}

/* Behind a key and its colon; nullptr where there is none. */
inline place walk_key(reader &r, place at)
{
    value key;
    if (mark_at(r, at) != '"')
        return nullptr;
    at = take_string(r, at, &key);
    return mark_at(r, at) == ':' && is_sound(key) ? at + 1 : nullptr;
}

/**
 * Check the container at the reader's place, without recursion: a body of nothing but brackets
 * costs no more than a few times what others do.
 *
 * Shapes:  levels of containers that it may have, itself included, at most 32.
 * Returns: 0; QBID_ERR_PARSE; QBID_ERR_LIMIT where a container is too deep and sound so far.
 */
inline int walk_container(reader &r, unsigned levels)
{
    uint64_t objects = 0; /* bit by open container, the innermost lowest */
    unsigned open = 0;
    place at = r.at;
    for (;;) { /* at a value */
        char first = mark_at(r, at);
        if (first == '{' || first == '[') {
            bool object = first == '{';
            if (open == levels)
                return QBID_ERR_LIMIT;
            objects = objects << 1 | object;
            open++;
            at++;
            if (mark_at(r, at) != (object ? '}' : ']')) {
                at = object ? walk_key(r, at) : at;
                if (at == nullptr)
                    return QBID_ERR_PARSE;
                continue;
            }
        } else {
            value v;
            at = take_value(r, at, &v);
            if (at == nullptr || !is_sound(v))
                return QBID_ERR_PARSE;
        }
        /* behind a value, or at the end of a container without one */
        while (mark_at(r, at) == (objects & 1 ? '}' : ']')) {
            at++;
            objects >>= 1;
            if (--open == 0) {
                r.at = at;
                return 0;
            }
            if (at == r.end)
                return QBID_ERR_PARSE;
        }
        if (mark_at(r, at) != ',')
            return QBID_ERR_PARSE;
        at++;
        if ((objects & 1) && (at = walk_key(r, at)) == nullptr)
            return QBID_ERR_PARSE;
    }
}

/* Check a value that nobody reads. */
inline int skip(reader &r, const value &v)
{
    if (v.kind >= KIND_OBJECT)
        return walk_container(r, QBID_OPENRTB_DEPTH_MAX - r.depth);
    return is_sound(v) ? 0 : QBID_ERR_PARSE;
}

/* --- containers. What is read nests far less deeply than a request may. */

/* The first entry within the bracket at the reader's place; nullptr, and the reader behind it, when
 * there is none. */
inline place first_entry(reader &r, char close)
{
    place at = r.at + 1;
    if (mark_at(r, at) != close)
        return at;
    r.at = at + 1;
    return nullptr;
}

/* Behind the entry v, a scalar's is at. */
inline place behind_entry(const reader &r, const value &v, place at)
{
    return v.kind >= KIND_OBJECT ? r.at : at;
}

/* At what follows an entry, which is no comma. */
inline int close_entries(reader &r, char close, place at)
{
    if (at == r.end || mark_at(r, at) != close)
        return QBID_ERR_PARSE;
    r.at = at + 1;
    return 0;
}

template <typename Each> int each_field(reader &r, Each each)
{
    place at = first_entry(r, '}');
    r.depth++;
    while (at != nullptr) {
        json_key key;
        value v;
        at = take_field(r, at, &key, &v);
        if (at == nullptr)
            return QBID_ERR_PARSE;
        int err = each(key, v);
        if (err != 0)
            return err;
        at = behind_entry(r, v, at);
        if (at == r.end || mark_at(r, at) != ',') {
            r.depth--;
            return close_entries(r, '}', at);
        }
        at++;
    }
    r.depth--;
    return 0;
}

template <typename Each> int each_element(reader &r, Each each)
{
    place at = first_entry(r, ']');
    r.depth++;
    while (at != nullptr) {
        value v;
        at = take_value(r, at, &v);
        if (at == nullptr)
            return QBID_ERR_PARSE;
        int err = each(v);
        if (err != 0)
            return err;
        at = behind_entry(r, v, at);
        if (at == r.end || mark_at(r, at) != ',') {
            r.depth--;
            return close_entries(r, ']', at);
        }
        at++;
    }
    r.depth--;
    return 0;
}

/* All of a text, with padding behind it, which must be one object. */
template <typename Each>
int each_root_field(reader &r, first_stage *stage, struct qbid_text text, Each each)
{
    if (stage->stage1(reinterpret_cast<const uint8_t *>(text.at), text.len,
                      simdjson::stage1_mode::regular) != simdjson::SUCCESS)
        return QBID_ERR_PARSE;
    r.body = text.at;
    r.body_end = text.at + text.len;
    r.escape = find_escape(r.body, r.body_end);
    r.at = stage->structural_indexes.get();
    r.end = r.at + stage->n_structural_indexes;
    if (mark_at(r, r.at) != '{' || mark_at(r, r.end - 1) != '}')
        return QBID_ERR_PARSE;
    int err = each_field(r, each);
    return err == 0 && r.at != r.end ? QBID_ERR_PARSE : err;
}

/* A value of a wrong type: still to be valid JSON. */
inline int mismatch(reader &r, const value &v)
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
template <typename Each> int read_object(reader &r, const value &v, Each each)
{
    if (v.kind == KIND_OBJECT)
        return each_field(r, each);
    return is_absent(v) ? 0 : mismatch(r, v);
}

template <typename Each> int read_array(reader &r, const value &v, Each each)
{
    if (v.kind == KIND_ARRAY)
        return each_element(r, each);
    return is_absent(v) ? 0 : mismatch(r, v);
}

} // namespace qbid_json

#endif
