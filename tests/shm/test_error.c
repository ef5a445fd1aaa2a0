/* SPDX-License-Identifier: Apache-2.0 */
/* Error codes: each negative, different, with a text of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"

static const int codes[] = {
#define X(name, code, text) QBID_ERR_##name,
    QBID_ERROR_LIST(X)
#undef X
};
#define CODES (sizeof codes / sizeof *codes)

static void codes_are_negative_and_different(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        assert_true(codes[i] < 0);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(codes[i], codes[j]);
    }
}

static void texts_are_different_and_none_is_that_of_an_unknown_code(void **state)
{
    (void)state;
    const char *unknown = qbid_strerror(-12345);
    assert_string_equal(unknown, "unknown error");
    assert_string_equal(qbid_strerror(1), unknown);
    assert_string_not_equal(qbid_strerror(QBID_OK), unknown);
    for (size_t i = 0; i < CODES; i++) {
        assert_true(strlen(qbid_strerror(codes[i])) > 0);
        assert_string_not_equal(qbid_strerror(codes[i]), unknown);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(qbid_strerror(codes[i]), qbid_strerror(codes[j]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_negative_and_different),
        cmocka_unit_test(texts_are_different_and_none_is_that_of_an_unknown_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
