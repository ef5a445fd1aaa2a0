/* SPDX-License-Identifier: Apache-2.0 */
/* One round of the recorder's benchmark: the same decision with nothing timed, and with one of N
 * timed, by turns of a fraction of a millisecond; what counts is the difference within a turn. */
#ifndef QBID_BENCH_DECISION_LATENCY_LOOP_H
#define QBID_BENCH_DECISION_LATENCY_LOOP_H

#ifdef __cplusplus
extern "C" {
#endif

/* Name in the results, one of how many is timed, by the clock in place of the processor's counter.
 */
/* clang-format off */
#define BENCH_WAY_LIST(X)            \
    X(PLAIN,   plain,   0,  0) /* no recorder in the code at all */ \
    X(OFF,     off,     0,  0)       \
    X(OF_64,   of_64,   64, 0)       \
    X(OF_16,   of_16,   16, 0)       \
    X(OF_4,    of_4,    4,  0)       \
    X(EACH,    each,    1,  0)       \
    X(CLOCK16, clock16, 16, 1)       \
    X(CLOCK1,  clock1,  1,  1)
/* clang-format on */

enum bench_way {
#define X(upper, lower, every, clock) BENCH_WAY_##upper,
    BENCH_WAY_LIST(X)
#undef X
        BENCH_WAY_CNT
};

struct bench_latency {
    double plain_ns;                /* a decision, median of the turns: thread CPU time */
    double added_ns[BENCH_WAY_CNT]; /* to it, median of the differences within a turn */
    double recorded_p50_ns;         /* as the histogram of BENCH_WAY_EACH says */
    double timed_share;             /* of BENCH_WAY_OF_16 */
    double turns;
};

/** Run a round with K candidates; ends the process when it cannot. */
struct bench_latency bench_latency_run(unsigned k);

#ifdef __cplusplus
}
#endif

#endif
