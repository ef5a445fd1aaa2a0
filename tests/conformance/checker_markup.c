/* SPDX-License-Identifier: Apache-2.0 */
/* What a bid has the browser load: notice URLs, and the markup against the template that it is made
 * from: its fixed parts must be there, unchanged and in order, and what stands between them must
 * not be able to break out. */
#include <string.h>

#include "tests/conformance/checker.h"

static bool is_notice(const json_t *bid, const char *field, const char *kind, const char *macro)
{
    const char *url = json_string_value(json_object_get(bid, field));
    char want[128];
    if (!url)
        return false;
    int n = snprintf(want, sizeof want, "%s/%s?t=", FACTS_NOTICE_URL, kind);
    return strncmp(url, want, (size_t)n) == 0 && strstr(url, macro) != NULL &&
           strpbrk(url, " \"'<>\\^`") == NULL;
}

/* A template's fixed parts lie outside of {{ and }}. */
static bool follows_template(const char *text, const char *template_text)
{
    const char *part = template_text;
    for (;;) {
        const char *open = strstr(part, "{{");
        size_t len = open ? (size_t)(open - part) : strlen(part);
        const char *found = memmem(text, strlen(text), part, len);
        if (!found || (part == template_text && found != text))
            return false;
        /* what took the place of the macro before this part: nothing that ends text or attribute */
        for (const char *c = text; c < found; c++)
            if (strchr("\"'<>", *c))
                return false;
        text = found + len;
        if (!open)
            return *text == '\0';
        part = strstr(open, "}}") + 2;
    }
}

static bool is_clean(const json_t *adm)
{
    const char *text = json_string_value(adm);
    size_t len = json_string_length(adm);
    if (strlen(text) != len || strstr(text, "{{"))
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20)
            return false;
    return true;
}

void checker_markup(struct checker *c)
{
    const json_t *adm = json_object_get(c->bid, "adm");
    checker_demand(c,
                   is_notice(c->bid, "nurl", "win", "p=${AUCTION_PRICE}") &&
                       is_notice(c->bid, "burl", "bill", "p=${AUCTION_PRICE}") &&
                       is_notice(c->bid, "lurl", "loss", "l=${AUCTION_LOSS}"),
                   CHECKER_NOTICE);
    if (!json_is_string(adm))
        return;
    const char *text = json_string_value(adm);
    if (c->imp && rtb_flag(c->imp, "secure"))
        checker_demand(c, strstr(text, "http://") == NULL && !(c->item && c->item->insecure),
                       CHECKER_SECURE);
    checker_demand(c, is_clean(adm), CHECKER_MARKUP);
    if (c->creative)
        checker_demand(c, follows_template(text, c->creative->markup), CHECKER_MARKUP);
    if (c->creative && c->creative->format == FACTS_NATIVE) { /* native markup is JSON in JSON */
        json_error_t error;
        json_t *native = json_loads(text, JSON_REJECT_DUPLICATES, &error);
        checker_demand(c, json_is_object(native), CHECKER_MARKUP);
        json_decref(native);
    }
}
