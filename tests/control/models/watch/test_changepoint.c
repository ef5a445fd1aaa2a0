/* SPDX-License-Identifier: Apache-2.0 */
/* The break of the Nile's flow, against its published place; none in noise; what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/models/watch/changepoint.h"
#include "shm/error.h"
#include "tests/control/models/forecast/forecast_reference.h"
#include "tests/control/models/rng.h"

static void the_nile_falls_after_1898(void **state)
{
    (void)state;
    struct qbid_changepoint c;
    assert_int_equal(qbid_changepoint_find(nile, sizeof nile / sizeof *nile, &c), 0);
    print_message("Nile: %u the first year of the new level, means %.1f and %.1f, p %.1e\n",
                  1871 + c.at, c.before, c.after, c.p_value);
    assert_int_equal(1871 + c.at, 1899);
    assert_true(fabs(c.before - 1097.8) < 0.1 && fabs(c.after - 850.0) < 0.1);
    assert_true(c.p_value < 1e-6);
}

static void noise_has_no_level_change_oftener_than_stated(void **state)
{
    (void)state;
    struct rng r = rng_init(17);
    int sure = 0, found = 0;
    for (int k = 0; k < 2000; k++) {
        double y[60];
        struct qbid_changepoint c;
        for (int i = 0; i < 60; i++)
            y[i] = rng_lognormal(&r, 0, 1);
        assert_int_equal(qbid_changepoint_find(y, 60, &c), 0);
        sure += c.p_value < 0.05;
        for (int i = 25; i < 60; i++)
            y[i] *= 3;
        assert_int_equal(qbid_changepoint_find(y, 60, &c), 0);
        found += c.p_value < 0.05;
    }
    print_message("changes of level: %.3f of noise below 0.05, %.3f of threefold levels\n",
                  sure / 2000.0, found / 2000.0);
    assert_true(sure <= 0.05 * 2000 && found >= 0.85 * 2000);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    double y[8] = {1, 1, 1, 1, 1, 1, 1, NAN};
    struct qbid_changepoint c;
    assert_int_equal(qbid_changepoint_find(y, 3, &c), QBID_ERR_INVAL);
    assert_int_equal(qbid_changepoint_find(y, QBID_CHANGEPOINT_MAX + 1, &c), QBID_ERR_INVAL);
    assert_int_equal(qbid_changepoint_find(y, 8, &c), QBID_ERR_INVAL);
    assert_int_equal(qbid_changepoint_find(y, 7, &c), 0);
    assert_true(c.p_value == 1 && c.before == 1 && c.after == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nile_falls_after_1898),
        cmocka_unit_test(noise_has_no_level_change_oftener_than_stated),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
