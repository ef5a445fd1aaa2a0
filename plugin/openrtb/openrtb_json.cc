/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenRTB parser: field by field into the plain struct, in whatever order they come. */
#include "plugin/openrtb/openrtb.h"

#include <stdlib.h>

#include "plugin/openrtb/openrtb_imp.h"

struct qbid_openrtb {
    enum qbid_isa isa;
    qbid_json::start_list starts;
    qbid_json::start_list inner_starts;               /* of JSON in a string */
    char text[QBID_OPENRTB_BYTES_MAX + QBID_PADDING]; /* strings whose escapes were resolved */
    char inner_text[QBID_OPENRTB_BYTES_MAX + QBID_PADDING]; /* those of JSON in a string */
};

namespace
{

using namespace qbid_json;

int read_imps(reader &r, const value &v)
{
    r.out->imp_cnt = 0;
    if (v.kind != KIND_ARRAY)
        return is_absent(r, v) ? 0 : QBID_ERR_PARSE;
    return each_element(r, v.at, [&](const value &element) {
        if (r.out->imp_cnt < QBID_OPENRTB_IMPS_MAX)
            return read_imp(r, element, &r.out->imp[r.out->imp_cnt++]);
        r.out->over = true;
        return skip(r, element);
    });
}

/* --- the rest of the request */

int read_geo(reader &r, const value &v, struct qbid_openrtb_geo *geo)
{
    *geo = {{nullptr, 0}, {nullptr, 0}, QBID_OPENRTB_INT_ABSENT};
    return read_object(r, v, [&](json_key key, const value &inner) {
        if (key == key_country)
            return read_text(r, inner, &geo->country);
        if (key == key_region)
            return read_label(r, inner, &geo->region);
        if (key == key_utcoffset)
            return read_int(r, inner, QBID_OPENRTB_INT_ABSENT, &geo->utcoffset_min);
        return skip(r, inner);
    });
}

int read_site(reader &r, const value &v)
{
    r.out->site = false;
    r.out->site_domain = r.out->site_id = {nullptr, 0};
    return read_object(r, v, [&](json_key key, const value &inner) {
        r.out->site = true;
        if (key == key_domain)
            return read_text(r, inner, &r.out->site_domain);
        if (key == key_id)
            return read_label(r, inner, &r.out->site_id);
        return skip(r, inner);
    });
}

int read_app(reader &r, const value &v)
{
    r.out->app = false;
    r.out->app_bundle = r.out->app_id = {nullptr, 0};
    return read_object(r, v, [&](json_key key, const value &inner) {
        r.out->app = true;
        if (key == key_bundle)
            return read_label(r, inner, &r.out->app_bundle);
        if (key == key_id)
            return read_label(r, inner, &r.out->app_id);
        return skip(r, inner);
    });
}

int read_dooh(reader &r, const value &v)
{
    r.out->dooh = false;
    r.out->dooh_id = {nullptr, 0};
    return read_object(r, v, [&](json_key key, const value &inner) {
        r.out->dooh = true;
        return key == key_id ? read_label(r, inner, &r.out->dooh_id) : skip(r, inner);
    });
}

/* device.sua: what the browser itself says of its platform. */
int read_sua(reader &r, const value &v)
{
    r.out->sua_os = {nullptr, 0};
    r.out->sua_mobile = QBID_TRI_ABSENT;
    return read_object(r, v, [&](json_key key, const value &inner) {
        if (key == key_mobile)
            return read_tri(r, inner, &r.out->sua_mobile);
        if (key != key_platform)
            return skip(r, inner);
        r.out->sua_os = {nullptr, 0};
        return read_object(r, inner, [&](json_key name, const value &deeper) {
            return name == key_brand ? read_text(r, deeper, &r.out->sua_os) : skip(r, deeper);
        });
    });
}

int read_device(reader &r, const value &v)
{
    struct qbid_openrtb_request *out = r.out;
    out->devicetype = QBID_OPENRTB_INT_ABSENT;
    out->os = out->sua_os = {nullptr, 0};
    out->sua_mobile = QBID_TRI_ABSENT;
    out->lmt = out->dnt = false;
    out->ids.ifa = {};
    out->device_geo = {{nullptr, 0}, {nullptr, 0}, QBID_OPENRTB_INT_ABSENT};
    return read_object(r, v, [&](json_key key, const value &inner) {
        if (key == key_devicetype)
            return read_int(r, inner, QBID_OPENRTB_INT_ABSENT, &out->devicetype);
        if (key == key_os)
            return read_text(r, inner, &out->os);
        if (key == key_sua)
            return read_sua(r, inner);
        if (key == key_geo)
            return read_geo(r, inner, &out->device_geo);
        if (key == key_lmt)
            return read_flag(r, inner, &out->lmt);
        if (key == key_dnt)
            return read_flag(r, inner, &out->dnt);
        if (key == key_ifa)
            return read_id(r, inner, &out->ids.ifa);
        return skip(r, inner);
    });
}

/* user.data[].segment[].id, all into one list. */
int read_user_data(reader &r, const value &v)
{
    r.out->segment_cnt = 0;
    return read_array(r, v, [&](const value &data) {
        return read_object(r, data, [&](json_key key, const value &segments) {
            if (key != key_segment)
                return skip(r, segments);
            return read_array(r, segments, [&](const value &segment) {
                return read_object(r, segment, [&](json_key name, const value &inner) {
                    struct qbid_text id;
                    if (name != key_id)
                        return skip(r, inner);
                    int err = read_label(r, inner, &id);
                    if (id.len != 0 && r.out->segment_cnt < QBID_OPENRTB_SEGMENTS_MAX)
                        r.out->segment[r.out->segment_cnt++] = id;
                    return err;
                });
            });
        });
    });
}

/* The first uids[].id of eids[] that is one. */
int read_eids(reader &r, const value &v, struct qbid_openrtb_id *ret)
{
    *ret = {};
    return read_array(r, v, [&](const value &eid) {
        return read_object(r, eid, [&](json_key key, const value &uids) {
            if (key != key_uids)
                return skip(r, uids);
            return read_array(r, uids, [&](const value &uid) {
                return read_object(r, uid, [&](json_key name, const value &inner) {
                    struct qbid_openrtb_id id;
                    if (name != key_id)
                        return skip(r, inner);
                    int err = read_id(r, inner, &id);
                    *ret = ret->text.len != 0 ? *ret : id;
                    return err;
                });
            });
        });
    });
}

int read_user_ext(reader &r, const value &v)
{
    struct qbid_openrtb_request *out = r.out;
    out->consent_ext = {nullptr, 0};
    out->ids.eid_ext = {};
    return read_object(r, v, [&](json_key key, const value &inner) {
        if (key == key_consent)
            return vitally(r, [&] { return read_text(r, inner, &out->consent_ext); });
        return key == key_eids ? read_eids(r, inner, &out->ids.eid_ext) : skip(r, inner);
    });
}

int read_user(reader &r, const value &v)
{
    struct qbid_openrtb_request *out = r.out;
    out->consent = out->consent_ext = {nullptr, 0};
    out->ids.eid = out->ids.eid_ext = out->ids.buyeruid = out->ids.user_id = {};
    out->segment_cnt = 0;
    out->user_geo = {{nullptr, 0}, {nullptr, 0}, QBID_OPENRTB_INT_ABSENT};
    return read_object(r, v, [&](json_key key, const value &inner) {
        if (key == key_data)
            return read_user_data(r, inner);
        if (key == key_geo)
            return read_geo(r, inner, &out->user_geo);
        if (key == key_consent)
            return vitally(r, [&] { return read_text(r, inner, &out->consent); });
        if (key == key_eids)
            return read_eids(r, inner, &out->ids.eid);
        if (key == key_buyeruid)
            return read_id(r, inner, &out->ids.buyeruid);
        if (key == key_id)
            return read_id(r, inner, &out->ids.user_id);
        return key == key_ext ? read_user_ext(r, inner) : skip(r, inner);
    });
}

/* gpp_sid: -1 means that no section applies. */
int read_gpp_sid(reader &r, const value &v, struct qbid_openrtb_sections *ret)
{
    *ret = {};
    return read_array(r, v, [&](const value &element) {
        int32_t section;
        int err = read_int(r, element, -1, &section);
        ret->given = true;
        if (err != 0 || section <= 0)
            return err;
        if (ret->cnt == QBID_OPENRTB_SECTIONS_MAX)
            ret->over = true;
        else
            ret->section[ret->cnt++] =
                static_cast<uint16_t>(section < UINT16_MAX ? section : UINT16_MAX);
        return 0;
    });
}

int read_dsa(reader &r, const value &v, int32_t *ret)
{
    *ret = 0;
    return read_object(r, v, [&](json_key key, const value &inner) {
        return key == key_dsarequired ? read_int(r, inner, 0, ret) : skip(r, inner);
    });
}

int read_regs_ext(reader &r, const value &v)
{
    struct qbid_openrtb_regs *regs = &r.out->regs;
    regs->gdpr_ext = QBID_TRI_ABSENT;
    regs->us_privacy_ext = {nullptr, 0};
    regs->gpp_ext = {nullptr, 0};
    regs->gpp_sid_ext = {};
    regs->coppa_ext = regs->gpc = false;
    regs->dsa_required_ext = 0;
    return read_object(r, v, [&](json_key key, const value &inner) {
        if (key == key_gdpr)
            return read_tri(r, inner, &regs->gdpr_ext);
        if (key == key_us_privacy)
            return read_text(r, inner, &regs->us_privacy_ext);
        if (key == key_gpp)
            return read_text(r, inner, &regs->gpp_ext);
        if (key == key_gpp_sid)
            return read_gpp_sid(r, inner, &regs->gpp_sid_ext);
        if (key == key_dsa)
            return read_dsa(r, inner, &regs->dsa_required_ext);
        if (key == key_coppa)
            return read_flag(r, inner, &regs->coppa_ext);
        if (key != key_gpc)
            return skip(r, inner);
        struct qbid_text gpc; /* "1" as in the HTTP header, or 1 */
        int err = read_label(r, inner, &gpc);
        regs->gpc = qbid_text_is(gpc, "1");
        return err;
    });
}

int read_regs(reader &r, const value &v)
{
    struct qbid_openrtb_regs *regs = &r.out->regs;
    *regs = {};
    return read_object(r, v, [&](json_key key, const value &inner) {
        if (key == key_coppa)
            return read_flag(r, inner, &regs->coppa);
        if (key == key_gdpr)
            return read_tri(r, inner, &regs->gdpr);
        if (key == key_us_privacy)
            return read_text(r, inner, &regs->us_privacy);
        if (key == key_gpp)
            return read_text(r, inner, &regs->gpp);
        if (key == key_gpp_sid)
            return read_gpp_sid(r, inner, &regs->gpp_sid);
        if (key == key_dsa)
            return read_dsa(r, inner, &regs->dsa_required);
        return key == key_ext ? read_regs_ext(r, inner) : skip(r, inner);
    });
}

int read_node(reader &r, const value &v, bool *ret_sound)
{
    struct qbid_text asi = {nullptr, 0}, sid = {nullptr, 0};
    bool hp = false;
    int err = read_object(r, v, [&](json_key key, const value &inner) {
        if (key == key_asi)
            return read_label(r, inner, &asi);
        if (key == key_sid)
            return read_label(r, inner, &sid);
        return key == key_hp ? read_flag(r, inner, &hp) : skip(r, inner);
    });
    *ret_sound = asi.len != 0 && sid.len != 0 && hp;
    return err;
}

int read_schain(reader &r, const value &v, struct qbid_openrtb_schain *schain)
{
    struct qbid_text ver = {nullptr, 0};
    unsigned nodes = 0, sound = 0;
    *schain = {};
    int err = read_object(r, v, [&](json_key key, const value &inner) {
        schain->given = true;
        if (key == key_complete)
            return read_flag(r, inner, &schain->complete);
        if (key == key_ver)
            return read_label(r, inner, &ver);
        if (key != key_nodes)
            return skip(r, inner);
        nodes = sound = 0;
        return read_array(r, inner, [&](const value &node) {
            bool good;
            int wrong = read_node(r, node, &good);
            nodes++;
            sound += good;
            return wrong;
        });
    });
    bool version_1 = ver.len >= 2 && ver.at[0] == '1' && ver.at[1] == '.';
    schain->sound = version_1 && nodes != 0 && nodes == sound;
    return err;
}

/* An ext that may hold an older schain. */
int read_ext_schain(reader &r, const value &v, struct qbid_openrtb_schain *schain)
{
    *schain = {};
    return read_object(r, v, [&](json_key key, const value &inner) {
        return key == key_schain ? read_schain(r, inner, schain) : skip(r, inner);
    });
}

int read_source(reader &r, const value &v)
{
    r.out->schain[0] = r.out->schain[1] = {};
    return read_object(r, v, [&](json_key key, const value &inner) {
        if (key == key_schain)
            return read_schain(r, inner, &r.out->schain[0]);
        return key == key_ext ? read_ext_schain(r, inner, &r.out->schain[1]) : skip(r, inner);
    });
}

/* Allowed languages: those beyond the room are not read, and so not used. */
int read_languages(reader &r, const value &v, unsigned which)
{
    struct qbid_openrtb_request *out = r.out;
    out->wlang_given[which] = false;
    out->wlang_cnt[which] = 0;
    return read_array(r, v, [&](const value &element) {
        struct qbid_text tag;
        int err = read_text(r, element, &tag);
        uint64_t language = tag.len ? qbid_language(tag.at, tag.len) : 0;
        out->wlang_given[which] |= tag.len != 0;
        if (language != 0 && out->wlang_cnt[which] < QBID_TERMS_LANGUAGES_MAX)
            out->wlang[which][out->wlang_cnt[which]++] = language;
        return err;
    });
}

int read_acat(reader &r, const value &v)
{
    struct qbid_openrtb_request *out = r.out;
    out->acat_given = false;
    out->acat_cnt = 0;
    return read_array(r, v, [&](const value &element) {
        struct qbid_text name;
        int err = read_label(r, element, &name);
        out->acat_given |= name.len != 0;
        if (name.len != 0 && out->acat_cnt < QBID_OPENRTB_ACAT_MAX)
            out->acat[out->acat_cnt++] = name;
        return err;
    });
}

int read_curs(reader &r, const value &v)
{
    r.out->cur_cnt = 0;
    return read_array(r, v, [&](const value &element) {
        uint32_t code;
        int err = read_currency(r, element, &code);
        if (err == 0 && code != QBID_CURRENCY_NONE && r.out->cur_cnt < QBID_OPENRTB_CURS_MAX)
            r.out->cur[r.out->cur_cnt++] = code;
        return err;
    });
}

int read_tmax(reader &r, const value &v)
{
    r.out->tmax_ms = 0;
    return is_number(v) ? read_int(r, v, 0, &r.out->tmax_ms) : skip(r, v);
}

/* Lists and objects of the request; *ret_known tells whether the key was one of them. */
int read_parts(reader &r, json_key key, const value &v, bool *ret_known)
{
    struct qbid_openrtb_request *out = r.out;
    *ret_known = true;
    if (key == key_imp)
        return read_imps(r, v);
    if (key == key_site)
        return read_site(r, v);
    if (key == key_app)
        return read_app(r, v);
    if (key == key_dooh)
        return read_dooh(r, v);
    if (key == key_device)
        return read_device(r, v);
    if (key == key_user)
        return read_user(r, v);
    if (key == key_regs)
        return vitally(r, [&] { return read_regs(r, v); });
    if (key == key_badv)
        return read_names(r, v, QBID_OPENRTB_BADV_MAX, out->badv, &out->badv_cnt);
    if (key == key_bcat)
        return read_names(r, v, QBID_OPENRTB_BCAT_MAX, out->bcat, &out->bcat_cnt);
    if (key == key_source)
        return read_source(r, v);
    if (key == key_bapp)
        return read_names(r, v, QBID_OPENRTB_BAPP_MAX, out->bapp, &out->bapp_cnt);
    if (key == key_acat)
        return read_acat(r, v);
    if (key == key_ext)
        return read_ext_schain(r, v, &out->schain[2]);
    *ret_known = false;
    return 0;
}

int read_request_field(reader &r, json_key key, const value &v)
{
    struct qbid_openrtb_request *out = r.out;
    bool known;
    int err = read_parts(r, key, v, &known);
    if (known)
        return err;
    if (key == key_id)
        return vitally(r, [&] { return read_text(r, v, &out->id); });
    if (key == key_at)
        return read_int(r, v, 2, &out->at);
    if (key == key_tmax)
        return read_tmax(r, v);
    if (key == key_test)
        return read_flag(r, v, &out->test);
    if (key == key_cur)
        return read_curs(r, v);
    if (key == key_cattax)
        return read_int(r, v, 1, &out->cattax);
    if (key == key_wlang || key == key_wlangb)
        return read_languages(r, v, key == key_wlangb);
    if (key == key_wseat)
        return read_seats(r, v, &out->wseat);
    if (key == key_bseat)
        return read_seats(r, v, &out->bseat);
    return skip(r, v);
}

} // namespace

void qbid_openrtb_reset(struct qbid_openrtb_request *out)
{
    memset(out, 0, offsetof(struct qbid_openrtb_request, cur));
    out->at = 2;
    out->devicetype = QBID_OPENRTB_INT_ABSENT;
    out->cattax = 1;
    out->device_geo.utcoffset_min = out->user_geo.utcoffset_min = QBID_OPENRTB_INT_ABSENT;
}

int qbid_openrtb_new(struct qbid_openrtb **ret_parser)
{
    struct qbid_openrtb *parser = static_cast<struct qbid_openrtb *>(malloc(sizeof *parser));
    if (parser == nullptr)
        return QBID_ERR_NOMEM;
    parser->isa = qbid_isa_best();
    *ret_parser = parser;
    return 0;
}

void qbid_openrtb_free(struct qbid_openrtb *parser)
{
    free(parser);
}

/* State of a parse into a request. */
static reader reader_of(struct qbid_openrtb *parser, struct qbid_openrtb_request *out)
{
    reader r = {};
    r.out = out;
    r.text = parser->text;
    r.inner = parser->inner_starts;
    r.inner_text = parser->inner_text;
    r.isa = parser->isa;
    return r;
}

void qbid_openrtb_read_native(struct qbid_openrtb *parser, struct qbid_text text,
                              struct qbid_openrtb_request *request, struct qbid_openrtb_imp *imp)
{
    reader r = reader_of(parser, request);
    memcpy(parser->text, text.at, text.len); /* to where padding follows it */
    memset(parser->text + text.len, 0, QBID_PADDING);
    read_native_text(r, {parser->text, text.len}, imp);
}

int qbid_openrtb_parse(struct qbid_openrtb *parser, const char *body, size_t len,
                       struct qbid_openrtb_request *ret_request)
{
    qbid_openrtb_reset(ret_request);
    if (len > QBID_OPENRTB_BYTES_MAX)
        return QBID_ERR_LIMIT;
    reader r = reader_of(parser, ret_request);
    const struct qbid_text text = {body, static_cast<uint32_t>(len)};
    int err = each_root_field(r, parser->starts, text,
                              [&](json_key key, value v) { return read_request_field(r, key, v); });
    if (err != 0)
        return err;
    return ret_request->id.len == 0 || ret_request->imp_cnt == 0 ? QBID_ERR_PARSE : 0;
}
