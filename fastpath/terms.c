/* SPDX-License-Identifier: Apache-2.0 */
/* The checks one by one; each names what is to blame. */
#include "fastpath/terms.h"

#include <stddef.h>

#include "fastpath/filter.h"

static enum qbid_nobid banner_refusal(const struct qbid_media_terms *m, const struct qbid_traits *t)
{
    return (m->btype & t->btype) || (t->expdir & ~m->expdir) ? QBID_NOBID_ATTRIBUTE
                                                             : QBID_NOBID_NONE;
}

static bool duration_fits(const struct qbid_media_terms *m, int32_t seconds)
{
    if (m->duration_listed) {
        bool found = false;
        for (unsigned i = 0; i < m->duration_cnt; i++)
            found |= m->duration_s[i] == seconds;
        return found;
    }
    if (m->duration_least_s <= 0 && m->duration_most_s <= 0)
        return true;
    return seconds != 0 && seconds >= m->duration_least_s &&
           (m->duration_most_s <= 0 || seconds <= m->duration_most_s);
}

static bool bitrate_fits(const struct qbid_media_terms *m, int32_t kbps)
{
    if (m->bitrate_least_kbps <= 0 && m->bitrate_most_kbps <= 0)
        return true;
    return kbps != 0 && kbps >= m->bitrate_least_kbps &&
           (m->bitrate_most_kbps <= 0 || kbps <= m->bitrate_most_kbps);
}

/* Video and audio. */
static enum qbid_nobid timed_refusal(const struct qbid_media_terms *m, const struct qbid_traits *t)
{
    unsigned line = t->delivery_line >> 4, delivery = t->delivery_line & 15u;
    if (m->no_skip && (t->attr & qbid_terms_bit(QBID_ATTR_SKIPPABLE)))
        return QBID_NOBID_ATTRIBUTE;
    if (!duration_fits(m, t->duration_s))
        return QBID_NOBID_DURATION;
    if (m->protocols && !(m->protocols & t->protocols))
        return QBID_NOBID_PROTOCOL;
    if (m->linearity > 0 && (uint32_t)m->linearity != line)
        return QBID_NOBID_PROTOCOL;
    return !bitrate_fits(m, t->bitrate_kbps) || (m->delivery && !(m->delivery & delivery))
               ? QBID_NOBID_BITRATE
               : QBID_NOBID_NONE;
}

static bool image_fits(const struct qbid_native_image_terms *n, int32_t w, int32_t h)
{
    if (!n->required)
        return true;
    if (w == 0 || h == 0)
        return false;
    return (n->w > 0 ? w == n->w : w >= n->wmin) && (n->h > 0 ? h == n->h : h >= n->hmin);
}

static bool assets_fit(const struct qbid_native_terms *n, const struct qbid_traits *t)
{
    if (n->unmeetable || (n->title && t->title_len == 0) || (n->data & ~t->data))
        return false;
    if (n->title && n->title_len > 0 && t->title_len > n->title_len)
        return false;
    for (unsigned kind = 1; kind <= QBID_NATIVE_DATA_CNT; kind++)
        if ((n->data >> kind & 1) && n->data_len[kind] != 0 &&
            t->data_len[qbid_traits_data(kind)] > n->data_len[kind])
            return false;
    for (unsigned i = 0; i < QBID_NATIVE_IMAGE_CNT; i++)
        if (!image_fits(&n->image[i], t->image_w[i], t->image_h[i]))
            return false;
    return true;
}

static bool language_fits(const struct qbid_terms *terms, uint64_t language)
{
    bool covered = !terms->language_given;
    for (unsigned i = 0; i < terms->language_cnt; i++)
        covered |= qbid_language_covers(terms->language[i], language);
    return covered;
}

static enum qbid_nobid media_refusal(const struct qbid_media_terms *m, unsigned format,
                                     const struct qbid_traits *t)
{
    if (m->battr & t->attr)
        return QBID_NOBID_ATTRIBUTE;
    if (t->api & ~m->api)
        return QBID_NOBID_API;
    if (m->mimes && !(m->mimes & t->mimes) && (format != QBID_FORMAT_NATIVE))
        return QBID_NOBID_MIME;
    if (format == QBID_FORMAT_BANNER)
        return banner_refusal(m, t);
    return format == QBID_FORMAT_NATIVE ? QBID_NOBID_NONE : timed_refusal(m, t);
}

enum qbid_nobid qbid_terms_creative(const struct qbid_terms *terms, unsigned format,
                                    const struct qbid_traits *traits)
{
    static const struct qbid_media_terms nothing;
    const struct qbid_media_terms *media = terms->media[format - 1];
    enum qbid_nobid nobid = media_refusal(media ? media : &nothing, format, traits);
    int32_t pod_s = terms->pod_s[format - 1];
    if (nobid != QBID_NOBID_NONE)
        return nobid;
    if (pod_s > 0 && (traits->duration_s == 0 || traits->duration_s > pod_s))
        return QBID_NOBID_DURATION;
    if (terms->places & traits->places)
        return QBID_NOBID_PLACE;
    if (format == QBID_FORMAT_NATIVE && terms->native && !assets_fit(terms->native, traits))
        return QBID_NOBID_ASSETS;
    if (!language_fits(terms, traits->language))
        return QBID_NOBID_LANGUAGE;
    if (qbid_filter_holds(terms->bapp, terms->bapp_cnt, traits->bundle_hash))
        return QBID_NOBID_APP;
    return traits->cattax != 0 && terms->cattax != 0 && traits->cattax != terms->cattax
               ? QBID_NOBID_CATEGORY
               : QBID_NOBID_NONE;
}

static bool category_allowed(const struct qbid_image *image, uint32_t line_item_idx,
                             const struct qbid_terms *terms)
{
    const struct qbid_shelf *shelf = &image->shelves[line_item_idx];
    bool found = false;
    for (unsigned i = 0; i < shelf->cat_cnt; i++)
        found |=
            qbid_filter_holds(terms->acat, terms->acat_cnt, image->names[shelf->cat_first + i]);
    return found;
}

enum qbid_nobid qbid_terms_line_item(const struct qbid_image *image, uint32_t line_item_idx,
                                     const struct qbid_terms *terms, unsigned deal)
{
    const struct qbid_line_item *line_item = &image->line_items[line_item_idx];
    const struct qbid_deal_terms *d = deal ? &terms->deal[deal - 1] : NULL;
    const struct qbid_seats *wseat = terms->wseat, *bseat = terms->bseat;
    if (wseat && wseat->given && !qbid_seats_hold(wseat, line_item->tenant))
        return QBID_NOBID_SEAT;
    if (bseat && (bseat->over || qbid_seats_hold(bseat, line_item->tenant)))
        return QBID_NOBID_SEAT;
    if (d && d->wseat && d->wseat->given && !qbid_seats_hold(d->wseat, line_item->tenant))
        return QBID_NOBID_SEAT;
    if (d && d->wadomain_given &&
        !qbid_filter_holds(d->wadomain, d->wadomain_cnt, line_item->adomain_hash))
        return QBID_NOBID_DEAL_DOMAIN;
    return terms->acat_given && !category_allowed(image, line_item_idx, terms) ? QBID_NOBID_CATEGORY
                                                                               : QBID_NOBID_NONE;
}

/* What a duration costs; -1 when that is not said. */
static int64_t duration_floor(const struct qbid_durfloors *floors, int32_t seconds)
{
    if (!floors)
        return -1;
    for (unsigned i = 0; i < floors->cnt; i++) {
        const struct qbid_durfloor *f = &floors->floor[i];
        if (seconds >= f->least_s && (f->most_s <= 0 || seconds <= f->most_s))
            return f->floor_micros;
    }
    int64_t product;
    if (floors->per_second_micros <= 0)
        return -1;
    return __builtin_mul_overflow(floors->per_second_micros, seconds, &product) ? INT64_MAX
                                                                                : product;
}

int64_t qbid_terms_floor(const struct qbid_request *request, unsigned deal, unsigned format,
                         const struct qbid_traits *traits)
{
    const struct qbid_terms *terms = request->terms;
    const struct qbid_deal_terms *d = deal ? &terms->deal[deal - 1] : NULL;
    if (d && d->own_floor)
        return request->deal[deal - 1].floor_micros;
    int64_t floor = d ? duration_floor(&d->durfloors, traits->duration_s) : -1;
    if (floor < 0)
        floor = duration_floor(terms->durfloors[format - 1], traits->duration_s);
    return floor < 0 ? request->floor_micros : floor;
}

/* --- the draw */

/* Of a slot's draws those whose creatives bear the terms. Masses are of QBID_DRAW_WHOLE. */
struct shares {
    unsigned cnt;
    uint64_t sum;
    const struct qbid_draw *draw[QBID_DRAW_MAX];
    uint64_t mass[QBID_DRAW_MAX];
};

/* Why the first one does not, NONE when all do. */
static enum qbid_nobid shares_fill(const struct qbid_image *image, const struct qbid_terms *terms,
                                   const struct qbid_draw *draw, struct shares *shares)
{
    enum qbid_nobid first = QBID_NOBID_NONE;
    uint64_t before = 0;
    shares->cnt = 0;
    shares->sum = 0;
    for (unsigned i = 0; i < QBID_DRAW_MAX; i++, draw++) {
        uint64_t mass = (uint64_t)draw->upto_q32 + 1 - before;
        uint32_t idx = draw->creative_idx;
        enum qbid_nobid nobid =
            qbid_terms_creative(terms, image->creatives[idx].format, &image->traits[idx]);
        if (nobid == QBID_NOBID_NONE) {
            shares->draw[shares->cnt] = draw;
            shares->mass[shares->cnt++] = mass;
            shares->sum += mass;
        } else if (first == QBID_NOBID_NONE) {
            first = nobid;
        }
        before += mass;
        if (draw->upto_q32 == UINT32_MAX)
            break;
    }
    return first;
}

/* With all of a slot's draws it is qbid_draw_pick(): the place is then the random number itself. */
static struct qbid_draw shares_draw(const struct shares *shares, uint32_t random)
{
    uint64_t place = random * shares->sum >> 32;
    unsigned i = 0;
    while (i + 1 < shares->cnt && place >= shares->mass[i])
        place -= shares->mass[i++];
    struct qbid_draw draw = *shares->draw[i];
    draw.propensity_q32 = shares->mass[i] == shares->sum
                              ? UINT32_MAX
                              : (uint32_t)((shares->mass[i] << 32) / shares->sum);
    return draw;
}

enum qbid_nobid qbid_terms_draw(const struct qbid_image *image, uint32_t line_item_idx,
                                const struct qbid_request *request, const struct qbid_terms *terms,
                                const uint16_t slot_idx[QBID_REQUEST_SLOTS_MAX], uint32_t random,
                                struct qbid_draw *ret_draw, uint32_t *ret_slot_idx)
{
    const struct qbid_shelf *shelf = &image->shelves[line_item_idx];
    enum qbid_nobid nobid = QBID_NOBID_NO_CREATIVE;
    struct shares shares;
    if ((request->flags & QBID_REQUEST_SECURE) &&
        !(image->line_items[line_item_idx].flags & QBID_LINE_ITEM_SECURE))
        return nobid;
    for (unsigned i = 0; i < request->slot_cnt; i++) {
        struct qbid_shelf_slot slot;
        if (slot_idx[i] == 0 || !qbid_shelf_find(shelf, image->slot_dirs, slot_idx[i], &slot))
            continue;
        enum qbid_nobid refusal = shares_fill(image, terms, &image->draws[slot.draw], &shares);
        if (shares.cnt != 0) {
            *ret_draw = shares_draw(&shares, random);
            *ret_slot_idx = slot.slot_idx;
            return QBID_NOBID_NONE;
        }
        if (nobid == QBID_NOBID_NO_CREATIVE)
            nobid = refusal;
    }
    return nobid;
}
