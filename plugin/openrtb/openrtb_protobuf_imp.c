/* SPDX-License-Identifier: Apache-2.0 */
/* Impressions in protobuf: kinds of media with their terms, deals. */
#include "plugin/openrtb/openrtb_asset.h"
#include "plugin/openrtb/protobuf_values.h"
#include "shm/mimes.h"
#include "shm/units.h"

/* A list of small numbers as a mask. */
static uint64_t mask_of(size_t n, const int32_t *numbers)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < n; i++)
        mask |= qbid_terms_bit(numbers[i]);
    return mask;
}

static uint64_t mimes_of(struct qbid_pb_reader *r, size_t n, const ProtobufCBinaryData *types)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < n; i++) {
        struct qbid_text type = qbid_pb_text(r, types[i]);
        mask |= qbid_mime_bit(type.at, type.len);
    }
    return mask;
}

static void read_durfloors(struct qbid_pb_reader *r, size_t n, Pb__Durfloor *const *floors,
                           struct qbid_durfloors *ret)
{
    for (size_t i = 0; i < n; i++) {
        const Pb__Durfloor *f = floors[i];
        struct qbid_durfloor entry = {
            .least_s = qbid_pb_int(f->has_mindur, f->mindur, 0),
            .most_s = qbid_pb_int(f->has_maxdur, f->maxdur, 0),
            .floor_micros = qbid_pb_floor(r, f->has_bidfloor, f->bidfloor),
        };
        if (ret->cnt < QBID_TERMS_DURFLOORS_MAX)
            ret->floor[ret->cnt++] = entry;
    }
}

static void read_durations(size_t n, const int32_t *seconds, struct qbid_media_terms *terms)
{
    terms->duration_listed = n > 0;
    for (size_t i = 0; i < n; i++)
        if (seconds[i] > 0 && terms->duration_cnt < QBID_TERMS_DURATIONS_MAX)
            terms->duration_s[terms->duration_cnt++] = seconds[i];
}

/* The same fields of messages of several types. */
#define read_any_terms(r, in, terms)                                                               \
    do {                                                                                           \
        (terms)->battr = mask_of((in)->n_battr, (in)->battr);                                      \
        (terms)->api = mask_of((in)->n_api, (in)->api);                                            \
        (terms)->mimes = mimes_of(r, (in)->n_mimes, (in)->mimes);                                  \
    } while (0)

#define read_timed_terms(r, in, terms, pod)                                                        \
    do {                                                                                           \
        (terms)->duration_least_s = qbid_pb_int((in)->has_minduration, (in)->minduration, 0);      \
        (terms)->duration_most_s = qbid_pb_int((in)->has_maxduration, (in)->maxduration, 0);       \
        (terms)->protocols = mask_of((in)->n_protocols, (in)->protocols);                          \
        (terms)->bitrate_least_kbps = qbid_pb_int((in)->has_minbitrate, (in)->minbitrate, 0);      \
        (terms)->bitrate_most_kbps = qbid_pb_int((in)->has_maxbitrate, (in)->maxbitrate, 0);       \
        (terms)->delivery = (uint32_t)mask_of((in)->n_delivery, (in)->delivery);                   \
        read_durations((in)->n_rqddurs, (in)->rqddurs, terms);                                     \
        read_durfloors(r, (in)->n_durfloors, (in)->durfloors, &(pod)->durfloors);                  \
        (pod)->durfloors.per_second_micros =                                                       \
            qbid_pb_floor(r, (in)->has_mincpmpersec, (in)->mincpmpersec);                          \
        (pod)->poddur_s = qbid_pb_int((in)->has_poddur, (in)->poddur, 0);                          \
    } while (0)

static void read_banner(struct qbid_pb_reader *r, const Pb__Banner *banner,
                        struct qbid_openrtb_imp *imp)
{
    struct qbid_media_terms *terms = &imp->media[0];
    if (!banner)
        return;
    imp->banner = true;
    imp->banner_size.width = qbid_pb_int(banner->has_w, banner->w, 0);
    imp->banner_size.height = qbid_pb_int(banner->has_h, banner->h, 0);
    imp->banner_pos = qbid_pb_int(banner->has_pos, banner->pos, QBID_OPENRTB_INT_ABSENT);
    read_any_terms(r, banner, terms);
    terms->btype = (uint32_t)mask_of(banner->n_btype, banner->btype);
    terms->expdir = (uint32_t)mask_of(banner->n_expdir, banner->expdir);
    for (size_t i = 0; i < banner->n_format && i < QBID_OPENRTB_FORMATS_MAX; i++) {
        const Pb__Format *format = banner->format[i];
        imp->format[imp->format_cnt++] = (struct qbid_openrtb_size){
            qbid_pb_int(format->has_w, format->w, 0), qbid_pb_int(format->has_h, format->h, 0)};
    }
}

static void read_video(struct qbid_pb_reader *r, const Pb__Video *video,
                       struct qbid_openrtb_imp *imp)
{
    struct qbid_media_terms *terms = &imp->media[1];
    if (!video)
        return;
    imp->video = true;
    imp->video_size.width = qbid_pb_int(video->has_w, video->w, 0);
    imp->video_size.height = qbid_pb_int(video->has_h, video->h, 0);
    imp->video_pos = qbid_pb_int(video->has_pos, video->pos, QBID_OPENRTB_INT_ABSENT);
    imp->video_plcmt = qbid_pb_int(video->has_plcmt, video->plcmt, 0);
    terms->linearity = qbid_pb_int(video->has_linearity, video->linearity, 0);
    terms->no_skip = video->has_skip && !video->skip;
    read_any_terms(r, video, terms);
    read_timed_terms(r, video, terms, &imp->pod[0]);
}

static void read_audio(struct qbid_pb_reader *r, const Pb__Audio *audio,
                       struct qbid_openrtb_imp *imp)
{
    if (!audio)
        return;
    imp->audio = true;
    read_any_terms(r, audio, &imp->media[2]);
    read_timed_terms(r, audio, &imp->media[2], &imp->pod[1]);
}

static void read_asset(const Pb__Asset *in, struct qbid_native_terms *terms)
{
    struct qbid_native_asset asset = {
        .required = qbid_pb_flag(in->has_required, in->required),
        .title = in->title != NULL,
        .image = in->img != NULL,
        .data = in->data != NULL,
        .video = in->video != NULL,
    };
    if (in->title)
        asset.title_len = qbid_pb_int(in->title->has_len, in->title->len, 0);
    if (in->img) {
        asset.image_kind = qbid_pb_int(in->img->has_type, in->img->type, 0);
        asset.size.w = qbid_pb_int(in->img->has_w, in->img->w, 0);
        asset.size.h = qbid_pb_int(in->img->has_h, in->img->h, 0);
        asset.size.wmin = qbid_pb_int(in->img->has_wmin, in->img->wmin, 0);
        asset.size.hmin = qbid_pb_int(in->img->has_hmin, in->img->hmin, 0);
    }
    if (in->data) {
        asset.data_kind = qbid_pb_int(in->data->has_type, in->data->type, 0);
        asset.data_len = qbid_pb_int(in->data->has_len, in->data->len, 0);
    }
    qbid_native_add(&asset, terms);
}

static void read_native(struct qbid_pb_reader *r, const Pb__Native *native,
                        struct qbid_openrtb_imp *imp)
{
    struct qbid_media_terms *terms = &imp->media[3];
    if (!native)
        return;
    imp->native = true;
    terms->battr = mask_of(native->n_battr, native->battr);
    terms->api = mask_of(native->n_api, native->api);
    struct qbid_text text = qbid_pb_text(r, native->request);
    if (text.len != 0)
        qbid_openrtb_read_native(r->json, text, r->out, imp);
    const Pb__NativeRequest *request = native->request_native;
    for (size_t i = 0; text.len == 0 && request && i < request->n_assets; i++)
        read_asset(request->assets[i], &imp->assets);
}

/* Into the list that all deals share. */
static void read_wadomain(struct qbid_pb_reader *r, const Pb__Deal *deal,
                          struct qbid_openrtb_deal *ret)
{
    struct qbid_openrtb_request *out = r->out;
    ret->wadomain_first = out->wadomain_cnt;
    for (size_t i = 0; i < deal->n_wadomain; i++) {
        struct qbid_text name = qbid_pb_text(r, deal->wadomain[i]);
        if (name.len == 0)
            continue;
        if (out->wadomain_cnt == QBID_OPENRTB_WADOMAIN_MAX) {
            ret->wadomain_over = true;
            continue;
        }
        out->wadomain[out->wadomain_cnt++] = name;
        ret->wadomain_cnt++;
    }
}

static void read_deal(struct qbid_pb_reader *r, const Pb__Deal *deal, struct qbid_openrtb_deal *ret)
{
    *ret = (struct qbid_openrtb_deal){
        .id = qbid_pb_text(r, deal->id),
        .floor_micros = qbid_pb_floor(r, deal->has_bidfloor, deal->bidfloor),
        .floor_given = deal->has_bidfloor,
        .currency = qbid_pb_currency(r, deal->bidfloorcur),
        .at = qbid_pb_int(deal->has_at, deal->at, QBID_OPENRTB_INT_ABSENT),
        .guaranteed = deal->has_guar && deal->guar != 0,
    };
    read_durfloors(r, deal->n_durfloors, deal->durfloors, &ret->durfloors);
    ret->durfloors.per_second_micros = qbid_pb_floor(r, deal->has_mincpmpersec, deal->mincpmpersec);
    read_wadomain(r, deal, ret);
    qbid_pb_seats(r, deal->n_wseat, deal->wseat, &ret->wseat);
}

static void read_pmp(struct qbid_pb_reader *r, const Pb__Pmp *pmp, struct qbid_openrtb_imp *imp)
{
    if (!pmp)
        return;
    imp->private_auction = qbid_pb_flag(pmp->has_private_auction, pmp->private_auction);
    for (size_t i = 0; i < pmp->n_deals && imp->deal_cnt < QBID_OPENRTB_DEALS_MAX; i++) {
        struct qbid_openrtb_deal *deal = &imp->deal[imp->deal_cnt];
        read_deal(r, pmp->deals[i], deal);
        imp->deal_cnt = (uint8_t)(imp->deal_cnt + (deal->id.len != 0));
    }
}

static void read_imp(struct qbid_pb_reader *r, const Pb__Imp *imp, struct qbid_openrtb_imp *ret)
{
    memset(ret, 0, offsetof(struct qbid_openrtb_imp, format));
    ret->banner_pos = ret->video_pos = QBID_OPENRTB_INT_ABSENT;
    ret->id = qbid_pb_text(r, imp->id);
    ret->floor_micros = qbid_pb_floor(r, imp->has_bidfloor, imp->bidfloor);
    ret->currency = qbid_pb_currency(r, imp->bidfloorcur);
    ret->secure = qbid_pb_tri(imp->has_secure, imp->secure);
    ret->instl = qbid_pb_flag(imp->has_instl, imp->instl);
    ret->rwdd = qbid_pb_flag(imp->has_rwdd, imp->rwdd);
    ret->exp_s = qbid_pb_int(imp->has_exp, imp->exp, 0);
    if (imp->qty && imp->qty->has_multiplier)
        ret->multiplied = qbid_pb_floor(r, true, imp->qty->multiplier) != QBID_MICROS_PER_UNIT;
    read_banner(r, imp->banner, ret);
    read_video(r, imp->video, ret);
    read_audio(r, imp->audio, ret);
    read_native(r, imp->native, ret);
    read_pmp(r, imp->pmp, ret);
}

void qbid_pb_imps(struct qbid_pb_reader *r, const Pb__Request *in)
{
    for (size_t i = 0; i < in->n_imp && i < QBID_OPENRTB_IMPS_MAX; i++)
        read_imp(r, in->imp[i], &r->out->imp[r->out->imp_cnt++]);
    r->out->over |= in->n_imp > QBID_OPENRTB_IMPS_MAX;
}
