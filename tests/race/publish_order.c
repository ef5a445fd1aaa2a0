/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing in forced orders: a reader stands still while the watcher swaps. */
#include "tests/race/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/shm/process.h"
#include "tests/shm/watch.h"

/* Long enough for a watcher that does not wait to go on. */
#define PATIENCE_MS 100

static _Atomic int swapped, waited;

static void note(void *context)
{
    atomic_fetch_add((_Atomic int *)context, 1);
}

static void arm(void)
{
    atomic_store(&swapped, 0);
    atomic_store(&waited, 0);
    race_hook_arm("watcher:swapped", note, (void *)&swapped, 1000);
    race_hook_arm("watcher:waited", note, (void *)&waited, 1000);
}

/* The swap has happened; the watcher has had time to unmap the old table if it were to. */
static void let_the_watcher_go_as_far_as_it_goes(void)
{
    WATCH_UNTIL(atomic_load(&swapped) == 1);
    for (int i = 0; i < PATIENCE_MS && atomic_load(&waited) == 0; i++)
        watch_sleep();
}

static void what_a_reader_holds_stays_until_it_lets_go(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    unsigned maps = process_maps();
    const struct qbid_table *old = qbid_watcher_read_lock(w.watcher);
    arm();
    server_image(&w.server, 2, SERVER_GOOD);
    let_the_watcher_go_as_far_as_it_goes();
    assert_int_equal(atomic_load(&waited), 0);
    assert_int_equal(process_maps(), maps + 1);
    assert_int_equal(old->image.header->gen, 1);
    assert_true(server_image_is_whole(&old->image));

    const struct qbid_table *fresh = qbid_watcher_read_lock(w.watcher); /* nested: sees the new */
    assert_int_equal(fresh->image.header->gen, 2);
    assert_true(server_image_is_whole(&fresh->image));
    qbid_watcher_read_unlock(w.watcher);
    assert_int_equal(atomic_load(&waited), 0);
    assert_true(server_image_is_whole(&old->image));
    qbid_watcher_read_unlock(w.watcher);

    WATCH_UNTIL(atomic_load(&waited) == 1);
    watch_expect(&w, QBID_MSG_ADOPTED, 2);
    watch_expect(&w, QBID_MSG_RELEASED, 1);
    assert_int_equal(process_maps(), maps);
    watch_done(&w);
}

static void publish_and_wait(void *context)
{
    struct watch *w = context;
    server_image(&w->server, 2, SERVER_GOOD);
    let_the_watcher_go_as_far_as_it_goes();
    assert_int_equal(atomic_load(&waited), 0);
}

/* The swap happens after the reader has entered and before it has loaded the pointer. */
static void a_reader_that_is_overtaken_while_it_enters_gets_the_new_table_whole(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, true);
    watch_open(&w, 1);
    arm();
    race_hook_arm("watcher:reading", publish_and_wait, &w, 1);
    const struct qbid_table *table = qbid_watcher_read_lock(w.watcher);
    assert_int_equal(table->image.header->gen, 2);
    assert_true(server_image_is_whole(&table->image));
    qbid_watcher_read_unlock(w.watcher);
    WATCH_UNTIL(atomic_load(&waited) == 1);
    watch_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_reader_holds_stays_until_it_lets_go),
        cmocka_unit_test(a_reader_that_is_overtaken_while_it_enters_gets_the_new_table_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
