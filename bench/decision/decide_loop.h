/* SPDX-License-Identifier: Apache-2.0 */
/* One round of the decision benchmark: all designs in turn, a few milliseconds each, over and over,
 * so that what else the machine does hits all of them alike; then the same with swaps going on;
 * then single decisions whose lines are in no cache. */
#ifndef QBID_BENCH_DECISION_DECIDE_LOOP_H
#define QBID_BENCH_DECISION_DECIDE_LOOP_H

#ifdef __cplusplus
extern "C" {
#endif

/* Name in the results. */
/* clang-format off */
#define BENCH_DESIGN_LIST(X)                                                                     \
    X(QBID,    qbid)    /* decision, event into the ring, RCU read section */                    \
    X(SWAP,    swap)    /* the same while a generation is adopted every 100 ms */                \
    X(BATCH8,  batch8)  /* as QBID, 8 requests to a read section and call */                     \
    X(BARE,    bare)    /* the decision alone */                                                 \
    X(NAMED,   named)   /* the decision alone, candidates named by the host */                   \
    X(NAIVE,   naive)   /* bench/decision/decide_naive.h */                                               \
    X(FORMULA, formula) /* bench/decision/decide_formula.h */                                             \
    X(HARNESS, harness) /* making the request: part of all the others */                         \
    X(COLD,    cold)    /* QBID after 3 MB of other memory were touched: latency only */         \
    X(AHEAD,   ahead)   /* the same, asked ahead in four steps */
/* clang-format on */

/* What a round runs with. */
/* clang-format off */
#define BENCH_KIND_LIST(X)                                                            \
    X(DECIDE,  decide)  /* contexts by Zipf's law 0.99, huge pages, one worker; swaps */ \
    X(UNIFORM, uniform) /* each context as often as any other */                       \
    X(SMALL,   small)   /* the table in pages of 4 KiB */                              \
    X(PAIR,    pair)    /* a second worker decides on the other processor */
/* clang-format on */

enum bench_kind {
#define X(upper, lower) BENCH_##upper,
    BENCH_KIND_LIST(X)
#undef X
        BENCH_KIND_CNT
};

enum bench_design {
#define X(upper, lower) BENCH_##upper,
    BENCH_DESIGN_LIST(X)
#undef X
        BENCH_DESIGN_CNT
};

struct bench_figures {
    double ns;                      /* CPU time of a decision: median of the blocks */
    double p50_ns, p99_ns, p999_ns; /* of a decision (or call) between two fences; 0 = not run */
};

struct bench_round {
    struct bench_figures of[BENCH_DESIGN_CNT];
    double swaps;           /* generations adopted */
    double drops;           /* events that the ring had no place for */
    double bids_share;      /* decisions that were bids */
    double preempted_share; /* latencies left out: another task ran in between */
    double other_ns;        /* of a decision of the second worker; 0 = there was none */
};

/** Run a round with K candidates; ends the process when it cannot. */
struct bench_round bench_round_run(enum bench_kind kind, unsigned k);

#define BENCH_CDF_K 8

/** Write the distribution of a design's latencies in all rounds of a kind with BENCH_CDF_K
 * candidates so far: "ns cumulative-share" a line. 0, or -1 when the file cannot be written. */
int bench_round_cdf(enum bench_kind kind, enum bench_design design, const char *path);

/** Decide some requests in both layouts; ends the process unless their choices agree. Returns how
 *  many were compared. */
unsigned bench_round_compare(unsigned k);

#ifdef __cplusplus
}
#endif

#endif
