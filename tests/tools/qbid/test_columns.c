/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: widths, sides, and what a row that is not whole does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/qbid/columns.h"

static char *printed(const struct qbid_columns *columns, bool bold)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    qbid_columns_print(columns, f, bold);
    fclose(f);
    return text;
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    (void)state;
    static const char *const heads[] = {"N", "<NAME", "X", NULL};
    struct qbid_columns columns;
    qbid_columns_init(&columns, heads);
    static const char *const cells[] = {"1", "\xe4\xb8\xad\xe6\x96\x87", "2.5", "1000", "a", "3"};
    for (size_t i = 0; i < 6; i++)
        qbid_columns_add(&columns, "%s", cells[i]);
    char *text = printed(&columns, false);
    assert_string_equal(text, "   N  NAME    X\n"
                              "   1  \xe4\xb8\xad\xe6\x96\x87    2.5\n"
                              "1000  a     3\n");
    free(text);
    qbid_columns_add(&columns, "half a row");
    text = printed(&columns, true);
    assert_non_null(strstr(text, "\033[1m   N  NAME"));
    assert_null(strstr(text, "half"));
    free(text);
    qbid_columns_done(&columns);
}

static void decimals_stand_below_each_other_by_their_points(void **state)
{
    (void)state;
    static const char *const heads[] = {"LEFT", "WIN", NULL};
    static const char *const cells[] = {"-0.0157525", "5.25", "135.18", "-",
                                        "7",          "12",   "x0.5",   "100.5"};
    struct qbid_columns columns;
    qbid_columns_init(&columns, heads);
    for (size_t i = 0; i < 8; i++)
        qbid_columns_add(&columns, "%s", cells[i]);
    char *text = printed(&columns, false);
    assert_string_equal(text, "       LEFT     WIN\n"
                              " -0.0157525    5.25\n"
                              "135.18            -\n"
                              "  7           12\n"
                              "       x0.5  100.5\n");
    free(text);
    qbid_columns_done(&columns);
}

static void a_table_without_rows_has_its_heads(void **state)
{
    (void)state;
    static const char *const heads[] = {"<A", "B", NULL};
    struct qbid_columns columns;
    qbid_columns_init(&columns, heads);
    char *text = printed(&columns, false);
    assert_string_equal(text, "A  B\n");
    free(text);
    size_t len;
    FILE *f = open_memstream(&text, &len);
    qbid_columns_print_or(&columns, f, false, "there is nothing");
    fclose(f);
    assert_string_equal(text, "there is nothing\n");
    free(text);
    qbid_columns_done(&columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(decimals_stand_below_each_other_by_their_points),
        cmocka_unit_test(a_table_without_rows_has_its_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
