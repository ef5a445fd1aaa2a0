/* SPDX-License-Identifier: Apache-2.0 */
/* How long the decision engine takes over many drawn offers. */
#ifndef QBID_BENCH_CONTROL_CHOICE_LOOP_H
#define QBID_BENCH_CONTROL_CHOICE_LOOP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench_choice {
    double mean_ms, p50_ms, p99_ms, most_ms; /* thread CPU time of one choice */
    double exact;                            /* share of choices proved best */
    double gap_most;                         /* most that another choice could gain more */
};

/* kind: see tests/control/choice/draw.h. */
struct bench_choice bench_choice_run(uint32_t cnt, int kind);

#ifdef __cplusplus
}
#endif

#endif
