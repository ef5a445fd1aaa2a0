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

inline int read_native_image(reader &r, const value &v, struct qbid_native_asset *asset)
{
    asset->image = !is_absent(r, v);
    asset->size = {};
    asset->image_kind = 0;
    return read_object(r, v, [&](json_key key, const value &inner) {
        if (key == key_type)
            return read_int(r, inner, 0, &asset->image_kind);
        if (key == key_w)
            return read_int(r, inner, 0, &asset->size.w);
        if (key == key_h)
            return read_int(r, inner, 0, &asset->size.h);
        if (key == key_wmin)
            return read_int(r, inner, 0, &asset->size.wmin);
        return key == key_hmin ? read_int(r, inner, 0, &asset->size.hmin) : skip(r, inner);
    });
}

inline int read_native_data(reader &r, const value &v, struct qbid_native_asset *asset)
{
    asset->data = !is_absent(r, v);
    asset->data_kind = asset->data_len = 0;
    return read_object(r, v, [&](json_key key, const value &inner) {
        if (key == key_type)
            return read_int(r, inner, 0, &asset->data_kind);
        return key == key_len ? read_int(r, inner, 0, &asset->data_len) : skip(r, inner);
    });
}

inline int read_native_asset(reader &r, const value &v, struct qbid_native_terms *terms)
{
    struct qbid_native_asset asset = {};
    int err = read_object(r, v, [&](json_key key, const value &inner) {
        if (key == key_required)
            return read_flag(r, inner, &asset.required);
        if (key == key_img)
            return read_native_image(r, inner, &asset);
        if (key == key_data)
            return read_native_data(r, inner, &asset);
        if (key == key_video) {
            asset.video = !is_absent(r, inner);
            return skip(r, inner);
        }
        if (key != key_title)
            return skip(r, inner);
        asset.title = !is_absent(r, inner);
        asset.title_len = 0;
        return read_object(r, inner, [&](json_key name, const value &deeper) {
            return name == key_len ? read_int(r, deeper, 0, &asset.title_len) : skip(r, deeper);
        });
    });
    if (err == 0)
        qbid_native_add(&asset, terms);
    return err;
}

inline int read_native_field(reader &r, json_key key, const value &v, struct qbid_openrtb_imp *imp)
{
    if (key != key_assets)
        return skip(r, v);
    imp->assets = {};
    return read_array(
        r, v, [&](const value &asset) { return read_native_asset(r, asset, &imp->assets); });
}

inline int parse_native(reader &r, struct qbid_text text, struct qbid_openrtb_imp *imp)
{
    return each_root_field(r, r.inner, text, [&](json_key key, const value &inner) {
        if (key != key_native)
            return read_native_field(r, key, inner, imp);
        return read_object(r, inner, [&](json_key name, const value &deeper) {
            return read_native_field(r, name, deeper, imp);
        });
    });
}

/* native.request as the text that it is, with padding behind it; nothing of it makes the bid
 * request wrong, and nothing is kept but numbers. */
inline void read_native_text(const reader &r, struct qbid_text text, struct qbid_openrtb_imp *imp)
{
    reader inside = r;
    bool wrong_before = r.out->wrong_type;
    r.out->wrong_type = inside.vital = false;
    inside.depth = 0;
    inside.text = r.inner_text;
    imp->assets_unreadable = parse_native(inside, text, imp) != 0 || r.out->wrong_type;
    r.out->wrong_type = wrong_before;
}

inline int read_native_request(reader &r, const value &v, struct qbid_openrtb_imp *imp)
{
    struct qbid_text text;
    imp->assets = {};
    imp->assets_unreadable = false;
    if (v.kind == KIND_OBJECT)
        return read_object(r, v, [&](json_key key, const value &inner) {
            return read_native_field(r, key, inner, imp);
        });
    int err = read_text(r, v, &text);
    if (err == 0 && text.len != 0)
        read_native_text(r, text, imp);
    return err;
}

} // namespace qbid_json

#endif
