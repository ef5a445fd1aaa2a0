/* SPDX-License-Identifier: Apache-2.0 */
/* Day-parting against the campaign's text, and the plan's traffic under it. */
#include "control/learn/campaigns/dayparts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define QUARTER_S 900 /* every change of an hour or of a clock falls on one */

void qbid_dayparts_free(struct qbid_dayparts *dayparts)
{
    if (!dayparts)
        return;
    qbid_zone_free(dayparts->zone);
    free(dayparts->text);
    free(dayparts->zone_name);
    free(dayparts);
}

static int dayparts_new(const char *text, const char *zone_name, struct qbid_dayparts **ret)
{
    struct qbid_dayparts *d = calloc(1, sizeof *d);
    if (!d)
        return QBID_ERR_NOMEM;
    d->text = strdup(text);
    d->zone_name = strdup(zone_name);
    int err = d->text && d->zone_name ? qbid_zone_new(zone_name, &d->zone) : QBID_ERR_NOMEM;
    if (err == QBID_ERR_NOMEM) {
        qbid_dayparts_free(d);
        return err;
    }
    d->broken = err != 0 || qbid_week_parse(text, &d->hours) != NULL;
    *ret = d;
    return 0;
}

int qbid_dayparts_follow(struct qbid_campaign_state *state,
                         const struct qbid_campaign_def *campaign, const char *zone_preset,
                         bool *ret_changed)
{
    const char *text = campaign->hours ? campaign->hours : "";
    const char *zone = campaign->time_zone && *campaign->time_zone ? campaign->time_zone
                       : zone_preset && *zone_preset               ? zone_preset
                                                                   : "UTC";
    struct qbid_dayparts *d = state->dayparts, *next = NULL;
    *ret_changed = false;
    if (d ? strcmp(d->text, text) == 0 && strcmp(d->zone_name, zone) == 0 : !*text)
        return 0;
    int err = *text ? dayparts_new(text, zone, &next) : 0;
    if (err)
        return err;
    qbid_dayparts_free(d);
    state->dayparts = next;
    *ret_changed = true;
    return 0;
}

float qbid_dayparts_weight(const struct qbid_dayparts *dayparts, int64_t unix_s)
{
    if (!dayparts)
        return 1;
    return dayparts->broken ? 0 : qbid_week_weight(&dayparts->hours, dayparts->zone, unix_s);
}

double qbid_dayparts_between(const struct qbid_dayparts *dayparts,
                             const struct qbid_traffic_curve *curve, double from_s, double to_s)
{
    double sum = 0, begun = from_s;
    if (!dayparts || dayparts->broken || !(to_s > from_s))
        return qbid_traffic_between(curve, from_s, to_s);
    float weight = qbid_dayparts_weight(dayparts, (int64_t)floor(from_s));
    /* stretches of one weight: the curve is asked once for each */
    for (double at = (floor(from_s / QUARTER_S) + 1) * QUARTER_S; at < to_s; at += QUARTER_S) {
        float now = qbid_dayparts_weight(dayparts, (int64_t)at);
        if (now == weight)
            continue;
        sum += (double)weight * qbid_traffic_between(curve, begun, at);
        begun = at;
        weight = now;
    }
    return sum + (double)weight * qbid_traffic_between(curve, begun, to_s);
}
