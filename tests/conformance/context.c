/* SPDX-License-Identifier: Apache-2.0 */
/* Geo, device, site, segment, position, hour and slots of a request, from its JSON. */
#include "tests/conformance/context.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tests/conformance/terms.h"

#define FORMATS_READ 16
#define SEGMENTS_READ 64

/* --- privacy */

static bool us_privacy_restricts(const json_t *signal)
{
    if (!signal)
        return false;
    const char *text = json_string_value(signal);
    if (json_string_length(signal) != 4 || text[0] != '1')
        return true;
    for (int i = 1; i < 4; i++)
        if (text[i] == '\0' || !strchr("yYnN-", text[i]))
            return true;
    return toupper((unsigned char)text[2]) == 'Y';
}

static bool gpp_section(const json_t *object)
{
    const json_t *list = rtb_array(object, "gpp_sid");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_number_value(json_array_get(list, i)) > 0)
            return true;
    return false;
}

bool context_restricted(const json_t *root)
{
    const json_t *regs = rtb_object(root, "regs"), *ext = rtb_object(regs, "ext");
    const json_t *device = rtb_object(root, "device");
    const json_t *us_privacy = rtb_text(regs, "us_privacy");
    int gdpr = rtb_tri(regs, "gdpr");
    if (gdpr < 0)
        gdpr = rtb_tri(ext, "gdpr");
    if (!us_privacy)
        us_privacy = rtb_text(ext, "us_privacy");
    return rtb_flag(regs, "coppa") || rtb_flag(device, "lmt") || rtb_flag(device, "dnt") ||
           rtb_is(rtb_label(ext, "gpc"), "1", false) || gdpr == 1 || gpp_section(regs) ||
           gpp_section(ext) || us_privacy_restricts(us_privacy);
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
    const json_t *geo = rtb_object(rtb_object(root, "device"), "geo");
    if (!rtb_text(geo, "country") && !rtb_label(geo, "region"))
        geo = rtb_object(rtb_object(root, "user"), "geo");
    if (!rtb_text(geo, "country") && !rtb_label(geo, "region"))
        return;
    rtb_append(raw, rtb_text(geo, "country"), toupper);
    rtb_append_word(raw, "/");
    rtb_append(raw, rtb_label(geo, "region"), NULL);
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
    if (minutes < -1440 || minutes > 1440)
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
            if (!context_restricted(root) && has_segment(root, target->value[v]))
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
