/* SPDX-License-Identifier: Apache-2.0 */
/* Aligns to huge pages and asks for them. */
#include "control/models/scratch.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

void *qbid_scratch_new(size_t bytes)
{
    if (bytes < HUGE_PAGE_BYTES)
        return malloc(bytes ? bytes : 1);
    if (bytes > SIZE_MAX - HUGE_PAGE_BYTES)
        return NULL;
    size_t whole = (bytes + HUGE_PAGE_BYTES - 1) & ~(HUGE_PAGE_BYTES - 1);
    void *at = aligned_alloc(HUGE_PAGE_BYTES, whole);
    if (at)
        (void)madvise(at, whole, MADV_HUGEPAGE); /* refused: slower but right */
    return at;
}
