/* SPDX-License-Identifier: Apache-2.0 */
/* A sequential test for events that come more rarely than they should, looked at whenever one more
 * was to be expected, with a bound on false alarms.
 *
 *     evidence <- max(0, evidence + (1 - ratio) * expected + ln(ratio) * events)     at each look
 *     alarm when evidence >= ln(looks a day / false alarms a day)
 *
 * For what came between two looks, with mean `expected` the exponential of the increment has mean
 * at most 1 as long as events come as expected or more often (Poisson: exactly 1 at the expected
 * rate; a coin with p = expected: less), so the mean number of looks until a false alarm is at
 * least e^threshold: Page's CUSUM (Biometrika 41, 1954) with Lorden's bound (Annals of Mathematical
 * Statistics 42, 1971).
 */
#ifndef QBID_CONTROL_MODELS_WATCH_ALARM_H
#define QBID_CONTROL_MODELS_WATCH_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#define QBID_ALARM_LOOKS_LEAST 100.0 /* a day: a test that has just begun knows no better */

struct qbid_alarm {
    double evidence;
    double expected, events;    /* since the last look */
    int64_t day;                /* UTC days since 1970 */
    double looks, looks_before; /* of this day and the one before */
};

/** Take an observation, and look if it is time. Shapes: ratio in (0, 1); expected, events finite
 * and
 *  >= 0. */
void qbid_alarm_post(struct qbid_alarm *alarm, double ratio, double expected, double events,
                     int64_t unix_s);

/** Whether it is to be believed, with at most so many false alarms a day. */
bool qbid_alarm_fired(const struct qbid_alarm *alarm, double false_a_day);

#endif
