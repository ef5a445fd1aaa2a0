/* SPDX-License-Identifier: Apache-2.0 */
/* Negative control: a consumer that frees the places before it has copied them. */
#include "tests/race/hook.h"

#include "shm/ring.h"

static int pop_tail_first(struct qbid_ring *ring, const struct qbid_event *records, uint64_t mask,
                          struct qbid_event *out, int max)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    int n = head - tail < (uint64_t)max ? (int)(head - tail) : max;
    atomic_store_explicit(&ring->tail, tail + (uint64_t)n, memory_order_release);
    qbid_race_hook("ring:copied");
    for (int i = 0; i < n; i++)
        out[i] = records[(tail + (uint64_t)i) & mask];
    return n;
}

#define RING_POP pop_tail_first
#include "tests/race/ring_order.c"
