/* SPDX-License-Identifier: Apache-2.0 */
/* The second reading: every lookup searches a cJSON object for the last field of a name. */
#include "tests/plugin/openrtb/openrtb_oracle.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "shm/error.h"
#include "shm/mimes.h"

#define LABELS_MAX 8192

static cJSON *tree;
static char labels[LABELS_MAX][40]; /* texts of numbers that stand for labels */
static unsigned label_cnt;
static bool malformed; /* a wrong type, in a vital field or in any */
static bool wrong_type;
static bool vital;

static void mismatch(void)
{
    malformed |= vital;
    wrong_type = true;
}

static const cJSON *get(const cJSON *object, const char *name)
{
    const cJSON *found = NULL, *child;
    cJSON_ArrayForEach(child, object)
    {
        if (child->string && strcmp(child->string, name) == 0)
            found = child;
    }
    if (found && (cJSON_IsNull(found) || (cJSON_IsString(found) && found->valuestring[0] == '\0')))
        return NULL;
    return found;
}

static const cJSON *get_typed(const cJSON *object, const char *name, int type)
{
    const cJSON *found = get(object, name);
    if (found && (found->type & 0xff) != type) {
        mismatch();
        return NULL;
    }
    return found;
}

static struct qbid_text text(const cJSON *item)
{
    if (!item)
        return (struct qbid_text){NULL, 0};
    return (struct qbid_text){item->valuestring, (uint32_t)strlen(item->valuestring)};
}

static struct qbid_text get_text(const cJSON *object, const char *name)
{
    return text(get_typed(object, name, cJSON_String));
}

static struct qbid_text label(const cJSON *item)
{
    if (!item || cJSON_IsNull(item))
        return (struct qbid_text){NULL, 0};
    if (cJSON_IsNumber(item) && label_cnt < LABELS_MAX) {
        char *out = labels[label_cnt++];
        int n = snprintf(out, sizeof labels[0], "%.17g", item->valuedouble);
        return (struct qbid_text){out, (uint32_t)n};
    }
    if (!cJSON_IsString(item)) {
        mismatch();
        return (struct qbid_text){NULL, 0};
    }
    return text(item);
}

static struct qbid_text get_label(const cJSON *object, const char *name)
{
    return label(get(object, name));
}

static int32_t integer(const cJSON *item, int32_t absent)
{
    if (!item)
        return absent;
    if (!cJSON_IsNumber(item) || item->valuedouble != floor(item->valuedouble)) {
        mismatch();
        return absent;
    }
    return item->valuedouble > INT32_MAX    ? INT32_MAX
           : item->valuedouble <= INT32_MIN ? -INT32_MAX
                                            : (int32_t)item->valuedouble;
}

static int32_t get_int(const cJSON *object, const char *name, int32_t absent)
{
    return integer(get(object, name), absent);
}

static enum qbid_openrtb_tri get_tri(const cJSON *object, const char *name)
{
    const cJSON *found = get(object, name);
    if (!found)
        return QBID_TRI_ABSENT;
    if (cJSON_IsBool(found))
        return cJSON_IsTrue(found) ? QBID_TRI_YES : QBID_TRI_NO;
    return integer(found, 0) != 0 ? QBID_TRI_YES : QBID_TRI_NO;
}

static bool get_flag(const cJSON *object, const char *name)
{
    return get_tri(object, name) == QBID_TRI_YES;
}

static int64_t get_floor(const cJSON *object, const char *name)
{
    const cJSON *found = get_typed(object, name, cJSON_Number);
    if (!found || found->valuedouble <= 0)
        return 0;
    return found->valuedouble > 9e12 ? INT64_MAX : (int64_t)llround(found->valuedouble * 1e6);
}

static uint32_t currency(struct qbid_text code)
{
    uint32_t packed = 0;
    if (code.len == 0)
        return QBID_CURRENCY_NONE;
    if (code.len != 3)
        return QBID_CURRENCY_UNREADABLE;
    for (unsigned i = 0; i < 3; i++) {
        if (!isalpha((unsigned char)code.at[i]))
            return QBID_CURRENCY_UNREADABLE;
        packed |= (uint32_t)toupper((unsigned char)code.at[i]) << (8 * i);
    }
    return packed;
}

static bool is_blank(const cJSON *item)
{
    return cJSON_IsNull(item) || (cJSON_IsString(item) && item->valuestring[0] == '\0');
}

static void names(const cJSON *root, const char *name, unsigned max, struct qbid_text *out,
                  uint16_t *cnt, bool *over)
{
    const cJSON *child;
    cJSON_ArrayForEach(child, get_typed(root, name, cJSON_Array))
    {
        struct qbid_text one = label(child);
        if (one.len == 0)
            continue;
        if (*cnt == max)
            *over = true;
        else
            out[(*cnt)++] = one;
    }
}

#include "tests/plugin/openrtb/openrtb_oracle_terms.h"

static void seats(const cJSON *object, const char *name, struct qbid_seats *out)
{
    const cJSON *child;
    cJSON_ArrayForEach(child, get_typed(object, name, cJSON_Array))
    {
        struct qbid_text seat = label(child);
        char digits[8] = "";
        out->given = true;
        if (!cJSON_IsString(child) || seat.len == 0 || seat.len > 5)
            continue;
        memcpy(digits, seat.at, seat.len);
        long tenant = strtol(digits, NULL, 10);
        char again[8];
        snprintf(again, sizeof again, "%ld", tenant);
        if (tenant <= 0 || tenant > UINT16_MAX || strcmp(again, digits) != 0)
            continue;
        if (out->cnt == QBID_TERMS_SEATS_MAX)
            out->over = true;
        else
            out->tenant[out->cnt++] = (uint16_t)tenant;
    }
}

static void media(const cJSON *imp, struct qbid_openrtb_imp *out)
{
    const cJSON *banner = get_typed(imp, "banner", cJSON_Object), *child;
    const cJSON *video = get_typed(imp, "video", cJSON_Object);
    out->banner = banner != NULL;
    out->video = video != NULL;
    const cJSON *audio = get_typed(imp, "audio", cJSON_Object);
    const cJSON *native_object = get_typed(imp, "native", cJSON_Object);
    out->audio = audio != NULL;
    out->native = native_object != NULL;
    any_terms(banner, &out->media[0]);
    out->media[0].btype = (uint32_t)mask(banner, "btype");
    out->media[0].expdir = (uint32_t)mask(banner, "expdir");
    timed_terms(video, &out->media[1], &out->pod[0]);
    out->media[1].linearity = get_int(video, "linearity", 0);
    out->media[1].no_skip = get_tri(video, "skip") == QBID_TRI_NO;
    out->video_plcmt = get_int(video, "plcmt", 0);
    timed_terms(audio, &out->media[2], &out->pod[1]);
    native(native_object, out);
    out->banner_pos = get_int(banner, "pos", QBID_OPENRTB_INT_ABSENT);
    out->video_pos = get_int(video, "pos", QBID_OPENRTB_INT_ABSENT);
    out->banner_size.width = get_int(banner, "w", 0);
    out->banner_size.height = get_int(banner, "h", 0);
    out->video_size.width = get_int(video, "w", 0);
    out->video_size.height = get_int(video, "h", 0);
    cJSON_ArrayForEach(child, get_typed(banner, "format", cJSON_Array))
    {
        struct qbid_openrtb_size size = {get_int(child, "w", 0), get_int(child, "h", 0)};
        if (!cJSON_IsObject(child) && !is_blank(child))
            mismatch();
        if (out->format_cnt < QBID_OPENRTB_FORMATS_MAX)
            out->format[out->format_cnt++] = size;
    }
}

static void wadomain(const cJSON *deal, struct qbid_openrtb_request *request,
                     struct qbid_openrtb_deal *out)
{
    const cJSON *child;
    out->wadomain_first = request->wadomain_cnt;
    cJSON_ArrayForEach(child, get_typed(deal, "wadomain", cJSON_Array))
    {
        struct qbid_text name = label(child);
        if (name.len == 0)
            continue;
        if (request->wadomain_cnt == QBID_OPENRTB_WADOMAIN_MAX)
            out->wadomain_over = true;
        else
            request->wadomain[request->wadomain_cnt++] = name, out->wadomain_cnt++;
    }
}

static void deals(const cJSON *pmp, struct qbid_openrtb_request *request,
                  struct qbid_openrtb_imp *out)
{
    const cJSON *child;
    out->private_auction = get_flag(pmp, "private_auction");
    cJSON_ArrayForEach(child, get_typed(pmp, "deals", cJSON_Array))
    {
        struct qbid_openrtb_deal deal = {0};
        if (out->deal_cnt == QBID_OPENRTB_DEALS_MAX)
            break;
        if (!cJSON_IsObject(child) && !is_blank(child))
            mismatch();
        deal.id = get_label(child, "id");
        deal.floor_micros = get_floor(child, "bidfloor");
        deal.floor_given = get(child, "bidfloor") != NULL;
        deal.at = get_int(child, "at", QBID_OPENRTB_INT_ABSENT);
        deal.guaranteed = get_flag(child, "guar");
        durfloors(child, &deal.durfloors);
        wadomain(child, request, &deal);
        deal.currency = currency(get_text(child, "bidfloorcur"));
        seats(child, "wseat", &deal.wseat);
        if (deal.id.len != 0)
            out->deal[out->deal_cnt++] = deal;
    }
}

static void impressions(const cJSON *root, struct qbid_openrtb_request *out)
{
    const cJSON *child;
    vital = true;
    const cJSON *imps = get_typed(root, "imp", cJSON_Array);
    vital = false;
    cJSON_ArrayForEach(child, imps)
    {
        if (out->imp_cnt == QBID_OPENRTB_IMPS_MAX) {
            out->over = true;
            break;
        }
        struct qbid_openrtb_imp *imp = &out->imp[out->imp_cnt++];
        memset(imp, 0, sizeof *imp);
        malformed |= !cJSON_IsObject(child);
        imp->id = get_text(child, "id");
        imp->floor_micros = get_floor(child, "bidfloor");
        imp->currency = currency(get_text(child, "bidfloorcur"));
        imp->secure = get_tri(child, "secure");
        imp->instl = get_flag(child, "instl");
        imp->rwdd = get_flag(child, "rwdd");
        imp->exp_s = get_int(child, "exp", 0);
        const cJSON *qty = get_typed(child, "qty", cJSON_Object);
        int64_t factor = get_floor(qty, "multiplier");
        imp->multiplied = get(qty, "multiplier") && factor != 1000000;
        media(child, imp);
        deals(get_typed(child, "pmp", cJSON_Object), out, imp);
    }
}

static void geo(const cJSON *parent, struct qbid_openrtb_geo *out)
{
    const cJSON *object = get_typed(parent, "geo", cJSON_Object);
    out->country = get_text(object, "country");
    out->region = get_label(object, "region");
    out->utcoffset_min = get_int(object, "utcoffset", QBID_OPENRTB_INT_ABSENT);
}

static void device(const cJSON *root, struct qbid_openrtb_request *out)
{
    const cJSON *object = get_typed(root, "device", cJSON_Object);
    out->devicetype = get_int(object, "devicetype", QBID_OPENRTB_INT_ABSENT);
    out->os = get_text(object, "os");
    const cJSON *sua = get_typed(object, "sua", cJSON_Object);
    out->sua_mobile = get_tri(sua, "mobile");
    out->sua_os = get_text(get_typed(sua, "platform", cJSON_Object), "brand");
    out->lmt = get_flag(object, "lmt");
    out->dnt = get_flag(object, "dnt");
    out->ids.ifa.text = get_label(object, "ifa");
    geo(object, &out->device_geo);
}

static struct qbid_text first_uid(const cJSON *object)
{
    struct qbid_text first = {0};
    const cJSON *eid, *uid;
    cJSON_ArrayForEach(eid, get_typed(object, "eids", cJSON_Array))
    {
        if (!cJSON_IsObject(eid) && !is_blank(eid))
            mismatch();
        cJSON_ArrayForEach(uid, get_typed(eid, "uids", cJSON_Array))
        {
            if (!cJSON_IsObject(uid) && !is_blank(uid))
                mismatch();
            struct qbid_text id = get_label(uid, "id");
            first = first.len ? first : id;
        }
    }
    return first;
}

static void user(const cJSON *root, struct qbid_openrtb_request *out)
{
    const cJSON *object = get_typed(root, "user", cJSON_Object), *data, *segment;
    const cJSON *ext = get_typed(object, "ext", cJSON_Object);
    vital = true;
    out->consent = get_text(object, "consent");
    out->consent_ext = get_text(ext, "consent");
    vital = false;
    out->ids.eid.text = first_uid(object);
    out->ids.eid_ext.text = first_uid(ext);
    out->ids.buyeruid.text = get_label(object, "buyeruid");
    out->ids.user_id.text = get_label(object, "id");
    geo(object, &out->user_geo);
    cJSON_ArrayForEach(data, get_typed(object, "data", cJSON_Array))
    {
        if (!cJSON_IsObject(data) && !is_blank(data))
            mismatch();
        cJSON_ArrayForEach(segment, get_typed(data, "segment", cJSON_Array))
        {
            if (!cJSON_IsObject(segment) && !is_blank(segment))
                mismatch();
            struct qbid_text id = get_label(segment, "id");
            if (id.len != 0 && out->segment_cnt < QBID_OPENRTB_SEGMENTS_MAX)
                out->segment[out->segment_cnt++] = id;
        }
    }
}

static struct qbid_openrtb_sections gpp_sid(const cJSON *object)
{
    struct qbid_openrtb_sections sections = {0};
    const cJSON *child;
    cJSON_ArrayForEach(child, get_typed(object, "gpp_sid", cJSON_Array))
    {
        int32_t number = integer(is_blank(child) ? NULL : child, -1);
        sections.given = true;
        if (number > 0 && sections.cnt == QBID_OPENRTB_SECTIONS_MAX)
            sections.over = true;
        else if (number > 0)
            sections.section[sections.cnt++] = (uint16_t)(number > 65535 ? 65535 : number);
    }
    return sections;
}

static int32_t dsa(const cJSON *object)
{
    return get_int(get_typed(object, "dsa", cJSON_Object), "dsarequired", 0);
}

static void regs(const cJSON *root, struct qbid_openrtb_regs *out)
{
    vital = true;
    const cJSON *object = get_typed(root, "regs", cJSON_Object);
    const cJSON *ext = get_typed(object, "ext", cJSON_Object);
    struct qbid_text gpc = get_label(ext, "gpc");
    out->coppa = get_flag(object, "coppa");
    out->coppa_ext = get_flag(ext, "coppa");
    out->gdpr = get_tri(object, "gdpr");
    out->gdpr_ext = get_tri(ext, "gdpr");
    out->us_privacy = get_text(object, "us_privacy");
    out->us_privacy_ext = get_text(ext, "us_privacy");
    out->gpp_sid = gpp_sid(object);
    out->gpp_sid_ext = gpp_sid(ext);
    out->gpp = get_text(object, "gpp");
    out->gpp_ext = get_text(ext, "gpp");
    out->dsa_required = dsa(object);
    out->dsa_required_ext = dsa(ext);
    out->gpc = gpc.len == 1 && gpc.at[0] == '1';
    vital = false;
}

static void curs(const cJSON *root, struct qbid_openrtb_request *out)
{
    const cJSON *child;
    cJSON_ArrayForEach(child, get_typed(root, "cur", cJSON_Array))
    {
        if (!cJSON_IsString(child) && !cJSON_IsNull(child))
            mismatch();
        uint32_t code = cJSON_IsString(child) ? currency(text(child)) : 0;
        if (code != 0 && out->cur_cnt < QBID_OPENRTB_CURS_MAX)
            out->cur[out->cur_cnt++] = code;
    }
}

static void request(const cJSON *root, struct qbid_openrtb_request *out)
{
    const cJSON *site = get_typed(root, "site", cJSON_Object);
    const cJSON *app = get_typed(root, "app", cJSON_Object);
    const cJSON *tmax = get(root, "tmax");
    vital = true;
    out->id = get_text(root, "id");
    vital = false;
    out->at = get_int(root, "at", 2);
    out->tmax_ms = tmax && cJSON_IsNumber(tmax) ? integer(tmax, 0) : 0;
    out->test = get_flag(root, "test");
    out->site_domain = get_text(site, "domain");
    out->site_id = get_label(site, "id");
    out->app_bundle = get_label(app, "bundle");
    out->app_id = get_label(app, "id");
    out->dooh_id = get_label(get_typed(root, "dooh", cJSON_Object), "id");
    seats(root, "wseat", &out->wseat);
    seats(root, "bseat", &out->bseat);
    curs(root, out);
    names(root, "badv", QBID_OPENRTB_BADV_MAX, out->badv, &out->badv_cnt, &out->over);
    names(root, "bcat", QBID_OPENRTB_BCAT_MAX, out->bcat, &out->bcat_cnt, &out->over);
    supply(root, out);
    device(root, out);
    user(root, out);
    regs(root, &out->regs);
    impressions(root, out);
}

void openrtb_oracle_done(void)
{
    cJSON_Delete(tree);
    tree = NULL;
}

int openrtb_oracle_parse(const char *body, size_t len, struct qbid_openrtb_request *ret_request)
{
    unsigned depth;
    openrtb_oracle_done();
    memset(ret_request, 0, offsetof(struct qbid_openrtb_request, imp));
    if (len > QBID_OPENRTB_BYTES_MAX)
        return QBID_ERR_LIMIT;
    if (!json_oracle_valid(body, len, &depth))
        return QBID_ERR_PARSE;
    if (depth > QBID_OPENRTB_DEPTH_MAX)
        return QBID_ERR_LIMIT;
    tree = cJSON_ParseWithLength(body, len);
    label_cnt = 0;
    malformed = !tree || !cJSON_IsObject(tree);
    wrong_type = vital = false;
    if (!malformed)
        request(tree, ret_request);
    ret_request->wrong_type = wrong_type;
    return malformed || ret_request->id.len == 0 || ret_request->imp_cnt == 0 ? QBID_ERR_PARSE : 0;
}
