/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions at full speed while another process runs learn ticks of 10,000 line items and a million
 * contexts, and without, in turn. */
#ifndef QBID_BENCH_CONTROL_BESIDE_H
#define QBID_BENCH_CONTROL_BESIDE_H

#ifdef __cplusplus
extern "C" {
#endif

struct bench_beside {
    double quiet_p50, quiet_p99, quiet_p999; /* ns of a decision */
    double beside_p50, beside_p99, beside_p999;
    double ticks;    /* that ended meanwhile */
    double left_out; /* share of latencies: another task ran in between */
};

/** Run a round: ticks on the last allowed processor, decisions on the first. Ends the process when
 * it cannot. */
struct bench_beside bench_beside_run(unsigned line_items, unsigned contexts);

#ifdef __cplusplus
}
#endif

#endif
