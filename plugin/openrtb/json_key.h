/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of JSON objects as numbers, found by a perfect hash: C++, for the parser only.
 *
 * All names that any object is asked for are in one list, so that a key is looked at once, however
 * many of them its object knows; readers then compare numbers.
 */
#ifndef QBID_PLUGIN_OPENRTB_JSON_KEY_H
#define QBID_PLUGIN_OPENRTB_JSON_KEY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace qbid_json
{

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a word's first character is its lowest");

/* Names have 1 to 16 characters: two words, of which the second may begin within the first. */
/* clang-format off */
#define QBID_JSON_NAME_LIST(X) \
    X(acat) X(api) X(app) X(asi) X(assets) X(at) X(audio) X(badv) X(banner) X(bapp) X(battr) \
    X(bcat) X(bidfloor) X(bidfloorcur) X(brand) X(bseat) X(btype) X(bundle) X(buyeruid) \
    X(cattax) X(complete) X(consent) X(coppa) X(country) X(cur) X(data) X(deals) X(delivery) \
    X(device) X(devicetype) X(dnt) X(domain) X(dooh) X(dsa) X(dsarequired) X(durfloors) X(eids) \
    X(exp) X(expdir) X(ext) X(format) X(gdpr) X(geo) X(gpc) X(gpp) X(gpp_sid) X(guar) X(h) \
    X(hmin) X(hp) X(id) X(ifa) X(img) X(imp) X(instl) X(len) X(linearity) X(lmt) X(maxbitrate) \
    X(maxdur) X(maxduration) X(mimes) X(minbitrate) X(mincpmpersec) X(mindur) X(minduration) \
    X(mobile) X(multiplier) X(native) X(nodes) X(os) X(platform) X(plcmt) X(pmp) X(poddur) \
    X(pos) X(private_auction) X(protocols) X(qty) X(region) X(regs) X(request) X(required) \
    X(rqddurs) X(rwdd) X(schain) X(secure) X(segment) X(sid) X(site) X(skip) X(source) X(sua) \
    X(test) X(title) X(tmax) X(type) X(uids) X(us_privacy) X(user) X(utcoffset) X(ver) X(video) \
    X(w) X(wadomain) X(wlang) X(wlangb) X(wmin) X(wseat)
/* clang-format on */

enum json_key : uint32_t {
    key_other, /* none of the names */
#define X(name) key_##name,
    QBID_JSON_NAME_LIST(X)
#undef X
        key_cnt,
    key_malformed /* no key stands there */
};

inline uint64_t load_word(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Up to eight characters from `at` on as a word, the first lowest; fewer are moved up, so that
 * words of different lengths differ: keys have no control characters. */
constexpr uint64_t name_word(const char *at, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < 8 && i < len; i++)
        word |= uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
    return len < 8 ? word << (64 - 8 * len) : word;
}

/* A name of more than eight characters, besides the first of them. */
struct key_rest {
    uint64_t last; /* eight */
    size_t len;
};

/* The names: their words apart from what only long ones have. */
struct key_table {
    uint64_t first[key_cnt]; /* zero of no name: no key has that word */
    key_rest rest[key_cnt];
};

constexpr void add_name(key_table *table, json_key key, const char *text, size_t len)
{
    table->first[key] = name_word(text, len);
    table->rest[key] = {len > 8 ? name_word(text + len - 8, 8) : 0, len};
}

constexpr key_table make_names()
{
    key_table table = {};
#define X(name) add_name(&table, key_##name, #name, sizeof #name - 1);
    QBID_JSON_NAME_LIST(X)
#undef X
    return table;
}

constexpr key_table key_names = make_names();

constexpr unsigned lg_slots = 10;

/* The key of every value of the hash. */
struct key_slots {
    uint64_t factor;
    uint8_t key[1 << lg_slots];
};
static_assert(key_cnt <= UINT8_MAX, "a slot holds it");

constexpr size_t key_slot(uint64_t word, uint64_t factor)
{
    return static_cast<size_t>((word * factor) >> (64 - lg_slots));
}

/* What is hashed of a key of more than eight characters. */
constexpr uint64_t long_word(uint64_t first, size_t len)
{
    return first + len;
}

constexpr bool fill_slots(key_slots *slots)
{
    for (unsigned i = 1; i < key_cnt; i++) {
        uint64_t first = key_names.first[i];
        size_t len = key_names.rest[i].len;
        size_t slot = key_slot(len > 8 ? long_word(first, len) : first, slots->factor);
        if (slots->key[slot] != 0)
            return false;
        slots->key[slot] = static_cast<uint8_t>(i);
    }
    return true;
}

/* The first factor of a series that gives every name a slot of its own: one of some 300 does. It
 * begins with the one that does so for these names, so that compilers have little to count. */
constexpr key_slots find_slots()
{
    uint64_t factor = UINT64_C(0xc32a688d580cac77);
    for (;;) {
        key_slots slots = {factor, {}};
        if (fill_slots(&slots))
            return slots;
        factor = factor * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963406);
    }
}

constexpr key_slots slots = find_slots();

[[gnu::noinline]] inline json_key long_key_of(const char *at, size_t len)
{
    uint64_t first = load_word(at);
    unsigned key = slots.key[key_slot(long_word(first, len), slots.factor)];
    const key_rest &rest = key_names.rest[key];
    bool same =
        first == key_names.first[key] && len == rest.len && load_word(at + len - 8) == rest.last;
    return same ? static_cast<json_key>(key) : key_other;
}

/* Sixteen bytes can be read from where it stands, however short it is. The word of an empty key
 * begins with its closing quote: no name does. */
inline json_key key_of(const char *at, size_t len)
{
    if (len > 8)
        return long_key_of(at, len);
    uint64_t word = load_word(at) << ((0 - 8 * len) & 63);
    unsigned key = slots.key[key_slot(word, slots.factor)];
    return word == key_names.first[key] ? static_cast<json_key>(key) : key_other;
}

} // namespace qbid_json

#endif
