/* SPDX-License-Identifier: Apache-2.0 */
/* One rule a function. Numbers above 63 in lists are the exchanges' own and mean nothing to us. */
#include "tests/conformance/terms.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define UNIT 1000000
#define LIST_NUMBER_MAX 63
#define DURATIONS_READ 8
#define DURFLOORS_READ 8
#define LANGUAGES_READ 16
#define LANGUAGE_MAX 8
#define ATTR_SKIPPABLE 16
#define NOTICE_TTL_S 600
#define DEPTH_MAX 32

__extension__ typedef unsigned __int128 wide;

/* --- lists */

static bool has_number(const json_t *object, const char *key, int number)
{
    const json_t *list = rtb_array(object, key);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (json_is_number(item) && json_number_value(item) == number)
            return true;
    }
    return false;
}

/* Whether a list says anything that we could understand. */
static bool has_numbers(const json_t *object, const char *key)
{
    for (int n = 0; n <= LIST_NUMBER_MAX; n++)
        if (has_number(object, key, n))
            return true;
    return false;
}

static bool has_any(const json_t *object, const char *key, const int *number)
{
    for (unsigned i = 0; i < FACTS_LIST_MAX && number[i]; i++)
        if (has_number(object, key, number[i]))
            return true;
    return false;
}

static bool has_all(const json_t *object, const char *key, const int *number)
{
    for (unsigned i = 0; i < FACTS_LIST_MAX && number[i]; i++)
        if (!has_number(object, key, number[i]))
            return false;
    return true;
}

static bool says(const json_t *item)
{
    return item && !json_is_null(item) && !rtb_is(item, "", false);
}

static bool list_says(const json_t *object, const char *key)
{
    const json_t *list = rtb_array(object, key);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (says(json_array_get(list, i)))
            return true;
    return false;
}

static bool list_holds(const json_t *object, const char *key, const char *name)
{
    const json_t *list = rtb_array(object, key);
    for (size_t i = 0; name && i < json_array_size(list); i++)
        if (rtb_is(json_array_get(list, i), name, true))
            return true;
    return false;
}

/* --- all kinds of media */

/* A type without its parameters; its length. */
static size_t bare_length(const char *type)
{
    size_t len = strcspn(type, ";");
    while (len > 0 && type[len - 1] == ' ')
        len--;
    return len;
}

static bool fits_mimes(const json_t *media, const struct facts_traits *t)
{
    const json_t *list = rtb_array(media, "mimes");
    bool asked = false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *type = json_string_value(json_array_get(list, i));
        size_t len = type ? bare_length(type) : 0;
        asked |= len > 0;
        for (unsigned m = 0; m < FACTS_LIST_MAX && t->mimes[m]; m++)
            if (len == strlen(t->mimes[m]) && strncasecmp(type, t->mimes[m], len) == 0)
                return true;
    }
    return !asked;
}

static bool fits_banner(const json_t *media, const struct facts_traits *t)
{
    return (t->btype == 0 || !has_number(media, "btype", t->btype)) &&
           has_all(media, "expdir", t->expdir);
}

/* --- video and audio */

static bool fits_duration(const json_t *media, int seconds)
{
    const json_t *list = rtb_array(media, "rqddurs");
    int64_t least = rtb_int(media, "minduration", 0), most = rtb_int(media, "maxduration", 0);
    int64_t pod = rtb_int(media, "poddur", 0);
    unsigned read = 0;
    bool found = json_array_size(list) == 0;
    for (size_t i = 0; i < json_array_size(list) && read < DURATIONS_READ; i++) {
        double one = json_number_value(json_array_get(list, i));
        read += one > 0;
        found |= one > 0 && one == seconds;
    }
    if (!found || (pod > 0 && (seconds == 0 || seconds > pod)))
        return false;
    if (json_array_size(list) > 0 || (least <= 0 && most <= 0))
        return true;
    return seconds > 0 && seconds >= least && (most <= 0 || seconds <= most);
}

static bool fits_timed(const json_t *media, const struct facts_traits *t)
{
    int64_t least = rtb_int(media, "minbitrate", 0), most = rtb_int(media, "maxbitrate", 0);
    int64_t linearity = rtb_int(media, "linearity", 0);
    bool skippable = false;
    for (unsigned i = 0; i < FACTS_LIST_MAX; i++)
        skippable |= t->attr[i] == ATTR_SKIPPABLE;
    if (skippable && rtb_tri(media, "skip") == 0)
        return false;
    if (has_numbers(media, "protocols") && !has_any(media, "protocols", t->protocols))
        return false;
    if (linearity > 0 && linearity != t->linearity)
        return false;
    if ((least > 0 || most > 0) &&
        (t->bitrate_kbps == 0 || t->bitrate_kbps < least || (most > 0 && t->bitrate_kbps > most)))
        return false;
    if (has_numbers(media, "delivery") && !has_any(media, "delivery", t->delivery))
        return false;
    return fits_duration(media, t->duration_s);
}

/* --- native */

/* The request in native.request, which may be a text; NULL where there is none. *ret_own is to be
 * given back. */
static const json_t *native_assets(const json_t *imp, json_t **ret_own, bool *ret_readable)
{
    const json_t *request = rtb_get(rtb_object(imp, "native"), "request");
    json_error_t error;
    bool beyond;
    *ret_own = NULL;
    *ret_readable = true;
    if (json_is_object(request)) /* as some send it: then without a "native" around it */
        return rtb_array(request, "assets");
    if (!json_is_string(request))
        return NULL;
    *ret_own = rtb_load(json_string_value(request), json_string_length(request), &error, &beyond);
    *ret_readable =
        json_is_object(*ret_own) && rtb_sound_native(*ret_own) && rtb_depth(*ret_own) <= DEPTH_MAX;
    const json_t *old = rtb_object(*ret_own, "native");
    return rtb_get(*ret_own, "assets") || !old ? rtb_array(*ret_own, "assets")
                                               : rtb_array(old, "assets");
}

bool terms_readable(const json_t *imp)
{
    json_t *own;
    bool readable;
    (void)native_assets(imp, &own, &readable);
    json_decref(own);
    return readable;
}

static bool fits_text(const json_t *asset, int len)
{
    int64_t most = rtb_int(asset, "len", 0);
    return len > 0 && (most <= 0 || len <= most);
}

static bool fits_image(const json_t *image, const int size[2])
{
    int64_t w = rtb_int(image, "w", 0), h = rtb_int(image, "h", 0);
    return size[0] > 0 && (w > 0 ? size[0] == w : size[0] >= rtb_int(image, "wmin", 0)) &&
           (h > 0 ? size[1] == h : size[1] >= rtb_int(image, "hmin", 0));
}

/* Each asset that is required must be one that the creative has; it has one of each kind. */
static bool fits_asset(const json_t *asset, const struct facts_traits *t, unsigned *icons,
                       unsigned *images)
{
    const json_t *title = rtb_object(asset, "title"), *img = rtb_object(asset, "img");
    const json_t *data = rtb_object(asset, "data");
    int64_t image = img ? rtb_int(img, "type", 0) : 0, kind = data ? rtb_int(data, "type", 0) : 0;
    bool known = title || image == 1 || image == 3 || (kind >= 1 && kind <= 12);
    if (!known || rtb_get(asset, "video") || (title && !fits_text(title, t->title_len)))
        return false;
    if (image == 1 && (++*icons > 1 || !fits_image(img, t->icon)))
        return false;
    if (image == 3 && (++*images > 1 || !fits_image(img, t->image)))
        return false;
    bool found = kind < 1 || kind > 12;
    for (unsigned i = 0; i < FACTS_LIST_MAX && t->data[i].kind; i++)
        found |= t->data[i].kind == kind && fits_text(data, t->data[i].len);
    return found;
}

static bool fits_native(const json_t *imp, const struct facts_traits *t)
{
    json_t *own;
    bool good;
    unsigned icons = 0, images = 0;
    const json_t *assets = native_assets(imp, &own, &good);
    for (size_t i = 0; good && i < json_array_size(assets); i++)
        if (rtb_flag(json_array_get(assets, i), "required"))
            good = fits_asset(json_array_get(assets, i), t, &icons, &images);
    json_decref(own);
    return good;
}

/* --- the rest */

static bool fits_place(const json_t *imp, const struct facts_traits *t)
{
    unsigned place = (rtb_flag(imp, "instl") ? FACTS_INTERSTITIAL : FACTS_INLINE) |
                     (rtb_flag(imp, "rwdd") ? FACTS_REWARDED : FACTS_PLAIN);
    int64_t plcmt = rtb_int(rtb_object(imp, "video"), "plcmt", 0);
    return !(place & t->not_for) && (t->not_plcmt == 0 || plcmt != t->not_plcmt);
}

/* RFC 4647, basic filtering: "en" covers "en-GB"; letters in either case, "_" for "-". */
static bool covers(const json_t *tag, const char *language)
{
    const char *text = json_string_value(tag);
    size_t len = json_string_length(tag);
    if (!language || len > strlen(language))
        return false;
    for (size_t i = 0; i < len; i++)
        if (tolower((unsigned char)(text[i] == '_' ? '-' : text[i])) !=
            tolower((unsigned char)language[i]))
            return false;
    return language[len] == '\0' || language[len] == '-';
}

static bool fits_language(const json_t *root, const struct facts_traits *t)
{
    const char *key = list_says(root, "wlang") ? "wlang" : "wlangb";
    const json_t *list = rtb_array(root, key);
    unsigned read = 0;
    if (!list_says(root, key))
        return true;
    for (size_t i = 0; i < json_array_size(list) && read < LANGUAGES_READ; i++) {
        const json_t *tag = json_array_get(list, i);
        if (!says(tag) || json_string_length(tag) > LANGUAGE_MAX)
            continue;
        read++;
        if (covers(tag, t->language))
            return true;
    }
    return false;
}

/* Categories of one taxonomy say nothing of those of another. */
static bool fits_taxonomy(const json_t *root, const struct facts_line_item *item)
{
    bool asked = list_says(root, "bcat") || list_says(root, "acat");
    return !asked || !item->cat[0] ||
           rtb_int(root, "cattax", 1) == (item->cattax ? item->cattax : 1);
}

bool terms_allow_creative(const json_t *root, const json_t *imp, const struct facts_line_item *item,
                          const struct facts_creative *creative)
{
    static const char *const name[] = {"", "banner", "video", "audio", "native"};
    const struct facts_traits *t = &creative->traits;
    const json_t *media = rtb_object(imp, name[creative->format]);
    bool timed = creative->format == FACTS_VIDEO || creative->format == FACTS_AUDIO;
    return !has_any(media, "battr", t->attr) && has_all(media, "api", t->api) &&
           (creative->format == FACTS_NATIVE || fits_mimes(media, t)) &&
           (creative->format != FACTS_BANNER || fits_banner(media, t)) &&
           (!timed || fits_timed(media, t)) && fits_place(imp, t) &&
           (creative->format != FACTS_NATIVE || fits_native(imp, t)) && fits_language(root, t) &&
           !list_holds(root, "bapp", t->bundle) && fits_taxonomy(root, item);
}

bool terms_allow_item(const json_t *root, const json_t *deal, const struct facts_line_item *item)
{
    bool category = !list_says(root, "acat");
    for (unsigned i = 0; i < 4 && item->cat[i]; i++)
        category |= list_holds(root, "acat", item->cat[i]);
    return category &&
           (!list_says(deal, "wadomain") || list_holds(deal, "wadomain", item->adomain));
}

bool terms_allow_imp(const json_t *imp)
{
    const json_t *multiplier = rtb_get(rtb_object(imp, "qty"), "multiplier");
    return rtb_int(imp, "exp", 0) <= NOTICE_TTL_S &&
           (!multiplier || rtb_micros(multiplier, true) == UNIT);
}

/* --- floors */

/* In account currency, rounded up; -1 when there is no rate. */
static int64_t in_account(int64_t micros, const json_t *where)
{
    char currency[4];
    if (micros == 0)
        return 0;
    if (!rtb_currency(rtb_get(where, "bidfloorcur"), currency) && currency[0] == '\0')
        strcpy(currency, "USD");
    int64_t rate = facts_rate(currency);
    wide account = ((wide)(uint64_t)micros * (uint64_t)rate + UNIT - 1) / UNIT;
    return rate == 0 ? -1 : account > INT64_MAX ? INT64_MAX : (int64_t)account;
}

static bool has_rates(const json_t *media, const json_t *where)
{
    const json_t *list = rtb_array(media, "durfloors");
    for (size_t i = 0; i < json_array_size(list) && i < DURFLOORS_READ; i++)
        if (in_account(rtb_micros(rtb_get(json_array_get(list, i), "bidfloor"), true), where) < 0)
            return false;
    return in_account(rtb_micros(rtb_get(media, "mincpmpersec"), true), where) >= 0;
}

/* What a duration costs; *ret_said tells whether anything says so. */
static int64_t duration_floor(const json_t *media, const json_t *where, int seconds, bool *ret_said)
{
    const json_t *list = rtb_array(media, "durfloors");
    int64_t per_second = in_account(rtb_micros(rtb_get(media, "mincpmpersec"), true), where);
    *ret_said = true;
    for (size_t i = 0; i < json_array_size(list) && i < DURFLOORS_READ; i++) {
        const json_t *one = json_array_get(list, i);
        int64_t most = rtb_int(one, "maxdur", 0);
        if (seconds >= rtb_int(one, "mindur", 0) && (most <= 0 || seconds <= most))
            return in_account(rtb_micros(rtb_get(one, "bidfloor"), true), where);
    }
    *ret_said = per_second > 0;
    wide product = (wide)(uint64_t)per_second * (unsigned)seconds;
    return !*ret_said ? 0 : product > INT64_MAX ? INT64_MAX : (int64_t)product;
}

bool terms_deal_has_rates(const json_t *deal)
{
    return in_account(rtb_micros(rtb_get(deal, "bidfloor"), true), deal) >= 0 &&
           has_rates(deal, deal);
}

/* The deal's own; else what the duration costs, on the deal, then in the open auction; else the
 * impression's. */
int64_t terms_floor(const json_t *imp, const json_t *deal, const struct facts_creative *creative)
{
    const json_t *video = rtb_object(imp, "video"), *audio = rtb_object(imp, "audio");
    int64_t own = in_account(rtb_micros(rtb_get(imp, "bidfloor"), true), imp);
    bool said = false;
    if (own < 0 || !has_rates(video, imp) || !has_rates(audio, imp))
        return -1;
    if (rtb_get(deal, "bidfloor"))
        return in_account(rtb_micros(rtb_get(deal, "bidfloor"), true), deal);
    const json_t *media = creative->format == FACTS_VIDEO   ? video
                          : creative->format == FACTS_AUDIO ? audio
                                                            : NULL;
    int64_t floor = duration_floor(deal, deal, creative->traits.duration_s, &said);
    if (said)
        return floor;
    floor = duration_floor(media, imp, creative->traits.duration_s, &said);
    return said ? floor : own;
}
