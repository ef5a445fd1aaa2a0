/* SPDX-License-Identifier: Apache-2.0 */
/* The dictionary: indices are dense and final, dimensions are apart, strangers' text is tamed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/account/dictionary.h"

static int setup(void **state)
{
    struct qbid_dictionary *d;
    int err = qbid_dictionary_new(&d);
    *state = d;
    return err;
}

static int teardown(void **state)
{
    qbid_dictionary_free(*state);
    return 0;
}

static void indices_are_dense_and_stay(void **state)
{
    struct qbid_dictionary *d = *state;
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 1; i <= qbid_dim_index_max(QBID_DIM_SITE); i++) {
            char text[32];
            snprintf(text, sizeof text, "site%u.example", i);
            assert_int_equal(qbid_dictionary_add(d, QBID_DIM_SITE, text), i);
            assert_int_equal(qbid_dictionary_find(d, QBID_DIM_SITE,
                                                  qbid_hash_dim(QBID_DIM_SITE, text, strlen(text))),
                             i);
            assert_string_equal(qbid_dictionary_text(d, QBID_DIM_SITE, i), text);
        }
    }
    assert_int_equal(qbid_dictionary_cnt(d), qbid_dim_index_max(QBID_DIM_SITE));
    assert_int_equal(qbid_dictionary_dim_cnt(d, QBID_DIM_SITE), qbid_dim_index_max(QBID_DIM_SITE));
}

static void a_full_dimension_refuses_and_counts(void **state)
{
    struct qbid_dictionary *d = *state;
    char text[8];
    for (uint32_t i = 1; i <= qbid_dim_index_max(QBID_DIM_POSITION); i++) {
        snprintf(text, sizeof text, "%u", i);
        assert_int_equal(qbid_dictionary_add(d, QBID_DIM_POSITION, text), i);
    }
    assert_int_equal(qbid_dictionary_add(d, QBID_DIM_POSITION, "99"), 0);
    assert_int_equal(qbid_dictionary_add(d, QBID_DIM_POSITION, "98"), 0);
    assert_int_equal(qbid_dictionary_dim_refused(d, QBID_DIM_POSITION), 2);
    assert_int_equal(qbid_dictionary_add(d, QBID_DIM_POSITION, "3"), 3);
    assert_int_equal(qbid_dictionary_add(d, QBID_DIM_EXCHANGE, "99"), 1);
}

static void the_same_text_in_two_dimensions_is_two_values(void **state)
{
    struct qbid_dictionary *d = *state;
    assert_int_equal(qbid_dictionary_add(d, QBID_DIM_GEO, "1"), 1);
    assert_int_equal(qbid_dictionary_add(d, QBID_DIM_GEO, "2"), 2);
    assert_int_equal(qbid_dictionary_add(d, QBID_DIM_EXCHANGE, "2"), 1);
    uint64_t hash = qbid_hash_dim(QBID_DIM_GEO, "2", 1);
    assert_int_equal(qbid_dictionary_find(d, QBID_DIM_GEO, hash), 2);
    assert_int_equal(qbid_dictionary_find(d, QBID_DIM_EXCHANGE, hash), 0);
    /* even a hash that is claimed for two dimensions */
    assert_int_equal(qbid_dictionary_add_hashed(d, QBID_DIM_SITE, hash, "x"), 1);
    assert_int_equal(qbid_dictionary_find(d, QBID_DIM_GEO, hash), 2);
}

static void entries_come_in_order_of_arrival(void **state)
{
    struct qbid_dictionary *d = *state;
    qbid_dictionary_add(d, QBID_DIM_SITE, "b.example");
    qbid_dictionary_add(d, QBID_DIM_HOUR, "7");
    qbid_dictionary_add_hashed(d, QBID_DIM_SITE, 42, "cut off at thirty bytes like th");
    qbid_dictionary_add(d, QBID_DIM_SITE, "b.example");
    assert_int_equal(qbid_dictionary_cnt(d), 3);
    assert_string_equal(qbid_dictionary_get(d, 0).text, "b.example");
    assert_int_equal(qbid_dictionary_get(d, 1).dim, QBID_DIM_HOUR);
    assert_int_equal(qbid_dictionary_get(d, 2).hash, 42);
    assert_int_equal(qbid_dictionary_get(d, 2).index, 2);
}

static void unknown_indices_have_a_text_too(void **state)
{
    struct qbid_dictionary *d = *state;
    assert_string_equal(qbid_dictionary_text(d, QBID_DIM_SITE, 0), "-");
    assert_string_equal(qbid_dictionary_text(d, QBID_DIM_SITE, 1), "?");
    assert_string_equal(qbid_dictionary_text(d, QBID_DIM_CNT, 1), "?");
    assert_int_equal(qbid_dictionary_add_hashed(d, QBID_DIM_CNT, 5, "x"), 0);
    assert_int_equal(qbid_dictionary_add_hashed(d, QBID_DIM_SITE, 0, "x"), 0);
}

static void what_is_not_printable_utf8_is_shown_as_a_question_mark(void **state)
{
    struct qbid_dictionary *d = *state;
    static const char *const pairs[][2] = {
        {"a\x1b[2Jb", "a?[2Jb"},
        {"\xe4\xb8\xad\xe6\x96\x87", "\xe4\xb8\xad\xe6\x96\x87"},
        {"\xe4\xb8", "??"},
        {"\xc0\xaf", "??"},
        {"\xed\xa0\x80", "???"},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        {"\xf5\x80\x80\x80", "????"},
        {"\x7f\t\n", "???"},
        {"\xc2\x9b", "??"},
        {"\xe0\x80\x80", "???"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        uint32_t index = qbid_dictionary_add(d, QBID_DIM_SITE, pairs[i][0]);
        assert_int_equal(index, i + 1);
        assert_string_equal(qbid_dictionary_text(d, QBID_DIM_SITE, index), pairs[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(indices_are_dense_and_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_dimension_refuses_and_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_text_in_two_dimensions_is_two_values, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(entries_come_in_order_of_arrival, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_indices_have_a_text_too, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_printable_utf8_is_shown_as_a_question_mark,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
