/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf-c unpacks into an arena; what a decision needs is then taken over, field by field. */
#include "plugin/openrtb/openrtb_protobuf.h"

#include <stdalign.h>
#include <stdlib.h>

#include "plugin/openrtb/protobuf_values.h"
#include "shm/error.h"
#include "shm/units.h"

struct qbid_protobuf {
    struct qbid_openrtb *json; /* borrowed */
    struct qbid_arena request;
    struct qbid_arena answer;
    alignas(QBID_ARENA_ALIGN) char request_memory[QBID_PROTOBUF_REQUEST_BYTES];
    alignas(QBID_ARENA_ALIGN) char answer_memory[QBID_PROTOBUF_ANSWER_BYTES];
};

int qbid_protobuf_new(struct qbid_openrtb *json, struct qbid_protobuf **ret_protobuf)
{
    struct qbid_protobuf *protobuf = calloc(1, sizeof *protobuf);
    if (!protobuf)
        return QBID_ERR_NOMEM;
    protobuf->json = json;
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

static uint16_t read_names(struct qbid_pb_reader *r, size_t n, const ProtobufCBinaryData *names,
                           uint16_t max, struct qbid_text *out)
{
    uint16_t cnt = 0;
    for (size_t i = 0; i < n; i++) {
        struct qbid_text name = qbid_pb_text(r, names[i]);
        if (name.len == 0)
            continue;
        if (cnt == max)
            r->out->over = true;
        else
            out[cnt++] = name;
    }
    return cnt;
}

/* --- the rest of the request */

static void read_geo(struct qbid_pb_reader *r, const Pb__Geo *geo, struct qbid_openrtb_geo *ret)
{
    if (!geo)
        return;
    ret->country = qbid_pb_text(r, geo->country);
    ret->region = qbid_pb_text(r, geo->region);
    ret->utcoffset_min = qbid_pb_int(geo->has_utcoffset, geo->utcoffset, QBID_OPENRTB_INT_ABSENT);
}

/* A message without any field says as little as an absent one. */
#define GIVEN(message, ...) ((__VA_ARGS__) || (message)->base.n_unknown_fields > 0)

static void read_inventory(struct qbid_pb_reader *r, const Pb__Request *in)
{
    struct qbid_openrtb_request *out = r->out;
    if (in->site) {
        out->site = GIVEN(in->site, in->site->has_id || in->site->has_domain);
        out->site_domain = qbid_pb_text(r, in->site->domain);
        out->site_id = qbid_pb_text(r, in->site->id);
    }
    if (in->app) {
        out->app = GIVEN(in->app, in->app->has_id || in->app->has_bundle);
        out->app_bundle = qbid_pb_text(r, in->app->bundle);
        out->app_id = qbid_pb_text(r, in->app->id);
    }
    if (in->dooh) {
        out->dooh = GIVEN(in->dooh, in->dooh->has_id);
        out->dooh_id = qbid_pb_text(r, in->dooh->id);
    }
}

static void read_device(struct qbid_pb_reader *r, const Pb__Device *device)
{
    struct qbid_openrtb_request *out = r->out;
    if (!device)
        return;
    out->devicetype =
        qbid_pb_int(device->has_devicetype, device->devicetype, QBID_OPENRTB_INT_ABSENT);
    out->os = qbid_pb_text(r, device->os);
    out->lmt = qbid_pb_flag(device->has_lmt, device->lmt);
    out->dnt = qbid_pb_flag(device->has_dnt, device->dnt);
    out->ids.ifa.text = qbid_pb_text(r, device->ifa);
    if (device->sua) {
        out->sua_mobile = qbid_pb_tri(device->sua->has_mobile, device->sua->mobile);
        if (device->sua->platform)
            out->sua_os = qbid_pb_text(r, device->sua->platform->brand);
    }
    read_geo(r, device->geo, &out->device_geo);
}

static void read_segments(struct qbid_pb_reader *r, const Pb__Data *data)
{
    struct qbid_openrtb_request *out = r->out;
    for (size_t i = 0; i < data->n_segment; i++) {
        struct qbid_text id = qbid_pb_text(r, data->segment[i]->id);
        if (id.len != 0 && out->segment_cnt < QBID_OPENRTB_SEGMENTS_MAX)
            out->segment[out->segment_cnt++] = id;
    }
}

/* The first uids[].id of eids[] that is one. */
static struct qbid_text read_eids(struct qbid_pb_reader *r, size_t n, Pb__Eid *const *eids)
{
    struct qbid_text first = {NULL, 0};
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < eids[i]->n_uids; j++) {
            struct qbid_text id = qbid_pb_text(r, eids[i]->uids[j]->id);
            first = first.len ? first : id;
        }
    }
    return first;
}

static void read_user(struct qbid_pb_reader *r, const Pb__User *user)
{
    struct qbid_openrtb_ids *ids = &r->out->ids;
    if (!user)
        return;
    const Pb__UserExt *ext = user->ext ? user->ext : user->ext_202;
    read_geo(r, user->geo, &r->out->user_geo);
    r->out->consent = qbid_pb_text(r, user->consent);
    ids->user_id.text = qbid_pb_text(r, user->id);
    ids->buyeruid.text = qbid_pb_text(r, user->buyeruid);
    ids->eid.text = read_eids(r, user->n_eids, user->eids);
    if (ext) {
        r->out->consent_ext = qbid_pb_text(r, ext->consent);
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

static void read_regs(struct qbid_pb_reader *r, const Pb__Regs *in)
{
    struct qbid_openrtb_regs *regs = &r->out->regs;
    if (!in)
        return;
    const Pb__RegsExt *ext = in->ext ? in->ext : in->ext_201;
    regs->coppa = qbid_pb_flag(in->has_coppa, in->coppa);
    regs->gdpr = qbid_pb_tri(in->has_gdpr, in->gdpr);
    regs->us_privacy = qbid_pb_text(r, in->us_privacy);
    regs->gpp = qbid_pb_text(r, in->gpp);
    read_sections(in, &regs->gpp_sid);
    if (!ext)
        return;
    regs->gdpr_ext = qbid_pb_tri(ext->has_gdpr, ext->gdpr);
    regs->us_privacy_ext = qbid_pb_text(r, ext->us_privacy);
    regs->gpc = qbid_text_is(qbid_pb_text(r, ext->gpc), "1");
    if (ext->dsa)
        regs->dsa_required_ext = qbid_pb_int(ext->dsa->has_dsarequired, ext->dsa->dsarequired, 0);
}

static void read_schain(struct qbid_pb_reader *r, const Pb__Schain *in,
                        struct qbid_openrtb_schain *ret)
{
    if (!in)
        return;
    struct qbid_text ver = qbid_pb_text(r, in->ver);
    bool sound = ver.len >= 2 && ver.at[0] == '1' && ver.at[1] == '.' && in->n_nodes > 0;
    for (size_t i = 0; i < in->n_nodes; i++) {
        const Pb__SchainNode *node = in->nodes[i];
        struct qbid_text asi = qbid_pb_text(r, node->asi), sid = qbid_pb_text(r, node->sid);
        sound &= asi.len != 0 && sid.len != 0 && qbid_pb_flag(node->has_hp, node->hp);
    }
    ret->given = GIVEN(in, in->has_complete || in->has_ver || in->n_nodes > 0);
    ret->complete = qbid_pb_flag(in->has_complete, in->complete);
    ret->sound = sound;
}

/* ext.schain of the request itself has no place in the IAB's protobuf. */
static void read_source(struct qbid_pb_reader *r, const Pb__Source *source)
{
    if (!source)
        return;
    read_schain(r, source->schain, &r->out->schain[0]);
    if (source->ext)
        read_schain(r, source->ext->schain, &r->out->schain[1]);
}

static void read_acat(struct qbid_pb_reader *r, size_t n, const ProtobufCBinaryData *names)
{
    struct qbid_openrtb_request *out = r->out;
    for (size_t i = 0; i < n; i++) {
        struct qbid_text name = qbid_pb_text(r, names[i]);
        out->acat_given |= name.len != 0;
        if (name.len != 0 && out->acat_cnt < QBID_OPENRTB_ACAT_MAX)
            out->acat[out->acat_cnt++] = name;
    }
}

static void read_languages(struct qbid_pb_reader *r, size_t n, const ProtobufCBinaryData *tags,
                           unsigned which)
{
    struct qbid_openrtb_request *out = r->out;
    for (size_t i = 0; i < n; i++) {
        struct qbid_text tag = qbid_pb_text(r, tags[i]);
        uint64_t language = tag.len != 0 ? qbid_language(tag.at, tag.len) : 0;
        out->wlang_given[which] |= tag.len != 0;
        if (language != 0 && out->wlang_cnt[which] < QBID_TERMS_LANGUAGES_MAX)
            out->wlang[which][out->wlang_cnt[which]++] = language;
    }
}

static void read_curs(struct qbid_pb_reader *r, size_t n, const ProtobufCBinaryData *curs)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t code = qbid_pb_currency(r, curs[i]);
        if (code != QBID_CURRENCY_NONE && r->out->cur_cnt < QBID_OPENRTB_CURS_MAX)
            r->out->cur[r->out->cur_cnt++] = code;
    }
}

static void read_request(struct qbid_pb_reader *r, const Pb__Request *in)
{
    struct qbid_openrtb_request *out = r->out;
    out->id = qbid_pb_text(r, in->id);
    out->at = qbid_pb_int(in->has_at, in->at, 2);
    out->tmax_ms = qbid_pb_int(in->has_tmax, in->tmax, 0);
    out->test = qbid_pb_flag(in->has_test, in->test);
    out->badv_cnt = read_names(r, in->n_badv, in->badv, QBID_OPENRTB_BADV_MAX, out->badv);
    out->bcat_cnt = read_names(r, in->n_bcat, in->bcat, QBID_OPENRTB_BCAT_MAX, out->bcat);
    out->bapp_cnt = read_names(r, in->n_bapp, in->bapp, QBID_OPENRTB_BAPP_MAX, out->bapp);
    read_acat(r, in->n_acat, in->acat);
    out->cattax = qbid_pb_int(in->has_cattax, in->cattax, 1);
    read_languages(r, in->n_wlang, in->wlang, 0);
    read_languages(r, in->n_wlangb, in->wlangb, 1);
    read_curs(r, in->n_cur, in->cur);
    qbid_pb_seats(r, in->n_wseat, in->wseat, &out->wseat);
    qbid_pb_seats(r, in->n_bseat, in->bseat, &out->bseat);
    qbid_pb_imps(r, in);
    read_source(r, in->source);
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
    struct qbid_pb_reader r = {.out = ret_request, .json = protobuf->json};
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
