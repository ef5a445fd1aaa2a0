/* SPDX-License-Identifier: Apache-2.0 */
/* Generations of 100 MB, published by a real publisher in another process every 100 ms and adopted
 * by a real watcher, while a reader decides at full speed. */
#ifndef QBID_BENCH_DECISION_SWAP_H
#define QBID_BENCH_DECISION_SWAP_H

#ifdef __cplusplus
extern "C" {
#endif

/* All in nanoseconds but the counts and shares. */
struct bench_swap {
    double first_min, first_p50, first_p99; /* COMMIT is about to be sent -> a decision with it */
    double adopt_p50;                       /* of it: message received -> pointer swapped */
    double stage_p50;                       /* STAGE received -> READY sent */
    double map, verify, unmap;              /* of one image, medians: stage in its steps */
    double fill;                            /* what making and sealing an image takes control */
    double quiet_p50, quiet_p99, quiet_p999;
    double swap_p50, swap_p99, swap_p999;
    double swaps, late; /* generations used; committed before they were verified */
    double swaps_per_s; /* while swapping */
    double left_out;    /* share of latencies: another task ran in between */
    double huge_mapped; /* share of the image that is mapped in pages of 2 MiB */
    double image_bytes;
};

/** Run a round, with huge pages or (denied to all of its processes) without. Ends the process when
 *  it cannot. */
struct bench_swap bench_swap_run(int huge);

#ifdef __cplusplus
}
#endif

#endif
