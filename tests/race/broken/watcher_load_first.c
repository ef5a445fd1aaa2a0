/* SPDX-License-Identifier: Apache-2.0 */
/* Negative control: a reader loads the table before its read section has begun. */
#include "tests/race/hook.h"

#include "shm/watcher.h"

#define qbid_watcher_read_lock read_lock_in_order
#include "shm/watcher.c"
#undef qbid_watcher_read_lock

const struct qbid_table *qbid_watcher_read_lock(struct qbid_watcher *watcher)
{
    const struct qbid_table *table = atomic_load_explicit(&watcher->table, memory_order_acquire);
    qbid_race_hook("watcher:reading");
    qbid_rcu_read_lock(watcher->rcu);
    return table;
}
