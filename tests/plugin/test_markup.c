/* SPDX-License-Identifier: Apache-2.0 */
/* Markup templates: macros, their escaping by place, and that nothing breaks out of its place. */
#include "plugin/markup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

static struct qbid_text text(const char *s)
{
    return (struct qbid_text){s, (uint32_t)strlen(s)};
}

/* The markup that a browser gets: the JSON string is undone, as an exchange does. Static. */
static const char *render(const char *template_text, const struct qbid_markup *markup)
{
    static char page[8192];
    char out[8192];
    struct qbid_writer w = qbid_writer_init(out, sizeof out);
    qbid_put_char(&w, '"');
    qbid_markup_write(&w, markup, template_text, strlen(template_text));
    qbid_put_char(&w, '"');
    assert_false(w.full);
    cJSON *json = cJSON_ParseWithLength(out, qbid_writer_len(&w));
    assert_non_null(json);
    snprintf(page, sizeof page, "%s", json->valuestring);
    cJSON_Delete(json);
    return page;
}

struct values {
    struct qbid_text value[QBID_MARKUP_CNT];
};

static void put_value(struct qbid_writer *w, const void *context, enum qbid_markup_macro macro)
{
    const struct values *values = context;
    qbid_put(w, values->value[macro].at, values->value[macro].len);
}

static const struct qbid_markup *usual(void)
{
    static struct values m;
    static const struct qbid_markup markup = {.put = put_value, .context = &m};
    m.value[QBID_MARKUP_CLICK_URL] = text("https://n.example/click?t=AbC-_9");
    m.value[QBID_MARKUP_IMP_URL] = text("https://n.example/imp?t=AbC-_9");
    m.value[QBID_MARKUP_LANDING_URL] = text("https://shop.example/?a=1&b=\"2\"");
    m.value[QBID_MARKUP_WIDTH] = text("300");
    m.value[QBID_MARKUP_HEIGHT] = text("250");
    m.value[QBID_MARKUP_CREATIVE_ID] = text("77");
    m.value[QBID_MARKUP_CACHEBUSTER] = text("12345");
    return &markup;
}

static void macros_become_their_values(void **state)
{
    (void)state;
    assert_string_equal(
        render("<a href=\"{{click_url}}\"><img src='{{imp_url}}' width={{width}} "
               "height={{ height }}></a>{{creative_id}}/{{cachebuster}}\n",
               usual()),
        "<a href=\"https://n.example/click?t=AbC-_9\"><img src='https://n.example/imp?t=AbC-_9' "
        "width=300 height=250></a>77/12345\n");
}

static void a_value_is_escaped_for_its_place(void **state)
{
    (void)state;
    assert_string_equal(render("{{landing_url}}", usual()),
                        "https://shop.example/?a=1&amp;b=&#34;2&#34;");
    assert_string_equal(render("{{landing_url|url}}", usual()),
                        "https%3A%2F%2Fshop.example%2F%3Fa%3D1%26b%3D%222%22");
    assert_string_equal(render("{\"link\":\"{{landing_url | json}}\"}", usual()),
                        "{\"link\":\"https://shop.example/?a=1&b=\\\"2\\\"\"}");
}

static void unknown_macros_and_filters_become_nothing(void **state)
{
    (void)state;
    assert_string_equal(
        render("a{{nope}}b{{}}c{{click_url|raw}}d{{CLICK_URL}}e{{width|}}f", usual()), "abcdef");
}

static void braces_without_their_partner_are_text(void **state)
{
    (void)state;
    assert_string_equal(render("{{width", usual()), "{{width");
    assert_string_equal(render("width}} {x} }}{{", usual()), "width}} {x} }}{{");
    assert_string_equal(render("{\"a\":{\"b\":{{width}}}}", usual()), "{\"a\":{\"b\":300}}");
    assert_string_equal(render("", usual()), "");
}

/* Against strstr(), in memory that ends where the template does. */
static void macros_are_found_between_any_braces(void **state)
{
    (void)state;
    for (unsigned i = 0, seed = 7; i < 20000; i++) {
        size_t len = (size_t)rand_r(&seed) % 24, n = 0;
        char *template_text = malloc(len + 1), *exact = malloc(len > 0 ? len : 1), want[64],
             out[64];
        for (size_t k = 0; k < len; k++)
            template_text[k] = "{{}}w"[rand_r(&seed) % 5];
        template_text[len] = '\0';
        memcpy(exact, template_text, len);
        for (const char *at = template_text;;) { /* no macro has a name that is known */
            const char *open = strstr(at, "{{"), *close = open ? strstr(open + 2, "}}") : NULL;
            size_t plain = close ? (size_t)(open - at) : strlen(at);
            memcpy(want + n, at, plain);
            n += plain;
            if (!close)
                break;
            at = close + 2;
        }
        struct qbid_writer w = qbid_writer_init(out, sizeof out);
        qbid_markup_write(&w, usual(), exact, len);
        assert_int_equal(qbid_writer_len(&w), n);
        assert_memory_equal(out, want, n);
        free(template_text);
        free(exact);
    }
}

static void values_that_are_known_to_be_clean_are_written_alike(void **state)
{
    static const char text_in[] = "{{click_url}} {{width}} {{click_url|json}} {{click_url|url}}";
    char want[512];
    (void)state;
    snprintf(want, sizeof want, "%s", render(text_in, usual()));
    struct qbid_markup markup = *usual();
    markup.clean = 1u << QBID_MARKUP_CLICK_URL | 1u << QBID_MARKUP_WIDTH;
    assert_string_equal(render(text_in, &markup), want);
}

static const char *const hostile[] = {
    "\"><script>alert(1)</script>",
    "'><script>alert(1)</script>",
    "\" onmouseover=\"alert(1)",
    "' onerror='alert(1)",
    "` onload=alert(1) `",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!--<script>",
    "]]><x/>",
    "&quot;><b>",
    "{{click_url}}",
    "\\\"><script>",
    "\\u003cscript\\u003e",
    "\r\n\r\n<html>",
    "\x01\x02\"\x7f<",
    "javascript:alert('1')",
    "\"}}{{width}}",
};

/* In the HTML place none of the characters that end text, a quoted attribute or a tag is left; in
 * the URL place only what a URL part may hold; in the JSON place the string stays one string. */
static void hostile_values_stay_in_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        struct values values = {.value = {[QBID_MARKUP_LANDING_URL] = text(hostile[i])}};
        struct qbid_markup markup = {.put = put_value, .context = &values};
        const char *page = render("{{landing_url}}", &markup);
        assert_null(strpbrk(page, "<>\"'`"));
        for (const char *amp = page; (amp = strchr(amp, '&')) != NULL; amp++)
            assert_true(strncmp(amp, "&amp;", 5) == 0 || strncmp(amp, "&lt;", 4) == 0 ||
                        strncmp(amp, "&gt;", 4) == 0 || strncmp(amp, "&#3", 3) == 0 ||
                        strncmp(amp, "&#96;", 5) == 0);
        page = render("{{landing_url|url}}", &markup);
        assert_int_equal(strspn(page, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-._~%"),
                         strlen(page));
        page = render("[\"{{landing_url|json}}\"]", &markup);
        cJSON *json = cJSON_Parse(page);
        assert_int_equal(cJSON_GetArraySize(json), 1);
        assert_string_equal(cJSON_GetArrayItem(json, 0)->valuestring, hostile[i]);
        cJSON_Delete(json);
    }
}

/* A value of just the length that can be escaped, and one more. */
static void a_value_too_long_to_be_escaped_becomes_nothing(void **state)
{
    static char value[QBID_MARKUP_VALUE_MAX + 1], out[2 * QBID_MARKUP_VALUE_MAX];
    struct values values = {.value = {[QBID_MARKUP_LANDING_URL] = {value, QBID_MARKUP_VALUE_MAX}}};
    struct qbid_markup markup = {.put = put_value, .context = &values};
    (void)state;
    memset(value, 'x', sizeof value);
    struct qbid_writer w = qbid_writer_init(out, sizeof out);
    qbid_markup_write(&w, &markup, "{{landing_url}}", 15);
    assert_int_equal(qbid_writer_len(&w), QBID_MARKUP_VALUE_MAX);
    values.value[QBID_MARKUP_LANDING_URL].len++;
    w = qbid_writer_init(out, sizeof out);
    qbid_markup_write(&w, &markup, "<{{landing_url}}>", 17);
    assert_int_equal(qbid_writer_len(&w), 2);
    assert_false(w.full);
}

static const char *landing(const char *page)
{
    static char out[512];
    struct qbid_writer w = qbid_writer_init(out, sizeof out - 1);
    qbid_markup_landing(&w, text("TOK-_1"), page, strlen(page));
    out[qbid_writer_len(&w)] = '\0';
    return out;
}

static void a_landing_page_takes_the_token(void **state)
{
    (void)state;
    assert_string_equal(landing("https://a.b/c?x=1&id={{token}}#f"),
                        "https://a.b/c?x=1&id=TOK-_1#f");
    assert_string_equal(landing("https://a.b/{{token}}/{{ token }}{{other}}"),
                        "https://a.b/TOK-_1/TOK-_1");
}

static void a_landing_page_cannot_split_a_header(void **state)
{
    (void)state;
    assert_string_equal(landing("https://a.b/\r\nSet-Cookie: x"),
                        "https://a.b/%0D%0ASet-Cookie:%20x");
    assert_string_equal(landing("https://a.b/\xc3\xa9\x7f"), "https://a.b/%C3%A9%7F");
}

static void a_template_that_does_not_fit_says_so(void **state)
{
    char out[64];
    (void)state;
    for (size_t max = 0; max < 40; max++) {
        struct qbid_writer w = qbid_writer_init(out, max);
        qbid_markup_write(&w, usual(), "<{{click_url}}>", 15);
        assert_int_equal(w.full, max < 34);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(macros_become_their_values),
        cmocka_unit_test(a_value_too_long_to_be_escaped_becomes_nothing),
        cmocka_unit_test(a_value_is_escaped_for_its_place),
        cmocka_unit_test(unknown_macros_and_filters_become_nothing),
        cmocka_unit_test(braces_without_their_partner_are_text),
        cmocka_unit_test(macros_are_found_between_any_braces),
        cmocka_unit_test(values_that_are_known_to_be_clean_are_written_alike),
        cmocka_unit_test(hostile_values_stay_in_their_place),
        cmocka_unit_test(a_landing_page_takes_the_token),
        cmocka_unit_test(a_landing_page_cannot_split_a_header),
        cmocka_unit_test(a_template_that_does_not_fit_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
