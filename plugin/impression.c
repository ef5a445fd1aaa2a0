/* SPDX-License-Identifier: Apache-2.0 */
/* Raw values, floors, deals and block lists of one impression, as hashes and micros. */
#include "plugin/impression.h"

#include <stddef.h>
#include <string.h>

#include "plugin/currency.h"
#include "plugin/digits.h"

#define DEVICE_MOBILE 1 /* devicetype: a phone or a tablet */
#define RAW_MAX 256     /* of a raw value; what is longer is cut there, alike for everybody */

/* A raw value in the making. */
struct raw {
    uint32_t len;
    char text[RAW_MAX];
};

/* Its text is written before it is read: only the length needs a start. */
static void raw_init(struct raw *raw)
{
    raw->len = 0;
}

/* Room for a text; how much of it stays is in *len. */
static char *raw_room(struct raw *raw, uint32_t *len)
{
    char *to = raw->text + raw->len;
    if (*len > RAW_MAX - raw->len)
        *len = RAW_MAX - raw->len;
    raw->len += *len;
    return to;
}

static void raw_add(struct raw *raw, const char *text, uint32_t len)
{
    char *to = raw_room(raw, &len);
    for (uint32_t i = 0; i < len; i++) /* most are of a few bytes */
        to[i] = text[i];
}

static void raw_add_lower(struct raw *raw, struct qbid_text text)
{
    uint32_t len = text.len;
    char *to = raw_room(raw, &len);
    qbid_text_copy_lower(to, text.at, len);
}

static void raw_add_upper(struct raw *raw, struct qbid_text text)
{
    uint32_t len = text.len;
    char *to = raw_room(raw, &len);
    for (uint32_t i = 0; i < len; i++)
        to[i] = qbid_text_upper(text.at[i]);
}

/* Words and numbers alone stand before one: there is room. */
static void raw_add_number(struct raw *raw, int64_t number)
{
    if (number < 0)
        raw_add(raw, "-", 1);
    raw->len +=
        qbid_digits(number < 0 ? (uint64_t)-number : (uint64_t)number, raw->text + raw->len);
}

/* Hash of a raw value, which is noted when the dictionary lacks it. */
static uint64_t raw_hash(struct qbid_common *common, unsigned dim, const char *text, uint32_t len,
                         bool *ret_known)
{
    uint64_t hash = qbid_hash_dim(dim, text, len);
    *ret_known = qbid_image_value(common->image, hash) != 0;
    if (*ret_known)
        return hash;
    struct qbid_unknown *unknown = &common->unknown;
    unknown->total++;
    if (unknown->cnt < QBID_UNKNOWN_MAX) {
        unsigned i = unknown->cnt++;
        unknown->value[i].hash = hash;
        unknown->value[i].dim = (uint8_t)dim;
        unknown->value[i].len = (uint8_t)(len < 255 ? len : 255);
        memset(unknown->value[i].text, 0, QBID_UNKNOWN_TEXT);
        memcpy(unknown->value[i].text, text, len < QBID_UNKNOWN_TEXT ? len : QBID_UNKNOWN_TEXT);
    }
    return hash;
}

static void set_dim(struct qbid_common *common, struct qbid_request *request, unsigned dim,
                    const char *text, uint32_t len)
{
    bool known;
    if (len != 0)
        request->dim[dim] = raw_hash(common, dim, text, len < RAW_MAX ? len : RAW_MAX, &known);
}

static void set_device(struct qbid_common *common)
{
    const struct qbid_openrtb_request *openrtb = common->openrtb;
    struct raw raw;
    raw_init(&raw);
    int32_t type = openrtb->devicetype;
    struct qbid_text os = openrtb->os.len != 0 ? openrtb->os : openrtb->sua_os;
    if (type == QBID_OPENRTB_INT_ABSENT && openrtb->sua_mobile == QBID_TRI_YES)
        type = DEVICE_MOBILE;
    if (type == QBID_OPENRTB_INT_ABSENT && os.len == 0)
        return;
    if (type != QBID_OPENRTB_INT_ABSENT)
        raw_add_number(&raw, type);
    raw_add(&raw, "/", 1);
    raw_add_lower(&raw, os);
    set_dim(common, &common->base, QBID_DIM_DEVICE, raw.text, raw.len);
}

static void set_geo(struct qbid_common *common)
{
    const struct qbid_openrtb_geo *geo = &common->openrtb->device_geo;
    struct raw raw;
    raw_init(&raw);
    if (geo->country.len == 0 && geo->region.len == 0)
        geo = &common->openrtb->user_geo;
    if (geo->country.len == 0 && geo->region.len == 0)
        return;
    raw_add_upper(&raw, geo->country);
    raw_add(&raw, "/", 1);
    raw_add(&raw, geo->region.at, geo->region.len);
    set_dim(common, &common->base, QBID_DIM_GEO, raw.text, raw.len);
}

static void set_site(struct qbid_common *common)
{
    const struct qbid_openrtb_request *o = common->openrtb;
    const struct qbid_text *name = o->site_domain.len ? &o->site_domain : &o->app_bundle;
    struct raw raw;
    raw_init(&raw);
    if (name->len != 0) {
        raw_add_lower(&raw, *name);
    } else {
        name = o->site_id.len ? &o->site_id : o->app_id.len ? &o->app_id : &o->dooh_id;
        raw_add(&raw, name->at, name->len);
    }
    set_dim(common, &common->base, QBID_DIM_SITE, raw.text, raw.len);
}

/* 1970-01-01 was a Thursday: day 3 of a week that begins on Monday. */
static void set_hour(struct qbid_common *common, uint64_t unix_s)
{
    const struct qbid_openrtb_request *openrtb = common->openrtb;
    int32_t offset_min = openrtb->device_geo.utcoffset_min;
    struct raw raw;
    raw_init(&raw);
    if (offset_min == QBID_OPENRTB_INT_ABSENT)
        offset_min = openrtb->user_geo.utcoffset_min;
    if (offset_min < -24 * 60 || offset_min > 24 * 60)
        offset_min = 0;
    int64_t hours = ((int64_t)unix_s + (int64_t)offset_min * 60) / 3600 + 3 * 24;
    raw_add_number(&raw, (hours % 168 + 168) % 168);
    set_dim(common, &common->base, QBID_DIM_HOUR, raw.text, raw.len);
}

static void set_segments(struct qbid_common *common)
{
    const struct qbid_openrtb_request *openrtb = common->openrtb;
    struct qbid_request *base = &common->base;
    for (unsigned i = 0; i < openrtb->segment_cnt; i++) {
        const struct qbid_text *id = &openrtb->segment[i];
        bool known;
        uint64_t hash = raw_hash(common, QBID_DIM_SEGMENT, id->at,
                                 id->len < RAW_MAX ? id->len : RAW_MAX, &known);
        if (known && base->segment_cnt < QBID_REQUEST_SEGMENTS_MAX)
            base->segment[base->segment_cnt++] = hash;
    }
}

/* Domains and categories are compared in lower case, as the image has them. */
static void hash_names(const struct qbid_text *name, unsigned cnt, uint64_t *out)
{
    for (unsigned i = 0; i < cnt; i++) {
        struct raw raw;
        raw_init(&raw);
        raw_add_lower(&raw, name[i]);
        out[i] = qbid_hash_name(raw.text, raw.len);
    }
}

static void hash_imps(struct qbid_common *common)
{
    const struct qbid_openrtb_request *openrtb = common->openrtb;
    uint64_t seed = XXH3_64bits(openrtb->id.at, openrtb->id.len);
    for (unsigned i = 0; i < openrtb->imp_cnt; i++) {
        const struct qbid_text *id = &openrtb->imp[i].id;
        common->imp_hash[i] = XXH3_64bits_withSeed(id->at, id->len, seed);
    }
}

/* Whether another impression of the request has the same id: senders do that. */
static bool is_repeated(const struct qbid_common *common, unsigned imp_idx)
{
    unsigned same = 0;
    for (unsigned i = 0; i < common->openrtb->imp_cnt; i++)
        same += common->imp_hash[i] == common->imp_hash[imp_idx];
    return same > 1;
}

void qbid_common_fill(const struct qbid_image *image, struct qbid_openrtb_request *openrtb,
                      const char *exchange, uint64_t unix_s, struct qbid_common *ret_common)
{
    struct qbid_request *base = &ret_common->base;
    ret_common->image = image;
    ret_common->openrtb = openrtb;
    ret_common->privacy = qbid_privacy_of(openrtb, &image->header->privacy);
    qbid_privacy_strip(ret_common->privacy, openrtb);
    ret_common->unknown.total = ret_common->unknown.cnt = 0;
    memset(base, 0, sizeof *base);
    base->auction = openrtb->at == 2 ? QBID_AUCTION_SECOND_PRICE : QBID_AUCTION_FIRST_PRICE;
    base->flags = openrtb->test ? QBID_REQUEST_TEST : 0;
    base->privacy = (uint8_t)qbid_privacy_class_of(ret_common->privacy.reason);
    hash_names(openrtb->badv, openrtb->badv_cnt, ret_common->badv);
    hash_names(openrtb->bcat, openrtb->bcat_cnt, ret_common->bcat);
    hash_names(openrtb->acat, openrtb->acat_cnt, ret_common->acat);
    hash_names(openrtb->bapp, openrtb->bapp_cnt, ret_common->bapp);
    hash_names(openrtb->wadomain, openrtb->wadomain_cnt, ret_common->wadomain);
    base->badv = ret_common->badv;
    base->bcat = ret_common->bcat;
    base->badv_cnt = openrtb->badv_cnt;
    base->bcat_cnt = openrtb->bcat_cnt;
    if (exchange)
        set_dim(ret_common, base, QBID_DIM_EXCHANGE, exchange, (uint32_t)strlen(exchange));
    if (image->header->capped_cnt != 0)
        base->user_key = qbid_privacy_user_key(openrtb, base->dim[QBID_DIM_EXCHANGE]);
    set_device(ret_common);
    set_geo(ret_common);
    set_site(ret_common);
    set_hour(ret_common, unix_s);
    set_segments(ret_common);
    hash_imps(ret_common);
}

/* --- one impression */

static void add_slot(struct qbid_common *common, struct qbid_request *request, struct raw *raw)
{
    bool known;
    uint64_t hash = raw_hash(common, QBID_DIM_SLOT, raw->text, raw->len, &known);
    if (known && request->slot_cnt < QBID_REQUEST_SLOTS_MAX)
        request->slot[request->slot_cnt++] = hash;
}

static void add_size(struct qbid_common *common, struct qbid_request *request, const char *prefix,
                     struct qbid_openrtb_size size)
{
    struct raw raw;
    raw_init(&raw);
    if (size.width <= 0 || size.height <= 0)
        return;
    raw_add(&raw, prefix, (uint32_t)strlen(prefix));
    raw_add_number(&raw, size.width);
    raw_add(&raw, "x", 1);
    raw_add_number(&raw, size.height);
    add_slot(common, request, &raw);
}

static void add_word(struct qbid_common *common, struct qbid_request *request, const char *word)
{
    struct raw raw;
    raw_init(&raw);
    raw_add(&raw, word, (uint32_t)strlen(word));
    add_slot(common, request, &raw);
}

static void set_slots(struct qbid_common *common, const struct qbid_openrtb_imp *imp,
                      struct qbid_request *request)
{
    if (imp->banner) {
        bool listed = false;
        for (unsigned i = 0; i < imp->format_cnt; i++) {
            add_size(common, request, "banner:", imp->format[i]);
            listed |= imp->format[i].width == imp->banner_size.width &&
                      imp->format[i].height == imp->banner_size.height;
        }
        if (!listed)
            add_size(common, request, "banner:", imp->banner_size);
    }
    if (imp->video) {
        add_size(common, request, "video:", imp->video_size);
        add_word(common, request, "video:any");
    }
    if (imp->audio)
        add_word(common, request, "audio");
    if (imp->native && !imp->assets_unreadable)
        add_word(common, request, "native");
}

static void set_position(struct qbid_common *common, const struct qbid_openrtb_imp *imp,
                         struct qbid_request *request)
{
    int32_t position =
        imp->banner_pos != QBID_OPENRTB_INT_ABSENT ? imp->banner_pos : imp->video_pos;
    struct raw raw;
    raw_init(&raw);
    if (position == QBID_OPENRTB_INT_ABSENT)
        return;
    raw_add_number(&raw, position);
    set_dim(common, request, QBID_DIM_POSITION, raw.text, raw.len);
}

/* A floor in account currency; false when there is no rate for it. */
static bool convert_floor(const struct qbid_image *image, int64_t floor_micros, uint32_t currency,
                          int64_t *ret_micros)
{
    *ret_micros = 0;
    if (floor_micros == 0)
        return true;
    int64_t rate =
        qbid_currency_rate(image, currency == QBID_CURRENCY_NONE ? QBID_CURRENCY_USD : currency);
    if (rate <= 0)
        return false;
    *ret_micros = qbid_currency_to_account(floor_micros, rate);
    return true;
}

static bool floors_given(const struct qbid_durfloors *floors)
{
    return floors->cnt != 0 || floors->per_second_micros != 0;
}

/* Floors by duration in account currency; false when there is no rate for them. */
static bool convert_floors(const struct qbid_image *image, const struct qbid_durfloors *from,
                           uint32_t currency, struct qbid_durfloors *to)
{
    bool good = convert_floor(image, from->per_second_micros, currency, &to->per_second_micros);
    to->cnt = from->cnt;
    for (unsigned i = 0; i < from->cnt; i++) {
        to->floor[i] = from->floor[i];
        good &=
            convert_floor(image, from->floor[i].floor_micros, currency, &to->floor[i].floor_micros);
    }
    return good;
}

/* How many deals of an impression have this id: senders repeat them, with other floors. */
static unsigned count_deals(const struct qbid_openrtb_imp *imp, const struct qbid_text *id)
{
    unsigned cnt = 0;
    for (unsigned i = 0; i < imp->deal_cnt; i++)
        cnt += imp->deal[i].id.len == id->len && memcmp(imp->deal[i].id.at, id->at, id->len) == 0;
    return cnt;
}

/* Whether a bid on a deal could be made: of deals that share an id it could not say which it is
 * for, nor be above a floor that has no rate. */
static bool is_usable(const struct qbid_common *common, const struct qbid_openrtb_imp *imp,
                      const struct qbid_openrtb_deal *deal, int64_t *ret_floor_micros)
{
    struct qbid_durfloors floors;
    return count_deals(imp, &deal->id) == 1 && qbid_seat_any(&deal->wseat) &&
           convert_floor(common->image, deal->floor_micros, deal->currency, ret_floor_micros) &&
           (!floors_given(&deal->durfloors) ||
            convert_floors(common->image, &deal->durfloors, deal->currency, &floors));
}

static void set_deals(const struct qbid_common *common, const struct qbid_openrtb_imp *imp,
                      uint8_t deal_idx[QBID_REQUEST_DEALS_MAX], struct qbid_request *request)
{
    for (unsigned i = 0; i < imp->deal_cnt && request->deal_cnt < QBID_REQUEST_DEALS_MAX; i++) {
        const struct qbid_openrtb_deal *deal = &imp->deal[i];
        struct qbid_deal *out = &request->deal[request->deal_cnt];
        if (!is_usable(common, imp, deal, &out->floor_micros))
            continue;
        out->id_hash = qbid_hash_name(deal->id.at, deal->id.len);
        deal_idx[request->deal_cnt++] = (uint8_t)i;
    }
}

/* --- terms */

static bool media_given(const struct qbid_media_terms *m)
{
    uint64_t asked = m->battr | m->mimes | m->protocols | m->btype | m->delivery | m->api |
                     m->expdir | m->no_skip | m->duration_listed;
    return asked != 0 || m->linearity > 0 || m->duration_least_s > 0 || m->duration_most_s > 0 ||
           m->bitrate_least_kbps > 0 || m->bitrate_most_kbps > 0;
}

/* Whether what is asked goes beyond what the request itself says. */
static bool terms_given(const struct qbid_openrtb_request *o, const struct qbid_openrtb_imp *imp,
                        const struct qbid_request *request)
{
    bool given = o->wseat.given || o->bseat.given || o->acat_given || o->bapp_cnt != 0 ||
                 o->wlang_given[0] || o->wlang_given[1] || request->deal_cnt != 0 ||
                 (o->bcat_cnt != 0 && o->cattax != 1);
    for (unsigned i = 0; i < 4; i++)
        given |= media_given(&imp->media[i]);
    for (unsigned i = 0; i < 2; i++)
        given |= floors_given(&imp->pod[i].durfloors) || imp->pod[i].poddur_s > 0;
    return given || imp->native || imp->instl || imp->rwdd || imp->video_plcmt != 0;
}

static void set_languages(const struct qbid_openrtb_request *o, struct qbid_terms *terms)
{
    unsigned which = o->wlang_given[0] ? 0 : 1;
    terms->language_given = o->wlang_given[which];
    terms->language = o->wlang[which];
    terms->language_cnt = o->wlang_cnt[which];
}

static void set_lists(const struct qbid_common *common, struct qbid_terms *terms)
{
    const struct qbid_openrtb_request *o = common->openrtb;
    terms->wseat = &o->wseat;
    terms->bseat = &o->bseat;
    terms->acat = common->acat;
    terms->acat_cnt = o->acat_cnt;
    terms->acat_given = o->acat_given;
    terms->bapp = common->bapp;
    terms->bapp_cnt = o->bapp_cnt;
    if (o->bcat_cnt != 0 || o->acat_given)
        terms->cattax = (uint8_t)(o->cattax > 0 && o->cattax < UINT8_MAX ? o->cattax : UINT8_MAX);
    set_languages(o, terms);
}

static uint32_t places_of(const struct qbid_openrtb_imp *imp)
{
    uint32_t places = imp->instl ? QBID_PLACE_INTERSTITIAL : QBID_PLACE_INLINE;
    places |= imp->rwdd ? QBID_PLACE_REWARDED : QBID_PLACE_PLAIN;
    if (imp->video_plcmt >= 1 && imp->video_plcmt <= 4)
        places |= (uint32_t)QBID_PLACE_VIDEO << (imp->video_plcmt - 1);
    return places;
}

static void set_deal_terms(const struct qbid_common *common, const struct qbid_openrtb_deal *deal,
                           struct qbid_deal_terms *terms)
{
    terms->own_floor = deal->floor_given;
    terms->fixed = deal->at == 3 && deal->floor_micros > 0;
    terms->guaranteed = deal->guaranteed;
    terms->auction = deal->at == QBID_OPENRTB_INT_ABSENT ? 0
                     : deal->at == 2                     ? QBID_AUCTION_SECOND_PRICE
                                                         : QBID_AUCTION_FIRST_PRICE;
    terms->wseat = &deal->wseat;
    terms->wadomain = common->wadomain + deal->wadomain_first;
    terms->wadomain_cnt = deal->wadomain_cnt;
    terms->wadomain_given = deal->wadomain_cnt != 0 || deal->wadomain_over;
    (void)convert_floors(common->image, &deal->durfloors, deal->currency, &terms->durfloors);
}

/* False when a floor has no rate. */
static bool set_terms(const struct qbid_common *common, const struct qbid_openrtb_imp *imp,
                      const uint8_t *deal_idx, struct qbid_terms *terms,
                      struct qbid_request *request)
{
    bool good = true;
    memset(terms, 0, offsetof(struct qbid_terms, deal));
    for (unsigned i = 0; i < 4; i++)
        terms->media[i] = &imp->media[i];
    for (unsigned i = 0; i < 2; i++) {
        terms->pod_s[i + 1] = imp->pod[i].poddur_s;
        if (!floors_given(&imp->pod[i].durfloors))
            continue;
        good &= convert_floors(common->image, &imp->pod[i].durfloors, imp->currency,
                               &terms->pod_floors[i]);
        terms->durfloors[i + 1] = &terms->pod_floors[i];
    }
    terms->native = &imp->assets;
    terms->places = places_of(imp);
    set_lists(common, terms);
    for (unsigned i = 0; i < request->deal_cnt; i++)
        set_deal_terms(common, &imp->deal[deal_idx[i]], &terms->deal[i]);
    request->terms = terms;
    return good;
}

/* Why an impression cannot be bid on, whatever there is to show. */
static enum qbid_nobid imp_nobid(const struct qbid_common *common, unsigned imp_idx)
{
    const struct qbid_openrtb_imp *imp = &common->openrtb->imp[imp_idx];
    if (imp->id.len == 0 || is_repeated(common, imp_idx))
        return QBID_NOBID_INVALID;
    if (imp->multiplied)
        return QBID_NOBID_MULTIPLIER;
    uint64_t wait_s = imp->exp_s > 0 ? (uint64_t)imp->exp_s : 0;
    return wait_s > common->image->header->notice_ttl_ns / QBID_NS_PER_S ? QBID_NOBID_EXPIRY
                                                                         : QBID_NOBID_NONE;
}

enum qbid_nobid qbid_impression_fill(struct qbid_common *common, unsigned imp_idx,
                                     uint8_t deal_idx[QBID_REQUEST_DEALS_MAX],
                                     struct qbid_terms *ret_terms, struct qbid_request *ret_request)
{
    const struct qbid_openrtb_request *openrtb = common->openrtb;
    const struct qbid_openrtb_imp *imp = &openrtb->imp[imp_idx];
    enum qbid_nobid nobid = imp_nobid(common, imp_idx);
    if (nobid != QBID_NOBID_NONE)
        return nobid;
    *ret_request = common->base;
    ret_request->id_hash = common->imp_hash[imp_idx];
    ret_request->flags |= imp->secure == QBID_TRI_YES ? QBID_REQUEST_SECURE : 0;
    ret_request->flags |= imp->private_auction ? QBID_REQUEST_PRIVATE_ONLY : 0;
    if (!convert_floor(common->image, imp->floor_micros, imp->currency, &ret_request->floor_micros))
        return QBID_NOBID_CURRENCY;
    set_slots(common, imp, ret_request);
    set_position(common, imp, ret_request);
    set_deals(common, imp, deal_idx, ret_request);
    if (terms_given(openrtb, imp, ret_request) &&
        !set_terms(common, imp, deal_idx, ret_terms, ret_request))
        return QBID_NOBID_CURRENCY;
    return QBID_NOBID_NONE;
}

static bool deal_likely(const struct qbid_image *image, const struct qbid_request *request)
{
    for (unsigned i = 0; i < request->deal_cnt; i++)
        if (qbid_image_deal_likely(image, request->deal[i].id_hash))
            return true;
    return false;
}

unsigned qbid_impression_split(const struct qbid_image *image, struct qbid_request request[2])
{
    if (request->flags & QBID_REQUEST_PRIVATE_ONLY || request->deal_cnt == 0)
        return 1;
    if (!deal_likely(image, request)) {
        request->deal_cnt = 0;
        return 1;
    }
    request[1] = request[0];
    request[0].flags |= QBID_REQUEST_PRIVATE_ONLY;
    request[1].deal_cnt = 0;
    return 2;
}

bool qbid_seat_any(const struct qbid_seats *wseat)
{
    return !wseat->given || wseat->cnt != 0;
}
