/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones against glibc's own reading of the same database, and files that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/config/zone.h"
#include "shm/error.h"

static const char *const names[] = {
    "Europe/Berlin",     "Europe/Dublin",       "America/New_York",
    "America/Sao_Paulo", "America/St_Johns",    "Asia/Kathmandu",
    "Asia/Tehran",       "Asia/Gaza",           "Australia/Sydney",
    "Pacific/Chatham",   "Australia/Lord_Howe", "America/Argentina/Buenos_Aires",
    "Africa/Casablanca", "Antarctica/Troll",    "America/Nuuk",
    "Etc/GMT+7",
};
#define NAME_CNT (sizeof names / sizeof names[0])

static bool database_there(void)
{
    if (access(QBID_ZONE_FOLDER "/Europe/Berlin", R_OK) == 0)
        return true;
    print_message("skipped: %s is missing (Debian: tzdata)\n", QBID_ZONE_FOLDER);
    return false;
}

static uint64_t mix(uint64_t *s)
{
    uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return z ^ (z >> 31);
}

static void offsets_are_those_of_glibc(void **state)
{
    (void)state;
    uint64_t seed = 1;
    if (!database_there())
        skip();
    for (size_t n = 0; n < NAME_CNT; n++) {
        struct qbid_zone *zone;
        assert_int_equal(qbid_zone_new(names[n], &zone), 0);
        assert_int_equal(setenv("TZ", names[n], 1), 0);
        tzset();
        for (int i = 0; i < 4000; i++) {
            /* 1970 to 2110; every other one within two hours of a quarter's change of 2026 */
            time_t t = (time_t)(mix(&seed) % UINT64_C(4418064000));
            if (i & 1)
                t = 1767225600 + (time_t)(mix(&seed) % 8760) * 3600 - 1 + (time_t)(i & 2);
            struct tm local;
            assert_non_null(localtime_r(&t, &local));
            if (qbid_zone_offset_s(zone, t) != local.tm_gmtoff)
                fail_msg("%s at %lld: %d, glibc says %ld", names[n], (long long)t,
                         qbid_zone_offset_s(zone, t), local.tm_gmtoff);
        }
        qbid_zone_free(zone);
    }
    unsetenv("TZ");
    tzset();
}

static void a_name_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         "Europe",         "Europe/Berlin2", "../zoneinfo/UTC",
        "/etc/UTC", "Europe//Berlin", "Europe/",        "Europe/Ber lin",
        "zone.tab"};
    struct qbid_zone *zone = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int err = qbid_zone_new(bad[i], &zone);
        assert_true(err == QBID_ERR_NOENT || err == QBID_ERR_CORRUPT);
    }
    assert_null(zone);
    assert_int_equal(qbid_zone_new("UTC", &zone), 0);
    assert_int_equal(qbid_zone_offset_s(zone, 1767225600), 0);
    qbid_zone_free(zone);
    assert_int_equal(qbid_zone_offset_s(NULL, 1), 0);
    qbid_zone_free(NULL);
}

/* Cut off anywhere, or with any byte changed: refused or read, never out of bounds (sanitizers). */
static void damaged_files_do_no_harm(void **state)
{
    (void)state;
    static unsigned char bytes[65536], broken[65536];
    struct qbid_zone *zone;
    uint64_t seed = 2;
    if (!database_there())
        skip();
    FILE *f = fopen(QBID_ZONE_FOLDER "/Europe/Berlin", "rb");
    size_t len = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_int_equal(qbid_zone_read(bytes, len, &zone), 0);
    qbid_zone_free(zone);
    for (size_t cut = 0; cut < len; cut++) {
        unsigned char *exact = malloc(cut + 1);
        memcpy(exact, bytes, cut);
        if (qbid_zone_read(exact, cut, &zone) == 0)
            qbid_zone_free(zone);
        free(exact);
    }
    for (int i = 0; i < 20000; i++) {
        memcpy(broken, bytes, len);
        for (int k = 0; k < 1 + i % 3; k++)
            broken[mix(&seed) % (i & 4 ? len : 96)] = (unsigned char)mix(&seed);
        if (qbid_zone_read(broken, len, &zone) != 0)
            continue;
        for (int k = 0; k < 8; k++) {
            int32_t offset = qbid_zone_offset_s(zone, (int64_t)(mix(&seed) % UINT64_C(9000000000)));
            assert_true(offset >= -26 * 3600 && offset <= 26 * 3600);
        }
        qbid_zone_free(zone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_are_those_of_glibc),
        cmocka_unit_test(a_name_that_is_none_is_refused),
        cmocka_unit_test(damaged_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
