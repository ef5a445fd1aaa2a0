/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a bid request by their types in OpenRTB: C++, for the parser only.
 *
 * Each reader sets its default first, so that a repeated key replaces what the earlier one said.
 */
#ifndef QBID_PLUGIN_OPENRTB_OPENRTB_VALUES_H
#define QBID_PLUGIN_OPENRTB_OPENRTB_VALUES_H

#include "plugin/openrtb/simdjson_reader.h"

namespace qbid_json
{

inline int read_text(reader &r, value v, struct qbid_text *ret)
{
    string_view token = token_of(v);
    *ret = {nullptr, 0};
    if (is_absent(token))
        return 0;
    return token[0] == '"' ? take_string(r, token, ret) : mismatch(r, v);
}

inline int read_label(reader &r, value v, struct qbid_text *ret)
{
    string_view token = token_of(v);
    if (!is_number(token))
        return read_text(r, v, ret);
    *ret = {token.data(), static_cast<uint32_t>(token.size())};
    return is_valid_number(token) ? 0 : QBID_ERR_PARSE;
}

/* Only where it stands: see qbid_openrtb_id. */
inline int read_id(reader &r, value v, struct qbid_openrtb_id *ret)
{
    string_view token = token_of(v);
    *ret = {};
    if (token[0] != '"' || is_absent(token))
        return read_label(r, v, &ret->text);
    int err = skip(r, v);
    if (err != 0)
        return err;
    const char *start = token.data() + 1;
    ret->text = {start, static_cast<uint32_t>(token.size() - 2)};
    ret->escaped = find_mark(start) != start + ret->text.len;
    return 0;
}

inline int read_int(reader &r, value v, int32_t absent, int32_t *ret)
{
    string_view token = token_of(v);
    int64_t wide;
    *ret = absent;
    if (is_small(token)) {
        *ret = small_value(token);
        return 0;
    }
    if (is_absent(token))
        return 0;
    if (!is_number(token) || qbid_number_int(token.data(), token.size(), &wide) != 0)
        return mismatch(r, v);
    *ret = static_cast<int32_t>(wide > INT32_MAX    ? INT32_MAX
                                : wide <= INT32_MIN ? -INT32_MAX
                                                    : wide);
    return 0;
}

inline int read_tri(reader &r, value v, enum qbid_openrtb_tri *ret)
{
    string_view token = token_of(v);
    int32_t number;
    *ret = QBID_TRI_ABSENT;
    if (token == "true" || token == "false") {
        *ret = token == "true" ? QBID_TRI_YES : QBID_TRI_NO;
        return 0;
    }
    int err = read_int(r, v, QBID_OPENRTB_INT_ABSENT, &number);
    if (err == 0 && number != QBID_OPENRTB_INT_ABSENT)
        *ret = number != 0 ? QBID_TRI_YES : QBID_TRI_NO;
    return err;
}

inline int read_flag(reader &r, value v, bool *ret)
{
    enum qbid_openrtb_tri tri;
    int err = read_tri(r, v, &tri);
    *ret = tri == QBID_TRI_YES;
    return err;
}

inline int read_floor(reader &r, value v, int64_t *ret)
{
    string_view token = token_of(v);
    *ret = 0;
    if (is_absent(token))
        return 0;
    if (!is_number(token))
        return mismatch(r, v);
    int err = qbid_number_micros(token.data(), token.size(), QBID_NUMBER_UP, ret);
    if (*ret < 0)
        *ret = 0;
    return err;
}

inline int read_currency(reader &r, value v, uint32_t *ret)
{
    struct qbid_text text;
    int err = read_text(r, v, &text);
    *ret = qbid_currency_code(text);
    return err;
}

inline int read_names(reader &r, value v, uint16_t max, struct qbid_text *out, uint16_t *ret_cnt)
{
    *ret_cnt = 0;
    return read_array(r, v, [&](value element) {
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

inline int read_seats(reader &r, value v, struct qbid_seats *ret)
{
    *ret = {};
    return read_array(r, v, [&](value element) {
        struct qbid_text seat;
        int err = read_label(r, element, &seat);
        uint16_t tenant = err == 0 && !is_number(token_of(element)) ? qbid_text_u16(seat) : 0;
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
