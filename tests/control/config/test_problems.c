/* SPDX-License-Identifier: Apache-2.0 */
/* The list of problems and the nearest word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/config/problems.h"

static void a_problem_names_file_line_column_and_text(void **state)
{
    (void)state;
    struct qbid_problems p = {.file = "a.yaml"};
    char out[QBID_PROBLEM_LINE_MAX];
    qbid_problems_add(&p, 7, 3, "key '%s' is wrong", "x");
    qbid_problems_add(&p, 0, 0, "cannot be read");
    assert_int_equal(qbid_problems_format(&p, 0, out), strlen("a.yaml:7:3: key 'x' is wrong"));
    assert_string_equal(out, "a.yaml:7:3: key 'x' is wrong");
    qbid_problems_format(&p, 1, out);
    assert_string_equal(out, "a.yaml: cannot be read");
}

static void more_problems_than_fit_are_counted(void **state)
{
    (void)state;
    struct qbid_problems p = {.file = "f"};
    for (uint32_t i = 0; i < QBID_PROBLEMS_MAX + 5; i++)
        qbid_problems_add(&p, i + 1, 1, "n%u", i);
    assert_int_equal(p.cnt, QBID_PROBLEMS_MAX + 5);
    assert_int_equal(qbid_problems_kept(&p), QBID_PROBLEMS_MAX);
    assert_string_equal(p.problem[QBID_PROBLEMS_MAX - 1].text, "n19");
}

static void problems_are_sorted_by_place(void **state)
{
    (void)state;
    struct qbid_problems p = {.file = "f"};
    qbid_problems_add(&p, 9, 1, "third");
    qbid_problems_add(&p, 2, 8, "second");
    qbid_problems_add(&p, 2, 1, "first");
    qbid_problems_sort(&p);
    assert_string_equal(p.problem[0].text, "first");
    assert_string_equal(p.problem[1].text, "second");
    assert_string_equal(p.problem[2].text, "third");
}

static void a_text_that_is_too_long_is_cut(void **state)
{
    (void)state;
    struct qbid_problems p = {.file = "f"};
    char text[1000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    qbid_problems_add(&p, 1, 1, "%s", text);
    assert_int_equal(strlen(p.problem[0].text), QBID_PROBLEM_TEXT_MAX - 1);
}

static void the_nearest_word_is_found_over_typing_errors_only(void **state)
{
    (void)state;
    static const char *const words[] = {"ingest_ms", "live_ms", "learn_ms", "seed", NULL};
    assert_string_equal(qbid_problems_nearest("ingest_sm", words), "ingest_ms"); /* swap */
    assert_string_equal(qbid_problems_nearest("lern_ms", words), "learn_ms");    /* one missing */
    assert_string_equal(qbid_problems_nearest("livve_ms", words), "live_ms");    /* one too many */
    assert_string_equal(qbid_problems_nearest("seet", words), "seed");           /* one other */
    assert_null(qbid_problems_nearest("currency", words));
    assert_null(qbid_problems_nearest("x", words));
    assert_null(qbid_problems_nearest("a_word_that_is_far_too_long_to_be_any_key", words));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_problem_names_file_line_column_and_text),
        cmocka_unit_test(more_problems_than_fit_are_counted),
        cmocka_unit_test(problems_are_sorted_by_place),
        cmocka_unit_test(a_text_that_is_too_long_is_cut),
        cmocka_unit_test(the_nearest_word_is_found_over_typing_errors_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
