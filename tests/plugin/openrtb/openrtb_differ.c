/* SPDX-License-Identifier: Apache-2.0 */
/* Two parsed bid requests, field by field. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/plugin/openrtb/openrtb_oracle.h"

static bool same(struct qbid_text a, struct qbid_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* The value of a text that is a number from its first to its last character. */
static bool number(struct qbid_text t, double *ret)
{
    char text[64] = "", *end;
    if (t.len == 0 || t.len >= sizeof text)
        return false;
    memcpy(text, t.at, t.len);
    *ret = strtod(text, &end);
    return end == text + t.len;
}

/* A label that was a number: the oracle has it from a double. */
static bool same_label(struct qbid_text a, struct qbid_text b)
{
    double x, y;
    return same(a, b) || (number(a, &x) && number(b, &y) && x == y);
}

static struct qbid_text id_text(const struct qbid_openrtb_id *id, char *room)
{
    if (!id->escaped)
        return id->text;
    return (struct qbid_text){room, (uint32_t)qbid_text_unescape(id->text.at, id->text.len, room)};
}

static bool same_id(const struct qbid_openrtb_id *a, const struct qbid_openrtb_id *b)
{
    static char room[2][QBID_OPENRTB_BYTES_MAX];
    return same_label(id_text(a, room[0]), id_text(b, room[1]));
}

static bool same_price(int64_t a, int64_t b)
{
    return llabs(a / 2 - b / 2) <= 1 + llabs(b / 2) / 1000000000000;
}

static bool same_seats(const struct qbid_seats *a, const struct qbid_seats *b)
{
    return a->given == b->given && a->over == b->over && a->cnt == b->cnt &&
           memcmp(a->tenant, b->tenant, a->cnt * sizeof a->tenant[0]) == 0;
}

static bool same_list(const struct qbid_text *a, const struct qbid_text *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!same_label(a[i], b[i]))
            return false;
    return true;
}

static bool same_geo(const struct qbid_openrtb_geo *a, const struct qbid_openrtb_geo *b)
{
    return same(a->country, b->country) && same_label(a->region, b->region) &&
           a->utcoffset_min == b->utcoffset_min;
}

#define FIELD(condition, name)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return name;                                                                           \
    } while (0)

static const char *media_differ(const struct qbid_media_terms *a, const struct qbid_media_terms *b)
{
    FIELD(a->battr == b->battr, "battr");
    FIELD(a->api == b->api, "api");
    FIELD(a->mimes == b->mimes, "mimes");
    FIELD(a->protocols == b->protocols, "protocols");
    FIELD(a->btype == b->btype && a->expdir == b->expdir, "btype, expdir");
    FIELD(a->delivery == b->delivery && a->linearity == b->linearity, "delivery, linearity");
    FIELD(a->no_skip == b->no_skip, "skip");
    FIELD(a->duration_least_s == b->duration_least_s, "minduration");
    FIELD(a->duration_most_s == b->duration_most_s, "maxduration");
    FIELD(a->bitrate_least_kbps == b->bitrate_least_kbps, "minbitrate");
    FIELD(a->bitrate_most_kbps == b->bitrate_most_kbps, "maxbitrate");
    FIELD(a->duration_listed == b->duration_listed && a->duration_cnt == b->duration_cnt,
          "rqddurs");
    FIELD(memcmp(a->duration_s, b->duration_s, a->duration_cnt * sizeof a->duration_s[0]) == 0,
          "rqddurs[]");
    return NULL;
}

static const char *durfloors_differ(const struct qbid_durfloors *a, const struct qbid_durfloors *b)
{
    FIELD(a->cnt == b->cnt, "durfloors");
    FIELD(same_price(a->per_second_micros, b->per_second_micros), "mincpmpersec");
    for (unsigned i = 0; i < a->cnt; i++) {
        FIELD(a->floor[i].least_s == b->floor[i].least_s, "durfloors.mindur");
        FIELD(a->floor[i].most_s == b->floor[i].most_s, "durfloors.maxdur");
        FIELD(same_price(a->floor[i].floor_micros, b->floor[i].floor_micros), "durfloors.bidfloor");
    }
    return NULL;
}

static const char *assets_differ(const struct qbid_native_terms *a,
                                 const struct qbid_native_terms *b)
{
    FIELD(a->unmeetable == b->unmeetable, "native assets that nothing meets");
    FIELD(a->title == b->title && a->title_len == b->title_len, "native title");
    FIELD(a->data == b->data, "native data");
    FIELD(memcmp(a->data_len, b->data_len, sizeof a->data_len) == 0, "native data len");
    for (unsigned i = 0; i < QBID_NATIVE_IMAGE_CNT; i++) {
        const struct qbid_native_image_terms *x = &a->image[i], *y = &b->image[i];
        FIELD(x->required == y->required, "native img");
        FIELD(x->w == y->w && x->h == y->h, "native img.w, h");
        FIELD(x->wmin == y->wmin && x->hmin == y->hmin, "native img.wmin, hmin");
    }
    return NULL;
}

static const char *terms_differ(const struct qbid_openrtb_imp *a, const struct qbid_openrtb_imp *b)
{
    const char *name = NULL;
    for (unsigned i = 0; i < 4 && !name; i++)
        name = media_differ(&a->media[i], &b->media[i]);
    for (unsigned i = 0; i < 2 && !name; i++) {
        name = durfloors_differ(&a->pod[i].durfloors, &b->pod[i].durfloors);
        FIELD(a->pod[i].poddur_s == b->pod[i].poddur_s, "poddur");
    }
    FIELD(a->instl == b->instl && a->rwdd == b->rwdd, "instl, rwdd");
    FIELD(a->exp_s == b->exp_s, "imp.exp");
    FIELD(a->multiplied == b->multiplied, "qty.multiplier");
    FIELD(a->video_plcmt == b->video_plcmt, "video.plcmt");
    FIELD(a->assets_unreadable == b->assets_unreadable, "native.request");
    if (!name && !a->assets_unreadable)
        name = assets_differ(&a->assets, &b->assets);
    return name;
}

static const char *supply_differ(const struct qbid_openrtb_request *a,
                                 const struct qbid_openrtb_request *b)
{
    FIELD(a->site == b->site && a->app == b->app && a->dooh == b->dooh, "site, app, dooh");
    FIELD(a->cattax == b->cattax, "cattax");
    FIELD(a->bapp_cnt == b->bapp_cnt && same_list(a->bapp, b->bapp, a->bapp_cnt), "bapp");
    FIELD(a->acat_given == b->acat_given && a->acat_cnt == b->acat_cnt, "acat");
    FIELD(same_list(a->acat, b->acat, a->acat_cnt), "acat[]");
    FIELD(a->sua_mobile == b->sua_mobile && same(a->sua_os, b->sua_os), "device.sua");
    for (unsigned i = 0; i < 2; i++) {
        FIELD(a->wlang_given[i] == b->wlang_given[i], "wlang, wlangb");
        FIELD(a->wlang_cnt[i] == b->wlang_cnt[i], "wlang, wlangb");
        FIELD(memcmp(a->wlang[i], b->wlang[i], a->wlang_cnt[i] * sizeof a->wlang[i][0]) == 0,
              "wlang[], wlangb[]");
    }
    for (unsigned i = 0; i < 3; i++) {
        FIELD(a->schain[i].given == b->schain[i].given, "schain");
        FIELD(a->schain[i].complete == b->schain[i].complete, "schain.complete");
        FIELD(a->schain[i].sound == b->schain[i].sound, "schain.nodes, ver");
    }
    return NULL;
}

static const char *deal_differ(const struct qbid_openrtb_deal *a, const struct qbid_openrtb_deal *b)
{
    FIELD(same_label(a->id, b->id), "deal.id");
    FIELD(same_price(a->floor_micros, b->floor_micros), "deal.bidfloor");
    FIELD(a->currency == b->currency, "deal.bidfloorcur");
    FIELD(same_seats(&a->wseat, &b->wseat), "deal.wseat");
    FIELD(a->floor_given == b->floor_given, "deal.bidfloor given");
    FIELD(a->at == b->at && a->guaranteed == b->guaranteed, "deal.at, guar");
    FIELD(a->wadomain_cnt == b->wadomain_cnt && a->wadomain_over == b->wadomain_over,
          "deal.wadomain");
    return durfloors_differ(&a->durfloors, &b->durfloors);
}

static const char *imp_differ(const struct qbid_openrtb_imp *a, const struct qbid_openrtb_imp *b)
{
    FIELD(same(a->id, b->id), "imp.id");
    FIELD(same_price(a->floor_micros, b->floor_micros), "imp.bidfloor");
    FIELD(a->currency == b->currency, "imp.bidfloorcur");
    FIELD(a->banner_pos == b->banner_pos, "banner.pos");
    FIELD(a->video_pos == b->video_pos, "video.pos");
    FIELD(a->banner == b->banner && a->video == b->video, "imp.banner, imp.video");
    FIELD(a->audio == b->audio && a->native == b->native, "imp.audio, imp.native");
    FIELD(a->secure == b->secure, "imp.secure");
    FIELD(a->private_auction == b->private_auction, "pmp.private_auction");
    FIELD(a->banner_size.width == b->banner_size.width, "banner.w");
    FIELD(a->banner_size.height == b->banner_size.height, "banner.h");
    FIELD(a->video_size.width == b->video_size.width, "video.w");
    FIELD(a->video_size.height == b->video_size.height, "video.h");
    FIELD(a->format_cnt == b->format_cnt, "banner.format");
    FIELD(memcmp(a->format, b->format, a->format_cnt * sizeof a->format[0]) == 0, "format.w, h");
    FIELD(a->deal_cnt == b->deal_cnt, "pmp.deals");
    for (unsigned i = 0; i < a->deal_cnt; i++) {
        const char *name = deal_differ(&a->deal[i], &b->deal[i]);
        FIELD(!name, name);
    }
    return terms_differ(a, b);
}

static const char *regs_differ(const struct qbid_openrtb_regs *a, const struct qbid_openrtb_regs *b)
{
    FIELD(a->coppa == b->coppa, "regs.coppa");
    FIELD(a->coppa_ext == b->coppa_ext, "regs.ext.coppa");
    FIELD(a->gpc == b->gpc, "regs.ext.gpc");
    FIELD(memcmp(&a->gpp_sid, &b->gpp_sid, sizeof a->gpp_sid) == 0, "regs.gpp_sid");
    FIELD(memcmp(&a->gpp_sid_ext, &b->gpp_sid_ext, sizeof a->gpp_sid_ext) == 0, "regs.ext.gpp_sid");
    FIELD(same(a->gpp, b->gpp), "regs.gpp");
    FIELD(same(a->gpp_ext, b->gpp_ext), "regs.ext.gpp");
    FIELD(a->dsa_required == b->dsa_required, "regs.dsa");
    FIELD(a->dsa_required_ext == b->dsa_required_ext, "regs.ext.dsa");
    FIELD(a->gdpr == b->gdpr, "regs.gdpr");
    FIELD(a->gdpr_ext == b->gdpr_ext, "regs.ext.gdpr");
    FIELD(same(a->us_privacy, b->us_privacy), "regs.us_privacy");
    FIELD(same(a->us_privacy_ext, b->us_privacy_ext), "regs.ext.us_privacy");
    return NULL;
}

static const char *lists_differ(const struct qbid_openrtb_request *a,
                                const struct qbid_openrtb_request *b)
{
    FIELD(a->cur_cnt == b->cur_cnt, "cur");
    FIELD(memcmp(a->cur, b->cur, a->cur_cnt * sizeof a->cur[0]) == 0, "cur[]");
    FIELD(a->segment_cnt == b->segment_cnt, "user.data.segment");
    FIELD(same_list(a->segment, b->segment, a->segment_cnt), "segment.id");
    FIELD(a->badv_cnt == b->badv_cnt, "badv");
    FIELD(same_list(a->badv, b->badv, a->badv_cnt), "badv[]");
    FIELD(a->bcat_cnt == b->bcat_cnt, "bcat");
    FIELD(same_list(a->bcat, b->bcat, a->bcat_cnt), "bcat[]");
    FIELD(same_seats(&a->wseat, &b->wseat), "wseat");
    FIELD(same_seats(&a->bseat, &b->bseat), "bseat");
    return NULL;
}

/* In the list that the deals of a request share. */
static bool same_wadomain(const struct qbid_openrtb_request *a,
                          const struct qbid_openrtb_request *b, unsigned imp)
{
    bool good = true;
    for (unsigned i = 0; i < a->imp[imp].deal_cnt; i++) {
        const struct qbid_openrtb_deal *x = &a->imp[imp].deal[i], *y = &b->imp[imp].deal[i];
        good &= same_list(a->wadomain + x->wadomain_first, b->wadomain + y->wadomain_first,
                          x->wadomain_cnt);
    }
    return good;
}

const char *openrtb_oracle_differ(const struct qbid_openrtb_request *a,
                                  const struct qbid_openrtb_request *b)
{
    FIELD(a->wrong_type == b->wrong_type, "wrong_type");
    if (a->wrong_type)
        return NULL; /* declined: what else was read is of no use */
    FIELD(same(a->id, b->id), "id");
    FIELD(a->at == b->at, "at");
    FIELD(a->tmax_ms == b->tmax_ms, "tmax");
    FIELD(a->test == b->test, "test");
    FIELD(a->lmt == b->lmt && a->dnt == b->dnt, "device.lmt, dnt");
    FIELD(a->over == b->over, "over");
    FIELD(a->devicetype == b->devicetype, "device.devicetype");
    FIELD(same(a->os, b->os), "device.os");
    FIELD(same(a->site_domain, b->site_domain), "site.domain");
    FIELD(same_label(a->site_id, b->site_id), "site.id");
    FIELD(same_label(a->app_bundle, b->app_bundle), "app.bundle");
    FIELD(same_label(a->app_id, b->app_id), "app.id");
    FIELD(same_label(a->dooh_id, b->dooh_id), "dooh.id");
    FIELD(same_id(&a->ids.eid, &b->ids.eid), "user.eids");
    FIELD(same_id(&a->ids.eid_ext, &b->ids.eid_ext), "user.ext.eids");
    FIELD(same_id(&a->ids.buyeruid, &b->ids.buyeruid), "user.buyeruid");
    FIELD(same_id(&a->ids.user_id, &b->ids.user_id), "user.id");
    FIELD(same_id(&a->ids.ifa, &b->ids.ifa), "device.ifa");
    FIELD(same(a->consent, b->consent), "user.consent");
    FIELD(same(a->consent_ext, b->consent_ext), "user.ext.consent");
    FIELD(same_geo(&a->device_geo, &b->device_geo), "device.geo");
    FIELD(same_geo(&a->user_geo, &b->user_geo), "user.geo");
    const char *name = regs_differ(&a->regs, &b->regs);
    FIELD(!name, name);
    name = lists_differ(a, b);
    FIELD(!name, name);
    name = supply_differ(a, b);
    FIELD(!name, name);
    FIELD(a->imp_cnt == b->imp_cnt, "imp");
    for (unsigned i = 0; i < a->imp_cnt; i++) {
        name = imp_differ(&a->imp[i], &b->imp[i]);
        FIELD(!name, name);
        FIELD(same_wadomain(a, b, i), "deal.wadomain[]");
    }
    return NULL;
}
