/* SPDX-License-Identifier: Apache-2.0 */
/* The fields once more, by their names in JSON and their numbers in the IAB's openrtb.proto. */
#include "tests/plugin/openrtb/protobuf_encode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

void pb_varint(struct pb *pb, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        pb->at[pb->len++] = (uint8_t)(value | 128);
    pb->at[pb->len++] = (uint8_t)value;
    if (pb->len > PB_MAX - 16)
        abort();
}

void pb_tag(struct pb *pb, unsigned field, unsigned wire_type)
{
    pb_varint(pb, (uint64_t)field << 3 | wire_type);
}

void pb_int(struct pb *pb, unsigned field, int64_t value)
{
    pb_tag(pb, field, PB_VARINT);
    pb_varint(pb, (uint64_t)value);
}

void pb_double(struct pb *pb, unsigned field, double value)
{
    pb_tag(pb, field, PB_FIXED64);
    memcpy(pb->at + pb->len, &value, sizeof value); /* little-endian, as this machine is */
    pb->len += sizeof value;
}

void pb_bytes(struct pb *pb, unsigned field, const void *bytes, size_t len)
{
    pb_tag(pb, field, PB_BYTES);
    pb_varint(pb, len);
    if (len > PB_MAX - 16 - pb->len)
        abort();
    memcpy(pb->at + pb->len, bytes, len);
    pb->len += len;
}

void pb_text(struct pb *pb, unsigned field, const char *text)
{
    pb_bytes(pb, field, text, strlen(text));
}

#define NOWHERE 0 /* the IAB's protobuf has no such field */

/* NAMED: written, empty, when the object has any name at all: that is what some objects say */
enum kind { TEXT, LABEL, SEAT, INT, TMAX, FLAG, PRICE, OBJECT, NATIVE, NAMED };

struct field {
    const char *name;
    unsigned number;
    enum kind kind;
    bool list;
    const struct field *inside; /* of OBJECT; ends with a name of NULL */
};

#define END                                                                                        \
    {                                                                                              \
        NULL, 0, TEXT, false, NULL                                                                 \
    }

/* clang-format off */
static const struct field nothing[] = {END};
static const struct field durfloor[] = {{"mindur", 1, INT, 0, 0}, {"maxdur", 2, INT, 0, 0},
    {"bidfloor", 3, PRICE, 0, 0}, END};
static const struct field format[] = {{"w", 1, INT, 0, 0}, {"h", 2, INT, 0, 0}, END};
static const struct field banner[] = {{"w", 1, INT, 0, 0}, {"h", 2, INT, 0, 0}, {"pos", 4, INT, 0, 0},
    {"btype", 5, INT, 1, 0}, {"battr", 6, INT, 1, 0}, {"mimes", 7, TEXT, 1, 0}, {"expdir", 9, INT, 1, 0},
    {"api", 10, INT, 1, 0}, {"format", 15, OBJECT, 1, format}, END};
static const struct field video[] = {{"mimes", 1, TEXT, 1, 0}, {"linearity", 2, INT, 0, 0},
    {"minduration", 3, INT, 0, 0}, {"maxduration", 4, INT, 0, 0}, {"w", 6, INT, 0, 0}, {"h", 7, INT, 0, 0},
    {"battr", 10, INT, 1, 0}, {"minbitrate", 12, INT, 0, 0}, {"maxbitrate", 13, INT, 0, 0},
    {"delivery", 16, INT, 1, 0}, {"pos", 17, INT, 0, 0}, {"api", 19, INT, 1, 0}, {"protocols", 21, INT, 1, 0},
    {"skip", 23, FLAG, 0, 0}, {"poddur", 29, INT, 0, 0}, {"rqddurs", 32, INT, 1, 0},
    {"mincpmpersec", 34, PRICE, 0, 0}, {"plcmt", 35, INT, 0, 0}, {"durfloors", 36, OBJECT, 1, durfloor}, END};
static const struct field audio[] = {{"mimes", 1, TEXT, 1, 0}, {"minduration", 2, INT, 0, 0},
    {"maxduration", 3, INT, 0, 0}, {"protocols", 4, INT, 1, 0}, {"battr", 7, INT, 1, 0},
    {"minbitrate", 9, INT, 0, 0}, {"maxbitrate", 10, INT, 0, 0}, {"delivery", 11, INT, 1, 0},
    {"api", 13, INT, 1, 0}, {"poddur", 25, INT, 0, 0}, {"rqddurs", 26, INT, 1, 0},
    {"mincpmpersec", 30, PRICE, 0, 0}, {"durfloors", 31, OBJECT, 1, durfloor}, END};
static const struct field title[] = {{"len", 1, INT, 0, 0}, END};
static const struct field img[] = {{"type", 1, INT, 0, 0}, {"w", 2, INT, 0, 0}, {"h", 3, INT, 0, 0},
    {"wmin", 4, INT, 0, 0}, {"hmin", 5, INT, 0, 0}, END};
static const struct field asset_data[] = {{"type", 1, INT, 0, 0}, {"len", 2, INT, 0, 0}, END};
static const struct field asset[] = {{"required", 2, FLAG, 0, 0}, {"title", 3, OBJECT, 0, title},
    {"img", 4, OBJECT, 0, img}, {"video", 5, OBJECT, 0, nothing}, {"data", 6, OBJECT, 0, asset_data}, END};
static const struct field native_request[] = {{"assets", 6, OBJECT, 1, asset}, END};
static const struct field native[] = {{"request", 1, NATIVE, 0, native_request}, {"api", 3, INT, 1, 0},
    {"battr", 4, INT, 1, 0}, END};
static const struct field qty[] = {{"multiplier", 1, PRICE, 0, 0}, END};
static const struct field deal[] = {{"id", 1, LABEL, 0, 0}, {"bidfloor", 2, PRICE, 0, 0},
    {"bidfloorcur", 3, TEXT, 0, 0}, {"wseat", 4, SEAT, 1, 0}, {"wadomain", 5, LABEL, 1, 0}, {"at", 6, INT, 0, 0},
    {"guar", 7, FLAG, 0, 0}, {"mincpmpersec", 8, PRICE, 0, 0}, {"durfloors", 9, OBJECT, 1, durfloor}, END};
static const struct field pmp[] = {{"private_auction", 1, FLAG, 0, 0}, {"deals", 2, OBJECT, 1, deal}, END};
static const struct field imp[] = {{"id", 1, TEXT, 0, 0}, {"banner", 2, OBJECT, 0, banner},
    {"video", 3, OBJECT, 0, video}, {"instl", 6, FLAG, 0, 0}, {"bidfloor", 8, PRICE, 0, 0}, {"bidfloorcur", 9, TEXT, 0, 0},
    {"pmp", 11, OBJECT, 0, pmp}, {"secure", 12, FLAG, 0, 0}, {"native", 13, OBJECT, 0, native},
    {"exp", 14, INT, 0, 0}, {"audio", 15, OBJECT, 0, audio}, {"rwdd", 18, FLAG, 0, 0},
    {"qty", 20, OBJECT, 0, qty}, END};
static const struct field site[] = {{"id", 1, LABEL, 0, 0}, {"domain", 3, TEXT, 0, 0},
    {"", 99, NAMED, 0, 0}, END};
static const struct field app[] = {{"id", 1, LABEL, 0, 0}, {"bundle", 8, LABEL, 0, 0},
    {"", 99, NAMED, 0, 0}, END};
static const struct field dooh[] = {{"id", 1, LABEL, 0, 0}, {"", 99, NAMED, 0, 0}, END};
static const struct field node[] = {{"asi", 1, LABEL, 0, 0}, {"sid", 2, LABEL, 0, 0}, {"hp", 6, FLAG, 0, 0}, END};
static const struct field schain[] = {{"complete", 1, FLAG, 0, 0}, {"nodes", 2, OBJECT, 1, node},
    {"ver", 3, LABEL, 0, 0}, {"", 99, NAMED, 0, 0}, END};
static const struct field source_ext[] = {{"schain", 1, OBJECT, 0, schain}, END};
static const struct field source[] = {{"schain", 4, OBJECT, 0, schain}, {"ext", 99, OBJECT, 0, source_ext}, END};
static const struct field request_ext[] = {{"schain", NOWHERE, OBJECT, 0, schain}, END};
static const struct field brand[] = {{"brand", 1, TEXT, 0, 0}, END};
static const struct field sua[] = {{"platform", 2, OBJECT, 0, brand}, {"mobile", 3, FLAG, 0, 0}, END};
static const struct field geo[] = {{"country", 3, TEXT, 0, 0}, {"region", 4, LABEL, 0, 0},
    {"utcoffset", 10, INT, 0, 0}, END};
static const struct field device[] = {{"dnt", 1, FLAG, 0, 0}, {"geo", 4, OBJECT, 0, geo}, {"os", 14, TEXT, 0, 0},
    {"devicetype", 18, INT, 0, 0}, {"ifa", 20, LABEL, 0, 0}, {"lmt", 23, FLAG, 0, 0},
    {"sua", 31, OBJECT, 0, sua}, END};
static const struct field segment[] = {{"id", 1, LABEL, 0, 0}, END};
static const struct field data[] = {{"segment", 3, OBJECT, 1, segment}, END};
static const struct field uid[] = {{"id", 1, LABEL, 0, 0}, END};
static const struct field eid[] = {{"uids", 2, OBJECT, 1, uid}, END};
static const struct field user_ext[] = {{"consent", 1, TEXT, 0, 0}, {"eids", 2, OBJECT, 1, eid}, END};
static const struct field user[] = {{"id", 1, LABEL, 0, 0}, {"buyeruid", 2, LABEL, 0, 0}, {"geo", 7, OBJECT, 0, geo},
    {"data", 8, OBJECT, 1, data}, {"consent", 10, TEXT, 0, 0}, {"eids", 11, OBJECT, 1, eid},
    {"ext", 99, OBJECT, 0, user_ext}, END};
static const struct field dsa[] = {{"dsarequired", 1, INT, 0, 0}, END};
static const struct field regs_ext[] = {{"gdpr", 1, FLAG, 0, 0}, {"us_privacy", 2, TEXT, 0, 0},
    {"gpc", 3, LABEL, 0, 0}, {"dsa", 4, OBJECT, 0, dsa}, {"gpp_sid", NOWHERE, INT, 1, 0},
    {"gpp", NOWHERE, TEXT, 0, 0}, {"coppa", NOWHERE, FLAG, 0, 0}, END};
static const struct field regs[] = {{"coppa", 1, FLAG, 0, 0}, {"gpp", 2, TEXT, 0, 0}, {"gpp_sid", 3, INT, 1, 0},
    {"gdpr", 4, FLAG, 0, 0}, {"us_privacy", 5, TEXT, 0, 0}, {"dsa", NOWHERE, OBJECT, 0, dsa},
    {"ext", 99, OBJECT, 0, regs_ext}, END};
static const struct field request[] = {{"id", 1, TEXT, 0, 0}, {"imp", 2, OBJECT, 1, imp},
    {"site", 3, OBJECT, 0, site}, {"app", 4, OBJECT, 0, app}, {"device", 5, OBJECT, 0, device},
    {"user", 6, OBJECT, 0, user}, {"at", 7, INT, 0, 0}, {"tmax", 8, TMAX, 0, 0}, {"wseat", 9, SEAT, 1, 0},
    {"cur", 11, TEXT, 1, 0}, {"bcat", 12, LABEL, 1, 0}, {"badv", 13, LABEL, 1, 0}, {"regs", 14, OBJECT, 0, regs},
    {"test", 15, FLAG, 0, 0}, {"bapp", 16, LABEL, 1, 0}, {"bseat", 17, SEAT, 1, 0}, {"wlang", 18, TEXT, 1, 0},
    {"source", 19, OBJECT, 0, source}, {"wlangb", 20, TEXT, 1, 0}, {"cattax", 21, INT, 0, 0},
    {"dooh", 22, OBJECT, 0, dooh}, {"acat", 23, LABEL, 1, 0}, {"ext", 99, OBJECT, 0, request_ext}, END};
/* clang-format on */

static bool put_object(struct pb *pb, const cJSON *object, const struct field *fields);

/* The object is written first, then its tag and length, which move in front of it: they tell how
 * long it has become. */
static bool put_inside(struct pb *pb, const cJSON *value, const struct field *f)
{
    uint8_t head[20];
    size_t start = pb->len;
    if (!cJSON_IsObject(value) || !put_object(pb, value, f->inside)) {
        pb->len = start;
        return false;
    }
    size_t len = pb->len - start;
    pb_tag(pb, f->number, PB_BYTES);
    pb_varint(pb, len);
    size_t head_len = pb->len - start - len;
    memcpy(head, pb->at + start + len, head_len);
    memmove(pb->at + start + head_len, pb->at + start, len);
    memcpy(pb->at + start, head, head_len);
    return true;
}

static bool put_label(struct pb *pb, const cJSON *value, const struct field *f)
{
    char digits[32];
    if (!cJSON_IsNumber(value) || value->valuedouble != floor(value->valuedouble) ||
        fabs(value->valuedouble) > 1e15)
        return false;
    snprintf(digits, sizeof digits, "%.0f", value->valuedouble);
    pb_text(pb, f->number, digits);
    return true;
}

static bool put_int(struct pb *pb, const cJSON *value, const struct field *f)
{
    if (!cJSON_IsNumber(value) || value->valuedouble != floor(value->valuedouble))
        return false;
    pb_int(pb, f->number,
           value->valuedouble > INT32_MAX   ? INT32_MAX
           : value->valuedouble < INT32_MIN ? INT32_MIN
                                            : (int64_t)value->valuedouble);
    return true;
}

static bool put_value(struct pb *pb, const cJSON *value, const struct field *f)
{
    bool truth = cJSON_IsTrue(value) || (cJSON_IsNumber(value) && value->valuedouble != 0);
    switch (f->kind) {
    case LABEL:
        if (!cJSON_IsString(value))
            return put_label(pb, value, f);
        break;
    case NATIVE:
        if (cJSON_IsObject(value))
            return put_inside(pb, value, &(struct field){"", 50, OBJECT, false, f->inside});
        break;
    case TEXT:
    case SEAT:
    case NAMED:
        break;
    case TMAX:
        return !cJSON_IsNumber(value) || put_int(pb, value, f);
    case INT:
        return put_int(pb, value, f);
    case FLAG:
        pb_int(pb, f->number, truth);
        return cJSON_IsBool(value) ||
               (cJSON_IsNumber(value) && value->valuedouble == floor(value->valuedouble));
    case PRICE:
        pb_double(pb, f->number, value->valuedouble);
        return cJSON_IsNumber(value);
    case OBJECT:
        return put_inside(pb, value, f);
    }
    if (cJSON_IsString(value))
        pb_text(pb, f->number, value->valuestring);
    return cJSON_IsString(value);
}

static bool is_absent(const cJSON *value)
{
    return !value || cJSON_IsNull(value) || (cJSON_IsString(value) && !value->valuestring[0]);
}

static bool put_object(struct pb *pb, const cJSON *object, const struct field *fields)
{
    for (const struct field *f = fields; f->name; f++) {
        const cJSON *value = NULL, *child;
        if (f->kind == NAMED) {
            if (object->child)
                pb_text(pb, f->number, "");
            continue;
        }
        cJSON_ArrayForEach(child, object) if (child->string && !strcmp(child->string, f->name))
            value = child;
        if (is_absent(value))
            continue;
        if (f->number == NOWHERE || (f->list && !cJSON_IsArray(value)))
            return false;
        if (!f->list && !put_value(pb, value, f))
            return false;
        const cJSON *elements = f->list ? value : NULL;
        cJSON_ArrayForEach(child, elements)
        {
            /* an absent element of a list of texts is one of no length */
            bool blank = is_absent(child);
            if (blank && f->kind != OBJECT && f->kind != INT)
                pb_text(pb, f->number, "");
            else if (blank ? f->kind == OBJECT : !put_value(pb, child, f))
                return false;
        }
    }
    return true;
}

bool pb_from_json(const char *text, size_t len, struct pb *ret)
{
    cJSON *json = cJSON_ParseWithLength(text, len);
    ret->len = 0;
    bool good = cJSON_IsObject(json) && put_object(ret, json, request);
    cJSON_Delete(json);
    return good;
}
