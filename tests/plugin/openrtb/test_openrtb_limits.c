/* SPDX-License-Identifier: Apache-2.0 */
/* Lists longer than what is kept of them, and numbers at the ends of what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/plugin/openrtb/parsing.h"

static char text[65536];

/* before, then n times one (its %u counts from 1), then after. */
static const char *list(const char *before, const char *one, unsigned n, const char *after)
{
    size_t len = (size_t)snprintf(text, sizeof text, "%s", before);
    for (unsigned i = 1; i <= n; i++) {
        char element[128];
        const char *mark = strstr(one, "%u");
        if (mark)
            snprintf(element, sizeof element, "%.*s%u%s", (int)(mark - one), one, i, mark + 2);
        else
            snprintf(element, sizeof element, "%s", one);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i > 1 ? "," : "", element);
    }
    snprintf(text + len, sizeof text - len, "%s", after);
    return text;
}

#define HEAD "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],"

static void lists_of_the_request_are_kept_as_far_as_they_fit(void **state)
{
    (void)state;
    assert_int_equal(parse(list(HEAD "\"acat\":[", "\"IAB%u\"", QBID_OPENRTB_ACAT_MAX + 1, "]}")),
                     0);
    assert_int_equal(request->acat_cnt, QBID_OPENRTB_ACAT_MAX);
    assert_true(request->acat_given && !request->over);
    assert_int_equal(
        parse(list(HEAD "\"wlang\":[\"en\",", "\"de\"", QBID_TERMS_LANGUAGES_MAX, "]}")), 0);
    assert_true(request->wlang_given[0] && !request->over);
    assert_int_equal(request->wlang_cnt[0], QBID_TERMS_LANGUAGES_MAX);
    assert_int_equal(parse(list(HEAD "\"bapp\":[", "\"app%u\"", QBID_OPENRTB_BAPP_MAX + 1, "]}")),
                     0);
    assert_true(request->over);
}

#define IMP "{\"id\":\"r\",\"imp\":[{\"id\":\"1\","

static void lists_of_an_impression_are_kept_as_far_as_they_fit(void **state)
{
    const struct qbid_openrtb_imp *imp = &request->imp[0];
    (void)state;
    assert_int_equal(parse(list(IMP "\"video\":{\"durfloors\":[", "{\"mindur\":%u}",
                                QBID_TERMS_DURFLOORS_MAX + 2, "]}}]}")),
                     0);
    assert_int_equal(imp->pod[0].durfloors.cnt, QBID_TERMS_DURFLOORS_MAX);
    assert_int_equal(imp->pod[0].durfloors.floor[1].least_s, 2);
    assert_int_equal(parse(list(IMP "\"video\":{\"rqddurs\":[0,-5,", "%u",
                                QBID_TERMS_DURATIONS_MAX + 1, "]}}]}")),
                     0);
    assert_true(imp->media[1].duration_listed);
    assert_int_equal(imp->media[1].duration_cnt, QBID_TERMS_DURATIONS_MAX);
    assert_int_equal(imp->media[1].duration_s[0], 1);
    assert_int_equal(
        parse(list(IMP "\"pmp\":{\"deals\":[{\"id\":\"a\",\"wadomain\":[", "\"a%u.example\"",
                   QBID_OPENRTB_WADOMAIN_MAX + 1, "]},{\"id\":\"b\",\"wadomain\":[]}]}}]}")),
        0);
    assert_true(imp->deal[0].wadomain_over && !imp->deal[1].wadomain_over);
    assert_int_equal(imp->deal[0].wadomain_cnt, QBID_OPENRTB_WADOMAIN_MAX);
}

static void a_multiplier_of_one_multiplies_nothing(void **state)
{
    const struct qbid_openrtb_imp *imp = &request->imp[0];
    (void)state;
    assert_int_equal(parse_imp_with("\"qty\":{\"multiplier\":1.0}"), 0);
    assert_false(imp->multiplied);
    assert_int_equal(parse_imp_with("\"qty\":{\"multiplier\":null}"), 0);
    assert_false(imp->multiplied);
    assert_int_equal(parse_imp_with("\"qty\":{\"multiplier\":0.5}"), 0);
    assert_true(imp->multiplied);
}

static void of_several_native_assets_of_a_kind_the_tightest_counts(void **state)
{
    const struct qbid_native_terms *terms = &request->imp[0].assets;
    (void)state;
    assert_int_equal(
        parse_imp_with(
            "\"native\":{\"request\":{\"assets\":["
            "{\"required\":1,\"title\":{\"len\":90}},{\"required\":1,\"title\":{\"len\":25}},"
            "{\"required\":1,\"title\":{\"len\":140}},{\"required\":1,\"title\":{}},"
            "{\"required\":1,\"data\":{\"type\":2,\"len\":99}},"
            "{\"required\":1,\"data\":{\"type\":2,\"len\":40}},"
            "{\"required\":1,\"data\":{\"type\":2,\"len\":50}},"
            "{\"required\":1,\"data\":{\"type\":2}},"
            "{\"required\":1,\"data\":{\"type\":3,\"len\":70000}},"
            "{\"required\":0,\"video\":{}}]}}"),
        0);
    assert_int_equal(terms->title_len, 25);
    assert_int_equal(terms->data_len[2], 40);
    assert_int_equal(terms->data_len[3], UINT16_MAX);
    assert_false(terms->unmeetable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_of_the_request_are_kept_as_far_as_they_fit),
        cmocka_unit_test(lists_of_an_impression_are_kept_as_far_as_they_fit),
        cmocka_unit_test(a_multiplier_of_one_multiplies_nothing),
        cmocka_unit_test(of_several_native_assets_of_a_kind_the_tightest_counts),
    };
    return cmocka_run_group_tests(tests, parsing_setup, parsing_teardown);
}
