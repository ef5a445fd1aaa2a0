/* SPDX-License-Identifier: Apache-2.0 */
/* A key of a JSON object, compared with names a word at a time: C++, for the parser only. */
#ifndef QBID_PLUGIN_JSON_KEY_H
#define QBID_PLUGIN_JSON_KEY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <utility>

namespace qbid_json
{

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a word's first character is its lowest");

inline uint64_t load_word(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Eight bytes can be read from where it stands, however short it is. */
struct json_key {
    const char *at;
    size_t len;
    uint64_t word; /* its first eight characters, zeros behind a shorter one */
};

inline json_key key_of(const char *at, size_t len)
{
    uint64_t word = load_word(at);
    return {at, len, len >= 8 ? word : word & ((UINT64_C(1) << (8 * len)) - 1)};
}

/* Characters of a name as a word: a constant wherever the name is one. */
template <size_t First, size_t N, size_t... I>
constexpr uint64_t name_word(const char (&name)[N], std::index_sequence<I...>)
{
    return ((uint64_t{static_cast<unsigned char>(name[First + I])} << (8 * I)) | ...);
}

/* Names have 1 to 16 characters: two words, of which the second may begin within the first. */
template <size_t N>
[[gnu::always_inline]] inline bool operator==(const json_key &key, const char (&name)[N])
{
    constexpr size_t len = N - 1;
    static_assert(len >= 1 && len <= 16, "two words hold it");
    if constexpr (len <= 8)
        return key.word == name_word<0>(name, std::make_index_sequence<len>()) && key.len == len;
    else
        return key.word == name_word<0>(name, std::make_index_sequence<8>()) && key.len == len &&
               load_word(key.at + len - 8) ==
                   name_word<len - 8>(name, std::make_index_sequence<8>());
}

template <size_t N>
[[gnu::always_inline]] inline bool operator!=(const json_key &key, const char (&name)[N])
{
    return !(key == name);
}

} // namespace qbid_json

#endif
