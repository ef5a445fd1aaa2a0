/* SPDX-License-Identifier: Apache-2.0 */
/* Division for reports: nothing out of nothing is 0. */
#ifndef QBID_TOOLS_REPLAY_RESULTS_RATIO_H
#define QBID_TOOLS_REPLAY_RESULTS_RATIO_H

/** part / whole, 0 when the whole is not above 0. */
static inline double qbid_replay_ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

#endif
