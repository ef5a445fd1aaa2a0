/* SPDX-License-Identifier: Apache-2.0 */
/* An array in order of arrival and a map onto it. */
#include "control/learn/fresh.h"

#include <stdlib.h>

#include "shm/error.h"

#define CAPACITY_MIN 256

void qbid_fresh_done(struct qbid_fresh *fresh)
{
    free(fresh->entry);
    qbid_keymap_done(&fresh->map);
    *fresh = (struct qbid_fresh){0};
}

static int room(struct qbid_fresh *fresh)
{
    if (fresh->cnt < fresh->capacity)
        return 0;
    uint32_t capacity = fresh->capacity ? fresh->capacity * 2 : CAPACITY_MIN;
    struct qbid_fresh_entry *entry = realloc(fresh->entry, capacity * sizeof *entry);
    if (!entry)
        return QBID_ERR_NOMEM;
    fresh->entry = entry;
    fresh->capacity = capacity;
    return 0;
}

int qbid_fresh_add(struct qbid_fresh *fresh, const struct qbid_fresh_entry *more)
{
    uint32_t i = qbid_keymap_find(&fresh->map, more->context, more->line_item_idx);
    if (i == QBID_KEYMAP_NONE) {
        if (room(fresh) ||
            qbid_keymap_add(&fresh->map, more->context, more->line_item_idx, fresh->cnt))
            return QBID_ERR_NOMEM;
        fresh->entry[fresh->cnt++] = *more;
        return 0;
    }
    struct qbid_fresh_entry *entry = &fresh->entry[i];
    entry->trials += more->trials;
    entry->clicks += more->clicks;
    entry->convs += more->convs;
    entry->clicks_expected += more->clicks_expected;
    entry->convs_expected += more->convs_expected;
    return 0;
}

void qbid_fresh_clear(struct qbid_fresh *fresh)
{
    qbid_keymap_done(&fresh->map);
    fresh->cnt = 0;
}
