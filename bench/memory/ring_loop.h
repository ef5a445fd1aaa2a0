/* SPDX-License-Identifier: Apache-2.0 */
/* One round of the ring benchmark: a worker page, a producer here and a consumer in a process of
 * its own, which is killed half way. */
#ifndef QBID_BENCH_MEMORY_RING_LOOP_H
#define QBID_BENCH_MEMORY_RING_LOOP_H

#ifdef __cplusplus
extern "C" {
#endif

struct ring_round {
    double live_ns;   /* CPU time of a push while the consumer takes the records once a ms */
    double chased_ns; /* the same while it looks for the next one all the time */
    double bare_ns;   /* of the same 64 bytes into the same memory, without a ring */
    double per_s;     /* records through the ring by the clock, none lost */
    double per_cpu_s; /* the same by the CPU time of the busier side */
    double ck_ns;     /* of a push into Concurrency Kit's ring of 64-byte records, consumer alive */
    double dead_ns;   /* CPU time of a push on a full ring whose consumer was killed */
    double live_drops;   /* records lost while the consumer was alive */
    double pushed;       /* records offered */
    double consumed;     /* taken by the consumer before and by another after the kill */
    double dropped;      /* counted as lost */
    double out_of_order; /* records that were not the next one */
};

/** Run a round; ends the process when it cannot, or unless pushed = consumed + dropped. */
struct ring_round ring_round_run(void);

#ifdef __cplusplus
}
#endif

#endif
