/* SPDX-License-Identifier: Apache-2.0 */
/* How fast price landscapes take feedback, and how long a fit of one takes. */
#ifndef QBID_BENCH_CONTROL_LANDSCAPE_LOOP_H
#define QBID_BENCH_CONTROL_LANDSCAPE_LOOP_H

#ifdef __cplusplus
extern "C" {
#endif

struct bench_landscape {
    double updates_per_s; /* one core, random segments of a hundred, prices and losses mixed */
    double fit_km_ns;     /* prices and losses: Kaplan-Meier */
    double fit_binary_ns; /* wins and losses alone: isotonic */
    double shade_ns;      /* a table of 64 knots from a curve */
};

struct bench_landscape bench_landscape_run(void);

#ifdef __cplusplus
}
#endif

#endif
