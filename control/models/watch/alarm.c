/* SPDX-License-Identifier: Apache-2.0 */
/* Cumulative sum of log likelihood ratios, held at 0. */
#include "control/models/watch/alarm.h"

#include <math.h>

#define DAY_S 86400

void qbid_alarm_post(struct qbid_alarm *alarm, double ratio, double expected, double events,
                     int64_t unix_s)
{
    int64_t day = unix_s / DAY_S;
    if (day != alarm->day) {
        alarm->looks_before = day == alarm->day + 1 ? alarm->looks : 0;
        alarm->looks = 0;
        alarm->day = day;
    }
    alarm->expected += expected;
    alarm->events += events;
    if (alarm->expected < 1)
        return;
    alarm->looks++;
    alarm->evidence =
        fmax(alarm->evidence + (1 - ratio) * alarm->expected + log(ratio) * alarm->events, 0);
    alarm->expected = alarm->events = 0;
}

bool qbid_alarm_fired(const struct qbid_alarm *alarm, double false_a_day)
{
    double looks = fmax(fmax(alarm->looks, alarm->looks_before), QBID_ALARM_LOOKS_LEAST);
    return alarm->evidence >= log(looks / false_a_day);
}
