/* SPDX-License-Identifier: Apache-2.0 */
/* Macros of markup and landing pages, escaped by where they stand. */
#include "plugin/markup.h"

enum filter { FILTER_HTML, FILTER_URL, FILTER_JSON, FILTER_UNKNOWN };

static const char hex[16] = "0123456789ABCDEF";

/* Letters, digits and -._~ : what every part of a URL may hold. */
static bool unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

static void put_percent(struct qbid_writer *w, char c)
{
    const char code[3] = {'%', hex[(unsigned char)c >> 4], hex[c & 15]};
    qbid_put(w, code, 3);
}

/* What HTML and XML give a meaning to, as entities that both know. */
static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&#34;";
    case '\'':
        return "&#39;";
    case '`':
        return "&#96;";
    default:
        return NULL;
    }
}

/* Whether a byte stands for itself behind a filter. */
static bool plain(char c, enum filter filter)
{
    if (filter == FILTER_URL)
        return unreserved(c);
    return (unsigned char)c >= 0x20 && c != '\\' && c != '"' &&
           (filter == FILTER_JSON || !entity(c));
}

/* One byte that does not. */
static void put_special(struct qbid_writer *w, char c, enum filter filter)
{
    char inner[8];
    struct qbid_writer once = qbid_writer_init(inner, sizeof inner);
    if (filter == FILTER_URL) {
        put_percent(w, c);
    } else if (filter == FILTER_HTML && entity(c)) {
        qbid_put_word(w, entity(c));
    } else if (filter == FILTER_HTML) {
        qbid_put_escaped(w, &c, 1);
    } else { /* a JSON string inside a JSON string */
        qbid_put_escaped(&once, &c, 1);
        qbid_put_escaped(w, inner, qbid_writer_len(&once));
    }
}

static void put_value(struct qbid_writer *w, struct qbid_text value, enum filter filter)
{
    uint32_t from = 0;
    for (uint32_t i = 0; i < value.len; i++) {
        if (plain(value.at[i], filter))
            continue;
        qbid_put(w, value.at + from, i - from);
        put_special(w, value.at[i], filter);
        from = i + 1;
    }
    if (value.len > from)
        qbid_put(w, value.at + from, value.len - from);
}

static struct qbid_text trim(struct qbid_text text)
{
    while (text.len > 0 && text.at[0] == ' ') {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && text.at[text.len - 1] == ' ')
        text.len--;
    return text;
}

/* Split "name|filter". */
static enum filter take_filter(struct qbid_text *name)
{
    const char *bar = name->len ? memchr(name->at, '|', name->len) : NULL;
    if (!bar)
        return FILTER_HTML;
    struct qbid_text filter = {bar + 1, (uint32_t)(name->at + name->len - bar - 1)};
    name->len = (uint32_t)(bar - name->at);
    filter = trim(filter);
    *name = trim(*name);
    return qbid_text_is(filter, "url")    ? FILTER_URL
           : qbid_text_is(filter, "json") ? FILTER_JSON
                                          : FILTER_UNKNOWN;
}

/* A value that has to be escaped is made aside. */
static __attribute__((noinline)) void put_filtered(struct qbid_writer *w,
                                                   const struct qbid_markup *markup,
                                                   enum qbid_markup_macro macro, enum filter filter)
{
    char value[QBID_MARKUP_VALUE_MAX];
    struct qbid_writer aside = qbid_writer_init(value, sizeof value);
    markup->put(&aside, markup->context, macro);
    if (!aside.full)
        put_value(w, (struct qbid_text){value, (uint32_t)qbid_writer_len(&aside)}, filter);
}

static void put_macro(struct qbid_writer *w, const struct qbid_markup *markup,
                      struct qbid_text name)
{
    static const struct qbid_text word[QBID_MARKUP_CNT] = {
#define X(upper, lower) {#lower, sizeof #lower - 1},
        QBID_MARKUP_LIST(X)
#undef X
    };
    enum filter filter = take_filter(&name);
    for (unsigned i = 0; i < QBID_MARKUP_CNT && filter != FILTER_UNKNOWN; i++) {
        if (name.len != word[i].len || memcmp(name.at, word[i].at, name.len) != 0)
            continue;
        if (filter != FILTER_URL && markup->clean >> i & 1)
            markup->put(w, markup->context, i);
        else
            put_filtered(w, markup, i, filter);
        return;
    }
}

/* memmem() of a mark of two equal characters, which is rare in markup: the first of them is
 * searched for. */
static const char *find_two(const char *at, const char *end, char mark)
{
    while (end - at >= 2) {
        at = memchr(at, mark, (size_t)(end - at - 1));
        if (!at || at[1] == mark)
            return at;
        at++;
    }
    return NULL;
}

/* The next macro of [at, end): *ret_text ends where it begins; returns where it ends, or NULL. */
static const char *next_macro(const char *at, const char *end, const char **ret_text_end,
                              struct qbid_text *ret_name)
{
    const char *open = find_two(at, end, '{');
    const char *close = open ? find_two(open + 2, end, '}') : NULL;
    if (!close)
        return NULL;
    *ret_text_end = open;
    *ret_name = trim((struct qbid_text){open + 2, (uint32_t)(close - open - 2)});
    return close + 2;
}

void qbid_markup_write(struct qbid_writer *w, const struct qbid_markup *markup,
                       const char *template_text, size_t len)
{
    const char *at = template_text, *end = template_text + len, *text_end, *after;
    struct qbid_text name;
    while ((after = next_macro(at, end, &text_end, &name)) != NULL) {
        qbid_put_escaped(w, at, (size_t)(text_end - at));
        put_macro(w, markup, name);
        at = after;
    }
    qbid_put_escaped(w, at, (size_t)(end - at));
}

static void put_url(struct qbid_writer *w, const char *text, size_t len)
{
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] > 0x20 && (unsigned char)text[i] < 0x7f)
            continue;
        qbid_put(w, text + from, i - from);
        put_percent(w, text[i]);
        from = i + 1;
    }
    qbid_put(w, text + from, len - from);
}

void qbid_markup_landing(struct qbid_writer *w, struct qbid_text token, const char *landing,
                         size_t len)
{
    const char *at = landing, *end = landing + len, *text_end, *after;
    struct qbid_text name;
    while ((after = next_macro(at, end, &text_end, &name)) != NULL) {
        put_url(w, at, (size_t)(text_end - at));
        if (qbid_text_is(name, "token"))
            qbid_put(w, token.at, token.len);
        at = after;
    }
    put_url(w, at, (size_t)(end - at));
}
