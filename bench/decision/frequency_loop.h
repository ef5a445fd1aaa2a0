/* SPDX-License-Identifier: Apache-2.0 */
/* What a frequency cap adds to a decision: the same stream of requests decided without a user key,
 * and with one, in turns; users as many as make the table's lines hot or cold. */
#ifndef QBID_BENCH_DECISION_FREQUENCY_LOOP_H
#define QBID_BENCH_DECISION_FREQUENCY_LOOP_H

#ifdef __cplusplus
extern "C" {
#endif

struct bench_frequency {
    double plain_ns;   /* an image without a cap */
    double unknown_ns; /* every line item capped, requests without a user */
    double known_ns;   /* with one: table and own bids are counted */
    double count_ns;   /* a count alone, one waiting for the other */
    double value_ns;   /* what r(k) < 1 of all candidates adds: they are ordered anew */
    double table_bytes, worker_bytes; /* the table, of qbidd's default size; a worker's own bids */
};

/** lg_users: log2 of the users that ask, evenly; ends the process when it cannot. */
struct bench_frequency bench_frequency_run(unsigned lg_users);

#ifdef __cplusplus
}
#endif

#endif
