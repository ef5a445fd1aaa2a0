/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks: against the kernel's own uptime and the C library's calendar time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "shm/clock.h"
#include "shm/units.h"

static void the_boot_clock_is_the_uptime_and_never_goes_back(void **state)
{
    (void)state;
    double uptime_s = 0;
    FILE *file = fopen("/proc/uptime", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lf", &uptime_s), 1);
    fclose(file);
    uint64_t last = qbid_clock_boot_ns();
    assert_true(fabs((double)last / (double)QBID_NS_PER_S - uptime_s) < 60);
    for (int i = 0; i < 10000; i++) {
        uint64_t now = qbid_clock_boot_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void the_wall_clock_is_calendar_time(void **state)
{
    (void)state;
    double now_s = (double)qbid_clock_unix_ns() / (double)QBID_NS_PER_S;
    assert_true(fabs(now_s - (double)time(NULL)) < 60);
}

static void the_boot_has_one_name(void **state)
{
    (void)state;
    uint64_t hash = qbid_clock_boot_hash();
    assert_int_not_equal(hash, 0);
    assert_true(hash == qbid_clock_boot_hash());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_boot_clock_is_the_uptime_and_never_goes_back),
        cmocka_unit_test(the_wall_clock_is_calendar_time),
        cmocka_unit_test(the_boot_has_one_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
