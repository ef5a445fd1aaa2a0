/* SPDX-License-Identifier: Apache-2.0 */
/* Pointer chases for the limits beside the decision's figures. */
#include "bench/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shm/hash.h"
#include "shm/units.h"

#define SIZES_MAX 8

struct limits_chase {
    size_t bytes;
    const void *at;
};

static void **line(char *base, size_t i)
{
    return (void **)(void *)(base + i * QBID_CACHE_LINE);
}

/* A single cycle: Sattolo's shuffle. */
static char *build(size_t bytes)
{
    size_t cnt = bytes / QBID_CACHE_LINE;
    char *base = aligned_alloc(UINT64_C(2) << 20, bytes < (2u << 20) ? 2u << 20 : bytes);
    uint32_t *order = malloc(cnt * sizeof *order);
    if (!base || !order) {
        fprintf(stderr, "bench: no memory for a chase of %zu bytes\n", bytes);
        exit(1);
    }
    (void)madvise(base, bytes, MADV_HUGEPAGE);
    for (size_t i = 0; i < cnt; i++)
        order[i] = (uint32_t)i;
    for (size_t i = cnt - 1; i > 0; i--) {
        size_t j = qbid_mulhi64(qbid_mix64(i), i);
        uint32_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    for (size_t i = 0; i < cnt; i++)
        *line(base, i) = line(base, order[i]);
    free(order);
    return base;
}

struct limits_chase *limits_chase_get(size_t bytes)
{
    static struct limits_chase known[SIZES_MAX];
    for (unsigned i = 0; i < SIZES_MAX; i++) {
        if (known[i].bytes == 0)
            known[i] = (struct limits_chase){bytes, build(bytes)};
        if (known[i].bytes == bytes)
            return &known[i];
    }
    abort();
}

const void *limits_chase_run(struct limits_chase *chase, uint64_t n)
{
    const void *at = chase->at;
    for (uint64_t i = 0; i < n; i++)
        at = *(const void *const *)at;
    chase->at = at;
    return at;
}
