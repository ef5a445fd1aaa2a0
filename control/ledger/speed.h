/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a budget may be spent by now, so that no window of a length has more than so much.
 *
 *     spent      .--- at t - window: S          authority at t = S + most
 *               /
 *     ---------o=========|-----> t
 *
 * What is spent never falls and never passes the authority of its time, so for any t
 *
 *     spent(t) <= authority(t) <= spent(t - window) + most
 *
 * exactly, however late a bill is posted: a late one only makes S smaller. It is the ledger that
 * holds to it, by reservations; workers go on within what they have while control is away.
 */
#ifndef QBID_CONTROL_LEDGER_SPEED_H
#define QBID_CONTROL_LEDGER_SPEED_H

#include <stdbool.h>
#include <stdint.h>

#define QBID_SPEED_PARTS 60 /* of a window: the samples that are kept */

struct qbid_speed_sample {
    int64_t unix_s;
    int64_t spent_nanos; /* cumulative, posted by then */
};

struct qbid_speed {
    int64_t window_s;
    int64_t most_nanos; /* in any window */
    uint32_t first, cnt;
    struct qbid_speed_sample sample[QBID_SPEED_PARTS + 2]; /* a ring */
};

/** Put back a sample of a former life, oldest first; or take a new one. One that is not later than
 *  the last is passed over: the clock was set back. */
void qbid_speed_note(struct qbid_speed *speed, struct qbid_speed_sample sample);

/** Whether a new sample is due: the last is a part of the window old, or there is none. */
bool qbid_speed_due(const struct qbid_speed *speed, int64_t unix_s);

/** Cumulative authority at a time; at least one sample must be there. Before the first one is a
 *  window old it counts as what was spent a window ago. */
int64_t qbid_speed_authority(const struct qbid_speed *speed, int64_t unix_s);

#endif
