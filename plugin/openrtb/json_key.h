/* SPDX-License-Identifier: Apache-2.0 */
/* A key of a JSON object, compared with names a word at a time: C++, for the parser only. */
#ifndef QBID_PLUGIN_OPENRTB_JSON_KEY_H
#define QBID_PLUGIN_OPENRTB_JSON_KEY_H

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

/* Sixteen bytes can be read from where it stands, however short it is. */
struct json_key {
    const char *at;
    size_t len;
    uint64_t
        word; /* its first eight characters; of a shorter one all, zeros and the length's tag */
};

/* Last byte of a word that is shorter: none that UTF-8 has, so no longer key has the same word. */
constexpr uint64_t length_tag(size_t len)
{
    return (0xf8 + uint64_t{len}) << 56;
}

/* Of a word with len characters of a key: those of the key, and what stands for their number. */
struct key_mask {
    uint64_t keep, tag;
};

constexpr key_mask mask_of(size_t len)
{
    return {len < 8 ? (UINT64_C(1) << (8 * len)) - 1 : ~UINT64_C(0), len < 8 ? length_tag(len) : 0};
}

constexpr key_mask key_masks[9] = {mask_of(0), mask_of(1), mask_of(2), mask_of(3), mask_of(4),
                                   mask_of(5), mask_of(6), mask_of(7), mask_of(8)};

inline json_key key_of(const char *at, size_t len)
{
    const key_mask &mask = key_masks[len < 8 ? len : 8];
    return {at, len, (load_word(at) & mask.keep) | mask.tag};
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
    if constexpr (len < 8)
        return key.word == (name_word<0>(name, std::make_index_sequence<len>()) | length_tag(len));
    uint64_t differ =
        key.word ^ name_word<0>(name, std::make_index_sequence<(len < 8 ? len : 8)>());
    if constexpr (len > 8)
        differ |=
            load_word(key.at + len - 8) ^ name_word<len - 8>(name, std::make_index_sequence<8>());
    return (differ | (key.len ^ len)) == 0;
}

template <size_t N>
[[gnu::always_inline]] inline bool operator!=(const json_key &key, const char (&name)[N])
{
    return !(key == name);
}

} // namespace qbid_json

#endif
