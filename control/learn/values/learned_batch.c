/* SPDX-License-Identifier: Apache-2.0 */
/* An array in order of arrival and a map onto it. */
#include "control/learn/values/learned_batch.h"

#include <stdlib.h>

#include "shm/error.h"

#define CAPACITY_MIN 256

void qbid_learned_batch_done(struct qbid_learned_batch *batch)
{
    free(batch->entry);
    qbid_keymap_done(&batch->map);
    *batch = (struct qbid_learned_batch){0};
}

static int room(struct qbid_learned_batch *batch)
{
    if (batch->cnt < batch->capacity)
        return 0;
    uint32_t capacity = batch->capacity ? batch->capacity * 2 : CAPACITY_MIN;
    struct qbid_learned_batch_entry *entry = realloc(batch->entry, capacity * sizeof *entry);
    if (!entry)
        return QBID_ERR_NOMEM;
    batch->entry = entry;
    batch->capacity = capacity;
    return 0;
}

int qbid_learned_batch_add(struct qbid_learned_batch *batch,
                           const struct qbid_learned_batch_entry *more)
{
    uint32_t i = qbid_keymap_find(&batch->map, more->context, more->line_item_idx);
    if (i == QBID_KEYMAP_NONE) {
        if (room(batch) ||
            qbid_keymap_add(&batch->map, more->context, more->line_item_idx, batch->cnt))
            return QBID_ERR_NOMEM;
        batch->entry[batch->cnt++] = *more;
        return 0;
    }
    struct qbid_learned_batch_entry *entry = &batch->entry[i];
    entry->trials += more->trials;
    entry->clicks += more->clicks;
    entry->convs += more->convs;
    entry->clicks_expected += more->clicks_expected;
    entry->convs_expected += more->convs_expected;
    return 0;
}

void qbid_learned_batch_clear(struct qbid_learned_batch *batch)
{
    qbid_keymap_done(&batch->map);
    batch->cnt = 0;
}
