/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of the decision benchmarks: what one iteration does, and the threads around it. */
#ifndef QBID_BENCH_DECIDE_LOOP_H
#define QBID_BENCH_DECIDE_LOOP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum bench_design {
    BENCH_QBID,       /* decision, event into the ring, RCU read section */
    BENCH_QBID_BARE,  /* the decision alone */
    BENCH_QBID_BATCH, /* as BENCH_QBID, 8 requests to a read section and call */
    BENCH_NAIVE,
    BENCH_HARNESS /* making the request: part of all the others */
};

struct bench_run;

struct bench_counts {
    double p50_ns, p99_ns, p999_ns; /* of single decisions; 0 when only throughput was run */
    double swaps;                   /* generations adopted */
    double bids_share;              /* decisions that were bids */
    double drops;                   /* events that the ring had no place for */
    double preempted_share;         /* latency blocks left out: another task ran in between */
};

/** Start a run with K candidates: a consumer thread empties the ring; with swap, a writer thread
 *  maps, checks, and publishes another generation every 100 ms. Ends the process when it cannot. */
struct bench_run *bench_run_start(unsigned k, enum bench_design design, int swap);
/** Decide n requests back to back; n is a multiple of 8. */
void bench_run_throughput(struct bench_run *run, uint64_t n);
/** Decide n requests, each between two fenced clock readings. */
void bench_run_latency(struct bench_run *run, uint64_t n);
struct bench_counts bench_run_stop(struct bench_run *run);

/** Decide some requests in both designs; ends the process unless their choices agree. Returns how
 *  many were compared. */
unsigned bench_run_compare(unsigned k);

#ifdef __cplusplus
}
#endif

#endif
