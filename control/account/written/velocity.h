/* SPDX-License-Identifier: Apache-2.0 */
/* The most that a campaign may spend in any window of a length.
 *
 *     2x / 1h        twice what the flight's budget makes of an hour, spread evenly
 *     25.00 / 30m    money
 */
#ifndef QBID_CONTROL_ACCOUNT_WRITTEN_VELOCITY_H
#define QBID_CONTROL_ACCOUNT_WRITTEN_VELOCITY_H

#include "control/account/account.h"

#define QBID_VELOCITY_TEXT_MAX 40
#define QBID_VELOCITY_WINDOW_MIN_S 60
#define QBID_VELOCITY_WINDOW_MAX_S (7 * 86400)

struct qbid_velocity {
    double times;     /* of the even rate; 0 = it is money */
    int64_t nanos;    /* a window */
    int64_t window_s; /* 0 = no limit */
};

/** Read the text of an account. Returns: NULL and *ret_velocity, no limit for an empty text; else
 *  what is wrong with it, a static text. */
const char *qbid_velocity_parse(const char *text, struct qbid_velocity *ret_velocity);

/** What a campaign may spend in a window, at least one nano; of a velocity with a limit. */
int64_t qbid_velocity_nanos(const struct qbid_velocity *velocity,
                            const struct qbid_campaign_def *campaign);

/** The same as a multiple of the even rate. */
double qbid_velocity_times(const struct qbid_velocity *velocity,
                           const struct qbid_campaign_def *campaign);

#endif
