/* SPDX-License-Identifier: Apache-2.0 */
/* A partner's keys as they come one by one, and what may stand in answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"
#include "shm/partner.h"

static struct qbid_partner_keys list[QBID_PARTNERS_MAX];

static int put(uint8_t partner, uint8_t part, uint8_t len, uint8_t fill)
{
    struct qbid_partner_key key = {.partner = partner, .part = part, .len = len};
    memset(key.secret, fill, sizeof key.secret);
    return qbid_partner_keys_put(list, &key);
}

static void keys_come_change_and_leave(void **state)
{
    (void)state;
    memset(list, 0, sizeof list);
    assert_null(qbid_partner_keys_find(list, 5));
    assert_null(qbid_partner_keys_find(list, 0)); /* free places are nobody's */
    assert_int_equal(put(5, 0, 32, 0xaa), 0);
    assert_int_equal(put(5, 1, 16, 0xbb), 0);
    const struct qbid_partner_keys *keys = qbid_partner_keys_find(list, 5);
    assert_non_null(keys);
    assert_int_equal(keys->len[0], 32);
    assert_int_equal(keys->secret[1][15], 0xbb);
    assert_int_equal(keys->secret[1][16], 0);
    assert_int_equal(put(5, 0, 16, 0xcc), 0); /* nothing of the longer one is left */
    assert_int_equal(keys->secret[0][16], 0);
    assert_int_equal(put(5, 0, 0, 0xdd), 0);
    assert_ptr_equal(qbid_partner_keys_find(list, 5), keys);
    assert_int_equal(put(5, 1, 0, 0xdd), 0);
    assert_null(qbid_partner_keys_find(list, 5));
    static const struct qbid_partner_keys nothing[QBID_PARTNERS_MAX];
    assert_memory_equal(list, nothing, sizeof list);
}

static void what_no_qbidd_sends_is_refused(void **state)
{
    (void)state;
    memset(list, 0, sizeof list);
    assert_int_equal(put(0, 0, 16, 1), QBID_ERR_PEER);
    assert_int_equal(put(1, 2, 16, 1), QBID_ERR_PEER);
    assert_int_equal(put(1, 0, 33, 1), QBID_ERR_PEER);
    for (uint8_t id = 1; id <= QBID_PARTNERS_MAX; id++)
        assert_int_equal(put(id, 0, 16, id), 0);
    assert_int_equal(put(QBID_PARTNERS_MAX + 1, 0, 16, 1), QBID_ERR_FULL);
    assert_int_equal(put(QBID_PARTNERS_MAX, 1, 16, 1), 0);
}

static void only_plain_characters_stand_in_answers(void **state)
{
    static const char good[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:${}%";
    (void)state;
    assert_true(qbid_partner_text_fits("", 0));
    for (unsigned c = 0; c < 256; c++) {
        char one = (char)c;
        assert_int_equal(qbid_partner_text_fits(&one, 1), c != 0 && strchr(good, (int)c) != NULL);
    }
    assert_false(qbid_partner_text_fits("ok\"", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_change_and_leave),
        cmocka_unit_test(what_no_qbidd_sends_is_refused),
        cmocka_unit_test(only_plain_characters_stand_in_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
