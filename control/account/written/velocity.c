/* SPDX-License-Identifier: Apache-2.0 */
/* A number, a slash, a time. */
#include "control/account/written/velocity.h"

#include <stdlib.h>
#include <string.h>

#include "control/account/written/money.h"

#define TIMES_MIN 0.1
#define TIMES_MAX 1000.0

static const char *amount_read(const char *text, size_t len, struct qbid_velocity *v)
{
    char *end;
    if (len < 2 || text[len - 1] != 'x')
        return qbid_money_parse(text, len, &v->nanos) == 0 && v->nanos > 0
                   ? NULL
                   : "is not like '2x / 1h' or '25.00 / 30m'";
    v->times = strtod(text, &end);
    if (end != text + len - 1 || ((*text < '0' || *text > '9') && *text != '.'))
        return "is not like '2x / 1h' or '25.00 / 30m'";
    return v->times >= TIMES_MIN && v->times <= TIMES_MAX ? NULL
                                                          : "has a multiple outside 0.1 to 1000";
}

static const char *window_read(const char *text, struct qbid_velocity *v)
{
    static const char units[] = "smhd";
    static const int64_t seconds[] = {1, 60, 3600, 86400};
    char *end;
    if (*text < '0' || *text > '9')
        return "has a window that is not like 90s, 30m, 1h, 1d";
    long long number = strtoll(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (!unit || end[1] || end - text > 6)
        return "has a window that is not like 90s, 30m, 1h, 1d";
    v->window_s = number * seconds[unit - units];
    return v->window_s >= QBID_VELOCITY_WINDOW_MIN_S && v->window_s <= QBID_VELOCITY_WINDOW_MAX_S
               ? NULL
               : "has a window outside 1m to 7d";
}

const char *qbid_velocity_parse(const char *text, struct qbid_velocity *ret_velocity)
{
    struct qbid_velocity v = {0};
    const char *wrong = NULL, *slash = strchr(text, '/');
    if (*text) {
        size_t len = slash ? (size_t)(slash - text) : 0;
        while (len > 0 && text[len - 1] == ' ')
            len--;
        wrong = slash && strlen(text) < QBID_VELOCITY_TEXT_MAX
                    ? amount_read(text, len, &v)
                    : "is not like '2x / 1h' or '25.00 / 30m'";
        if (!wrong)
            wrong = window_read(slash + 1 + strspn(slash + 1, " "), &v);
    }
    if (!wrong)
        *ret_velocity = v;
    return wrong;
}

/* What the budget makes of a window, spread evenly over the flight or the day. */
static double even_nanos(const struct qbid_velocity *velocity,
                         const struct qbid_campaign_def *campaign)
{
    double length_s = campaign->period == QBID_BUDGET_DAILY
                          ? 86400
                          : (double)(campaign->end_unix_s - campaign->start_unix_s);
    return (double)campaign->budget_nanos * (double)velocity->window_s /
           (length_s > 1 ? length_s : 1);
}

int64_t qbid_velocity_nanos(const struct qbid_velocity *velocity,
                            const struct qbid_campaign_def *campaign)
{
    double nanos = velocity->times > 0 ? velocity->times * even_nanos(velocity, campaign)
                                       : (double)velocity->nanos;
    if (nanos > (double)QBID_MONEY_NANOS_MAX)
        return QBID_MONEY_NANOS_MAX;
    return nanos >= 1 ? (int64_t)nanos : 1;
}

double qbid_velocity_times(const struct qbid_velocity *velocity,
                           const struct qbid_campaign_def *campaign)
{
    double even = even_nanos(velocity, campaign);
    return velocity->times > 0 ? velocity->times : (double)velocity->nanos / (even > 1 ? even : 1);
}
