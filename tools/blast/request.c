/* SPDX-License-Identifier: Apache-2.0 */
/* MessagePack as plugin/dpdk/message.h describes it, written by hand, and the same as OpenRTB. */
#include "tools/blast/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/replay/source/draw.h"

#define KEYS 17
#define BLOCKS 3
#define CATEGORIES 6
#define SEGMENTS 3

/* The draws of a request. */
enum use { USE_SLOT, USE_SITE, USE_DEVICE, USE_GEO, USE_FLOOR, USE_SEGMENT, USE_DEAL, USE_FORMAT };

static const char *const devices[] = {"4/android", "4/ios", "2/windows", "5/ios", "1/"};
static const char *const countries[] = {"USA", "DEU", "CHN", "FRA", "BRA"};
static const char *const blocks[BLOCKS] = {"casino.example", "loans.example", "rival.example"};
static const char *const categories[CATEGORIES] = {"IAB7-39", "IAB8-5", "IAB9-9",
                                                   "IAB23",   "IAB25",  "IAB26"};

/* One request's values. */
struct asked {
    const char *slot, *site, *device, *country;
    unsigned region, position, auction, segment[SEGMENTS];
    int64_t floor_micros;
};

static uint64_t draw(const struct qbid_blast_options *o, enum use use, uint64_t n, uint64_t max)
{
    return qbid_replay_draw_word(o->seed, use, n, 0) % max;
}

static struct asked ask(const struct qbid_blast_options *o, uint64_t n)
{
    struct asked a = {
        .slot = o->slots[draw(o, USE_SLOT, n, o->slots_cnt)],
        .site = o->sites[draw(o, USE_SITE, n, o->sites_cnt)],
        .device = devices[draw(o, USE_DEVICE, n, 5)],
        .country = countries[draw(o, USE_GEO, n, 5)],
        .region = (unsigned)draw(o, USE_GEO, n + 1, 50),
        .position = (unsigned)draw(o, USE_SLOT, n + 1, 8),
        .auction = 1 + (unsigned)draw(o, USE_FORMAT, n + 1, 2),
        .floor_micros = (int64_t)draw(o, USE_FLOOR, n, 6000) * 1000,
    };
    for (unsigned i = 0; i < SEGMENTS; i++)
        a.segment[i] = (unsigned)draw(o, USE_SEGMENT, n + i, 20);
    return a;
}

static void segment_name(unsigned number, char out[24])
{
    snprintf(out, 24, number == 0 ? "vip" : "segment-%u", number);
}

/* --- MessagePack */

static uint8_t *put_be(uint8_t *at, uint8_t first, uint64_t value, unsigned bytes)
{
    *at++ = first;
    while (bytes-- > 0)
        *at++ = (uint8_t)(value >> (8 * bytes));
    return at;
}

static uint8_t *put_number(uint8_t *at, uint64_t value)
{
    return value < 128                 ? put_be(at, (uint8_t)value, 0, 0)
           : value < 1 << 8            ? put_be(at, 0xcc, value, 1)
           : value < 1 << 16           ? put_be(at, 0xcd, value, 2)
           : value < UINT64_C(1) << 32 ? put_be(at, 0xce, value, 4)
                                       : put_be(at, 0xcf, value, 8);
}

static uint8_t *put_name(uint8_t *at, const char *text)
{
    size_t len = strlen(text);
    at = len < 32 ? put_be(at, (uint8_t)(0xa0 | len), 0, 0) : put_be(at, 0xd9, len, 1);
    memcpy(at, text, len);
    return at + len;
}

static uint8_t *put_names(uint8_t *at, unsigned key, const char *const *names, unsigned cnt)
{
    at = put_number(at, key);
    at = put_be(at, (uint8_t)(0x90 | cnt), 0, 0);
    for (unsigned i = 0; i < cnt; i++)
        at = put_name(at, names[i]);
    return at;
}

static uint8_t *put_deals(uint8_t *at, const struct qbid_blast_request *r)
{
    static const char *const deals[QBID_BLAST_DEALS] = {"deal-3", "DX-100231"};
    at = put_number(at, 14);
    at = put_be(at, (uint8_t)(0x90 | r->deal_cnt), 0, 0);
    for (unsigned i = 0; i < r->deal_cnt; i++) {
        at = put_be(at, 0x92, 0, 0);
        at = put_name(at, deals[i]);
        at = put_number(at, (uint64_t)r->deal_floor_micros[i]);
    }
    return at;
}

static size_t make_msgpack(const struct asked *a, const struct qbid_blast_request *r, uint8_t *out)
{
    char geo[16], name[SEGMENTS][24];
    const char *segments[SEGMENTS];
    uint8_t *at = put_be(out, 0xde, KEYS, 2);
    snprintf(geo, sizeof geo, "%s/%u", a->country, a->region);
    at = put_number(put_number(at, 0), 1);
    at = put_name(put_number(at, 1), r->id);
    at = put_name(put_number(at, 2), "1");
    at = put_name(put_number(at, 3), "2");
    at = put_names(at, 4, &a->slot, 1);
    at = put_number(put_number(at, 5), a->position);
    at = put_name(put_number(at, 6), a->device);
    at = put_name(put_number(at, 7), geo);
    at = put_name(put_number(at, 8), a->site);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        segment_name(a->segment[i], name[i]);
        segments[i] = name[i];
    }
    at = put_names(at, 9, segments, SEGMENTS);
    at = put_number(put_number(at, 10), 42);
    at = put_number(put_number(at, 11), (uint64_t)a->floor_micros);
    at = put_number(put_number(at, 12), a->auction);
    at = put_number(put_number(at, 13), 1);
    at = put_deals(at, r);
    at = put_names(at, 15, blocks, BLOCKS);
    at = put_names(at, 16, categories, CATEGORIES);
    return (size_t)(at - out);
}

/* --- OpenRTB */

__attribute__((format(printf, 3, 4))) static void put_text(char *out, size_t *len,
                                                           const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out + *len, QBID_BLAST_REQUEST_MAX - *len, format, args);
    va_end(args);
    if (n < 0 || *len + (size_t)n >= QBID_BLAST_REQUEST_MAX)
        abort(); /* names are bounded by the options */
    *len += (size_t)n;
}

/* "banner:300x250" and so on as the object that it came from */
static void put_format(char *out, size_t *len, const char *slot)
{
    unsigned w = 0, h = 0;
    const char *colon = strchr(slot, ':');
    size_t name = colon ? (size_t)(colon - slot) : strlen(slot);
    if (colon && sscanf(colon + 1, "%ux%u", &w, &h) == 2)
        put_text(out, len, "\"%.*s\":{\"w\":%u,\"h\":%u}", (int)name, slot, w, h);
    else
        put_text(out, len, "\"%.*s\":{}", (int)name, slot);
}

static size_t make_json(const struct asked *a, const struct qbid_blast_request *r, char *out)
{
    size_t len = 0;
    char name[24];
    long type = strtol(a->device, NULL, 10);
    put_text(out, &len, "{\"id\":\"%s\",\"at\":%u,\"imp\":[{\"id\":\"1\",", r->id, a->auction);
    put_format(out, &len, a->slot);
    put_text(out, &len, ",\"bidfloor\":%lu.%06lu,\"bidfloorcur\":\"CNY\",\"secure\":1",
             (unsigned long)a->floor_micros / 1000000, (unsigned long)a->floor_micros % 1000000);
    put_text(out, &len, "}],\"site\":{\"domain\":\"%s\"},\"device\":{\"devicetype\":%ld,", a->site,
             type);
    put_text(out, &len, "\"os\":\"%s\",\"geo\":{\"country\":\"%s\",\"region\":\"%u\"}},",
             strchr(a->device, '/') + 1, a->country, a->region);
    put_text(out, &len, "\"user\":{\"data\":[{\"segment\":[");
    for (unsigned i = 0; i < SEGMENTS; i++) {
        segment_name(a->segment[i], name);
        put_text(out, &len, "%s{\"id\":\"%s\"}", i ? "," : "", name);
    }
    put_text(out, &len, "]}]},\"cur\":[\"CNY\"],\"badv\":[");
    for (unsigned i = 0; i < BLOCKS; i++)
        put_text(out, &len, "%s\"%s\"", i ? "," : "", blocks[i]);
    put_text(out, &len, "],\"bcat\":[");
    for (unsigned i = 0; i < CATEGORIES; i++)
        put_text(out, &len, "%s\"%s\"", i ? "," : "", categories[i]);
    put_text(out, &len, "]}");
    return len;
}

size_t qbid_blast_request_make(const struct qbid_blast_options *o, uint64_t n, uint8_t *out,
                               struct qbid_blast_request *ret_request)
{
    struct asked a = ask(o, n);
    struct qbid_blast_request *r = ret_request;
    *r = (struct qbid_blast_request){.floor_micros = a.floor_micros};
    bool json = o->format == QBID_BLAST_JSON ||
                (o->format == QBID_BLAST_MIXED && draw(o, USE_FORMAT, n, 2) == 0);
    r->format = json ? QBID_BLAST_JSON : QBID_BLAST_MSGPACK;
    snprintf(r->id, sizeof r->id, "b1a57000-0000-4000-%04x-%012lx", (unsigned)(o->seed & 0xffff),
             n & UINT64_C(0xffffffffffff));
    r->deal_cnt = json ? 0 : (unsigned)draw(o, USE_DEAL, n, QBID_BLAST_DEALS + 1);
    for (unsigned i = 0; i < r->deal_cnt; i++)
        r->deal_floor_micros[i] = (int64_t)draw(o, USE_DEAL, n + i + 1, 30000) * 1000;
    size_t len = json ? make_json(&a, r, (char *)out) : make_msgpack(&a, r, out);
    r->cut = o->malformed_every != 0 && n % o->malformed_every == o->malformed_every - 1;
    return r->cut ? len - 1 : len;
}

uint64_t qbid_blast_request_number(const char *id, size_t len)
{
    char text[13] = "";
    char *end;
    if (len != QBID_BLAST_ID_CHARS || memcmp(id, "b1a57000-0000-4000-", 19) != 0)
        return UINT64_MAX;
    memcpy(text, id + 24, 12);
    uint64_t number = strtoull(text, &end, 16);
    return *end == '\0' ? number : UINT64_MAX;
}
