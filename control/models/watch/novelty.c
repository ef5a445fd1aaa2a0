/* SPDX-License-Identifier: Apache-2.0 */
#include "control/models/watch/novelty.h"

#include <math.h>
#include <string.h>

void qbid_novelty_init(struct qbid_novelty *novelty, uint32_t learn)
{
    novelty->learn = learn;
    novelty->cnt = 0;
    novelty->values = 0;
    novelty->alarm_at = 0;
    novelty->alarm_score = 0;
}

/* First place whose value is not below. */
static uint32_t place(const struct qbid_novelty *novelty, double value)
{
    uint32_t low = 0, high = novelty->cnt;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (novelty->seen[mid] < value)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Distance to the nearest value seen, as a share of the range: half when it is as far again. */
static double distance(const struct qbid_novelty *novelty, uint32_t at, double value)
{
    if (novelty->cnt == 0)
        return 0;
    double gap = INFINITY;
    if (at < novelty->cnt)
        gap = novelty->seen[at] - value;
    if (at > 0)
        gap = fmin(gap, value - novelty->seen[at - 1]);
    double range = novelty->seen[novelty->cnt - 1] - novelty->seen[0];
    return gap > 0 ? gap / (gap + range) : 0;
}

/* Forget one of the two closest neighbours: what lies between them was never far from either. The
 * ends stay, the range with them. */
static void thin(struct qbid_novelty *novelty)
{
    uint32_t closest = 1;
    for (uint32_t i = 1; i + 1 < novelty->cnt; i++) {
        if (novelty->seen[i] - novelty->seen[i - 1] <
            novelty->seen[closest] - novelty->seen[closest - 1])
            closest = i;
    }
    novelty->cnt--;
    memmove(novelty->seen + closest, novelty->seen + closest + 1,
            (novelty->cnt - closest) * sizeof *novelty->seen);
}

static void keep(struct qbid_novelty *novelty, uint32_t at, double value)
{
    if (at < novelty->cnt && !(novelty->seen[at] > value))
        return; /* known */
    if (novelty->cnt == QBID_NOVELTY_SEEN_MAX) {
        thin(novelty);
        at = place(novelty, value);
    }
    memmove(novelty->seen + at + 1, novelty->seen + at,
            (novelty->cnt - at) * sizeof *novelty->seen);
    novelty->seen[at] = value;
    novelty->cnt++;
}

double qbid_novelty_next(struct qbid_novelty *novelty, double value)
{
    if (!isfinite(value))
        return 0;
    uint32_t at = place(novelty, value);
    double score = distance(novelty, at, value);
    keep(novelty, at, value);
    if (novelty->values++ < novelty->learn)
        return 0;
    uint64_t since = novelty->values - novelty->alarm_at;
    if (novelty->alarm_at != 0 && since < QBID_NOVELTY_QUIET && score <= novelty->alarm_score)
        return 0;
    if (score >= QBID_NOVELTY_ALARM) {
        novelty->alarm_at = novelty->values;
        novelty->alarm_score = score;
    }
    return score;
}
