/* SPDX-License-Identifier: Apache-2.0 */
/* Negative control: a producer that moves head before it writes the record. */
#include "tests/race/hook.h"

#include "shm/ring.h"

static bool push_head_first(struct qbid_ring *ring, struct qbid_event *records, uint64_t mask,
                            const struct qbid_event *event)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    ring->cached_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (head - ring->cached_tail > mask)
        return false;
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    qbid_race_hook("ring:written");
    records[head & mask] = *event;
    return true;
}

#define RING_PUSH push_head_first
#include "tests/race/ring_order.c"
