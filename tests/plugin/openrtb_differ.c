/* SPDX-License-Identifier: Apache-2.0 */
/* Two parsed bid requests, field by field. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/plugin/openrtb_oracle.h"

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

static bool same_seats(const struct qbid_openrtb_seats *a, const struct qbid_openrtb_seats *b)
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

static const char *deal_differ(const struct qbid_openrtb_deal *a, const struct qbid_openrtb_deal *b)
{
    FIELD(same_label(a->id, b->id), "deal.id");
    FIELD(same_price(a->floor_micros, b->floor_micros), "deal.bidfloor");
    FIELD(a->currency == b->currency, "deal.bidfloorcur");
    FIELD(same_seats(&a->wseat, &b->wseat), "deal.wseat");
    return NULL;
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
    return NULL;
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
    FIELD(a->imp_cnt == b->imp_cnt, "imp");
    for (unsigned i = 0; i < a->imp_cnt; i++) {
        name = imp_differ(&a->imp[i], &b->imp[i]);
        FIELD(!name, name);
    }
    return NULL;
}
