/* SPDX-License-Identifier: Apache-2.0 */
/* Concurrency Kit's ring, one producer and one consumer, with records of the same 64 bytes by
 * value. */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ck_ring.h>

#include "bench/memory/ring_side.h"
#include "shm/event.h"

CK_RING_PROTOTYPE(event, qbid_event)

struct peer {
    ck_ring_t ring;
    struct qbid_event event[RING_EVENTS];
};

static void consume(struct peer *peer, pid_t parent)
{
    struct qbid_event event;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ring_settle_on(1);
    while (getppid() == parent) {
        for (int i = 0; i < 1000; i++) {
            while (ck_ring_dequeue_spsc_event(&peer->ring, peer->event, &event))
                ;
            sched_yield();
        }
    }
    _exit(0);
}

static void push(struct peer *peer, uint64_t first)
{
    for (uint64_t number = first; number < first + RING_BLOCK; number++) {
        struct qbid_event event = {.time_ns = number, .nonce = number, .kind = QBID_EVENT_BID};
        event.u.bid.context = ~number;
        ring_must(ck_ring_enqueue_spsc_event(&peer->ring, peer->event, &event),
                  "the other ring is full");
    }
}

double ring_peer_push_ns(void)
{
    struct peer *peer = ring_memory(sizeof *peer);
    ck_ring_init(&peer->ring, RING_EVENTS);
    pid_t parent = getpid(), consumer = fork();
    if (consumer == 0)
        consume(peer, parent);
    ring_must(consumer > 0, "no process for the other consumer");
    double ns[RING_BLOCKS];
    for (uint64_t b = 0; b < RING_BLOCKS; b++) {
        while (ck_ring_size(&peer->ring) > RING_EVENTS - 2 * RING_BLOCK)
            sched_yield();
        double start = ring_cpu_ns();
        push(peer, b * RING_BLOCK);
        ns[b] = (ring_cpu_ns() - start) / (double)RING_BLOCK;
    }
    ring_must(kill(consumer, SIGKILL) == 0 && waitpid(consumer, NULL, 0) == consumer, "kill");
    munmap(peer, sizeof *peer);
    return ring_median(ns, RING_BLOCKS);
}
