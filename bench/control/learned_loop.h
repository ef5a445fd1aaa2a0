/* SPDX-License-Identifier: Apache-2.0 */
/* What the learned models cost: pooling of many points, growing trees, a prediction. */
#ifndef QBID_BENCH_CONTROL_LEARNED_LOOP_H
#define QBID_BENCH_CONTROL_LEARNED_LOOP_H

#ifdef __cplusplus
extern "C" {
#endif

struct bench_learned {
    double isotonic_s; /* a million points */
    double grow_s;     /* both halves, a million rows of ten columns, 10,000 line items */
    double predict_ns; /* a row */
};

struct bench_learned bench_learned_run(void);

#ifdef __cplusplus
}
#endif

#endif
