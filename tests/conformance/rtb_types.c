/* SPDX-License-Identifier: Apache-2.0 */
/* Which type each field has that a bidder reads: OpenRTB 2.5 and 2.6, and what is taken for it.
 *
 * A new field that the bidder reads is a new line here.
 */
#include <math.h>

#include "tests/conformance/rtb.h"

enum type {
    TEXT,
    LABEL,  /* text, or a number in its place */
    INT,    /* a number without a fraction */
    LIMIT,  /* the same; what is no number at all counts as absent */
    FLAG,   /* 0, 1, true, false */
    NUMBER, /* with or without a fraction */
    OBJECT,
    EMBEDDED, /* an object, or a text that is one and is looked at elsewhere */
    ARRAY
};

struct field {
    const char *key;
    enum type type;
    enum type element;          /* of an array */
    const struct field *fields; /* of an object, or of an array's objects; ends with key NULL */
    bool vital;                 /* a wrong type here, and in what lies within, is malformed */
    bool whole;                 /* elements must be there, and of their type */
    unsigned max;               /* elements that are looked at; 0 = all */
    const char *counts;         /* of which only those count that have this field */
};

/* clang-format off */
static const struct field size[] = {{.key = "w", .type = INT}, {.key = "h", .type = INT}, {0}};

static const struct field durfloor[] = {
    {.key = "mindur", .type = INT}, {.key = "maxdur", .type = INT}, {.key = "bidfloor", .type = NUMBER}, {0}};

#define ANY_MEDIA                                                                             \
    {.key = "battr", .type = ARRAY, .element = INT}, {.key = "api", .type = ARRAY, .element = INT}, \
    {.key = "mimes", .type = ARRAY, .element = TEXT}
#define TIMED_MEDIA                                                                           \
    {.key = "minduration", .type = INT}, {.key = "maxduration", .type = INT},                 \
    {.key = "rqddurs", .type = ARRAY, .element = INT},                                        \
    {.key = "protocols", .type = ARRAY, .element = INT}, {.key = "minbitrate", .type = INT},  \
    {.key = "maxbitrate", .type = INT}, {.key = "delivery", .type = ARRAY, .element = INT},   \
    {.key = "durfloors", .type = ARRAY, .element = OBJECT, .fields = durfloor},               \
    {.key = "mincpmpersec", .type = NUMBER}, {.key = "poddur", .type = INT}

static const struct field banner[] = {
    ANY_MEDIA, {.key = "w", .type = INT}, {.key = "h", .type = INT}, {.key = "pos", .type = INT},
    {.key = "btype", .type = ARRAY, .element = INT}, {.key = "expdir", .type = ARRAY, .element = INT},
    {.key = "format", .type = ARRAY, .element = OBJECT, .fields = size}, {0}};

static const struct field video[] = {
    ANY_MEDIA, TIMED_MEDIA, {.key = "w", .type = INT}, {.key = "h", .type = INT}, {.key = "pos", .type = INT},
    {.key = "plcmt", .type = INT}, {.key = "linearity", .type = INT}, {.key = "skip", .type = FLAG}, {0}};

static const struct field audio[] = {ANY_MEDIA, TIMED_MEDIA, {0}};

static const struct field image[] = {
    {.key = "type", .type = INT}, {.key = "w", .type = INT}, {.key = "h", .type = INT},
    {.key = "wmin", .type = INT}, {.key = "hmin", .type = INT}, {0}};
static const struct field asset_data[] = {{.key = "type", .type = INT}, {.key = "len", .type = INT}, {0}};
static const struct field title[] = {{.key = "len", .type = INT}, {0}};
static const struct field asset[] = {
    {.key = "required", .type = FLAG}, {.key = "img", .type = OBJECT, .fields = image},
    {.key = "data", .type = OBJECT, .fields = asset_data}, {.key = "title", .type = OBJECT, .fields = title}, {0}};
static const struct field native_request[] = {
    {.key = "assets", .type = ARRAY, .element = OBJECT, .fields = asset}, {0}};
static const struct field native[] = {
    ANY_MEDIA, {.key = "request", .type = EMBEDDED, .fields = native_request}, {0}};

static const struct field deal[] = {
    {.key = "id", .type = LABEL}, {.key = "bidfloor", .type = NUMBER}, {.key = "bidfloorcur", .type = TEXT},
    {.key = "at", .type = INT}, {.key = "guar", .type = FLAG}, {.key = "mincpmpersec", .type = NUMBER},
    {.key = "durfloors", .type = ARRAY, .element = OBJECT, .fields = durfloor},
    {.key = "wadomain", .type = ARRAY, .element = LABEL},
    {.key = "wseat", .type = ARRAY, .element = LABEL}, {0}};

static const struct field pmp[] = {
    {.key = "private_auction", .type = FLAG},
    {.key = "deals", .type = ARRAY, .element = OBJECT, .fields = deal, .max = 32, .counts = "id"}, {0}};

static const struct field qty[] = {{.key = "multiplier", .type = NUMBER}, {0}};

static const struct field imp[] = {
    {.key = "id", .type = TEXT}, {.key = "bidfloor", .type = NUMBER}, {.key = "bidfloorcur", .type = TEXT},
    {.key = "secure", .type = FLAG}, {.key = "instl", .type = FLAG}, {.key = "rwdd", .type = FLAG},
    {.key = "exp", .type = INT}, {.key = "qty", .type = OBJECT, .fields = qty},
    {.key = "banner", .type = OBJECT, .fields = banner}, {.key = "video", .type = OBJECT, .fields = video},
    {.key = "audio", .type = OBJECT, .fields = audio}, {.key = "native", .type = OBJECT, .fields = native},
    {.key = "pmp", .type = OBJECT, .fields = pmp}, {0}};

static const struct field geo[] = {
    {.key = "country", .type = TEXT}, {.key = "region", .type = LABEL}, {.key = "utcoffset", .type = INT}, {0}};

static const struct field platform[] = {{.key = "brand", .type = TEXT}, {0}};
static const struct field sua[] = {
    {.key = "mobile", .type = FLAG}, {.key = "platform", .type = OBJECT, .fields = platform}, {0}};
static const struct field device[] = {
    {.key = "sua", .type = OBJECT, .fields = sua},
    {.key = "devicetype", .type = INT}, {.key = "os", .type = TEXT}, {.key = "lmt", .type = FLAG},
    {.key = "dnt", .type = FLAG}, {.key = "ifa", .type = LABEL}, {.key = "geo", .type = OBJECT, .fields = geo}, {0}};

static const struct field segment[] = {{.key = "id", .type = LABEL}, {0}};
static const struct field data[] = {
    {.key = "segment", .type = ARRAY, .element = OBJECT, .fields = segment}, {0}};
static const struct field uid[] = {{.key = "id", .type = LABEL}, {0}};
static const struct field eid[] = {{.key = "uids", .type = ARRAY, .element = OBJECT, .fields = uid}, {0}};
#define EIDS {.key = "eids", .type = ARRAY, .element = OBJECT, .fields = eid}
static const struct field user_ext[] = {{.key = "consent", .type = TEXT, .vital = true}, EIDS, {0}};
static const struct field user[] = {
    {.key = "data", .type = ARRAY, .element = OBJECT, .fields = data},
    {.key = "geo", .type = OBJECT, .fields = geo}, {.key = "consent", .type = TEXT, .vital = true},
    {.key = "id", .type = LABEL}, {.key = "buyeruid", .type = LABEL}, EIDS,
    {.key = "ext", .type = OBJECT, .fields = user_ext}, {0}};

static const struct field dsa[] = {{.key = "dsarequired", .type = INT}, {0}};
#define GPP                                                                                   \
    {.key = "coppa", .type = FLAG}, {.key = "gpp", .type = TEXT}, {.key = "dsa", .type = OBJECT, .fields = dsa}
static const struct field regs_ext[] = {
    GPP,
    {.key = "gdpr", .type = FLAG}, {.key = "us_privacy", .type = TEXT}, {.key = "gpc", .type = LABEL},
    {.key = "gpp_sid", .type = ARRAY, .element = INT}, {0}};
static const struct field regs[] = {
    GPP, {.key = "gdpr", .type = FLAG}, {.key = "us_privacy", .type = TEXT},
    {.key = "gpp_sid", .type = ARRAY, .element = INT}, {.key = "ext", .type = OBJECT, .fields = regs_ext}, {0}};

static const struct field node[] = {
    {.key = "asi", .type = LABEL}, {.key = "sid", .type = LABEL}, {.key = "hp", .type = FLAG}, {0}};
static const struct field schain[] = {
    {.key = "complete", .type = FLAG}, {.key = "ver", .type = LABEL},
    {.key = "nodes", .type = ARRAY, .element = OBJECT, .fields = node}, {0}};
static const struct field schain_ext[] = {{.key = "schain", .type = OBJECT, .fields = schain}, {0}};
static const struct field source[] = {
    {.key = "schain", .type = OBJECT, .fields = schain},
    {.key = "ext", .type = OBJECT, .fields = schain_ext}, {0}};

static const struct field site[] = {{.key = "domain", .type = TEXT}, {.key = "id", .type = LABEL}, {0}};
static const struct field app[] = {{.key = "bundle", .type = LABEL}, {.key = "id", .type = LABEL}, {0}};
static const struct field dooh[] = {{.key = "id", .type = LABEL}, {0}};

static const struct field request[] = {
    {.key = "id", .type = TEXT, .vital = true}, {.key = "at", .type = INT}, {.key = "test", .type = FLAG},
    {.key = "tmax", .type = LIMIT}, {.key = "cattax", .type = INT},
    {.key = "source", .type = OBJECT, .fields = source}, {.key = "ext", .type = OBJECT, .fields = schain_ext},
    {.key = "bapp", .type = ARRAY, .element = LABEL}, {.key = "acat", .type = ARRAY, .element = LABEL},
    {.key = "wlang", .type = ARRAY, .element = TEXT}, {.key = "wlangb", .type = ARRAY, .element = TEXT},
    {.key = "cur", .type = ARRAY, .element = TEXT},
    {.key = "badv", .type = ARRAY, .element = LABEL}, {.key = "bcat", .type = ARRAY, .element = LABEL},
    {.key = "wseat", .type = ARRAY, .element = LABEL}, {.key = "bseat", .type = ARRAY, .element = LABEL},
    {.key = "site", .type = OBJECT, .fields = site}, {.key = "app", .type = OBJECT, .fields = app},
    {.key = "dooh", .type = OBJECT, .fields = dooh}, {.key = "device", .type = OBJECT, .fields = device},
    {.key = "user", .type = OBJECT, .fields = user},
    {.key = "regs", .type = OBJECT, .fields = regs, .vital = true}, {0}};

/* apart: that there are impressions is vital, what is in them is not */
static const struct field impressions = {
    .key = "imp", .type = ARRAY, .element = OBJECT, .fields = imp, .whole = true, .max = 64};
/* clang-format on */

static bool has_type(const json_t *item, enum type type)
{
    double number = json_number_value(item);
    switch (type) {
    case TEXT:
        return json_is_string(item);
    case LABEL:
        return json_is_string(item) || json_is_number(item);
    case INT:
        return json_is_number(item) && number == floor(number);
    case LIMIT:
        return !json_is_number(item) || number == floor(number);
    case FLAG:
        return json_is_boolean(item) || (json_is_number(item) && number == floor(number));
    case NUMBER:
        return json_is_number(item);
    case EMBEDDED:
        return json_is_object(item) || json_is_string(item);
    case OBJECT:
        return json_is_object(item);
    case ARRAY:
        return json_is_array(item);
    }
    return false;
}

static enum rtb_sound worse(enum rtb_sound a, enum rtb_sound b)
{
    return a > b ? a : b;
}

static enum rtb_sound check(const json_t *item, enum type type, const struct field *field,
                            bool vital);

static enum rtb_sound check_fields(const json_t *object, const struct field *fields, bool vital)
{
    enum rtb_sound sound = RTB_SOUND;
    for (const struct field *f = fields; f && f->key; f++) {
        const json_t *item = rtb_get(object, f->key);
        if (item)
            sound = worse(sound, check(item, f->type, f, vital || f->vital));
    }
    return sound;
}

static bool is_nothing(const json_t *item)
{
    return json_is_null(item) || (json_is_string(item) && json_string_length(item) == 0);
}

static enum rtb_sound check_elements(const json_t *array, const struct field *field, bool vital)
{
    enum rtb_sound sound = RTB_SOUND;
    unsigned seen = 0;
    for (size_t i = 0; i < json_array_size(array) && (field->max == 0 || seen < field->max); i++) {
        const json_t *item = json_array_get(array, i);
        seen += !field->counts || rtb_label(item, field->counts) != NULL;
        if (!is_nothing(item))
            sound = worse(sound, check(item, field->element, field, vital || field->whole));
        else if (field->whole)
            sound = RTB_MALFORMED;
    }
    return sound;
}

/* An element of a list that must be whole is itself vital, the fields in it are not. */
static enum rtb_sound check(const json_t *item, enum type type, const struct field *field,
                            bool vital)
{
    if (!has_type(item, type))
        return vital ? RTB_MALFORMED : RTB_WRONG_TYPE;
    if (type == ARRAY)
        return check_elements(item, field, vital);
    if (type != OBJECT && type != EMBEDDED)
        return RTB_SOUND;
    return check_fields(item, field->fields, vital && !field->whole); /* a text has no fields */
}

enum rtb_sound rtb_sound(const json_t *root)
{
    if (!json_is_object(root))
        return RTB_MALFORMED;
    const json_t *imps = rtb_get(root, "imp");
    if (!rtb_text(root, "id") || !json_is_array(imps) || json_array_size(imps) == 0)
        return RTB_MALFORMED;
    return worse(check_fields(root, request, false), check_elements(imps, &impressions, false));
}

bool rtb_sound_native(const json_t *root)
{
    const json_t *old = rtb_get(root, "native");
    return check_fields(root, native_request, false) == RTB_SOUND &&
           (!old ||
            check(old, OBJECT, &(struct field){.fields = native_request}, false) == RTB_SOUND);
}
