/* SPDX-License-Identifier: Apache-2.0 */
/* native.request: JSON in a string (or, as some send it, the object itself). C++, for the parser
 * only. 1.0 wraps it in "native", 1.1 and later do not; both are read.
 *
 * Nothing that is wrong in there makes the bid request wrong: the impression is just none that a
 * native creative could fill.
 */
#ifndef QBID_PLUGIN_OPENRTB_NATIVE_H
#define QBID_PLUGIN_OPENRTB_NATIVE_H

#include "plugin/openrtb_values.h"

namespace qbid_json
{

/* One asset before it is known whether it is required. */
struct native_asset {
    bool required, title, image, data, video;
    int32_t title_len, image_kind, data_kind, data_len;
    struct qbid_native_image_terms size;
};

inline int read_native_image(reader &r, value v, struct native_asset *asset)
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

inline int read_native_data(reader &r, value v, struct native_asset *asset)
{
    asset->data = !is_absent(token_of(v));
    asset->data_kind = asset->data_len = 0;
    return read_object(r, v, [&](string_view key, value inner) {
        if (key == "type")
            return read_int(r, inner, 0, &asset->data_kind);
        return key == "len" ? read_int(r, inner, 0, &asset->data_len) : skip(r, inner);
    });
}

inline void keep_longest_allowed(uint16_t *most, int32_t len)
{
    if (len > 0 && (*most == 0 || len < *most))
        *most = static_cast<uint16_t>(len < UINT16_MAX ? len : UINT16_MAX);
}

/* What a required asset adds to the terms. */
inline void add_asset(const struct native_asset *asset, struct qbid_native_terms *terms)
{
    if (asset->title) {
        terms->title = true;
        if (asset->title_len > 0 && (terms->title_len == 0 || asset->title_len < terms->title_len))
            terms->title_len = asset->title_len;
    }
    if (asset->image && (asset->image_kind == 1 || asset->image_kind == 3)) {
        struct qbid_native_image_terms *image =
            &terms->image[asset->image_kind == 1 ? QBID_NATIVE_ICON : QBID_NATIVE_MAIN];
        terms->unmeetable |= image->required; /* two of a kind */
        *image = asset->size;
        image->required = true;
    }
    if (asset->data && asset->data_kind >= 1 && asset->data_kind <= QBID_NATIVE_DATA_CNT) {
        terms->data = static_cast<uint16_t>(terms->data | 1u << asset->data_kind);
        keep_longest_allowed(&terms->data_len[asset->data_kind], asset->data_len);
    }
    bool known = asset->title ||
                 (asset->image && (asset->image_kind == 1 || asset->image_kind == 3)) ||
                 (asset->data && asset->data_kind >= 1 && asset->data_kind <= QBID_NATIVE_DATA_CNT);
    terms->unmeetable |= asset->video || !known;
}

inline int read_native_asset(reader &r, value v, struct qbid_native_terms *terms)
{
    struct native_asset asset = {};
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
    if (err == 0 && asset.required)
        add_asset(&asset, terms);
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
    if (err != 0 || text.len == 0)
        return err;
    struct reader inside = r;
    bool wrong_before = r.out->wrong_type;
    r.out->wrong_type = inside.vital = false;
    inside.depth = 0;
    imp->assets_unreadable = parse_native(inside, text, imp) != 0 || r.out->wrong_type;
    r.out->wrong_type = wrong_before;
    return 0;
}

} // namespace qbid_json

#endif
