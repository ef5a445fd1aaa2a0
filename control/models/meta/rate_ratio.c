/* SPDX-License-Identifier: Apache-2.0 */
/* Mantel and Haenszel's ratio of rates. */
#include "control/models/meta/rate_ratio.h"

#include <math.h>

void qbid_rate_ratio_add(struct qbid_rate_ratio *ratio, double events_on, double exposed_on,
                         double events_off, double exposed_off)
{
    double all = exposed_on + exposed_off;
    if (!(exposed_on > 0) || !(exposed_off > 0) || !(events_on >= 0) || !(events_off >= 0) ||
        !isfinite(all))
        return;
    ratio->on += events_on * exposed_off / all;
    ratio->off += events_off * exposed_on / all;
    ratio->spread += (events_on + events_off) * (exposed_on / all) * (exposed_off / all);
    ratio->events_on += events_on;
    ratio->events_off += events_off;
}

bool qbid_rate_ratio_log(const struct qbid_rate_ratio *ratio, double *ret_log, double *ret_variance)
{
    if (!(ratio->on > 0) || !(ratio->off > 0))
        return false;
    *ret_log = log(ratio->on / ratio->off);
    *ret_variance = ratio->spread / (ratio->on * ratio->off);
    return true;
}
