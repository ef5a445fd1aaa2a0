/* SPDX-License-Identifier: Apache-2.0 */
/* Geo, device, site, segment, position, hour and slots of a request, from its JSON. */
#include "tests/conformance/context.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tests/conformance/terms.h"

#define FORMATS_READ 16
#define SEGMENTS_READ 64

/* --- privacy: the signals are read here; what follows from them, consent strings above all, has an
 * oracle of its own (tests/plugin/privacy), and is taken from the product */

static struct qbid_text text_of(const json_t *object, const char *key)
{
    const json_t *text = rtb_text(object, key);
    return (struct qbid_text){json_string_value(text), (uint32_t)json_string_length(text)};
}

static enum qbid_openrtb_tri tri_of(const json_t *object, const char *key)
{
    static const enum qbid_openrtb_tri of[] = {QBID_TRI_ABSENT, QBID_TRI_NO, QBID_TRI_YES};
    return of[rtb_tri(object, key) + 1];
}

static struct qbid_openrtb_sections sections_of(const json_t *object)
{
    const json_t *list = rtb_array(object, "gpp_sid");
    struct qbid_openrtb_sections s = {.given = json_array_size(list) > 0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        double section = json_number_value(json_array_get(list, i));
        if (section < 1)
            continue;
        if (s.cnt == QBID_OPENRTB_SECTIONS_MAX)
            s.over = true;
        else
            s.section[s.cnt++] = (uint16_t)(section < UINT16_MAX ? section : UINT16_MAX);
    }
    return s;
}

struct qbid_privacy context_privacy(const json_t *root)
{
    static struct qbid_openrtb_request signals; /* of which the rest stays empty */
    const json_t *regs = rtb_object(root, "regs"), *ext = rtb_object(regs, "ext");
    const json_t *device = rtb_object(root, "device"), *user = rtb_object(root, "user");
    signals.lmt = rtb_flag(device, "lmt");
    signals.dnt = rtb_flag(device, "dnt");
    signals.consent = text_of(user, "consent");
    signals.consent_ext = text_of(rtb_object(user, "ext"), "consent");
    signals.regs = (struct qbid_openrtb_regs){
        .coppa = rtb_flag(regs, "coppa"),
        .coppa_ext = rtb_flag(ext, "coppa"),
        .gpc = rtb_is(rtb_label(ext, "gpc"), "1", false),
        .dsa_required = (int32_t)rtb_int(rtb_object(regs, "dsa"), "dsarequired", 0),
        .dsa_required_ext = (int32_t)rtb_int(rtb_object(ext, "dsa"), "dsarequired", 0),
        .gpp_sid = sections_of(regs),
        .gpp_sid_ext = sections_of(ext),
        .gpp = text_of(regs, "gpp"),
        .gpp_ext = text_of(ext, "gpp"),
        .gdpr = tri_of(regs, "gdpr"),
        .gdpr_ext = tri_of(ext, "gdpr"),
        .us_privacy = text_of(regs, "us_privacy"),
        .us_privacy_ext = text_of(ext, "us_privacy"),
    };
    return qbid_privacy_of(&signals, &facts_privacy);
}

/* --- single values */

static void append_number(struct rtb_raw *raw, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    rtb_append_word(raw, text);
}

static void geo_of(const json_t *root, struct rtb_raw *raw)
{
    enum qbid_privacy_geo left = context_privacy(root).geo;
    const char *const holder[] = {"device", "user"};
    for (unsigned i = 0; i < 2 && left != QBID_PRIVACY_GEO_NONE; i++) {
        const json_t *geo = rtb_object(rtb_object(root, holder[i]), "geo");
        const json_t *country = rtb_text(geo, "country");
        const json_t *region = left == QBID_PRIVACY_GEO_REGION ? rtb_label(geo, "region") : NULL;
        if (!country && !region)
            continue;
        rtb_append(raw, country, toupper);
        rtb_append_word(raw, "/");
        rtb_append(raw, region, NULL);
        return;
    }
}

static void device_of(const json_t *root, struct rtb_raw *raw)
{
    const json_t *device = rtb_object(root, "device");
    const json_t *sua = rtb_object(device, "sua"), *os = rtb_text(device, "os");
    int64_t type = rtb_int(device, "devicetype", INT64_MIN);
    if (!os)
        os = rtb_text(rtb_object(sua, "platform"), "brand");
    if (type == INT64_MIN && rtb_tri(sua, "mobile") == 1)
        type = 1;
    if (type == INT64_MIN && !os)
        return;
    if (type != INT64_MIN)
        append_number(raw, type);
    rtb_append_word(raw, "/");
    rtb_append(raw, os, tolower);
}

static void site_of(const json_t *root, struct rtb_raw *raw)
{
    const json_t *site = rtb_object(root, "site"), *app = rtb_object(root, "app");
    const json_t *name = rtb_text(site, "domain");
    if (!name)
        name = rtb_label(app, "bundle");
    if (name) {
        rtb_append(raw, name, tolower);
        return;
    }
    name = rtb_label(site, "id");
    if (!name)
        name = rtb_label(app, "id");
    if (!name)
        name = rtb_label(rtb_object(root, "dooh"), "id");
    rtb_append(raw, name, NULL);
}

static void position_of(const json_t *imp, struct rtb_raw *raw)
{
    int64_t position = rtb_int(rtb_object(imp, "banner"), "pos", INT64_MIN);
    if (position == INT64_MIN)
        position = rtb_int(rtb_object(imp, "video"), "pos", INT64_MIN);
    if (position != INT64_MIN)
        append_number(raw, position);
}

/* Hours since a Monday, of the week that has 168. */
static void hour_of(const json_t *root, uint64_t unix_s, struct rtb_raw *raw)
{
    const json_t *device = rtb_object(rtb_object(root, "device"), "geo");
    const json_t *user = rtb_object(rtb_object(root, "user"), "geo");
    int64_t minutes = rtb_int(device, "utcoffset", INT64_MIN);
    if (minutes == INT64_MIN)
        minutes = rtb_int(user, "utcoffset", INT64_MIN);
    if (minutes < -1440 || minutes > 1440 || context_privacy(root).geo != QBID_PRIVACY_GEO_REGION)
        minutes = 0;
    const int64_t monday_s = 4 * 86400; /* 1970-01-05 */
    append_number(raw, ((int64_t)unix_s + minutes * 60 - monday_s) / 3600 % 168);
}

static bool has_segment(const json_t *root, const char *value)
{
    const json_t *data = rtb_array(rtb_object(root, "user"), "data");
    unsigned seen = 0;
    for (size_t d = 0; d < json_array_size(data); d++) {
        const json_t *segments = rtb_array(json_array_get(data, d), "segment");
        for (size_t s = 0; s < json_array_size(segments); s++) {
            const json_t *id = rtb_label(json_array_get(segments, s), "id");
            if (id && seen++ < SEGMENTS_READ && rtb_is(id, value, false))
                return true;
        }
    }
    return false;
}

static bool is_one_of(const struct rtb_raw *raw, const struct facts_target *target)
{
    for (unsigned v = 0; v < FACTS_VALUES_MAX && target->value[v]; v++)
        if (raw->len == strlen(target->value[v]) &&
            memcmp(raw->text, target->value[v], raw->len) == 0)
            return true;
    return false;
}

bool context_meets(const json_t *root, const json_t *imp, uint64_t unix_s,
                   const struct facts_target *target)
{
    struct rtb_raw raw = {.len = 0};
    if (strcmp(target->dim, "segment") == 0) {
        for (unsigned v = 0; v < FACTS_VALUES_MAX && target->value[v]; v++)
            if (context_privacy(root).reason == QBID_PRIVACY_REASON_NONE &&
                has_segment(root, target->value[v]))
                return true;
        return false;
    }
    if (strcmp(target->dim, "geo") == 0)
        geo_of(root, &raw);
    else if (strcmp(target->dim, "device") == 0)
        device_of(root, &raw);
    else if (strcmp(target->dim, "site") == 0)
        site_of(root, &raw);
    else if (strcmp(target->dim, "position") == 0)
        position_of(imp, &raw);
    else if (strcmp(target->dim, "hour") == 0)
        hour_of(root, unix_s, &raw);
    else if (strcmp(target->dim, "exchange") == 0)
        rtb_append_word(&raw, "2");
    return is_one_of(&raw, target);
}

/* --- slots */

/* Whether any creative, of whichever line item, has this slot: others do not take up room. */
static bool is_ours(const char *slot)
{
    char own[32];
    for (unsigned i = 0; i < facts_line_item_cnt; i++)
        for (unsigned c = 0; c < FACTS_CREATIVES_MAX && facts_line_items[i].creative[c].id; c++) {
            facts_slot(&facts_line_items[i].creative[c], own);
            if (strcmp(own, slot) == 0)
                return true;
        }
    return false;
}

struct slots {
    char (*slot)[32];
    unsigned cnt;
};

static void add(struct slots *s, const char *name)
{
    if (s->cnt < CONTEXT_SLOTS_MAX && is_ours(name))
        snprintf(s->slot[s->cnt++], 32, "%s", name);
}

static void add_size(struct slots *s, const char *kind, const json_t *size)
{
    char name[48];
    int64_t width = rtb_int(size, "w", 0), height = rtb_int(size, "h", 0);
    if (width <= 0 || height <= 0)
        return;
    snprintf(name, sizeof name, "%s:%lldx%lld", kind, (long long)width, (long long)height);
    add(s, name);
}

unsigned context_slots(const json_t *imp, char slot[CONTEXT_SLOTS_MAX][32])
{
    struct slots s = {slot, 0};
    const json_t *banner = rtb_object(imp, "banner"), *video = rtb_object(imp, "video");
    const json_t *format = rtb_array(banner, "format");
    for (size_t i = 0; i < json_array_size(format) && i < FORMATS_READ; i++)
        add_size(&s, "banner", json_array_get(format, i));
    add_size(&s, "banner", banner); /* once more does not matter: the first place counts */
    if (video) {
        add_size(&s, "video", video);
        add(&s, "video:any");
    }
    if (rtb_object(imp, "audio"))
        add(&s, "audio");
    if (rtb_object(imp, "native") && terms_readable(imp))
        add(&s, "native");
    return s.cnt;
}
