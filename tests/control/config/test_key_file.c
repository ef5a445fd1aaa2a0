/* SPDX-License-Identifier: Apache-2.0 */
/* The key file: what is accepted, what is refused, and that no message holds a key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/config/key_file.h"
#include "shm/error.h"

#define HEX_A "000102030405060708090a0b0c0d0e0f"
#define HEX_B "F0E0D0C0B0A090807060504030201000"

static char folder[] = "/tmp/qbid-key-XXXXXX";
static char path[64];

static int group_setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/key", folder);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static int load(const char *text, mode_t mode, struct qbid_keys *keys, char *why)
{
    unlink(path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(path, mode);
    return qbid_key_file_load(path, keys, why);
}

static void two_keys_are_read_in_order(void **state)
{
    (void)state;
    struct qbid_keys keys;
    char why[QBID_KEY_FILE_WHY_MAX];
    assert_int_equal(load("# rotated\n7 " HEX_A "\n255 " HEX_B "\n", 0600, &keys, why), 0);
    assert_int_equal(keys.id[0], 7);
    assert_int_equal(keys.id[1], 255);
    for (unsigned i = 0; i < QBID_KEY_BYTES; i++)
        assert_int_equal(keys.secret[0][i], i);
    assert_int_equal(keys.secret[1][0], 0xf0);
    assert_int_equal(keys.secret[1][15], 0);
}

static void a_created_file_is_private_and_loads(void **state)
{
    (void)state;
    struct qbid_keys a, b;
    struct stat st;
    char why[QBID_KEY_FILE_WHY_MAX];
    unlink(path);
    assert_int_equal(qbid_key_file_load(path, &a, why), QBID_ERR_NOENT);
    assert_int_equal(qbid_key_file_create(path, why), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(qbid_key_file_load(path, &a, why), 0);
    assert_int_equal(a.id[0], 1);
    assert_int_equal(a.id[1], 0);
    assert_int_equal(qbid_key_file_create(path, why), QBID_ERR_SYS); /* never replaced */
    unlink(path);
    assert_int_equal(qbid_key_file_create(path, why), 0);
    assert_int_equal(qbid_key_file_load(path, &b, why), 0);
    assert_memory_not_equal(a.secret[0], b.secret[0], QBID_KEY_BYTES);
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    (void)state;
    struct qbid_keys keys;
    char why[QBID_KEY_FILE_WHY_MAX];
    static const mode_t modes[] = {0640, 0604, 0620, 0610, 0601};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(load("1 " HEX_A "\n", modes[i], &keys, why), QBID_ERR_DENIED);
        assert_non_null(strstr(why, "0600"));
    }
    assert_int_equal(qbid_key_file_load("/dev/null", &keys, why), QBID_ERR_DENIED);
}

static void malformed_content_is_refused_without_repeating_it(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "# only words\n",
                                        "0 " HEX_A "\n",
                                        "256 " HEX_A "\n",
                                        "1" HEX_A "\n",
                                        "1 " HEX_A "00\n",
                                        "1 000102\n",
                                        "1 000102030405060708090a0b0c0d0e0g\n",
                                        "1 " HEX_A "\n1 " HEX_B "\n",
                                        "1 " HEX_A "\n2 " HEX_B "\n3 " HEX_A "\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct qbid_keys keys = {.id = {99}};
        char why[QBID_KEY_FILE_WHY_MAX];
        assert_int_equal(load(texts[i], 0600, &keys, why), QBID_ERR_PARSE);
        assert_int_equal(keys.id[0], 99);
        assert_null(strstr(why, "0102"));
    }
}

static void a_rotation_keeps_the_key_that_signed(void **state)
{
    struct qbid_keys before, after, read;
    char why[QBID_KEY_FILE_WHY_MAX] = "";
    struct stat st;
    (void)state;
    assert_int_equal(load("254 000102030405060708090a0b0c0d0e0f\n", 0600, &before, why), 0);
    for (unsigned round = 0; round < 600; round++) {
        assert_int_equal(qbid_key_file_rotate(path, &after, why), 0);
        assert_int_equal(after.id[1], before.id[0]);
        assert_memory_equal(after.secret[1], before.secret[0], QBID_KEY_BYTES);
        assert_true(after.id[0] != 0 && after.id[0] != before.id[0] && after.id[0] != before.id[1]);
        assert_memory_not_equal(after.secret[0], before.secret[0], QBID_KEY_BYTES);
        assert_int_equal(qbid_key_file_load(path, &read, why), 0);
        assert_memory_equal(&read, &after, sizeof read);
        before = after;
    }
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(qbid_key_file_rotate(path, &after, why), QBID_ERR_NOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rotation_keeps_the_key_that_signed),
        cmocka_unit_test(two_keys_are_read_in_order),
        cmocka_unit_test(a_created_file_is_private_and_loads),
        cmocka_unit_test(a_file_that_others_may_read_is_refused),
        cmocka_unit_test(malformed_content_is_refused_without_repeating_it),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
