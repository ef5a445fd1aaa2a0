/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf-c unpacks into an arena; what a decision needs is then taken over, field by field. */
#include "plugin/openrtb_protobuf.h"

#include <stdalign.h>
#include <stdlib.h>

#include "plugin/openrtb.pb-c.h"
#include "shm/error.h"
#include "shm/units.h"

struct qbid_protobuf {
    struct qbid_arena request;
    struct qbid_arena answer;
    alignas(QBID_ARENA_ALIGN) char request_memory[QBID_PROTOBUF_REQUEST_BYTES];
    alignas(QBID_ARENA_ALIGN) char answer_memory[QBID_PROTOBUF_ANSWER_BYTES];
};

/* State of one parse. */
struct reader {
    struct qbid_openrtb_request *out;
    bool bad_text; /* something is not UTF-8 */
};

int qbid_protobuf_new(struct qbid_protobuf **ret_protobuf)
{
    struct qbid_protobuf *protobuf = calloc(1, sizeof *protobuf);
    if (!protobuf)
        return QBID_ERR_NOMEM;
    *ret_protobuf = protobuf;
    return 0;
}

void qbid_protobuf_free(struct qbid_protobuf *protobuf)
{
    free(protobuf);
}

struct qbid_arena *qbid_protobuf_answer_arena(struct qbid_protobuf *protobuf)
{
    protobuf->answer = qbid_arena_init(protobuf->answer_memory, QBID_PROTOBUF_ANSWER_BYTES);
    return &protobuf->answer;
}

/* --- values: what is absent has no length, and no has_ flag */

static struct qbid_text text_of(struct reader *r, ProtobufCBinaryData bytes)
{
    if (bytes.len == 0)
        return (struct qbid_text){NULL, 0};
    r->bad_text |= !qbid_text_utf8_valid((const char *)bytes.data, bytes.len);
    return (struct qbid_text){(const char *)bytes.data, (uint32_t)bytes.len};
}

static int32_t int_of(protobuf_c_boolean has, int32_t value, int32_t absent)
{
    if (!has)
        return absent;
    return value == INT32_MIN ? -INT32_MAX : value; /* the lowest one stands for absent */
}

static bool flag_of(protobuf_c_boolean has, protobuf_c_boolean value)
{
    return has && value;
}

static enum qbid_openrtb_tri tri_of(protobuf_c_boolean has, protobuf_c_boolean value)
{
    return !has ? QBID_TRI_ABSENT : value ? QBID_TRI_YES : QBID_TRI_NO;
}

int64_t qbid_protobuf_micros(double units)
{
    const double scale = QBID_MICROS_PER_UNIT;
    if (!(units > 0))
        return 0;
    if (units >= (double)INT64_MAX / scale)
        return INT64_MAX;
    int64_t nearest = (int64_t)(units * scale + 0.5);
    /* a division rounds to the nearest double, and so does whoever reads the decimal */
    return (double)nearest / scale < units ? nearest + 1 : nearest;
}

static int64_t floor_of(struct reader *r, protobuf_c_boolean has, double units)
{
    if (has && units != units)
        r->out->wrong_type = true;
    return has ? qbid_protobuf_micros(units) : 0;
}

static uint32_t currency_of(struct reader *r, ProtobufCBinaryData bytes)
{
    return qbid_currency_code(text_of(r, bytes));
}

static uint16_t read_names(struct reader *r, size_t n, const ProtobufCBinaryData *names,
                           uint16_t max, struct qbid_text *out)
{
    uint16_t cnt = 0;
    for (size_t i = 0; i < n; i++) {
        struct qbid_text name = text_of(r, names[i]);
        if (name.len == 0)
            continue;
        if (cnt == max)
            r->out->over = true;
        else
            out[cnt++] = name;
    }
    return cnt;
}

static void read_seats(struct reader *r, size_t n, const ProtobufCBinaryData *seats,
                       struct qbid_openrtb_seats *ret)
{
    ret->given = n > 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t tenant = qbid_text_u16(text_of(r, seats[i]));
        if (tenant == 0)
            continue;
        if (ret->cnt == QBID_OPENRTB_SEATS_MAX)
            ret->over = true;
        else
            ret->tenant[ret->cnt++] = tenant;
    }
}

/* --- imp */

static void read_banner(const Pb__Banner *banner, struct qbid_openrtb_imp *imp)
{
    if (!banner)
        return;
    imp->banner = true;
    imp->banner_size.width = int_of(banner->has_w, banner->w, 0);
    imp->banner_size.height = int_of(banner->has_h, banner->h, 0);
    imp->banner_pos = int_of(banner->has_pos, banner->pos, QBID_OPENRTB_INT_ABSENT);
    for (size_t i = 0; i < banner->n_format && i < QBID_OPENRTB_FORMATS_MAX; i++) {
        const Pb__Format *format = banner->format[i];
        imp->format[imp->format_cnt++] = (struct qbid_openrtb_size){
            int_of(format->has_w, format->w, 0), int_of(format->has_h, format->h, 0)};
    }
}

static void read_video(const Pb__Video *video, struct qbid_openrtb_imp *imp)
{
    if (!video)
        return;
    imp->video = true;
    imp->video_size.width = int_of(video->has_w, video->w, 0);
    imp->video_size.height = int_of(video->has_h, video->h, 0);
    imp->video_pos = int_of(video->has_pos, video->pos, QBID_OPENRTB_INT_ABSENT);
}

static void read_deal(struct reader *r, const Pb__Deal *deal, struct qbid_openrtb_deal *ret)
{
    *ret = (struct qbid_openrtb_deal){
        .id = text_of(r, deal->id),
        .floor_micros = floor_of(r, deal->has_bidfloor, deal->bidfloor),
        .currency = currency_of(r, deal->bidfloorcur),
    };
    read_seats(r, deal->n_wseat, deal->wseat, &ret->wseat);
}

static void read_pmp(struct reader *r, const Pb__Pmp *pmp, struct qbid_openrtb_imp *imp)
{
    if (!pmp)
        return;
    imp->private_auction = flag_of(pmp->has_private_auction, pmp->private_auction);
    for (size_t i = 0; i < pmp->n_deals && imp->deal_cnt < QBID_OPENRTB_DEALS_MAX; i++) {
        struct qbid_openrtb_deal *deal = &imp->deal[imp->deal_cnt];
        read_deal(r, pmp->deals[i], deal);
        imp->deal_cnt = (uint8_t)(imp->deal_cnt + (deal->id.len != 0));
    }
}

static void read_imp(struct reader *r, const Pb__Imp *imp, struct qbid_openrtb_imp *ret)
{
    memset(ret, 0, offsetof(struct qbid_openrtb_imp, format));
    ret->banner_pos = ret->video_pos = QBID_OPENRTB_INT_ABSENT;
    ret->id = text_of(r, imp->id);
    ret->floor_micros = floor_of(r, imp->has_bidfloor, imp->bidfloor);
    ret->currency = currency_of(r, imp->bidfloorcur);
    ret->secure = flag_of(imp->has_secure, imp->secure);
    ret->audio = imp->audio != NULL;
    ret->native = imp->native != NULL;
    read_banner(imp->banner, ret);
    read_video(imp->video, ret);
    read_pmp(r, imp->pmp, ret);
}

static void read_imps(struct reader *r, const Pb__Request *in)
{
    for (size_t i = 0; i < in->n_imp && i < QBID_OPENRTB_IMPS_MAX; i++)
        read_imp(r, in->imp[i], &r->out->imp[r->out->imp_cnt++]);
    r->out->over |= in->n_imp > QBID_OPENRTB_IMPS_MAX;
}

/* --- the rest of the request */

static void read_geo(struct reader *r, const Pb__Geo *geo, struct qbid_openrtb_geo *ret)
{
    if (!geo)
        return;
    ret->country = text_of(r, geo->country);
    ret->region = text_of(r, geo->region);
    ret->utcoffset_min = int_of(geo->has_utcoffset, geo->utcoffset, QBID_OPENRTB_INT_ABSENT);
}

static void read_inventory(struct reader *r, const Pb__Request *in)
{
    struct qbid_openrtb_request *out = r->out;
    if (in->site) {
        out->site_domain = text_of(r, in->site->domain);
        out->site_id = text_of(r, in->site->id);
    }
    if (in->app) {
        out->app_bundle = text_of(r, in->app->bundle);
        out->app_id = text_of(r, in->app->id);
    }
    if (in->dooh)
        out->dooh_id = text_of(r, in->dooh->id);
}

static void read_device(struct reader *r, const Pb__Device *device)
{
    struct qbid_openrtb_request *out = r->out;
    if (!device)
        return;
    out->devicetype = int_of(device->has_devicetype, device->devicetype, QBID_OPENRTB_INT_ABSENT);
    out->os = text_of(r, device->os);
    out->lmt = flag_of(device->has_lmt, device->lmt);
    out->dnt = flag_of(device->has_dnt, device->dnt);
    out->ids.ifa.text = text_of(r, device->ifa);
    read_geo(r, device->geo, &out->device_geo);
}

static void read_segments(struct reader *r, const Pb__Data *data)
{
    struct qbid_openrtb_request *out = r->out;
    for (size_t i = 0; i < data->n_segment; i++) {
        struct qbid_text id = text_of(r, data->segment[i]->id);
        if (id.len != 0 && out->segment_cnt < QBID_OPENRTB_SEGMENTS_MAX)
            out->segment[out->segment_cnt++] = id;
    }
}

/* The first uids[].id of eids[] that is one. */
static struct qbid_text read_eids(struct reader *r, size_t n, Pb__Eid *const *eids)
{
    struct qbid_text first = {NULL, 0};
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < eids[i]->n_uids; j++) {
            struct qbid_text id = text_of(r, eids[i]->uids[j]->id);
            first = first.len ? first : id;
        }
    }
    return first;
}

static void read_user(struct reader *r, const Pb__User *user)
{
    struct qbid_openrtb_ids *ids = &r->out->ids;
    if (!user)
        return;
    const Pb__UserExt *ext = user->ext ? user->ext : user->ext_202;
    read_geo(r, user->geo, &r->out->user_geo);
    r->out->consent = text_of(r, user->consent);
    ids->user_id.text = text_of(r, user->id);
    ids->buyeruid.text = text_of(r, user->buyeruid);
    ids->eid.text = read_eids(r, user->n_eids, user->eids);
    if (ext) {
        r->out->consent_ext = text_of(r, ext->consent);
        ids->eid_ext.text = read_eids(r, ext->n_eids, ext->eids);
    }
    for (size_t i = 0; i < user->n_data; i++)
        read_segments(r, user->data[i]);
}

/* -1 means that no section applies. */
static void read_sections(const Pb__Regs *in, struct qbid_openrtb_sections *ret)
{
    ret->given = in->n_gpp_sid > 0;
    for (size_t i = 0; i < in->n_gpp_sid; i++) {
        int32_t section = in->gpp_sid[i];
        if (section <= 0)
            continue;
        if (ret->cnt == QBID_OPENRTB_SECTIONS_MAX)
            ret->over = true;
        else
            ret->section[ret->cnt++] = (uint16_t)(section < UINT16_MAX ? section : UINT16_MAX);
    }
}

static void read_regs(struct reader *r, const Pb__Regs *in)
{
    struct qbid_openrtb_regs *regs = &r->out->regs;
    if (!in)
        return;
    const Pb__RegsExt *ext = in->ext ? in->ext : in->ext_201;
    regs->coppa = flag_of(in->has_coppa, in->coppa);
    regs->gdpr = tri_of(in->has_gdpr, in->gdpr);
    regs->us_privacy = text_of(r, in->us_privacy);
    regs->gpp = text_of(r, in->gpp);
    read_sections(in, &regs->gpp_sid);
    if (!ext)
        return;
    regs->gdpr_ext = tri_of(ext->has_gdpr, ext->gdpr);
    regs->us_privacy_ext = text_of(r, ext->us_privacy);
    regs->gpc = qbid_text_is(text_of(r, ext->gpc), "1");
    if (ext->dsa)
        regs->dsa_required_ext = int_of(ext->dsa->has_dsarequired, ext->dsa->dsarequired, 0);
}

static void read_curs(struct reader *r, size_t n, const ProtobufCBinaryData *curs)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t code = currency_of(r, curs[i]);
        if (code != QBID_CURRENCY_NONE && r->out->cur_cnt < QBID_OPENRTB_CURS_MAX)
            r->out->cur[r->out->cur_cnt++] = code;
    }
}

static void read_request(struct reader *r, const Pb__Request *in)
{
    struct qbid_openrtb_request *out = r->out;
    out->id = text_of(r, in->id);
    out->at = int_of(in->has_at, in->at, 2);
    out->tmax_ms = int_of(in->has_tmax, in->tmax, 0);
    out->test = flag_of(in->has_test, in->test);
    out->badv_cnt = read_names(r, in->n_badv, in->badv, QBID_OPENRTB_BADV_MAX, out->badv);
    out->bcat_cnt = read_names(r, in->n_bcat, in->bcat, QBID_OPENRTB_BCAT_MAX, out->bcat);
    read_curs(r, in->n_cur, in->cur);
    read_seats(r, in->n_wseat, in->wseat, &out->wseat);
    read_seats(r, in->n_bseat, in->bseat, &out->bseat);
    read_imps(r, in);
    read_inventory(r, in);
    read_device(r, in->device);
    read_user(r, in->user);
    read_regs(r, in->regs);
}

static void *take(void *arena, size_t bytes)
{
    return qbid_arena_take(arena, bytes);
}

static void give_back(void *arena, void *memory)
{
    (void)arena;
    (void)memory; /* goes with the whole */
}

int qbid_protobuf_parse(struct qbid_protobuf *protobuf, const char *body, size_t len,
                        struct qbid_openrtb_request *ret_request)
{
    struct reader r = {.out = ret_request};
    qbid_openrtb_reset(ret_request);
    if (len > QBID_OPENRTB_BYTES_MAX)
        return QBID_ERR_LIMIT;
    protobuf->request = qbid_arena_init(protobuf->request_memory, QBID_PROTOBUF_REQUEST_BYTES);
    ProtobufCAllocator allocator = {take, give_back, &protobuf->request};
    const Pb__Request *in = pb__request__unpack(&allocator, len, (const uint8_t *)body);
    if (!in)
        return protobuf->request.over ? QBID_ERR_LIMIT : QBID_ERR_PARSE;
    read_request(&r, in);
    return r.bad_text || ret_request->id.len == 0 || ret_request->imp_cnt == 0 ? QBID_ERR_PARSE : 0;
}
