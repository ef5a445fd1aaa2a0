/* SPDX-License-Identifier: Apache-2.0 */
/* What an impression asks of a creative, against what the creative is and what the bid says of it.
 */
#include <string.h>
#include <strings.h>

#include "tests/conformance/checker.h"

#define NUMBER_MAX 63 /* larger ones are an exchange's own */

static bool holds(const json_t *list, int64_t number)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (json_is_number(one) && json_number_value(one) == (double)number)
            return true;
    }
    return false;
}

/* Whether a list has a number that the specification could have meant. */
static bool says(const json_t *list)
{
    for (int64_t number = 0; number <= NUMBER_MAX; number++)
        if (holds(list, number))
            return true;
    return false;
}

/* Attributes and frameworks: of the facts, and of the bid's own word. */
static void check_numbers(struct checker *c, const json_t *media)
{
    const struct facts_traits *t = &c->creative->traits;
    const json_t *battr = rtb_array(media, "battr"), *api = rtb_array(media, "api");
    const json_t *attr = json_object_get(c->bid, "attr"), *apis = json_object_get(c->bid, "apis");
    for (unsigned i = 0; i < FACTS_LIST_MAX; i++) {
        checker_demand(c, t->attr[i] == 0 || !holds(battr, t->attr[i]), CHECKER_BATTR);
        checker_demand(c, t->api[i] == 0 || holds(api, t->api[i]), CHECKER_API);
    }
    for (int64_t number = 0; number <= NUMBER_MAX; number++) {
        checker_demand(c, !holds(attr, number) || !holds(battr, number), CHECKER_BATTR);
        checker_demand(c, !holds(apis, number) || holds(api, number), CHECKER_API);
    }
}

/* "text/html; charset=x" is "text/html". */
static bool is_type(const json_t *one, const char *type)
{
    const char *text = json_string_value(one);
    size_t len = strlen(type);
    return text && strncasecmp(text, type, len) == 0 && text[len + strspn(text + len, " ")] == '\0';
}

static void check_mimes(struct checker *c, const json_t *media)
{
    const json_t *list = rtb_array(media, "mimes");
    bool asked = false, met = false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        size_t len = text ? strcspn(text, ";") : 0;
        json_t *bare = json_stringn_nocheck(text ? text : "", len);
        asked |= strspn(json_string_value(bare), " ") < len;
        for (unsigned m = 0; m < FACTS_LIST_MAX && c->creative->traits.mimes[m]; m++)
            met |= is_type(bare, c->creative->traits.mimes[m]);
        json_decref(bare);
    }
    checker_demand(c, !asked || met, CHECKER_MIME);
}

/* What lasts, plays and streams. */
static void check_timed(struct checker *c, const json_t *media)
{
    const struct facts_traits *t = &c->creative->traits;
    const json_t *listed = rtb_array(media, "rqddurs"), *protocols = rtb_array(media, "protocols");
    int64_t least = rtb_int(media, "minduration", 0), most = rtb_int(media, "maxduration", 0);
    int64_t pod = rtb_int(media, "poddur", 0), lasts = t->duration_s;
    bool spoken = false;
    checker_demand(c, rtb_int(c->bid, "dur", 0) == lasts, CHECKER_DURATION);
    checker_demand(c, pod <= 0 || (lasts > 0 && lasts <= pod), CHECKER_DURATION);
    if (json_array_size(listed) > 0)
        checker_demand(c, holds(listed, lasts), CHECKER_DURATION);
    else if (least > 0 || most > 0)
        checker_demand(c, lasts > 0 && lasts >= least && (most <= 0 || lasts <= most),
                       CHECKER_DURATION);
    for (unsigned i = 0; i < FACTS_LIST_MAX && t->protocols[i]; i++)
        spoken |= holds(protocols, t->protocols[i]);
    checker_demand(c, !says(protocols) || spoken, CHECKER_PROTOCOL);
}

/* RFC 4647, basic filtering. */
static bool is_within(const char *language, const char *range)
{
    size_t len = strlen(range);
    return strncasecmp(language, range, len) == 0 &&
           (language[len] == '\0' || language[len] == '-');
}

static void check_language(struct checker *c)
{
    const char *language = c->creative->traits.language;
    const json_t *list = rtb_array(c->request, "wlang");
    bool asked = false, met = false;
    for (unsigned round = 0; round < 2 && !asked; round++) {
        list = rtb_array(c->request, round ? "wlangb" : "wlang");
        for (size_t i = 0; i < json_array_size(list); i++) {
            const char *range = json_string_value(json_array_get(list, i));
            if (!range || !*range)
                continue;
            asked = true;
            met |= language && is_within(language, range);
        }
    }
    checker_demand(c, !asked || met, CHECKER_LANGUAGE);
}

void checker_terms(struct checker *c)
{
    static const char *const name[] = {"", "banner", "video", "audio", "native"};
    const json_t *media = c->imp ? rtb_object(c->imp, name[c->creative->format]) : NULL;
    check_language(c);
    if (!media)
        return;
    check_numbers(c, media);
    if (c->creative->format != FACTS_NATIVE)
        check_mimes(c, media);
    if (c->creative->format == FACTS_VIDEO || c->creative->format == FACTS_AUDIO)
        check_timed(c, media);
}
