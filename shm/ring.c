/* SPDX-License-Identifier: Apache-2.0 */
/* The consumer's half of the event ring. */
#include "shm/ring.h"

#include "shm/error.h"

int qbid_ring_peek(const struct qbid_ring *ring, const struct qbid_event *records, uint64_t mask,
                   uint64_t skip, struct qbid_event *out, int max)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire); /* C1 <- P4 */
    uint64_t waiting = head - tail;
    if (waiting > mask + 1)
        return QBID_ERR_CORRUPT;

    uint64_t n = max <= 0 || skip >= waiting ? 0 : (uint64_t)max;
    n = n < waiting - skip ? n : waiting - skip;
    for (uint64_t i = 0; i < n; i++)
        out[i] = records[(tail + skip + i) & mask]; /* C2 */
    return (int)n;
}

void qbid_ring_advance(struct qbid_ring *ring, uint64_t n)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    if (n > head - tail)
        n = head - tail;
    atomic_store_explicit(&ring->tail, tail + n, memory_order_release); /* C3 -> P2 */
}

int qbid_ring_pop(struct qbid_ring *ring, const struct qbid_event *records, uint64_t mask,
                  struct qbid_event *out, int max)
{
    int n = qbid_ring_peek(ring, records, mask, 0, out, max);
    qbid_race_hook("ring:copied");
    if (n > 0)
        qbid_ring_advance(ring, (uint64_t)n);
    return n;
}
