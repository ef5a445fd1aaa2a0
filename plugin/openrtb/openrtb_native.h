/* SPDX-License-Identifier: Apache-2.0 */
/* native.request: JSON in a string (or, as some send it, the object itself). C++, for the parser
 * only. 1.0 wraps it in "native", 1.1 and later do not; both are read.
 *
 * Nothing that is wrong in there makes the bid request wrong: the impression is just none that a
 * native creative could fill.
 */
#ifndef QBID_PLUGIN_OPENRTB_OPENRTB_NATIVE_H
#define QBID_PLUGIN_OPENRTB_OPENRTB_NATIVE_H

#include "plugin/openrtb/openrtb_asset.h"
#include "plugin/openrtb/openrtb_values.h"

namespace qbid_json
{

inline int read_native_image(reader &r, value v, struct qbid_native_asset *asset)
{
    asset->image = !is_absent(token_of(v));
    asset->size = {};
    asset->image_kind = 0;
    return read_object(r, v, [&](string_view key, value inner) {
        if (key == "type")
            return read_int(r, inner, 0, &asset->image_kind);
        if (key == "w")
            return read_int(r, inner, 0, &asset->size.w);
        if (key == "h")
            return read_int(r, inner, 0, &asset->size.h);
        if (key == "wmin")
            return read_int(r, inner, 0, &asset->size.wmin);
        return key == "hmin" ? read_int(r, inner, 0, &asset->size.hmin) : skip(r, inner);
    });
}

inline int read_native_data(reader &r, value v, struct qbid_native_asset *asset)
{
    asset->data = !is_absent(token_of(v));
    asset->data_kind = asset->data_len = 0;
    return read_object(r, v, [&](string_view key, value inner) {
        if (key == "type")
            return read_int(r, inner, 0, &asset->data_kind);
        return key == "len" ? read_int(r, inner, 0, &asset->data_len) : skip(r, inner);
    });
}

inline int read_native_asset(reader &r, value v, struct qbid_native_terms *terms)
{
    struct qbid_native_asset asset = {};
    int err = read_object(r, v, [&](string_view key, value inner) {
        if (key == "required")
            return read_flag(r, inner, &asset.required);
        if (key == "img")
            return read_native_image(r, inner, &asset);
        if (key == "data")
            return read_native_data(r, inner, &asset);
        if (key == "video") {
            asset.video = !is_absent(token_of(inner));
            return skip(r, inner);
        }
        if (key != "title")
            return skip(r, inner);
        asset.title = !is_absent(token_of(inner));
        asset.title_len = 0;
        return read_object(r, inner, [&](string_view name, value deeper) {
            return name == "len" ? read_int(r, deeper, 0, &asset.title_len) : skip(r, deeper);
        });
    });
    if (err == 0)
        qbid_native_add(&asset, terms);
    return err;
}

inline int read_native_field(reader &r, string_view key, value v, struct qbid_openrtb_imp *imp)
{
    if (key != "assets")
        return skip(r, v);
    imp->assets = {};
    return read_array(r, v, [&](value asset) { return read_native_asset(r, asset, &imp->assets); });
}

template <typename Object>
int read_native_object(reader &r, Object object, struct qbid_openrtb_imp *imp)
{
    return each_field(r, object, [&](string_view key, value inner) {
        if (key != "native")
            return read_native_field(r, key, inner, imp);
        return read_object(r, inner, [&](string_view name, value deeper) {
            return read_native_field(r, name, deeper, imp);
        });
    });
}

/* The text is copied to where zeros can follow it: nothing of it is kept but numbers. */
inline int parse_native(reader &r, struct qbid_text text, struct qbid_openrtb_imp *imp)
{
    simdjson::padded_string_view padded(r.inner_text, text.len, text.len + QBID_PADDING);
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    memcpy(r.inner_text, text.at, text.len);
    memset(r.inner_text + text.len, 0, QBID_PADDING);
    r.text = r.inner_text + text.len + QBID_PADDING;
    r.end = r.inner_text + text.len;
    if (r.inner->iterate(padded).get(document) != simdjson::SUCCESS ||
        document.get_object().get(object) != simdjson::SUCCESS)
        return QBID_ERR_PARSE;
    int err = read_native_object(r, object, imp);
    if (err == 0 && document.current_location().error() != simdjson::OUT_OF_BOUNDS)
        err = QBID_ERR_PARSE;
    return err;
}

/* native.request as the text that it is; nothing of it makes the bid request wrong. */
inline void read_native_text(const reader &r, struct qbid_text text, struct qbid_openrtb_imp *imp)
{
    reader inside = r;
    bool wrong_before = r.out->wrong_type;
    r.out->wrong_type = inside.vital = false;
    inside.depth = 0;
    imp->assets_unreadable = parse_native(inside, text, imp) != 0 || r.out->wrong_type;
    r.out->wrong_type = wrong_before;
}

inline int read_native_request(reader &r, value v, struct qbid_openrtb_imp *imp)
{
    struct qbid_text text;
    imp->assets = {};
    imp->assets_unreadable = false;
    if (token_of(v)[0] == '{')
        return read_object(r, v, [&](string_view key, value inner) {
            return read_native_field(r, key, inner, imp);
        });
    int err = read_text(r, v, &text);
    if (err == 0 && text.len != 0)
        read_native_text(r, text, imp);
    return err;
}

} // namespace qbid_json

#endif
