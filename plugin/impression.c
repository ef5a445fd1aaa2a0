/* SPDX-License-Identifier: Apache-2.0 */
/* Raw values, floors, deals and block lists of one impression, as hashes and micros. */
#include "plugin/impression.h"

#include <string.h>

#include "plugin/currency.h"

#define RAW_MAX 256 /* of a raw value; what is longer is cut there, alike for everybody */

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

static void raw_add(struct raw *raw, const char *text, size_t len, char (*map)(char))
{
    uint32_t room = RAW_MAX - raw->len, n = len < room ? (uint32_t)len : room;
    char *to = raw->text + raw->len; /* a store through it may not change what the loop counts by */
    for (uint32_t i = 0; i < n; i++)
        to[i] = map ? map(text[i]) : text[i];
    raw->len += n;
}

static void raw_add_number(struct raw *raw, int64_t number)
{
    char digits[20];
    unsigned at = sizeof digits;
    uint64_t rest = number < 0 ? (uint64_t)-number : (uint64_t)number;
    if (number < 0)
        raw_add(raw, "-", 1, NULL);
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    raw_add(raw, digits + at, sizeof digits - at, NULL);
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
    if (openrtb->devicetype == QBID_OPENRTB_INT_ABSENT && openrtb->os.len == 0)
        return;
    if (openrtb->devicetype != QBID_OPENRTB_INT_ABSENT)
        raw_add_number(&raw, openrtb->devicetype);
    raw_add(&raw, "/", 1, NULL);
    raw_add(&raw, openrtb->os.at, openrtb->os.len, qbid_text_lower);
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
    raw_add(&raw, geo->country.at, geo->country.len, qbid_text_upper);
    raw_add(&raw, "/", 1, NULL);
    raw_add(&raw, geo->region.at, geo->region.len, NULL);
    set_dim(common, &common->base, QBID_DIM_GEO, raw.text, raw.len);
}

static void set_site(struct qbid_common *common)
{
    const struct qbid_openrtb_request *o = common->openrtb;
    const struct qbid_text *name = o->site_domain.len ? &o->site_domain : &o->app_bundle;
    struct raw raw;
    raw_init(&raw);
    if (name->len != 0) {
        raw_add(&raw, name->at, name->len, qbid_text_lower);
    } else {
        name = o->site_id.len ? &o->site_id : o->app_id.len ? &o->app_id : &o->dooh_id;
        raw_add(&raw, name->at, name->len, NULL);
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
        raw_add(&raw, name[i].at, name[i].len, qbid_text_lower);
        out[i] = qbid_hash_name(raw.text, raw.len);
    }
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
    raw_add(&raw, prefix, strlen(prefix), NULL);
    raw_add_number(&raw, size.width);
    raw_add(&raw, "x", 1, NULL);
    raw_add_number(&raw, size.height);
    add_slot(common, request, &raw);
}

static void add_word(struct qbid_common *common, struct qbid_request *request, const char *word)
{
    struct raw raw;
    raw_init(&raw);
    raw_add(&raw, word, strlen(word), NULL);
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
    if (imp->native)
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

static void set_deals(const struct qbid_common *common, const struct qbid_openrtb_imp *imp,
                      uint8_t deal_idx[QBID_REQUEST_DEALS_MAX], struct qbid_request *request)
{
    for (unsigned i = 0; i < imp->deal_cnt && request->deal_cnt < QBID_REQUEST_DEALS_MAX; i++) {
        const struct qbid_openrtb_deal *deal = &imp->deal[i];
        struct qbid_deal *out = &request->deal[request->deal_cnt];
        if (!qbid_seat_any(&deal->wseat) ||
            !convert_floor(common->image, deal->floor_micros, deal->currency, &out->floor_micros))
            continue;
        out->id_hash = qbid_hash_name(deal->id.at, deal->id.len);
        deal_idx[request->deal_cnt++] = (uint8_t)i;
    }
}

enum qbid_nobid qbid_impression_fill(struct qbid_common *common, unsigned imp_idx,
                                     uint8_t deal_idx[QBID_REQUEST_DEALS_MAX],
                                     struct qbid_request *ret_request)
{
    const struct qbid_openrtb_request *openrtb = common->openrtb;
    const struct qbid_openrtb_imp *imp = &openrtb->imp[imp_idx];
    if (imp->id.len == 0)
        return QBID_NOBID_INVALID;
    *ret_request = common->base;
    ret_request->id_hash =
        XXH3_64bits_withSeed(imp->id.at, imp->id.len, XXH3_64bits(openrtb->id.at, openrtb->id.len));
    ret_request->flags |= imp->secure ? QBID_REQUEST_SECURE : 0;
    ret_request->flags |= imp->private_auction ? QBID_REQUEST_PRIVATE_ONLY : 0;
    if (!convert_floor(common->image, imp->floor_micros, imp->currency, &ret_request->floor_micros))
        return QBID_NOBID_CURRENCY;
    set_slots(common, imp, ret_request);
    set_position(common, imp, ret_request);
    set_deals(common, imp, deal_idx, ret_request);
    return QBID_NOBID_NONE;
}

static bool holds(const struct qbid_openrtb_seats *seats, uint16_t tenant)
{
    for (unsigned i = 0; i < seats->cnt; i++)
        if (seats->tenant[i] == tenant)
            return true;
    return false;
}

bool qbid_seat_any(const struct qbid_openrtb_seats *wseat)
{
    return !wseat->given || wseat->cnt != 0;
}

bool qbid_seat_allowed(const struct qbid_openrtb_request *openrtb,
                       const struct qbid_openrtb_deal *deal, uint16_t tenant)
{
    if (openrtb->wseat.given && !holds(&openrtb->wseat, tenant))
        return false;
    if (openrtb->bseat.over || holds(&openrtb->bseat, tenant))
        return false;
    return !deal || !deal->wseat.given || holds(&deal->wseat, tenant);
}
