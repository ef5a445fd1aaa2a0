/* SPDX-License-Identifier: Apache-2.0 */
/* A growing map from (context, id) to the caller's array index; the tables of control share it. */
#ifndef QBID_CONTROL_KEYMAP_H
#define QBID_CONTROL_KEYMAP_H

#include <stdint.h>

#define QBID_KEYMAP_NONE UINT32_MAX

struct qbid_keymap_entry {
    uint64_t context;
    uint32_t id;
    uint32_t index; /* QBID_KEYMAP_NONE = empty place */
};

struct qbid_keymap {
    struct qbid_keymap_entry *entries; /* power of two, linear probing, load <= 0.5 */
    uint32_t capacity;
    uint32_t cnt;
};

/** An empty map is all zeros; this releases one. */
void qbid_keymap_done(struct qbid_keymap *map);

/** Index stored under a key; QBID_KEYMAP_NONE when there is none. */
uint32_t qbid_keymap_find(const struct qbid_keymap *map, uint64_t context, uint32_t id);

/** Ask for the memory that finding a key will read. */
void qbid_keymap_prefetch(const struct qbid_keymap *map, uint64_t context, uint32_t id);

/** Store an index under a key that is not in the map. QBID_ERR_NOMEM. */
int qbid_keymap_add(struct qbid_keymap *map, uint64_t context, uint32_t id, uint32_t index);

/** Index stored under a key, which is taken out; QBID_KEYMAP_NONE when there is none. */
uint32_t qbid_keymap_remove(struct qbid_keymap *map, uint64_t context, uint32_t id);

#endif
