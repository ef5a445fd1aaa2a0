/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON over the list of where its tokens start (plugin/openrtb/structure.h), so that every
 * value is validated: C++, for the parser only.
 *
 * What the list leaves open is checked here: the order of the tokens, and what numbers, words and
 * escapes may be. One token does not wait for the one before, as it would where each string had to
 * be searched for its end: that is seen from the next token backwards.
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

#include "plugin/openrtb/json_key.h"
#include "plugin/number.h"
#include "plugin/openrtb/openrtb.h"
#include "plugin/openrtb/structure.h"
#include "plugin/text.h"
#include "shm/error.h"

namespace qbid_json
{

/* Room for the tokens of a text. */
using start_list = uint32_t[QBID_OPENRTB_BYTES_MAX + QBID_STRUCTURE_SLACK];

/* Into the index: where a token starts in the body. */
using place = const uint32_t *;

/* State of one parse. */
struct reader {
    struct qbid_openrtb_request *out;
    char *text;       /* free part of the parser's text */
    uint32_t *inner;  /* starts of JSON in a string */
    char *inner_text; /* that of its strings */
    enum qbid_isa isa;
    unsigned depth;
    bool vital; /* a wrong type here is malformed */
    const char *body;
    const char *body_end;
    const char *escape; /* the first backslash behind the strings that were read, or the end */
    place at;           /* behind the container that was read last */
    place end;
};

/* By its first character. */
enum kind : uint32_t {
    KIND_WORD, /* true, false, null, or no value at all */
    KIND_NUMBER,
    KIND_STRING,
    KIND_OBJECT,
    KIND_ARRAY
};

/* Nothing of a value is checked before somebody reads it or skips it. */
struct value {
    place at;
    enum kind kind;
};

struct kind_table {
    uint8_t kind[256];
};

constexpr kind_table make_kinds()
{
    kind_table table = {};
    for (unsigned digit = '0'; digit <= '9'; digit++)
        table.kind[digit] = KIND_NUMBER;
    table.kind[unsigned{'-'}] = KIND_NUMBER;
    table.kind[unsigned{'"'}] = KIND_STRING;
    table.kind[unsigned{'{'}] = KIND_OBJECT;
    table.kind[unsigned{'['}] = KIND_ARRAY;
    return table;
}

constexpr kind_table kinds = make_kinds();

/* --- what stands at a place */

inline char mark_at(const reader &r, place at)
{
    return r.body[*at];
}

inline value value_at(const reader &r, place at)
{
    return {at, static_cast<enum kind>(kinds.kind[static_cast<unsigned char>(mark_at(r, at))])};
}

inline bool is_number(const value &v)
{
    return v.kind == KIND_NUMBER;
}

/* Whether the token at a place ends before `behind`: nothing but blanks may follow it there. */
inline bool ends_before(const reader &r, place at, const char *behind)
{
    char c = *behind;
    return behind == r.body + at[1] || c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* --- strings */

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

/* Whether the string at a place may hold a backslash: one stands before its end, in it or in an
 * earlier one. */
inline bool may_escape(const reader &r, place at)
{
    return r.escape < r.body + at[1];
}

/* Whether it does. */
[[gnu::noinline, gnu::cold]] inline bool has_escape(reader &r, place at)
{
    const char *start = r.body + at[0] + 1;
    if (r.escape < start)
        r.escape = find_escape(start, r.body_end);
    return r.escape < closing_quote(r, at);
}

/* Inside of the string at a place, escapes and all. */
inline struct qbid_text inside_of(const reader &r, place at)
{
    const char *start = r.body + at[0] + 1;
    return {start, static_cast<uint32_t>(closing_quote(r, at) - start)};
}

/* Whether the string at a place has no escape but those that JSON knows. */
inline bool is_sound_string(reader &r, place at)
{
    if (!may_escape(r, at) || !has_escape(r, at))
        return true;
    struct qbid_text text = inside_of(r, at);
    return qbid_text_escapes_valid(text.at, text.len);
}

/* Resolve escapes into the parser's own text. */
inline int unescape(reader &r, struct qbid_text text, struct qbid_text *ret)
{
    int64_t n = qbid_text_unescape(text.at, text.len, r.text);
    if (n < 0)
        return static_cast<int>(n);
    *ret = {r.text, static_cast<uint32_t>(n)};
    r.text += n;
    return 0;
}

/* A key that may hold a backslash, or has blanks behind it. */
[[gnu::noinline, gnu::cold]] inline json_key take_odd_key(reader &r, place at)
{
    struct qbid_text text = inside_of(r, at);
    if (may_escape(r, at) && has_escape(r, at) && unescape(r, text, &text) != 0)
        return key_malformed;
    return key_of(text.at, text.len);
}

/* The key at a place, which its colon must follow. */
inline json_key take_key(reader &r, place at)
{
    const char *start = r.body + at[0], *behind = r.body + at[1];
    if (*start != '"' || *behind != ':')
        return key_malformed;
    if (r.escape < behind || behind[-1] != '"')
        return take_odd_key(r, at);
    return key_of(start + 1, static_cast<size_t>(behind - start - 2));
}

/* --- numbers */

/* Digits at the start of a text: how many, at most 8, and as a number those of up to 7. */
struct digits {
    unsigned cnt;
    uint32_t number;
};

constexpr uint64_t each_byte = UINT64_C(0x0101010101010101);

/* Of eight characters less '0' each one that is no digit has its byte's highest bit set; those
 * behind it may have. */
inline uint64_t digit_errors(uint64_t word)
{
    return ((word + each_byte * (0x7f - 9)) | word) & each_byte * 0x80;
}

/* Eight digits, the first lowest: added in pairs, pairs of pairs, and halves. */
inline uint32_t sum_digits(uint64_t word)
{
    word = (word * 10 + (word >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word * 100 + (word >> 16)) & UINT64_C(0x0000ffff0000ffff);
    return static_cast<uint32_t>(word * 10000 + (word >> 32));
}

/* Fewer than eight are moved up to the word's end, so that zeros come before them. */
inline digits take_digits(const char *at)
{
    uint64_t word = load_word(at) ^ each_byte * '0', errors = digit_errors(word);
    if (errors & 0x80)
        return {0, 0};
    if (errors == 0)
        return {8, 0};
    unsigned bits = static_cast<unsigned>(__builtin_ctzll(errors)) & ~7u;
    return {bits / 8, sum_digits(word << (64 - bits))};
}

/* Behind the characters that a number may have. */
inline const char *walk_number(const char *at)
{
    while ((*at >= '0' && *at <= '9') || *at == '.' || *at == '-' || *at == '+' || *at == 'e' ||
           *at == 'E')
        at++;
    return at;
}

/* The characters of a number at a place that may be one; not whether they are. */
inline struct qbid_text number_at(const reader &r, place at)
{
    const char *start = r.body + *at;
    return {start, static_cast<uint32_t>(walk_number(start) - start)};
}

/* Whether the number at a place is a small one, of up to seven digits and no blank behind them:
 * what most of them are. */
inline bool take_small(const reader &r, place at, uint32_t *ret)
{
    const char *start = r.body + *at;
    unsigned len = at[1] - at[0];
    if (len == 1) {
        *ret = static_cast<uint32_t>(*start - '0');
        return *ret <= 9;
    }
    if (len > 7 || *start == '0')
        return false;
    uint64_t word = (load_word(start) ^ each_byte * '0') << (64 - 8 * len);
    *ret = sum_digits(word);
    return digit_errors(word) == 0;
}

/* A number of up to seven digits on either side of its point. */
struct fraction {
    digits whole, part;
};

inline bool take_fraction(const reader &r, place at, fraction *ret)
{
    const char *start = r.body + *at;
    ret->whole = take_digits(start);
    if (ret->whole.cnt - 1 >= 7 || start[ret->whole.cnt] != '.' ||
        (*start == '0' && ret->whole.cnt != 1))
        return false;
    start += ret->whole.cnt + 1;
    ret->part = take_digits(start);
    return ret->part.cnt - 1 < 7 && ends_before(r, at, start + ret->part.cnt);
}

/* A number of any form. */
[[gnu::noinline]] inline bool is_sound_number(const reader &r, place at)
{
    uint32_t small;
    fraction f;
    if (take_small(r, at, &small) || take_fraction(r, at, &f))
        return true;
    struct qbid_text text = number_at(r, at);
    return ends_before(r, at, text.at + text.len) && qbid_number_valid(text.at, text.len);
}

/* --- words */

template <size_t N> inline bool is_word(const reader &r, place at, const char (&word)[N])
{
    const char *start = r.body + *at;
    return memcmp(start, word, N - 1) == 0 && ends_before(r, at, start + N - 1);
}

inline bool is_sound_word(const reader &r, place at)
{
    return is_word(r, at, "true") || is_word(r, at, "false") || is_word(r, at, "null");
}

/* What stands for no value. */
inline bool is_absent(const reader &r, const value &v)
{
    if (v.kind == KIND_STRING)
        return r.body[v.at[0] + 1] == '"';
    return v.kind == KIND_WORD && is_word(r, v.at, "null");
}

/* --- values that nobody reads */

/* Behind a key and its colon; nullptr where there is none. */
inline place walk_key(reader &r, place at)
{
    if (mark_at(r, at) != '"' || mark_at(r, at + 1) != ':' || !is_sound_string(r, at))
        return nullptr;
    return at + 2;
}

inline bool is_sound_scalar(reader &r, place at, enum kind kind)
{
    if (kind == KIND_STRING)
        return is_sound_string(r, at);
    return kind == KIND_NUMBER ? is_sound_number(r, at) : is_sound_word(r, at);
}

/**
 * Check the container at a place, without recursion: a body of nothing but brackets
 * costs no more than a few times what others do.
 *
 * Shapes:  levels of containers that it may have, itself included, at most 32.
 * Returns: 0; QBID_ERR_PARSE; QBID_ERR_LIMIT where a container is too deep and sound so far.
 */
[[gnu::noinline]] inline int walk_container(reader &r, place at, unsigned levels)
{
    uint64_t objects = 0; /* bit by open container, the innermost lowest */
    unsigned open = 0;
    for (;;) { /* at a value */
        enum kind kind = value_at(r, at).kind;
        if (kind >= KIND_OBJECT) {
            bool object = kind == KIND_OBJECT;
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
            if (!is_sound_scalar(r, at, kind))
                return QBID_ERR_PARSE;
            at++;
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

[[gnu::noinline]] inline int skip_other(reader &r, const value v)
{
    if (v.kind >= KIND_OBJECT)
        return walk_container(r, v.at, QBID_OPENRTB_DEPTH_MAX - r.depth);
    return is_sound_scalar(r, v.at, v.kind) ? 0 : QBID_ERR_PARSE;
}

/* Check a value that nobody reads. */
inline int skip(reader &r, const value &v)
{
    return v.kind == KIND_STRING && !may_escape(r, v.at) ? 0 : skip_other(r, v);
}

/* --- containers. What is read nests far less deeply than a request may. */

/* The first entry behind a bracket; nullptr, and the reader behind both brackets, when there is
 * none. */
inline place first_entry(reader &r, place bracket, char close)
{
    if (mark_at(r, bracket + 1) != close)
        return bracket + 1;
    r.at = bracket + 2;
    return nullptr;
}

/* At what follows an entry, which is no comma. */
inline int close_entries(reader &r, char close, place at)
{
    if (mark_at(r, at) != close)
        return QBID_ERR_PARSE;
    r.depth--;
    r.at = at + 1;
    return 0;
}

/* Whether a body ends behind the entry v, within a container; else *at, a scalar's place, moves
 * behind the entry. */
inline bool ends_behind(const reader &r, const value &v, place *at)
{
    if (v.kind < KIND_OBJECT) {
        ++*at;
        return false;
    }
    *at = r.at;
    return *at == r.end;
}

template <typename Each> int each_field(reader &r, place bracket, Each each)
{
    place at = first_entry(r, bracket, '}');
    if (at == nullptr)
        return 0;
    r.depth++;
    for (;; at++) {
        json_key key = take_key(r, at);
        if (key == key_malformed)
            return QBID_ERR_PARSE;
        at += 2;
        value v = value_at(r, at);
        int err = each(key, v);
        if (err != 0)
            return err;
        if (ends_behind(r, v, &at))
            return QBID_ERR_PARSE;
        if (mark_at(r, at) != ',')
            return close_entries(r, '}', at);
    }
}

template <typename Each> int each_element(reader &r, place bracket, Each each)
{
    place at = first_entry(r, bracket, ']');
    if (at == nullptr)
        return 0;
    r.depth++;
    for (;; at++) {
        value v = value_at(r, at);
        int err = each(v);
        if (err != 0)
            return err;
        if (ends_behind(r, v, &at))
            return QBID_ERR_PARSE;
        if (mark_at(r, at) != ',')
            return close_entries(r, ']', at);
    }
}

/* All of a text, with padding behind it, which must be one object. */
template <typename Each>
int each_root_field(reader &r, uint32_t *starts, struct qbid_text text, Each each)
{
    struct qbid_structure found;
    int err = qbid_structure_find(r.isa, text.at, text.len, starts, &found);
    if (err != 0 || found.cnt == 0)
        return QBID_ERR_PARSE;
    r.body = text.at;
    r.body_end = text.at + text.len;
    r.escape = text.at + found.escape;
    r.end = starts + found.cnt;
    if (mark_at(r, starts) != '{' || mark_at(r, r.end - 1) != '}')
        return QBID_ERR_PARSE;
    err = each_field(r, starts, each);
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
        return each_field(r, v.at, each);
    return is_absent(r, v) ? 0 : mismatch(r, v);
}

template <typename Each> int read_array(reader &r, const value &v, Each each)
{
    if (v.kind == KIND_ARRAY)
        return each_element(r, v.at, each);
    return is_absent(r, v) ? 0 : mismatch(r, v);
}

} // namespace qbid_json

#endif
