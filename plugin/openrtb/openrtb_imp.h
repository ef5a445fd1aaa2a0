/* SPDX-License-Identifier: Apache-2.0 */
/* Impressions of a bid request: kinds of media with their terms, deals. C++, for the parser only.
 */
#ifndef QBID_PLUGIN_OPENRTB_OPENRTB_IMP_H
#define QBID_PLUGIN_OPENRTB_OPENRTB_IMP_H

#include "plugin/openrtb/openrtb_native.h"
#include "shm/mimes.h"
#include "shm/units.h"

namespace qbid_json
{

inline int read_size(reader &r, const value &v, struct qbid_openrtb_size *ret)
{
    *ret = {};
    return read_object(r, v, [&](json_key key, const value &inner) {
        if (key == key_w)
            return read_int(r, inner, 0, &ret->width);
        if (key == key_h)
            return read_int(r, inner, 0, &ret->height);
        return skip(r, inner);
    });
}

/* A list of small numbers as a mask. */
inline int read_mask(reader &r, const value &v, uint64_t *ret)
{
    *ret = 0;
    return read_array(r, v, [&](const value &element) {
        int32_t number;
        int err = read_int(r, element, -1, &number);
        *ret |= qbid_terms_bit(number);
        return err;
    });
}

inline int read_mask32(reader &r, const value &v, uint32_t *ret)
{
    uint64_t mask;
    int err = read_mask(r, v, &mask);
    *ret = static_cast<uint32_t>(mask);
    return err;
}

inline int read_mimes(reader &r, const value &v, uint64_t *ret)
{
    *ret = 0;
    return read_array(r, v, [&](const value &element) {
        struct qbid_text type;
        int err = read_text(r, element, &type);
        *ret |= qbid_mime_bit(type.at, type.len);
        return err;
    });
}

inline int read_durfloors(reader &r, const value &v, struct qbid_durfloors *ret)
{
    ret->cnt = 0;
    return read_array(r, v, [&](const value &element) {
        struct qbid_durfloor entry = {};
        int err = read_object(r, element, [&](json_key key, const value &inner) {
            if (key == key_mindur)
                return read_int(r, inner, 0, &entry.least_s);
            if (key == key_maxdur)
                return read_int(r, inner, 0, &entry.most_s);
            return key == key_bidfloor ? read_floor(r, inner, &entry.floor_micros) : skip(r, inner);
        });
        if (ret->cnt < QBID_TERMS_DURFLOORS_MAX)
            ret->floor[ret->cnt++] = entry;
        return err;
    });
}

inline int read_durations(reader &r, const value &v, struct qbid_media_terms *terms)
{
    terms->duration_listed = false;
    terms->duration_cnt = 0;
    return read_array(r, v, [&](const value &element) {
        int32_t seconds;
        int err = read_int(r, element, 0, &seconds);
        terms->duration_listed = true;
        if (seconds > 0 && terms->duration_cnt < QBID_TERMS_DURATIONS_MAX)
            terms->duration_s[terms->duration_cnt++] = seconds;
        return err;
    });
}

/* What all kinds of media have; *ret_known tells whether the key was one of them. */
inline int read_any_term(reader &r, json_key key, const value &v, struct qbid_media_terms *terms,
                         bool *ret_known)
{
    *ret_known = true;
    if (key == key_battr)
        return read_mask(r, v, &terms->battr);
    if (key == key_api)
        return read_mask(r, v, &terms->api);
    if (key == key_mimes)
        return read_mimes(r, v, &terms->mimes);
    *ret_known = false;
    return 0;
}

/* What video and audio have in common. */
inline int read_timed_term(reader &r, json_key key, const value &v, struct qbid_media_terms *terms,
                           struct qbid_openrtb_pod *pod)
{
    if (key == key_minduration)
        return read_int(r, v, 0, &terms->duration_least_s);
    if (key == key_maxduration)
        return read_int(r, v, 0, &terms->duration_most_s);
    if (key == key_rqddurs)
        return read_durations(r, v, terms);
    if (key == key_protocols)
        return read_mask(r, v, &terms->protocols);
    if (key == key_minbitrate)
        return read_int(r, v, 0, &terms->bitrate_least_kbps);
    if (key == key_maxbitrate)
        return read_int(r, v, 0, &terms->bitrate_most_kbps);
    if (key == key_delivery)
        return read_mask32(r, v, &terms->delivery);
    if (key == key_durfloors)
        return read_durfloors(r, v, &pod->durfloors);
    if (key == key_mincpmpersec)
        return read_floor(r, v, &pod->durfloors.per_second_micros);
    if (key == key_poddur)
        return read_int(r, v, 0, &pod->poddur_s);
    return skip(r, v);
}

inline int read_banner(reader &r, const value &v, struct qbid_openrtb_imp *imp)
{
    struct qbid_media_terms *terms = &imp->media[0];
    imp->banner = !is_absent(r, v);
    imp->banner_size = {};
    imp->banner_pos = QBID_OPENRTB_INT_ABSENT;
    imp->format_cnt = 0;
    *terms = {};
    return read_object(r, v, [&](json_key key, const value &inner) {
        bool known;
        int err = read_any_term(r, key, inner, terms, &known);
        if (known)
            return err;
        if (key == key_w)
            return read_int(r, inner, 0, &imp->banner_size.width);
        if (key == key_h)
            return read_int(r, inner, 0, &imp->banner_size.height);
        if (key == key_pos)
            return read_int(r, inner, QBID_OPENRTB_INT_ABSENT, &imp->banner_pos);
        if (key == key_btype)
            return read_mask32(r, inner, &terms->btype);
        if (key == key_expdir)
            return read_mask32(r, inner, &terms->expdir);
        if (key != key_format)
            return skip(r, inner);
        imp->format_cnt = 0;
        return read_array(r, inner, [&](const value &element) {
            struct qbid_openrtb_size size;
            int wrong = read_size(r, element, &size);
            if (wrong == 0 && imp->format_cnt < QBID_OPENRTB_FORMATS_MAX)
                imp->format[imp->format_cnt++] = size;
            return wrong;
        });
    });
}

inline int read_skip(reader &r, const value &v, bool *ret_no_skip)
{
    enum qbid_openrtb_tri skippable;
    int err = read_tri(r, v, &skippable);
    *ret_no_skip = skippable == QBID_TRI_NO;
    return err;
}

inline int read_video(reader &r, const value &v, struct qbid_openrtb_imp *imp)
{
    struct qbid_media_terms *terms = &imp->media[1];
    imp->video = !is_absent(r, v);
    imp->video_size = {};
    imp->video_pos = QBID_OPENRTB_INT_ABSENT;
    imp->video_plcmt = 0;
    imp->pod[0] = {};
    *terms = {};
    return read_object(r, v, [&](json_key key, const value &inner) {
        bool known;
        int err = read_any_term(r, key, inner, terms, &known);
        if (known)
            return err;
        if (key == key_w)
            return read_int(r, inner, 0, &imp->video_size.width);
        if (key == key_h)
            return read_int(r, inner, 0, &imp->video_size.height);
        if (key == key_pos)
            return read_int(r, inner, QBID_OPENRTB_INT_ABSENT, &imp->video_pos);
        if (key == key_plcmt)
            return read_int(r, inner, 0, &imp->video_plcmt);
        if (key == key_linearity)
            return read_int(r, inner, 0, &terms->linearity);
        if (key == key_skip)
            return read_skip(r, inner, &terms->no_skip);
        return read_timed_term(r, key, inner, terms, &imp->pod[0]);
    });
}

inline int read_audio(reader &r, const value &v, struct qbid_openrtb_imp *imp)
{
    struct qbid_media_terms *terms = &imp->media[2];
    imp->audio = !is_absent(r, v);
    imp->pod[1] = {};
    *terms = {};
    return read_object(r, v, [&](json_key key, const value &inner) {
        bool known;
        int err = read_any_term(r, key, inner, terms, &known);
        return known ? err : read_timed_term(r, key, inner, terms, &imp->pod[1]);
    });
}

inline int read_native(reader &r, const value &v, struct qbid_openrtb_imp *imp)
{
    struct qbid_media_terms *terms = &imp->media[3];
    imp->native = !is_absent(r, v);
    imp->assets = {};
    imp->assets_unreadable = false;
    *terms = {};
    return read_object(r, v, [&](json_key key, const value &inner) {
        bool known;
        int err = read_any_term(r, key, inner, terms, &known);
        if (known)
            return err;
        return key == key_request ? read_native_request(r, inner, imp) : skip(r, inner);
    });
}

/* Into the list that all deals share. */
inline int read_wadomain(reader &r, const value &v, struct qbid_openrtb_deal *deal)
{
    struct qbid_openrtb_request *out = r.out;
    deal->wadomain_first = out->wadomain_cnt;
    deal->wadomain_cnt = 0;
    deal->wadomain_over = false;
    return read_array(r, v, [&](const value &element) {
        struct qbid_text name;
        int err = read_label(r, element, &name);
        if (name.len == 0)
            return err;
        if (out->wadomain_cnt == QBID_OPENRTB_WADOMAIN_MAX) {
            deal->wadomain_over = true;
            return err;
        }
        out->wadomain[out->wadomain_cnt++] = name;
        deal->wadomain_cnt++;
        return err;
    });
}

inline int read_deal(reader &r, const value &v, struct qbid_openrtb_deal *ret)
{
    *ret = {};
    ret->at = QBID_OPENRTB_INT_ABSENT;
    return read_object(r, v, [&](json_key key, const value &inner) {
        if (key == key_id)
            return read_label(r, inner, &ret->id);
        if (key == key_bidfloor) {
            ret->floor_given = !is_absent(r, inner);
            return read_floor(r, inner, &ret->floor_micros);
        }
        if (key == key_bidfloorcur)
            return read_currency(r, inner, &ret->currency);
        if (key == key_at)
            return read_int(r, inner, QBID_OPENRTB_INT_ABSENT, &ret->at);
        if (key == key_guar)
            return read_flag(r, inner, &ret->guaranteed);
        if (key == key_durfloors)
            return read_durfloors(r, inner, &ret->durfloors);
        if (key == key_mincpmpersec)
            return read_floor(r, inner, &ret->durfloors.per_second_micros);
        if (key == key_wadomain)
            return read_wadomain(r, inner, ret);
        if (key == key_wseat)
            return read_seats(r, inner, &ret->wseat);
        return skip(r, inner);
    });
}

inline int read_pmp(reader &r, const value &v, struct qbid_openrtb_imp *imp)
{
    imp->private_auction = false;
    imp->deal_cnt = 0;
    return read_object(r, v, [&](json_key key, const value &inner) {
        if (key == key_private_auction)
            return read_flag(r, inner, &imp->private_auction);
        if (key != key_deals)
            return skip(r, inner);
        imp->deal_cnt = 0;
        return read_array(r, inner, [&](const value &element) {
            if (imp->deal_cnt == QBID_OPENRTB_DEALS_MAX)
                return skip(r, element);
            struct qbid_openrtb_deal *deal = &imp->deal[imp->deal_cnt];
            int err = read_deal(r, element, deal);
            if (deal->id.len != 0)
                imp->deal_cnt++;
            return err;
        });
    });
}

/* How many impressions one play counts as. */
inline int read_qty(reader &r, const value &v, bool *ret_multiplied)
{
    *ret_multiplied = false;
    return read_object(r, v, [&](json_key key, const value &inner) {
        if (key != key_multiplier)
            return skip(r, inner);
        int64_t micros;
        bool given = !is_absent(r, inner);
        int err = read_floor(r, inner, &micros);
        *ret_multiplied = given && micros != QBID_MICROS_PER_UNIT;
        return err;
    });
}

inline int read_imp(reader &r, const value &v, struct qbid_openrtb_imp *imp)
{
    memset(imp, 0, offsetof(struct qbid_openrtb_imp, format));
    imp->banner_pos = imp->video_pos = QBID_OPENRTB_INT_ABSENT;
    if (v.kind != KIND_OBJECT)
        return QBID_ERR_PARSE;
    return each_field(r, v.at, [&](json_key key, const value &inner) {
        if (key == key_id)
            return read_text(r, inner, &imp->id);
        if (key == key_banner)
            return read_banner(r, inner, imp);
        if (key == key_video)
            return read_video(r, inner, imp);
        if (key == key_audio)
            return read_audio(r, inner, imp);
        if (key == key_native)
            return read_native(r, inner, imp);
        if (key == key_pmp)
            return read_pmp(r, inner, imp);
        if (key == key_bidfloor)
            return read_floor(r, inner, &imp->floor_micros);
        if (key == key_bidfloorcur)
            return read_currency(r, inner, &imp->currency);
        if (key == key_secure)
            return read_tri(r, inner, &imp->secure);
        if (key == key_instl)
            return read_flag(r, inner, &imp->instl);
        if (key == key_rwdd)
            return read_flag(r, inner, &imp->rwdd);
        if (key == key_exp)
            return read_int(r, inner, 0, &imp->exp_s);
        if (key == key_qty)
            return read_qty(r, inner, &imp->multiplied);
        return skip(r, inner);
    });
}

} // namespace qbid_json

#endif
