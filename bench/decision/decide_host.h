/* SPDX-License-Identifier: Apache-2.0 */
/* The host around the decision: the table that a writer swaps, the consumer of the event ring, and
 * one request decided in each of the designs that are compared. */
#ifndef QBID_BENCH_DECISION_DECIDE_HOST_H
#define QBID_BENCH_DECISION_DECIDE_HOST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/decision/decide_loop.h"
#include "bench/decision/decide_world.h"
#include "shm/isa.h"

#define BENCH_BATCH 8

struct bench_table {
    struct qbid_image image;
    void *base;
    size_t bytes;
};

struct bench_other;

struct bench_host {
    const struct bench_world *world;
    struct bench_table *table; /* RCU: swapped by the writer thread only */
    uint64_t at;               /* in the request stream */
    uint64_t bids, decided;
    const uint16_t *order; /* of contexts */
    enum bench_kind kind;
    uint8_t isa; /* enum qbid_isa */
    struct qbid_request request[BENCH_BATCH];
    _Atomic bool stop;
    _Atomic bool swapping;
    _Atomic uint64_t swaps;
    pthread_t consumer, writer;
    struct bench_other *other; /* the second worker, or NULL */
};

/** Start the threads on the last allowed processor, keep the caller on the first. Ends the process
 *  when it cannot. */
void bench_host_init(struct bench_host *host, enum bench_kind kind, unsigned k);
void bench_host_done(struct bench_host *host);

/** Requests that a step of a design decides. */
static inline unsigned bench_host_each(enum bench_design design)
{
    return design == BENCH_BATCH8 ? BENCH_BATCH : 1;
}

/** Make the requests of the next step. */
void bench_host_prepare(struct bench_host *host, enum bench_design design);
/** Have all of the request in the cache, its lists too: a parser has just written it. */
void bench_host_parsed(const struct bench_host *host);
/** Ask ahead for what the decision will read, and wait for it, as a host that parses would. */
void bench_host_ahead(struct bench_host *host);
/** CPU time of a decision of the second worker so far, ns; 0 = there is none. */
double bench_host_other_ns(const struct bench_host *host);
/** Decide them. */
void bench_host_step(struct bench_host *host, enum bench_design design);

struct bench_table *bench_table_adopt(const struct bench_world *world, unsigned which);
/** The same table in pages of 4 KiB. */
struct bench_table *bench_table_small(const struct bench_world *world);
void bench_table_drop(struct bench_table *table);

#endif
