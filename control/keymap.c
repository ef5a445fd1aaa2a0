/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing; grows by doubling, never shrinks. */
#include "control/keymap.h"

#include <stdlib.h>

#include "shm/error.h"
#include "shm/hash.h"

#define KEYMAP_CAPACITY_MIN 64
#define KEYMAP_CAPACITY_MAX (UINT32_C(1) << 30)

static uint32_t place(const struct qbid_keymap *map, uint64_t context, uint32_t id)
{
    return (uint32_t)qbid_mix64(context ^ qbid_mix64(id)) & (map->capacity - 1);
}

static void put(struct qbid_keymap *map, struct qbid_keymap_entry entry)
{
    uint32_t i = place(map, entry.context, entry.id);
    while (map->entries[i].index != QBID_KEYMAP_NONE)
        i = (i + 1) & (map->capacity - 1);
    map->entries[i] = entry;
}

static int grow(struct qbid_keymap *map)
{
    struct qbid_keymap old = *map;
    uint32_t capacity = old.capacity ? old.capacity * 2 : KEYMAP_CAPACITY_MIN;
    if (capacity > KEYMAP_CAPACITY_MAX)
        return QBID_ERR_NOMEM;
    map->entries = malloc(capacity * sizeof *map->entries);
    if (!map->entries) {
        *map = old;
        return QBID_ERR_NOMEM;
    }
    map->capacity = capacity;
    for (uint32_t i = 0; i < capacity; i++)
        map->entries[i] = (struct qbid_keymap_entry){0, 0, QBID_KEYMAP_NONE};
    for (uint32_t i = 0; i < old.capacity; i++)
        if (old.entries[i].index != QBID_KEYMAP_NONE)
            put(map, old.entries[i]);
    free(old.entries);
    return 0;
}

void qbid_keymap_done(struct qbid_keymap *map)
{
    free(map->entries);
    *map = (struct qbid_keymap){0};
}

uint32_t qbid_keymap_find(const struct qbid_keymap *map, uint64_t context, uint32_t id)
{
    if (map->capacity == 0)
        return QBID_KEYMAP_NONE;
    for (uint32_t i = place(map, context, id);; i = (i + 1) & (map->capacity - 1)) {
        const struct qbid_keymap_entry *entry = &map->entries[i];
        if (entry->index == QBID_KEYMAP_NONE)
            return QBID_KEYMAP_NONE;
        if (entry->context == context && entry->id == id)
            return entry->index;
    }
}

void qbid_keymap_prefetch(const struct qbid_keymap *map, uint64_t context, uint32_t id)
{
    if (map->capacity)
        __builtin_prefetch(&map->entries[place(map, context, id)]);
}

int qbid_keymap_add(struct qbid_keymap *map, uint64_t context, uint32_t id, uint32_t index)
{
    if (map->cnt * 2 >= map->capacity) {
        int err = grow(map);
        if (err)
            return err;
    }
    put(map, (struct qbid_keymap_entry){context, id, index});
    map->cnt++;
    return 0;
}

uint32_t qbid_keymap_remove(struct qbid_keymap *map, uint64_t context, uint32_t id)
{
    if (map->capacity == 0)
        return QBID_KEYMAP_NONE;
    uint32_t mask = map->capacity - 1, hole = place(map, context, id);
    for (;; hole = (hole + 1) & mask) {
        const struct qbid_keymap_entry *entry = &map->entries[hole];
        if (entry->index == QBID_KEYMAP_NONE)
            return QBID_KEYMAP_NONE;
        if (entry->context == context && entry->id == id)
            break;
    }
    uint32_t removed = map->entries[hole].index;
    /* Close the gap: an entry moves back when its home is not between the hole and itself. */
    for (uint32_t i = (hole + 1) & mask; map->entries[i].index != QBID_KEYMAP_NONE;
         i = (i + 1) & mask) {
        uint32_t home = place(map, map->entries[i].context, map->entries[i].id);
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            map->entries[hole] = map->entries[i];
            hole = i;
        }
    }
    map->entries[hole].index = QBID_KEYMAP_NONE;
    map->cnt--;
    return removed;
}
