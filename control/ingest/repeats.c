/* SPDX-License-Identifier: Apache-2.0 */
/* A ring in order of arrival and a map onto it. */
#include "control/ingest/repeats.h"

#include <stdlib.h>

#include "shm/error.h"

int qbid_repeats_init(struct qbid_repeats *repeats, uint32_t max, uint64_t ttl_ns)
{
    *repeats = (struct qbid_repeats){.max = max, .ttl_ns = ttl_ns};
    if (max == 0)
        return QBID_ERR_INVAL;
    repeats->item = calloc(max, sizeof *repeats->item);
    return repeats->item ? 0 : QBID_ERR_NOMEM;
}

void qbid_repeats_done(struct qbid_repeats *repeats)
{
    free(repeats->item);
    qbid_keymap_done(&repeats->map);
    *repeats = (struct qbid_repeats){0};
}

static void forget_oldest(struct qbid_repeats *repeats)
{
    const struct qbid_repeat *oldest = &repeats->item[repeats->tail % repeats->max];
    qbid_keymap_remove(&repeats->map, oldest->nonce, oldest->kind);
    repeats->tail++;
}

bool qbid_repeats_note(struct qbid_repeats *repeats, uint64_t nonce, uint32_t kind, uint64_t now_ns)
{
    while (repeats->head != repeats->tail &&
           now_ns > repeats->item[repeats->tail % repeats->max].time_ns + repeats->ttl_ns)
        forget_oldest(repeats);
    if (qbid_keymap_find(&repeats->map, nonce, kind) != QBID_KEYMAP_NONE)
        return true;
    if (repeats->head - repeats->tail == repeats->max) {
        forget_oldest(repeats);
        repeats->evicted++;
    }
    uint32_t i = (uint32_t)(repeats->head % repeats->max);
    if (qbid_keymap_add(&repeats->map, nonce, kind, i)) {
        repeats->evicted++; /* without memory it is not remembered */
        return false;
    }
    repeats->item[i] = (struct qbid_repeat){nonce, now_ns, kind};
    repeats->head++;
    return false;
}

bool qbid_repeats_known(const struct qbid_repeats *repeats, uint64_t nonce, uint32_t kind)
{
    return qbid_keymap_find(&repeats->map, nonce, kind) != QBID_KEYMAP_NONE;
}
