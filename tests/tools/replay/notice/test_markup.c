/* SPDX-License-Identifier: Apache-2.0 */
/* The pixel and the link of an ad's markup. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "tools/replay/notice/markup.h"

static void attributes_are_found_in_their_element(void **state)
{
    static const struct {
        const char *html, *element, *attribute, *value;
    } cases[] = {
        {"<img src=\"http://h/i\">", "img", "src", "http://h/i"},
        {"<a href='x'><img width=\"1\" height = \"1\" src = \"y\" /></a>", "img", "src", "y"},
        {"<a target=\"_blank\" href=\"http://h/click?t=1\">ad</a>", "a", "href",
         "http://h/click?t=1"},
        {"<abbr href=\"no\"><a href=\"yes\">", "a", "href", "yes"},
        {"<IMG\nSRC=\"i\">", "img", "src", "i"},
        {"<img data-src=\"no\" src=\"yes\">", "img", "src", "yes"},
        {"<img alt=\"src='no'>\" src=\"yes\">", "img", "src", "yes"},
        {"<img><img src=\"\"><img src=\"third\">", "img", "src", "third"},
        {"<img hidden src=\"yes\">", "img", "src", "yes"},
        {"text < img <img src=\"a>b\">", "img", "src", "a>b"},
        {"", "img", "src", NULL},
        {"<img", "img", "src", NULL},
        {"<img src", "img", "src", NULL},
        {"<img src=", "img", "src", NULL},
        {"<img src=\"cut", "img", "src", NULL},
        {"<img src=bare>", "img", "src", NULL},
        {"<p>src=\"no\"</p>", "img", "src", NULL},
        {"<imgs src=\"no\">", "img", "src", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qbid_replay_span value;
        bool found = qbid_replay_markup_find(cases[i].html, strlen(cases[i].html), cases[i].element,
                                             cases[i].attribute, &value);
        if (found != (cases[i].value != NULL))
            fail_msg("case %zu: found is %d", i, found);
        if (found) {
            assert_int_equal(value.len, strlen(cases[i].value));
            assert_memory_equal(value.at, cases[i].value, value.len);
        }
    }
}

static void ampersand_entities_are_resolved_once(void **state)
{
    struct qbid_replay_buffer out = {0};
    (void)state;
    qbid_replay_markup_plain(&out, QBID_REPLAY_SPAN("a&amp;b&c&amp;amp;d&am&amp;"));
    qbid_replay_buffer_add(&out, "", 1);
    assert_string_equal(out.text, "a&b&c&amp;d&am&");
    qbid_replay_buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_are_found_in_their_element),
        cmocka_unit_test(ampersand_entities_are_resolved_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
