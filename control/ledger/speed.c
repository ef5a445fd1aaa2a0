/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of samples; the latest that is a window old stands for all before it. */
#include "control/ledger/speed.h"

#include "shm/units.h"

#define SAMPLES (QBID_SPEED_PARTS + 2)

static const struct qbid_speed_sample *at(const struct qbid_speed *speed, uint32_t i)
{
    return &speed->sample[(speed->first + i) % SAMPLES];
}

void qbid_speed_note(struct qbid_speed *speed, struct qbid_speed_sample sample)
{
    if (speed->cnt && sample.unix_s <= at(speed, speed->cnt - 1)->unix_s)
        return;
    /* what is older than the one that counts now will never count again */
    while (speed->cnt > 1 && at(speed, 1)->unix_s <= sample.unix_s - speed->window_s) {
        speed->first = (speed->first + 1) % SAMPLES;
        speed->cnt--;
    }
    if (speed->cnt == SAMPLES)
        return; /* the window was made longer: this one is not missed, older ones count for it */
    speed->sample[(speed->first + speed->cnt++) % SAMPLES] = sample;
}

bool qbid_speed_due(const struct qbid_speed *speed, int64_t unix_s)
{
    int64_t part_s = speed->window_s / QBID_SPEED_PARTS;
    return speed->cnt == 0 ||
           unix_s >= at(speed, speed->cnt - 1)->unix_s + (part_s > 0 ? part_s : 1);
}

int64_t qbid_speed_authority(const struct qbid_speed *speed, int64_t unix_s)
{
    uint32_t i = 0;
    while (i + 1 < speed->cnt && at(speed, i + 1)->unix_s <= unix_s - speed->window_s)
        i++;
    return qbid_add_sat(at(speed, i)->spent_nanos, speed->most_nanos);
}
