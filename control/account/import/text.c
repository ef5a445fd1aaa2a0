/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of account files, by the rules of what reads them later. */
#include "control/account/import/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "control/account/written/triggers.h"
#include "control/account/written/velocity.h"

static const char *text_plain(const char *text)
{
    for (const unsigned char *s = (const unsigned char *)text; *s; s++)
        if (*s < 0x20 || *s == 0x7f)
            return "holds a control character";
    return NULL;
}

static const char *text_domain(const char *text)
{
    size_t len = strlen(text);
    if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") != len || !strchr(text, '.') ||
        text[0] == '.' || text[len - 1] == '.')
        return "is not a domain name in lower case";
    return NULL;
}

/* The macros of plugin/markup.h; an unknown one would be left out of every answer. */
static const char *const macros[] = {"click_url", "imp_url",     "landing_url", "width",
                                     "height",    "creative_id", "cachebuster"};

static bool word_is(const char *at, size_t len, const char *word)
{
    while (len > 0 && *at == ' ') {
        at++;
        len--;
    }
    while (len > 0 && at[len - 1] == ' ')
        len--;
    return strlen(word) == len && memcmp(at, word, len) == 0;
}

static bool macro_known(const char *at, size_t len)
{
    const char *bar = memchr(at, '|', len);
    size_t name_len = bar ? (size_t)(bar - at) : len;
    size_t filter_len = bar ? len - name_len - 1 : 0;
    if (bar && !word_is(bar + 1, filter_len, "url") && !word_is(bar + 1, filter_len, "json"))
        return false;
    for (size_t i = 0; i < sizeof macros / sizeof macros[0]; i++)
        if (word_is(at, name_len, macros[i]))
            return true;
    return false;
}

static const char *text_macros(const char *text)
{
    for (const char *open = strstr(text, "{{"); open; open = strstr(open, "{{")) {
        const char *close = strstr(open + 2, "}}");
        if (!close)
            break;
        if (!macro_known(open + 2, (size_t)(close - open - 2)))
            return "has a macro that is none of {{click_url}} {{imp_url}} {{landing_url}} "
                   "{{width}} {{height}} {{creative_id}} {{cachebuster}}, or a filter other than "
                   "url and json";
        open = close + 2;
    }
    return NULL;
}

static const char *text_url(const char *text)
{
    const char *host = strncmp(text, "https://", 8) == 0  ? text + 8
                       : strncmp(text, "http://", 7) == 0 ? text + 7
                                                          : "";
    if (!*host)
        return "is not an http or https address";
    for (const unsigned char *s = (const unsigned char *)text; *s; s++)
        if (*s <= 0x20 || *s == 0x7f || *s == '"' || *s == '<' || *s == '>')
            return "holds a character that an address must escape";
    return text_macros(text);
}

static const char *text_categories(const char *text)
{
    for (const char *s = text; *s;) {
        size_t len = strcspn(s, ",");
        if (len < 1 || len > 32 ||
            strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") < len)
            return "is not a list of category ids";
        s += len;
        if (*s == ',' && !*++s)
            return "is not a list of category ids";
    }
    return NULL;
}

static const char *text_velocity(const char *text)
{
    struct qbid_velocity velocity;
    return qbid_velocity_parse(text, &velocity);
}

static const char *text_triggers(const char *text)
{
    struct qbid_triggers triggers;
    return qbid_triggers_parse(text, &triggers);
}

static const char *text_markup(const char *text)
{
    return strspn(text, " \t\r\n") == strlen(text) ? "is empty" : text_macros(text);
}

const char *qbid_import_text_check(const char *field, const char *text)
{
    static const struct {
        const char *name;
        const char *(*check)(const char *text);
    } checks[] = {{"adomain", text_domain},        {"landing", text_url},
                  {"categories", text_categories}, {"velocity", text_velocity},
                  {"triggers", text_triggers},     {"markup", text_markup}};
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (strcmp(checks[i].name, field) == 0)
            return *text ? checks[i].check(text) : NULL;
    return text_plain(text);
}
