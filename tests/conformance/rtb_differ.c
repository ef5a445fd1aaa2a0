/* SPDX-License-Identifier: Apache-2.0 */
/* Field by field; what the parser has limits for is compared up to them. */
#include "tests/conformance/rtb_differ.h"

#include <stdlib.h>
#include <string.h>

#define SAME(what, name)                                                                           \
    do {                                                                                           \
        if (!(what))                                                                               \
            return name;                                                                           \
    } while (0)

#define ABSENT QBID_OPENRTB_INT_ABSENT

/* A number as a label is its token: what that stands for must be the same. */
static bool same_label(const json_t *item, struct qbid_text text)
{
    char token[512];
    if (!item)
        return text.len == 0;
    if (json_is_string(item))
        return json_string_length(item) == text.len &&
               (text.len == 0 || memcmp(json_string_value(item), text.at, text.len) == 0);
    if (text.len == 0 || text.len >= sizeof token)
        return text.len != 0; /* more digits than fit here: not compared */
    memcpy(token, text.at, text.len);
    token[text.len] = '\0';
    return strtod(token, NULL) == json_number_value(item);
}

/* Above 15 digits a double no longer holds every micro. */
static bool same_price(const json_t *item, int64_t micros)
{
    int64_t want = rtb_micros(item, true);
    int64_t room = 1 + want / 1000000000000000;
    return want - micros <= room && micros - want <= room;
}

static bool same_currency(const json_t *item, uint32_t code)
{
    char want[4];
    bool known = rtb_currency(item, want);
    uint32_t packed = QBID_CURRENCY_UNREADABLE;
    if (want[0] == '\0')
        packed = QBID_CURRENCY_NONE;
    else if (known)
        memcpy(&packed, want, sizeof packed);
    return packed == code;
}

static bool same_tri(const json_t *object, const char *key, enum qbid_openrtb_tri tri)
{
    static const enum qbid_openrtb_tri of[] = {QBID_TRI_ABSENT, QBID_TRI_NO, QBID_TRI_YES};
    return of[rtb_tri(object, key) + 1] == tri;
}

static bool same_seats(const json_t *object, const char *key, const struct qbid_seats *read)
{
    const json_t *list = rtb_array(object, key);
    unsigned cnt = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *seat = json_array_get(list, i);
        char again[24];
        long tenant = json_is_string(seat) ? strtol(json_string_value(seat), NULL, 10) : 0;
        snprintf(again, sizeof again, "%ld", tenant);
        if (tenant < 1 || tenant > UINT16_MAX || !rtb_is(seat, again, false))
            continue;
        if (cnt < QBID_TERMS_SEATS_MAX && (cnt >= read->cnt || read->tenant[cnt] != tenant))
            return false;
        cnt++;
    }
    return read->given == (json_array_size(list) > 0) &&
           read->over == (cnt > QBID_TERMS_SEATS_MAX) &&
           read->cnt == (cnt < QBID_TERMS_SEATS_MAX ? cnt : QBID_TERMS_SEATS_MAX);
}

/* --- impressions */

static bool same_size(const json_t *object, const struct qbid_openrtb_size *size)
{
    return rtb_int(object, "w", 0) == size->width && rtb_int(object, "h", 0) == size->height;
}

/* A list of numbers from 0 to 63 as a mask. */
static bool same_mask(const json_t *object, const char *key, uint64_t mask)
{
    const json_t *list = rtb_array(object, key);
    uint64_t want = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        double number = json_number_value(item);
        if (json_is_number(item) && number >= 0 && number < 64)
            want |= UINT64_C(1) << (unsigned)number;
    }
    return want == mask;
}

static const char *durfloors_differ(const json_t *object, const struct qbid_durfloors *read)
{
    const json_t *list = rtb_array(object, "durfloors");
    size_t cnt = json_array_size(list);
    cnt = cnt < QBID_TERMS_DURFLOORS_MAX ? cnt : QBID_TERMS_DURFLOORS_MAX;
    SAME(same_price(rtb_get(object, "mincpmpersec"), read->per_second_micros), "mincpmpersec");
    SAME(cnt == read->cnt, "durfloors");
    for (size_t i = 0; i < cnt; i++) {
        const json_t *item = json_array_get(list, i);
        SAME(rtb_int(item, "mindur", 0) == read->floor[i].least_s, "durfloors.mindur");
        SAME(rtb_int(item, "maxdur", 0) == read->floor[i].most_s, "durfloors.maxdur");
        SAME(same_price(rtb_get(item, "bidfloor"), read->floor[i].floor_micros),
             "durfloors.bidfloor");
    }
    return NULL;
}

static const char *timed_differ(const json_t *media, const struct qbid_media_terms *terms,
                                const struct qbid_openrtb_pod *pod)
{
    SAME(rtb_int(media, "minduration", 0) == terms->duration_least_s, "minduration");
    SAME(rtb_int(media, "maxduration", 0) == terms->duration_most_s, "maxduration");
    SAME(rtb_int(media, "minbitrate", 0) == terms->bitrate_least_kbps, "minbitrate");
    SAME(rtb_int(media, "maxbitrate", 0) == terms->bitrate_most_kbps, "maxbitrate");
    SAME(same_mask(media, "protocols", terms->protocols), "protocols");
    SAME((json_array_size(rtb_array(media, "rqddurs")) > 0) == terms->duration_listed, "rqddurs");
    SAME(rtb_int(media, "poddur", 0) == pod->poddur_s, "poddur");
    return durfloors_differ(media, &pod->durfloors);
}

static const char *terms_differ(const json_t *imp, const struct qbid_openrtb_imp *read)
{
    static const char *const name[] = {"banner", "video", "audio", "native"};
    const json_t *video = rtb_object(imp, "video");
    for (unsigned i = 0; i < 4; i++) {
        const json_t *media = rtb_object(imp, name[i]);
        SAME(same_mask(media, "battr", read->media[i].battr), "battr");
        SAME(same_mask(media, "api", read->media[i].api), "api");
    }
    SAME(rtb_int(video, "plcmt", 0) == read->video_plcmt, "video.plcmt");
    SAME(rtb_int(video, "linearity", 0) == read->media[1].linearity, "video.linearity");
    SAME((rtb_tri(video, "skip") == 0) == read->media[1].no_skip, "video.skip");
    const char *why = timed_differ(video, &read->media[1], &read->pod[0]);
    return why ? why : timed_differ(rtb_object(imp, "audio"), &read->media[2], &read->pod[1]);
}

static const char *media_differ(const json_t *imp, const struct qbid_openrtb_imp *read)
{
    const json_t *banner = rtb_object(imp, "banner"), *video = rtb_object(imp, "video");
    const json_t *format = rtb_array(banner, "format");
    size_t formats = json_array_size(format);
    SAME((banner != NULL) == read->banner, "banner");
    SAME((video != NULL) == read->video, "video");
    SAME((rtb_object(imp, "audio") != NULL) == read->audio, "audio");
    SAME((rtb_object(imp, "native") != NULL) == read->native, "native");
    SAME(rtb_int(banner, "pos", ABSENT) == read->banner_pos, "banner.pos");
    SAME(rtb_int(video, "pos", ABSENT) == read->video_pos, "video.pos");
    SAME(same_size(banner, &read->banner_size), "banner.w, h");
    SAME(same_size(video, &read->video_size), "video.w, h");
    formats = formats < QBID_OPENRTB_FORMATS_MAX ? formats : QBID_OPENRTB_FORMATS_MAX;
    SAME(formats == read->format_cnt, "banner.format");
    for (size_t i = 0; i < formats; i++)
        SAME(same_size(json_array_get(format, i), &read->format[i]), "banner.format.w, h");
    return NULL;
}

static const char *deals_differ(const json_t *imp, const struct qbid_openrtb_imp *read)
{
    const json_t *pmp = rtb_object(imp, "pmp"), *deals = rtb_array(pmp, "deals");
    unsigned cnt = 0;
    SAME(rtb_flag(pmp, "private_auction") == read->private_auction, "pmp.private_auction");
    for (size_t i = 0; i < json_array_size(deals) && cnt < QBID_OPENRTB_DEALS_MAX; i++) {
        const json_t *deal = json_array_get(deals, i);
        const struct qbid_openrtb_deal *own = &read->deal[cnt];
        if (!rtb_label(deal, "id"))
            continue;
        SAME(cnt < read->deal_cnt && same_label(rtb_label(deal, "id"), own->id), "deals.id");
        SAME(same_price(rtb_get(deal, "bidfloor"), own->floor_micros), "deals.bidfloor");
        SAME(same_currency(rtb_get(deal, "bidfloorcur"), own->currency), "deals.bidfloorcur");
        SAME(same_seats(deal, "wseat", &own->wseat), "deals.wseat");
        SAME(rtb_int(deal, "at", ABSENT) == own->at, "deals.at");
        SAME(rtb_flag(deal, "guar") == own->guaranteed, "deals.guar");
        SAME((rtb_get(deal, "bidfloor") != NULL) == own->floor_given, "deals.bidfloor");
        const char *why = durfloors_differ(deal, &own->durfloors);
        SAME(!why, why);
        cnt++;
    }
    SAME(cnt == read->deal_cnt, "pmp.deals");
    return NULL;
}

static const char *imp_differ(const json_t *imp, const struct qbid_openrtb_imp *read)
{
    SAME(same_label(rtb_text(imp, "id"), read->id), "imp.id");
    SAME(same_price(rtb_get(imp, "bidfloor"), read->floor_micros), "imp.bidfloor");
    SAME(same_currency(rtb_get(imp, "bidfloorcur"), read->currency), "imp.bidfloorcur");
    SAME(same_tri(imp, "secure", read->secure), "imp.secure");
    SAME(rtb_flag(imp, "instl") == read->instl, "imp.instl");
    SAME(rtb_flag(imp, "rwdd") == read->rwdd, "imp.rwdd");
    SAME(rtb_int(imp, "exp", 0) == read->exp_s, "imp.exp");
    const char *why = media_differ(imp, read);
    why = why ? why : terms_differ(imp, read);
    return why ? why : deals_differ(imp, read);
}

/* --- the rest of the request */

static const char *geo_differ(const json_t *parent, const struct qbid_openrtb_geo *read)
{
    const json_t *geo = rtb_object(parent, "geo");
    SAME(same_label(rtb_text(geo, "country"), read->country), "geo.country");
    SAME(same_label(rtb_label(geo, "region"), read->region), "geo.region");
    SAME(rtb_int(geo, "utcoffset", ABSENT) == read->utcoffset_min, "geo.utcoffset");
    return NULL;
}

static const char *device_differ(const json_t *root, const struct qbid_openrtb_request *read)
{
    const json_t *device = rtb_object(root, "device");
    SAME(rtb_int(device, "devicetype", ABSENT) == read->devicetype, "device.devicetype");
    SAME(same_label(rtb_text(device, "os"), read->os), "device.os");
    SAME(rtb_flag(device, "lmt") == read->lmt, "device.lmt");
    SAME(rtb_flag(device, "dnt") == read->dnt, "device.dnt");
    return geo_differ(device, &read->device_geo);
}

static const char *user_differ(const json_t *root, const struct qbid_openrtb_request *read)
{
    const json_t *user = rtb_object(root, "user"), *data = rtb_array(user, "data");
    unsigned cnt = 0;
    SAME(same_label(rtb_text(user, "consent"), read->consent), "user.consent");
    SAME(same_label(rtb_text(rtb_object(user, "ext"), "consent"), read->consent_ext),
         "user.ext.consent");
    for (size_t d = 0; d < json_array_size(data); d++) {
        const json_t *list = rtb_array(json_array_get(data, d), "segment");
        for (size_t s = 0; s < json_array_size(list); s++) {
            const json_t *id = rtb_label(json_array_get(list, s), "id");
            if (!id || cnt == QBID_OPENRTB_SEGMENTS_MAX)
                continue;
            SAME(cnt < read->segment_cnt && same_label(id, read->segment[cnt]), "segment.id");
            cnt++;
        }
    }
    SAME(cnt == read->segment_cnt, "user.data.segment");
    return geo_differ(user, &read->user_geo);
}

static bool same_sections(const json_t *object, const struct qbid_openrtb_sections *read)
{
    const json_t *list = rtb_array(object, "gpp_sid");
    unsigned cnt = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        double section = json_number_value(json_array_get(list, i));
        if (section < 1)
            continue;
        section = section < UINT16_MAX ? section : UINT16_MAX;
        if (cnt < QBID_OPENRTB_SECTIONS_MAX &&
            (cnt >= read->cnt || read->section[cnt] != (uint16_t)section))
            return false;
        cnt++;
    }
    return read->given == (json_array_size(list) > 0) &&
           read->over == (cnt > QBID_OPENRTB_SECTIONS_MAX);
}

static const char *regs_differ(const json_t *root, const struct qbid_openrtb_regs *read)
{
    const json_t *regs = rtb_object(root, "regs"), *ext = rtb_object(regs, "ext");
    const json_t *gpc = rtb_label(ext, "gpc");
    SAME(rtb_flag(regs, "coppa") == read->coppa, "regs.coppa");
    SAME(same_tri(regs, "gdpr", read->gdpr), "regs.gdpr");
    SAME(same_tri(ext, "gdpr", read->gdpr_ext), "regs.ext.gdpr");
    SAME(same_label(rtb_text(regs, "us_privacy"), read->us_privacy), "regs.us_privacy");
    SAME(same_label(rtb_text(ext, "us_privacy"), read->us_privacy_ext), "regs.ext.us_privacy");
    SAME(same_sections(regs, &read->gpp_sid), "regs.gpp_sid");
    SAME(same_sections(ext, &read->gpp_sid_ext), "regs.ext.gpp_sid");
    SAME(same_label(rtb_text(regs, "gpp"), read->gpp), "regs.gpp");
    SAME(same_label(rtb_text(ext, "gpp"), read->gpp_ext), "regs.ext.gpp");
    SAME(rtb_flag(ext, "coppa") == read->coppa_ext, "regs.ext.coppa");
    SAME(rtb_int(rtb_object(regs, "dsa"), "dsarequired", 0) == read->dsa_required, "regs.dsa");
    SAME(rtb_int(rtb_object(ext, "dsa"), "dsarequired", 0) == read->dsa_required_ext,
         "regs.ext.dsa");
    /* 1.0 and 1e0 say 1 as well, but no sender writes them: only the plain one counts */
    if (!json_is_number(gpc))
        SAME(rtb_is(gpc, "1", false) == read->gpc, "regs.ext.gpc");
    return NULL;
}

static const char *names_differ(const json_t *root, const char *key, unsigned max,
                                const struct qbid_text *read, unsigned read_cnt, bool *over)
{
    const json_t *list = rtb_array(root, key);
    unsigned cnt = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *name = json_array_get(list, i);
        if (json_is_null(name) || rtb_is(name, "", false))
            continue;
        if (cnt == max) {
            *over = true;
            continue;
        }
        SAME(cnt < read_cnt && same_label(name, read[cnt]), key);
        cnt++;
    }
    SAME(cnt == read_cnt, key);
    return NULL;
}

static const char *lists_differ(const json_t *root, const struct qbid_openrtb_request *read)
{
    const json_t *curs = rtb_array(root, "cur");
    bool over = json_array_size(rtb_array(root, "imp")) > QBID_OPENRTB_IMPS_MAX;
    unsigned cnt = 0;
    for (size_t i = 0; i < json_array_size(curs) && cnt < QBID_OPENRTB_CURS_MAX; i++) {
        if (same_currency(json_array_get(curs, i), QBID_CURRENCY_NONE))
            continue;
        SAME(cnt < read->cur_cnt && same_currency(json_array_get(curs, i), read->cur[cnt]), "cur");
        cnt++;
    }
    SAME(cnt == read->cur_cnt, "cur");
    const char *why =
        names_differ(root, "badv", QBID_OPENRTB_BADV_MAX, read->badv, read->badv_cnt, &over);
    if (!why)
        why = names_differ(root, "bcat", QBID_OPENRTB_BCAT_MAX, read->bcat, read->bcat_cnt, &over);
    if (!why)
        why = names_differ(root, "bapp", QBID_OPENRTB_BAPP_MAX, read->bapp, read->bapp_cnt, &over);
    SAME(why || over == read->over, "over");
    return why;
}

static bool same_schain(const json_t *parent, const struct qbid_openrtb_schain *read)
{
    const json_t *schain = rtb_object(parent, "schain"), *nodes = rtb_array(schain, "nodes");
    const json_t *ver = rtb_label(schain, "ver");
    struct rtb_raw version = {.len = 0};
    size_t cnt = json_array_size(nodes), good = 0;
    rtb_append(&version, ver, NULL);
    for (size_t i = 0; i < cnt; i++) {
        const json_t *node = json_array_get(nodes, i);
        good += rtb_label(node, "asi") && rtb_label(node, "sid") && rtb_flag(node, "hp");
    }
    if (json_is_number(ver)) /* whose point may be lost */
        return read->complete == rtb_flag(schain, "complete");
    bool sound = version.len >= 2 && memcmp(version.text, "1.", 2) == 0 && cnt > 0 && good == cnt;
    return read->given == (json_object_size(schain) > 0) && read->sound == sound &&
           read->complete == rtb_flag(schain, "complete");
}

static const char *chains_differ(const json_t *root, const struct qbid_openrtb_request *read)
{
    const json_t *source = rtb_object(root, "source");
    SAME(same_schain(source, &read->schain[0]), "source.schain");
    SAME(same_schain(rtb_object(source, "ext"), &read->schain[1]), "source.ext.schain");
    SAME(same_schain(rtb_object(root, "ext"), &read->schain[2]), "ext.schain");
    return NULL;
}

static const char *names_of_place_differ(const json_t *root,
                                         const struct qbid_openrtb_request *read)
{
    const json_t *site = rtb_object(root, "site"), *app = rtb_object(root, "app");
    SAME(same_label(rtb_text(site, "domain"), read->site_domain), "site.domain");
    SAME(same_label(rtb_label(site, "id"), read->site_id), "site.id");
    SAME(same_label(rtb_label(app, "bundle"), read->app_bundle), "app.bundle");
    SAME(same_label(rtb_label(app, "id"), read->app_id), "app.id");
    SAME(same_label(rtb_label(rtb_object(root, "dooh"), "id"), read->dooh_id), "dooh.id");
    return NULL;
}

static const char *fields_differ(const json_t *root, const struct qbid_openrtb_request *read)
{
    SAME(same_label(rtb_text(root, "id"), read->id), "id");
    SAME(rtb_int(root, "at", 2) == read->at, "at");
    SAME(rtb_int(root, "tmax", 0) == read->tmax_ms, "tmax");
    SAME(rtb_flag(root, "test") == read->test, "test");
    SAME(rtb_int(root, "cattax", 1) == read->cattax, "cattax");
    SAME(same_seats(root, "wseat", &read->wseat), "wseat");
    SAME(same_seats(root, "bseat", &read->bseat), "bseat");
    return names_of_place_differ(root, read);
}

const char *rtb_differ(const json_t *root, const struct qbid_openrtb_request *read)
{
    const json_t *imps = rtb_array(root, "imp");
    size_t cnt = json_array_size(imps);
    const char *why = fields_differ(root, read);
    why = why ? why : lists_differ(root, read);
    why = why ? why : device_differ(root, read);
    why = why ? why : user_differ(root, read);
    why = why ? why : regs_differ(root, &read->regs);
    why = why ? why : chains_differ(root, read);
    cnt = cnt < QBID_OPENRTB_IMPS_MAX ? cnt : QBID_OPENRTB_IMPS_MAX;
    SAME(why || cnt == read->imp_cnt, "imp");
    for (size_t i = 0; i < cnt && !why; i++)
        why = imp_differ(json_array_get(imps, i), &read->imp[i]);
    return why;
}
