/* SPDX-License-Identifier: Apache-2.0 */
/* The poll loop of qbid-dpdk on a pair of rings, beside the same payloads in plain memory. */
#ifndef QBID_BENCH_HOSTS_DPDK_LOOP_H
#define QBID_BENCH_HOSTS_DPDK_LOOP_H

#ifdef __cplusplus
extern "C" {
#endif

struct dpdk_round {
    double ring_ns;   /* a request by poll loop: receive, frames, decode, decide, encode, send */
    double memory_ns; /* decode, decide, encode of the same bytes without DPDK */
    double decode_ns; /* the memory loop's three stages, each timed by itself */
    double decide_ns;
    double encode_ns;
    double bytes; /* of a request's payload */
    double answer_bytes;
    double bids; /* share of the answers */
};

/**
 * One round: passes of both loops in turn over the same requests.
 *
 * The account is the decision benchmark's: 10,000 line items, 65,536 contexts drawn by Zipf's law,
 * `candidates` of them in a row. Ends the process when a loop loses or changes an answer.
 */
struct dpdk_round dpdk_round_run(unsigned candidates);

#ifdef __cplusplus
}
#endif

#endif
