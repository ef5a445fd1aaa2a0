/* SPDX-License-Identifier: Apache-2.0 */
/* Validating a JSON value that nobody reads, from its bytes: C++, for the parser only.
 *
 * Where it stands in a body that simdjson's first stage has seen: the body is UTF-8, every string
 * in it is closed and holds no control character. The rest of the grammar is checked here, without
 * recursion, so that a body of nothing but brackets costs no more than a few times what others do.
 */
#ifndef QBID_PLUGIN_OPENRTB_JSON_WALK_H
#define QBID_PLUGIN_OPENRTB_JSON_WALK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "plugin/number.h"
#include "plugin/text.h"
#include "shm/error.h"

namespace qbid_json
{

using std::string_view;

inline bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
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

inline bool is_valid_number(string_view token)
{
    return is_small(token) || qbid_number_valid(token.data(), token.size());
}

/* The character at `at`; a NUL, which begins and continues nothing, behind the end. */
inline char char_at(const char *at, const char *end)
{
    return at < end ? *at : '\0';
}

/* Behind the string whose quote is at `at`; nullptr when one of its escapes is none. */
inline const char *walk_string(const char *at)
{
    const char *start = at + 1, *end = find_mark(start);
    if (*end == '"')
        return end + 1;
    while (*end != '"')
        end = find_mark(end + 2);
    return qbid_text_escapes_valid(start, static_cast<size_t>(end - start)) ? end + 1 : nullptr;
}

inline const char *walk_word(const char *at, const char *end, string_view word)
{
    bool same =
        static_cast<size_t>(end - at) >= word.size() && memcmp(at, word.data(), word.size()) == 0;
    return same ? at + word.size() : nullptr;
}

inline const char *walk_number(const char *at, const char *end)
{
    const char *start = at;
    while (at < end && ((*at >= '0' && *at <= '9') || *at == '-' || *at == '+' || *at == '.' ||
                        *at == 'e' || *at == 'E'))
        at++;
    string_view token(start, static_cast<size_t>(at - start));
    return !token.empty() && is_valid_number(token) ? at : nullptr;
}

/* A string, number or word. */
inline const char *walk_scalar(const char *at, const char *end)
{
    switch (char_at(at, end)) {
    case '"':
        return walk_string(at);
    case 't':
        return walk_word(at, end, "true");
    case 'f':
        return walk_word(at, end, "false");
    case 'n':
        return walk_word(at, end, "null");
    default:
        return walk_number(at, end);
    }
}

inline const char *walk_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

/* Behind a key and its colon; nullptr where there is none. */
inline const char *walk_key(const char *at, const char *end)
{
    at = walk_blanks(at, end);
    if (char_at(at, end) != '"')
        return nullptr;
    at = walk_string(at);
    if (at == nullptr)
        return nullptr;
    at = walk_blanks(at, end);
    return char_at(at, end) == ':' ? at + 1 : nullptr;
}

/**
 * Check a container.
 *
 * Shapes:  at is its bracket; end that of the body, behind which there is padding; levels of
 *          containers that it may have, itself included, at most 32.
 * Returns: 0; QBID_ERR_PARSE; QBID_ERR_LIMIT where a container is too deep and sound so far.
 * Cost:    about 2 ns a bracket; strings 16 bytes at a time.
 */
inline int walk_container(const char *at, const char *end, unsigned levels)
{
    uint64_t objects = 0; /* bit by open container, the innermost lowest */
    unsigned open = 0;
    for (;;) { /* at a value */
        at = walk_blanks(at, end);
        char first = char_at(at, end);
        if (first == '{' || first == '[') {
            bool object = first == '{';
            if (open == levels)
                return QBID_ERR_LIMIT;
            objects = objects << 1 | object;
            open++;
            at = walk_blanks(at + 1, end);
            if (char_at(at, end) != (object ? '}' : ']')) {
                at = object ? walk_key(at, end) : at;
                if (at == nullptr)
                    return QBID_ERR_PARSE;
                continue;
            }
        } else {
            at = walk_scalar(at, end);
            if (at == nullptr)
                return QBID_ERR_PARSE;
            at = walk_blanks(at, end);
        }
        /* behind a value, or at the end of a container without one */
        while (char_at(at, end) == (objects & 1 ? '}' : ']')) {
            objects >>= 1;
            if (--open == 0)
                return 0;
            at = walk_blanks(at + 1, end);
        }
        if (char_at(at, end) != ',')
            return QBID_ERR_PARSE;
        at++;
        if ((objects & 1) && (at = walk_key(at, end)) == nullptr)
            return QBID_ERR_PARSE;
    }
}

} // namespace qbid_json

#endif
