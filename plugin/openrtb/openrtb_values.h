/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a bid request by their types in OpenRTB: C++, for the parser only.
 *
 * Each reader sets its default first, so that a repeated key replaces what the earlier one said.
 */
#ifndef QBID_PLUGIN_OPENRTB_OPENRTB_VALUES_H
#define QBID_PLUGIN_OPENRTB_OPENRTB_VALUES_H

#include "plugin/openrtb/json_reader.h"
#include "shm/units.h"

namespace qbid_json
{

/* A string that may hold a backslash. */
[[gnu::noinline, gnu::cold]] inline int read_odd_text(reader &r, place at, struct qbid_text *ret)
{
    struct qbid_text text = inside_of(r, at);
    if (has_escape(r, at))
        return unescape(r, text, ret);
    *ret = text;
    return 0;
}

[[gnu::noinline]] inline int read_text(reader &r, const value v, struct qbid_text *ret)
{
    *ret = {nullptr, 0};
    if (is_absent(r, v))
        return 0;
    if (v.kind != KIND_STRING)
        return mismatch(r, v);
    if (may_escape(r, v.at))
        return read_odd_text(r, v.at, ret);
    *ret = inside_of(r, v.at);
    return 0;
}

inline int read_label(reader &r, const value &v, struct qbid_text *ret)
{
    if (!is_number(v))
        return read_text(r, v, ret);
    *ret = number_at(r, v.at);
    return skip(r, v);
}

/* Only where it stands: see qbid_openrtb_id. Behind a key a string that may have escapes has some.
 */
inline int read_id(reader &r, const value &v, struct qbid_openrtb_id *ret)
{
    *ret = {};
    if (v.kind != KIND_STRING || !may_escape(r, v.at))
        return read_label(r, v, &ret->text);
    int err = skip(r, v);
    if (err == 0)
        *ret = {inside_of(r, v.at), true};
    return err;
}

/* A number that is not small, as an integer. */
[[gnu::noinline]] inline bool take_int(const reader &r, place at, int32_t *ret)
{
    int64_t wide;
    struct qbid_text text = number_at(r, at);
    if (!ends_before(r, at, text.at + text.len) || qbid_number_int(text.at, text.len, &wide) != 0)
        return false;
    *ret = static_cast<int32_t>(wide > INT32_MAX    ? INT32_MAX
                                : wide <= INT32_MIN ? -INT32_MAX
                                                    : wide);
    return true;
}

[[gnu::noinline]] inline int read_int(reader &r, const value v, int32_t absent, int32_t *ret)
{
    uint32_t small;
    *ret = absent;
    if (is_number(v) && take_small(r, v.at, &small)) {
        *ret = static_cast<int32_t>(small);
        return 0;
    }
    if (is_absent(r, v) || (is_number(v) && take_int(r, v.at, ret)))
        return 0;
    return mismatch(r, v);
}

inline int read_tri(reader &r, const value &v, enum qbid_openrtb_tri *ret)
{
    int32_t number;
    *ret = QBID_TRI_ABSENT;
    if (v.kind == KIND_WORD && (is_word(r, v.at, "true") || is_word(r, v.at, "false"))) {
        *ret = mark_at(r, v.at) == 't' ? QBID_TRI_YES : QBID_TRI_NO;
        return 0;
    }
    int err = read_int(r, v, QBID_OPENRTB_INT_ABSENT, &number);
    if (err == 0 && number != QBID_OPENRTB_INT_ABSENT)
        *ret = number != 0 ? QBID_TRI_YES : QBID_TRI_NO;
    return err;
}

inline int read_flag(reader &r, const value &v, bool *ret)
{
    enum qbid_openrtb_tri tri;
    int err = read_tri(r, v, &tri);
    *ret = tri == QBID_TRI_YES;
    return err;
}

/* A number of up to six digits behind its point needs no rounding. */
inline int64_t fraction_micros(const fraction &f)
{
    constexpr uint32_t scale[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    return int64_t{f.whole.number} * QBID_MICROS_PER_UNIT + f.part.number * scale[f.part.cnt];
}

[[gnu::noinline]] inline int read_floor(reader &r, const value v, int64_t *ret)
{
    uint32_t small;
    fraction f;
    *ret = 0;
    if (is_absent(r, v))
        return 0;
    if (!is_number(v))
        return mismatch(r, v);
    if (take_small(r, v.at, &small)) {
        *ret = int64_t{small} * QBID_MICROS_PER_UNIT;
        return 0;
    }
    if (take_fraction(r, v.at, &f) && f.part.cnt < 7) {
        *ret = fraction_micros(f);
        return 0;
    }
    struct qbid_text text = number_at(r, v.at);
    int err = ends_before(r, v.at, text.at + text.len)
                  ? qbid_number_micros(text.at, text.len, QBID_NUMBER_UP, ret)
                  : QBID_ERR_PARSE;
    if (*ret < 0)
        *ret = 0;
    return err;
}

inline int read_currency(reader &r, const value &v, uint32_t *ret)
{
    struct qbid_text text;
    int err = read_text(r, v, &text);
    *ret = qbid_currency_code(text);
    return err;
}

inline int read_names(reader &r, const value &v, uint16_t max, struct qbid_text *out,
                      uint16_t *ret_cnt)
{
    *ret_cnt = 0;
    return read_array(r, v, [&](const value &element) {
        struct qbid_text name;
        int err = read_label(r, element, &name);
        if (err != 0 || name.len == 0)
            return err;
        if (*ret_cnt == max)
            r.out->over = true;
        else
            out[(*ret_cnt)++] = name;
        return 0;
    });
}

inline int read_seats(reader &r, const value &v, struct qbid_seats *ret)
{
    *ret = {};
    return read_array(r, v, [&](const value &element) {
        struct qbid_text seat;
        int err = read_label(r, element, &seat);
        uint16_t tenant = err == 0 && !is_number(element) ? qbid_text_u16(seat) : 0;
        ret->given = true;
        if (tenant == 0)
            return err;
        if (ret->cnt == QBID_TERMS_SEATS_MAX)
            ret->over = true;
        else
            ret->tenant[ret->cnt++] = tenant;
        return 0;
    });
}

} // namespace qbid_json

#endif
