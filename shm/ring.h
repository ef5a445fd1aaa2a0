/* SPDX-License-Identifier: Apache-2.0 */
/* Single-producer single-consumer ring of 64-byte events inside a worker page.
 *
 *   worker (producer)                               qbidd (consumer)
 *   P1 head - cached_tail < size, else P2           C1 load head, acquire      <--- P4
 *   P2 cached_tail = load tail, acquire  <--- C3    C2 copy records [tail, head)
 *   P3 write record[head & mask]                    C3 store tail, release
 *   P4 store head = head + 1, release    --->
 *   full: drops = drops + 1 (relaxed, producer's own word); nothing waits
 *
 * Progress: both sides are wait-free. A dead consumer costs the producer one failed check and one
 * count per event. A dead producer leaves whole records only: head moves after the record is
 * written. The consumer does not trust head: more than `size` ahead of tail is corrupt.
 */
#ifndef QBID_SHM_RING_H
#define QBID_SHM_RING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/event.h"

struct qbid_ring {
    /* line 0: producer only */
    alignas(QBID_CACHE_LINE) _Atomic uint64_t head;
    uint64_t cached_tail;
    _Atomic uint64_t drops;
    /* line 1: consumer only */
    alignas(QBID_CACHE_LINE) _Atomic uint64_t tail;
};
_Static_assert(sizeof(struct qbid_ring) == 128, "ring layout is ABI");
_Static_assert(offsetof(struct qbid_ring, tail) == 64, "the consumer owns its line");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "shared words must not hide a lock");

/* A test build names points at which a test may force another thread to run; elsewhere nothing. */
#ifdef QBID_RACE_HOOK
void qbid_race_hook(const char *point);
#else
#define qbid_race_hook(point) ((void)0)
#endif

#define QBID_RING_AHEAD 16 /* records whose lines the producer has asked for */

/* Ask for a line that will be written. The consumer has read it, so its processor holds it, and a
 * store would wait for it. The instruction is spelt out because the compiler makes a plain read
 * prefetch of it for processors in general, which does not help; those without it pass over it. */
static inline void qbid_ring_prefetch(const struct qbid_event *record)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)record));
#else
    __builtin_prefetch(record, 1);
#endif
}

/**
 * The place of the next event, for a producer that writes it there.
 *
 * Shapes:  records has mask + 1 entries, a power of two.
 * Returns: the record to fill before qbid_ring_publish(), what it holds is not defined; NULL when
 *          the ring is full and the loss was counted.
 * Threads: the one producer. Wait-free. Cost: one record line and, once a lap, the tail's line.
 */
static inline struct qbid_event *qbid_ring_slot(struct qbid_ring *ring, struct qbid_event *records,
                                                uint64_t mask)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head - ring->cached_tail > mask) {                                           /* P1 */
        ring->cached_tail = atomic_load_explicit(&ring->tail, memory_order_acquire); /* P2 <- C3 */
        if (head - ring->cached_tail > mask) {
            uint64_t drops = atomic_load_explicit(&ring->drops, memory_order_relaxed);
            atomic_store_explicit(&ring->drops, drops + 1, memory_order_relaxed);
            return NULL;
        }
    }
    qbid_ring_prefetch(&records[(head + QBID_RING_AHEAD) & mask]);
    return &records[head & mask];
}

/** Hand the record that was filled (P3) to the consumer. Threads: the one producer. */
static inline void qbid_ring_publish(struct qbid_ring *ring)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    qbid_race_hook("ring:written");
    atomic_store_explicit(&ring->head, head + 1, memory_order_release); /* P4 -> C1 */
}

/** Append one event: the two in one. Returns: true when written, false when its loss was counted.
 */
static inline bool qbid_ring_push(struct qbid_ring *ring, struct qbid_event *records, uint64_t mask,
                                  const struct qbid_event *event)
{
    struct qbid_event *slot = qbid_ring_slot(ring, records, mask);
    if (!slot)
        return false;
    *slot = *event; /* P3 */
    qbid_ring_publish(ring);
    return true;
}

/**
 * Copy up to max events out and free their places.
 *
 * Returns: events copied, >= 0; QBID_ERR_CORRUPT when head is impossible (a hostile producer).
 * Threads: the one consumer. Wait-free.
 */
int qbid_ring_pop(struct qbid_ring *ring, const struct qbid_event *records, uint64_t mask,
                  struct qbid_event *out, int max);

/**
 * The same in two steps, for a consumer that must store what it read before it lets go of it: copy
 * up to max events from `skip` places behind the tail, and later free n places.
 *
 * Returns: events copied (0 when skip is at or past the head); QBID_ERR_CORRUPT as above. advance
 *          frees no more than there are.
 * Threads: the one consumer. Wait-free.
 */
int qbid_ring_peek(const struct qbid_ring *ring, const struct qbid_event *records, uint64_t mask,
                   uint64_t skip, struct qbid_event *out, int max);
void qbid_ring_advance(struct qbid_ring *ring, uint64_t n);

#endif
