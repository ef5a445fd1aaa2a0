/* SPDX-License-Identifier: Apache-2.0 */
/* The key map against a plain list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "control/keymap.h"
#include "shm/hash.h"

static void the_key_map_agrees_with_a_plain_list_through_adds_and_removes(void **state)
{
    (void)state;
    enum { KEYS = 300, STEPS = 200000 };
    struct qbid_keymap map = {0};
    uint32_t model[KEYS];
    for (unsigned i = 0; i < KEYS; i++)
        model[i] = QBID_KEYMAP_NONE;
    for (uint64_t n = 0; n < STEPS; n++) {
        uint64_t r = qbid_roll(n, 8, 0);
        uint32_t key = (uint32_t)(r % KEYS);
        uint64_t context = key / 3;
        uint32_t id = key % 3;
        assert_int_equal(qbid_keymap_find(&map, context, id), model[key]);
        if (model[key] == QBID_KEYMAP_NONE) {
            model[key] = (uint32_t)(r >> 33);
            assert_int_equal(qbid_keymap_add(&map, context, id, model[key]), 0);
        } else {
            assert_int_equal(qbid_keymap_remove(&map, context, id), model[key]);
            model[key] = QBID_KEYMAP_NONE;
        }
    }
    assert_int_equal(qbid_keymap_remove(&map, KEYS, 0), QBID_KEYMAP_NONE);
    qbid_keymap_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_map_agrees_with_a_plain_list_through_adds_and_removes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
