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

inline int read_text(reader &r, const value &v, struct qbid_text *ret)
{
    *ret = {nullptr, 0};
    if (is_absent(v))
        return 0;
    if (v.kind == KIND_ESCAPED)
        return unescape(r, v.at, v.size, ret);
    if (v.kind != KIND_STRING)
        return mismatch(r, v);
    *ret = {v.at, v.size};
    return 0;
}

inline int read_label(reader &r, const value &v, struct qbid_text *ret)
{
    if (!is_number(v))
        return read_text(r, v, ret);
    *ret = {v.at, static_cast<uint32_t>(walk_number(v.at) - v.at)};
    return skip(r, v);
}

/* Only where it stands: see qbid_openrtb_id. */
inline int read_id(reader &r, const value &v, struct qbid_openrtb_id *ret)
{
    *ret = {};
    if (v.kind != KIND_ESCAPED)
        return read_label(r, v, &ret->text);
    int err = skip(r, v);
    if (err == 0)
        *ret = {{v.at, v.size}, true};
    return err;
}

inline int read_int(reader &r, const value &v, int32_t absent, int32_t *ret)
{
    int64_t wide;
    *ret = absent;
    if (v.kind == KIND_SMALL) {
        *ret = static_cast<int32_t>(v.size);
        return 0;
    }
    if (is_absent(v))
        return 0;
    if (v.kind != KIND_NUMBER || qbid_number_int(v.at, v.size, &wide) != 0)
        return mismatch(r, v);
    *ret = static_cast<int32_t>(wide > INT32_MAX    ? INT32_MAX
                                : wide <= INT32_MIN ? -INT32_MAX
                                                    : wide);
    return 0;
}

inline int read_tri(reader &r, const value &v, enum qbid_openrtb_tri *ret)
{
    int32_t number;
    *ret = QBID_TRI_ABSENT;
    if (v.kind == KIND_TRUE || v.kind == KIND_FALSE) {
        *ret = v.kind == KIND_TRUE ? QBID_TRI_YES : QBID_TRI_NO;
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

inline int read_floor(reader &r, const value &v, int64_t *ret)
{
    *ret = 0;
    if (is_absent(v))
        return 0;
    if (v.kind == KIND_SMALL) {
        *ret = static_cast<int64_t>(v.size) * QBID_MICROS_PER_UNIT;
        return 0;
    }
    if (v.kind != KIND_NUMBER)
        return mismatch(r, v);
    int err = qbid_number_micros(v.at, v.size, QBID_NUMBER_UP, ret);
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
