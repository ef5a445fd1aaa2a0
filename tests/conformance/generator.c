/* SPDX-License-Identifier: Apache-2.0 */
/* One function an object of the specification. */
#include "tests/conformance/generator.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void part_fn(struct generator *g);

void generator_init(struct generator *g, uint64_t seed)
{
    g->r = rng_init(seed);
    g->number = 0;
}

/* --- writing */

__attribute__((format(printf, 2, 3))) static void put(struct generator *g, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(g->text + g->len, sizeof g->text - g->len, format, args);
    va_end(args);
    if (n < 0 || g->len + (size_t)n >= sizeof g->text)
        abort();
    g->len += (size_t)n;
}

static bool chance(struct generator *g, unsigned percent)
{
    return rng_below(&g->r, 100) < percent;
}

static unsigned below(struct generator *g, unsigned n)
{
    return rng_below(&g->r, n);
}

static void key(struct generator *g, const char *name)
{
    put(g, "%s\"%s\":", g->first ? "" : ",", name);
    g->first = false;
}

/* Values of no field's type, or of one at its end. */
static void odd_value(struct generator *g)
{
    static const char *const value[] = {"null",
                                        "\"\"",
                                        "true",
                                        "false",
                                        "0",
                                        "-1",
                                        "1.5",
                                        "1e9",
                                        "-0.0",
                                        "1e-7",
                                        "123456789012345",
                                        "\"x\"",
                                        "\"1\"",
                                        "[]",
                                        "{}",
                                        "[null]",
                                        "[\"\"]",
                                        "[[]]",
                                        "{\"a\":{}}",
                                        "\"\\u00e9\\ud83d\\ude00\"",
                                        "\"a\\\"b\\\\c\\n\"",
                                        "2147483648",
                                        "-2147483649",
                                        "0.30000000000000004",
                                        "\"\xc3\xa9\""};
    put(g, "%s", value[below(g, sizeof value / sizeof value[0])]);
}

static bool is_odd(struct generator *g)
{
    if (g->odd == 0 || below(g, 1000) >= g->odd)
        return false;
    odd_value(g);
    return true;
}

static void number(struct generator *g, const char *name, unsigned percent, int from, int to)
{
    if (!chance(g, percent))
        return;
    key(g, name);
    if (!is_odd(g))
        put(g, "%d%s", from + (int)below(g, (unsigned)(to - from + 1)), chance(g, 2) ? ".0" : "");
}

static void flag(struct generator *g, const char *name, unsigned percent, unsigned percent_set)
{
    if (!chance(g, percent))
        return;
    key(g, name);
    bool set = chance(g, percent_set);
    if (!is_odd(g))
        put(g, "%s", chance(g, 10) ? (set ? "true" : "false") : (set ? "1" : "0"));
}

static void word_of(struct generator *g, const char *const *word, unsigned cnt)
{
    if (!is_odd(g))
        put(g, "\"%s\"", word[below(g, cnt)]);
}

static void text(struct generator *g, const char *name, unsigned percent, const char *const *word,
                 unsigned cnt)
{
    if (!chance(g, percent))
        return;
    key(g, name);
    word_of(g, word, cnt);
}

static void words(struct generator *g, const char *name, unsigned percent, const char *const *word,
                  unsigned cnt, unsigned max)
{
    if (!chance(g, percent))
        return;
    key(g, name);
    if (is_odd(g))
        return;
    put(g, "[");
    for (unsigned n = below(g, max + 1), i = 0; i < n; i++) {
        put(g, "%s", i ? "," : "");
        word_of(g, word, cnt);
    }
    put(g, "]");
}

static void numbers(struct generator *g, const char *name, unsigned percent, int from, int to,
                    unsigned max)
{
    if (!chance(g, percent))
        return;
    key(g, name);
    if (is_odd(g))
        return;
    put(g, "[");
    for (unsigned n = below(g, max + 1), i = 0; i < n; i++)
        put(g, "%s%d", i ? "," : "", from + (int)below(g, (unsigned)(to - from + 1)));
    put(g, "]");
}

static void object(struct generator *g, const char *name, unsigned percent, part_fn *fields)
{
    if (!chance(g, percent))
        return;
    key(g, name);
    if (is_odd(g))
        return;
    put(g, "{");
    g->first = true;
    fields(g);
    put(g, "}");
    g->first = false;
}

static void objects(struct generator *g, const char *name, unsigned percent, part_fn *fields,
                    unsigned max)
{
    if (!chance(g, percent))
        return;
    key(g, name);
    if (is_odd(g))
        return;
    put(g, "[");
    for (unsigned n = 1 + below(g, max), i = 0; i < n; i++) {
        put(g, "%s", i ? "," : "");
        if (is_odd(g))
            continue;
        put(g, "{");
        g->first = true;
        fields(g);
        put(g, "}");
    }
    put(g, "]");
    g->first = false;
}

#define TEXT(name, percent, ...)                                                                   \
    do {                                                                                           \
        static const char *const word_[] = {__VA_ARGS__};                                          \
        text(g, name, percent, word_, sizeof word_ / sizeof word_[0]);                             \
    } while (0)
#define WORDS(name, percent, max, ...)                                                             \
    do {                                                                                           \
        static const char *const word_[] = {__VA_ARGS__};                                          \
        words(g, name, percent, word_, sizeof word_ / sizeof word_[0], max);                       \
    } while (0)

/* Prices around those of the account, with up to eight decimals. */
static void price(struct generator *g, const char *name, unsigned percent)
{
    static const double scale[] = {0.01, 0.3, 1, 5, 20};
    if (!chance(g, percent))
        return;
    key(g, name);
    if (is_odd(g))
        return;
    double value = rng_uniform(&g->r) * scale[below(g, 5)];
    if (chance(g, 20)) /* exactly at a value, or at half of one */
        value = (1 + below(g, 12)) * (chance(g, 50) ? 1 : 0.5);
    put(g, "%.*f", (int)below(g, 9), value);
}

#define CURRENCIES "CNY", "CNY", "USD", "USD", "EUR", "JPY", "INR", "GBP", "usd", "XX"

/* --- impressions */

static void size_fields(struct generator *g)
{
    static const int size[][2] = {{300, 250}, {300, 250}, {728, 90},  {320, 50}, {160, 600},
                                  {336, 280}, {970, 250}, {300, 600}, {468, 60}, {1, 1},
                                  {640, 360}, {234, 60},  {0, 0}};
    const int *s = size[below(g, sizeof size / sizeof size[0])];
    number(g, "w", 98, s[0], s[0]);
    number(g, "h", 98, s[1], s[1]);
}

static void banner(struct generator *g)
{
    if (chance(g, 75))
        size_fields(g);
    objects(g, "format", 40, size_fields, chance(g, 5) ? 20 : 4);
    number(g, "pos", 40, 0, 7);
    numbers(g, "btype", 20, 1, 4, 3);
    numbers(g, "battr", 20, 1, 17, 5);
    WORDS("mimes", 20, 3, "image/jpeg", "text/html", "image/gif");
    numbers(g, "api", 20, 1, 7, 4);
    numbers(g, "expdir", 10, 1, 5, 3);
    number(g, "topframe", 10, 0, 1);
}

static void durfloor(struct generator *g)
{
    number(g, "mindur", 90, 1, 15);
    number(g, "maxdur", 90, 15, 60);
    price(g, "bidfloor", 90);
}

static void video(struct generator *g)
{
    WORDS("mimes", 95, 3, "video/mp4", "video/webm", "application/javascript");
    if (chance(g, 85))
        number(g, "minduration", 80, 0, 15), number(g, "maxduration", 90, 10, 60);
    else
        numbers(g, "rqddurs", 90, 6, 30, 3);
    numbers(g, "protocols", 80, 1, 14, 6);
    if (chance(g, 80))
        size_fields(g);
    number(g, "pos", 20, 0, 7);
    number(g, "linearity", 40, 1, 2);
    flag(g, "skip", 30, 50);
    number(g, "skipmin", 10, 0, 30);
    number(g, "skipafter", 10, 0, 15);
    numbers(g, "battr", 20, 1, 17, 5);
    number(g, "minbitrate", 10, 0, 500);
    number(g, "maxbitrate", 10, 500, 4000);
    numbers(g, "delivery", 20, 1, 3, 2);
    numbers(g, "api", 20, 1, 7, 3);
    number(g, "plcmt", 40, 1, 4);
    number(g, "placement", 20, 1, 5);
    number(g, "sequence", 10, 1, 3);
    TEXT("podid", 5, "pod-1", "pod-2");
    number(g, "podseq", 5, -1, 1);
    number(g, "slotinpod", 5, -1, 2);
    number(g, "maxseq", 3, 1, 4);
    number(g, "poddur", 3, 30, 120);
    price(g, "mincpmpersec", 3);
    objects(g, "durfloors", 4, durfloor, 3);
}

static void audio(struct generator *g)
{
    WORDS("mimes", 95, 2, "audio/mp4", "audio/mpeg");
    number(g, "minduration", 60, 0, 15);
    number(g, "maxduration", 60, 15, 60);
    numbers(g, "protocols", 50, 1, 10, 4);
    numbers(g, "battr", 20, 1, 17, 5);
    number(g, "feed", 20, 1, 3);
    number(g, "stitched", 20, 0, 1);
}

static void native(struct generator *g)
{
    TEXT(
        "request", 95,
        "{\\\"native\\\":{\\\"ver\\\":\\\"1.0\\\",\\\"assets\\\":[{\\\"id\\\":1,\\\"required\\\":1,"
        "\\\"title\\\":{\\\"len\\\":90}}]}}",
        "{\\\"ver\\\":\\\"1.2\\\",\\\"assets\\\":[{\\\"id\\\":2,\\\"img\\\":{\\\"type\\\":3,"
        "\\\"wmin\\\":300,"
        "\\\"hmin\\\":250}}]}");
    TEXT("ver", 60, "1.0", "1.1", "1.2");
    numbers(g, "battr", 20, 1, 17, 5);
    numbers(g, "api", 20, 1, 7, 3);
}

static void deal(struct generator *g)
{
    TEXT("id", 97, "deal-3", "deal-3", "d-9", "d-9", "d-other", "DEAL-3", "deal-3 ");
    price(g, "bidfloor", 70);
    TEXT("bidfloorcur", 50, CURRENCIES);
    number(g, "at", 40, 1, 3);
    WORDS("wseat", 30, 3, "1", "2", "3", "02", "seat", "9");
    WORDS("wadomain", 10, 2, "deal.example", "other.example");
    flag(g, "guar", 5, 50);
    price(g, "mincpmpersec", 2);
    objects(g, "durfloors", 2, durfloor, 2);
}

static void pmp(struct generator *g)
{
    flag(g, "private_auction", 70, 40);
    objects(g, "deals", 92, deal, chance(g, 3) ? 40 : 4);
}

static void metric(struct generator *g)
{
    TEXT("type", 100, "viewability", "click_through_rate");
    price(g, "value", 90);
}

static void imp(struct generator *g)
{
    static const char *const label[] = {"i", "imp/\\u00fc ", "\\\"", "<b>", "9"};
    key(g, "id");
    if (!is_odd(g))
        put(g, "\"%s%u\"", label[chance(g, 90) ? 0 : below(g, 5)],
            chance(g, 98) ? (unsigned)g->len : 1);
    object(g, "banner", 75, banner);
    object(g, "video", 25, video);
    object(g, "audio", 8, audio);
    object(g, "native", 15, native);
    price(g, "bidfloor", 75);
    TEXT("bidfloorcur", 60, CURRENCIES);
    flag(g, "secure", 60, 60);
    object(g, "pmp", 25, pmp);
    flag(g, "instl", 20, 20);
    flag(g, "rwdd", 5, 50);
    flag(g, "ssai", 5, 50);
    number(g, "exp", 10, 30, 3600);
    TEXT("tagid", 30, "tag-1", "\\/div\\/gpt");
    flag(g, "clickbrowser", 10, 50);
    objects(g, "metric", 10, metric, 2);
}

/* --- context */

static void segment(struct generator *g)
{
    TEXT("id", 95, "vip", "42", "s-1", "s-2");
    TEXT("name", 20, "people");
}

static void data(struct generator *g)
{
    TEXT("id", 80, "provider");
    objects(g, "segment", 90, segment, 4);
}

static void geo(struct generator *g)
{
    TEXT("country", 85, "DEU", "USA", "CHN", "usa", "FRA");
    TEXT("region", 50, "CA", "1", "BY", "");
    number(g, "utcoffset", 30, -720, 840);
    number(g, "type", 20, 1, 3);
}

static void brand(struct generator *g)
{
    TEXT("brand", 95, "Chromium", "Android");
    WORDS("version", 90, 3, "115", "0");
}

static void sua(struct generator *g)
{
    objects(g, "browsers", 80, brand, 3);
    flag(g, "mobile", 80, 50);
    number(g, "source", 50, 0, 3);
}

static void device(struct generator *g)
{
    TEXT("ua", 90, "Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (iPhone)");
    object(g, "sua", 20, sua);
    TEXT("ip", 70, "192.0.2.0", "198.51.100.7");
    TEXT("ipv6", 10, "2001:db8::1");
    object(g, "geo", 70, geo);
    flag(g, "dnt", 30, 20);
    flag(g, "lmt", 30, 20);
    number(g, "devicetype", 60, 1, 7);
    TEXT("os", 60, "iOS", "Android", "linux", "Windows");
    TEXT("osv", 30, "17.1");
    TEXT("make", 30, "Acme");
    TEXT("ifa", 30, "00000000-0000-0000-0000-000000000000");
    TEXT("language", 30, "en", "zh");
}

static void site(struct generator *g)
{
    TEXT("id", 60, "s-1", "s-2");
    TEXT("domain", 70, "news.example", "News.Example", "other.example");
    TEXT("page", 50, "https://news.example/a?b=c");
    WORDS("cat", 30, 3, "IAB1", "IAB2");
}

static void app(struct generator *g)
{
    TEXT("id", 60, "s-1", "a-2");
    TEXT("bundle", 70, "com.app", "Com.App", "1234567");
    TEXT("storeurl", 30, "https://apps.example/1");
}

static void dooh(struct generator *g)
{
    TEXT("id", 80, "s-1", "screen");
    number(g, "venuetypetax", 20, 1, 2);
}

static void uid(struct generator *g)
{
    TEXT("id", 95, "u1", "u2");
    number(g, "atype", 50, 1, 3);
}

static void eid(struct generator *g)
{
    TEXT("source", 95, "id.example");
    objects(g, "uids", 95, uid, 2);
}

static void user_ext(struct generator *g)
{
    TEXT("consent", 50, "CPokAsAPokAsABEACBENC7CgAP_AAH_AAAAA");
    objects(g, "eids", 20, eid, 2);
}

static void user(struct generator *g)
{
    TEXT("id", 60, "user-1");
    TEXT("buyeruid", 40, "b-1");
    TEXT("consent", 15, "CPokAsAPokAsABEACBENC7CgAP_AAH_AAAAA", "broken");
    objects(g, "eids", 20, eid, 2);
    objects(g, "data", 60, data, 3);
    object(g, "geo", 20, geo);
    object(g, "ext", 10, user_ext);
    number(g, "yob", 10, 1950, 2005);
}

static void dsa(struct generator *g)
{
    number(g, "dsarequired", 95, 0, 3);
    number(g, "pubrender", 50, 0, 2);
}

static void regs_ext(struct generator *g)
{
    flag(g, "gdpr", 30, 40);
    TEXT("us_privacy", 30, "1YNN", "1YYN", "1---", "2YNN", "1Y");
    TEXT("gpc", 20, "1", "0");
    object(g, "dsa", 20, dsa);
}

static void regs(struct generator *g)
{
    flag(g, "coppa", 40, 20);
    flag(g, "gdpr", 40, 30);
    TEXT("us_privacy", 30, "1YNN", "1YYN", "1-N-", "1NNX");
    TEXT("gpp", 10, "DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA");
    numbers(g, "gpp_sid", 10, -1, 8, 3);
    object(g, "ext", 40, regs_ext);
}

static void node(struct generator *g)
{
    TEXT("asi", 97, "exchange.example");
    TEXT("sid", 97, "123");
    number(g, "hp", 97, 1, 1);
}

static void schain(struct generator *g)
{
    number(g, "complete", 97, 0, 1);
    TEXT("ver", 97, "1.0");
    objects(g, "nodes", 97, node, 3);
}

static void source_ext(struct generator *g)
{
    object(g, "schain", 90, schain);
}

static void source(struct generator *g)
{
    flag(g, "fd", 40, 30);
    TEXT("tid", 60, "t-1");
    object(g, "schain", 40, schain);
    object(g, "ext", 20, source_ext);
}

/* --- the request */

static void auction_fields(struct generator *g)
{
    number(g, "at", 60, 1, 3);
    number(g, "tmax", 60, 50, 300);
    flag(g, "test", 15, 30);
    flag(g, "allimps", 10, 50);
    WORDS("cur", 40, 4, CURRENCIES);
    WORDS("wseat", 6, 3, "1", "2", "3", "02", "seat", "9");
    WORDS("bseat", 8, 3, "1", "2", "seat", "9");
    WORDS("badv", 40, 4, "shop.example", "Film.Example", "deal.example", "other.example",
          "tie.example", "rival.example", "spam.example", "casino.example");
    WORDS("bcat", 40, 4, "IAB2", "IAB2-1", "iab19", "IAB9-30", "IAB7-39", "IAB25", "IAB26",
          "IAB24");
    number(g, "cattax", 10, 1, 6);
    WORDS("acat", 4, 2, "IAB1", "IAB2");
    WORDS("bapp", 10, 2, "com.rival", "com.app");
    WORDS("wlang", 5, 2, "en", "de");
}

static void context_fields(struct generator *g)
{
    unsigned where = below(g, 10);
    object(g,
           where < 6   ? "site"
           : where < 9 ? "app"
                       : "dooh",
           95,
           where < 6   ? site
           : where < 9 ? app
                       : dooh);
    if (g->odd != 0 && chance(g, 5))
        object(g, where < 6 ? "app" : "site", 100, where < 6 ? app : site);
    object(g, "device", 90, device);
    object(g, "user", 75, user);
    object(g, "regs", 35, regs);
    object(g, "source", 40, source);
}

void generator_next(struct generator *g)
{
    g->len = 0;
    g->first = true;
    g->number++;
    g->odd = chance(g, 60) ? 0 : chance(g, 70) ? 10 : 100;
    bool imps_last = chance(g, 50);
    put(g, "{");
    key(g, "id");
    if (!is_odd(g))
        put(g, "\"r%llu%s\"", (unsigned long long)g->number,
            chance(g, 3) ? "\\u00fc\\\"</script>" : "");
    unsigned most = chance(g, 70) ? 1 : chance(g, 95) ? 4 : 70;
    if (!imps_last)
        objects(g, "imp", 100, imp, most);
    auction_fields(g);
    context_fields(g);
    if (imps_last)
        objects(g, "imp", 100, imp, most);
    if (chance(g, 30))
        put(g, ",\"ext\":{\"ssp\":\"x\",\"deep\":[[1,{\"a\":null}]]}");
    put(g, "}");
}
