/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a fixed size that is handed out front to back and taken back all at once, for libraries
 * that want an allocator where none may be called. */
#ifndef QBID_PLUGIN_ARENA_H
#define QBID_PLUGIN_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QBID_ARENA_ALIGN 16

/* over stays set once something did not fit, until the next init. */
struct qbid_arena {
    char *at;
    char *end;
    bool over;
};

/** memory is aligned to QBID_ARENA_ALIGN. */
static inline struct qbid_arena qbid_arena_init(char *memory, size_t bytes)
{
    return (struct qbid_arena){memory, memory + bytes, false};
}

/** Aligned memory that is not cleared; NULL when it does not fit. */
static inline void *qbid_arena_take(struct qbid_arena *arena, size_t bytes)
{
    size_t left = (size_t)(arena->end - arena->at);
    size_t need = (bytes + QBID_ARENA_ALIGN - 1) & ~(size_t)(QBID_ARENA_ALIGN - 1);
    if (bytes > left || need > left) {
        arena->over = true;
        return NULL;
    }
    void *memory = arena->at;
    arena->at += need;
    return memory;
}

#endif
