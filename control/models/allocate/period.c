/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar periods and the hours in them. */
#include "control/models/allocate/period.h"

#include <math.h>
#include <stddef.h>

#include "control/models/allocate/shares.h"
#include "shm/error.h"

#define HOUR_S 3600
#define DAY_S 86400
#define MONDAY 3 /* days from Monday to 1970-01-01, a Thursday */

/* Days since 1970 of the first of a month, months counted from year 0: Hinnant's algorithm. */
static int64_t month_day(int64_t month)
{
    int64_t year = month / 12, at = month % 12; /* 0 = January */
    year -= at < 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (at + (at > 1 ? -2 : 10)) + 2) / 5;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t month_of(int64_t day)
{
    int64_t month = 1970 * 12 + day / 31; /* never too late */
    while (month_day(month + 1) <= day)
        month++;
    return month;
}

int qbid_period_of(enum qbid_period_kind kind, int64_t unix_s, struct qbid_period *ret_period)
{
    int64_t day = unix_s / DAY_S, from = day, until = day + 1;
    if (unix_s < 0)
        return QBID_ERR_INVAL;
    switch (kind) {
    case QBID_PERIOD_DAILY:
        break;
    case QBID_PERIOD_WEEKLY:
        from = day - (day + MONDAY) % 7;
        until = from + 7;
        break;
    case QBID_PERIOD_MONTHLY:
        from = month_day(month_of(day));
        until = month_day(month_of(day) + 1);
        break;
    default:
        return QBID_ERR_INVAL;
    }
    *ret_period = (struct qbid_period){from * DAY_S, until * DAY_S};
    return 0;
}

/* Weight of [from, until), hour by hour. */
static double weight_of(const double *hours, int64_t from, int64_t until)
{
    double sum = 0;
    while (from < until) {
        int64_t end = (from / HOUR_S + 1) * HOUR_S;
        int64_t hour = (from / HOUR_S + MONDAY * 24) % QBID_PERIOD_HOURS;
        end = end < until ? end : until;
        sum += (hours ? hours[hour] : 1) * (double)(end - from);
        from = end;
    }
    return sum;
}

static int arguments_valid(const struct qbid_period *period, int64_t unix_s, const double *hours)
{
    double sum = 0;
    for (int h = 0; h < QBID_PERIOD_HOURS && hours; h++) {
        if (!(hours[h] >= 0) || !isfinite(hours[h]))
            return 0;
        sum += hours[h];
    }
    return (!hours || sum > 0) && period->from_unix_s % DAY_S == 0 &&
           period->until_unix_s % DAY_S == 0 && unix_s >= period->from_unix_s &&
           unix_s < period->until_unix_s &&
           period->until_unix_s - period->from_unix_s <= (int64_t)QBID_PERIOD_DAYS_MAX * DAY_S;
}

/* What is left over today's rest and the days after it. */
static int days_split(const struct qbid_period *period, int64_t unix_s, const double *hours,
                      struct qbid_period_stand *stand)
{
    struct qbid_share shares[QBID_PERIOD_DAYS_MAX];
    double scratch[QBID_PERIOD_DAYS_MAX];
    double all = weight_of(hours, unix_s, period->until_unix_s);
    const double *used = all > 0 ? hours : NULL;
    all = weight_of(used, unix_s, period->until_unix_s);
    for (int64_t from = unix_s; from < period->until_unix_s;) {
        int64_t end = (from / DAY_S + 1) * DAY_S;
        shares[stand->day_cnt++] =
            (struct qbid_share){(double)stand->left_micros * weight_of(used, from, end) / all, 0,
                                stand->left_micros, 0};
        from = end;
    }
    int err = qbid_shares_round(shares, stand->day_cnt, stand->left_micros, scratch);
    for (uint32_t d = 0; d < stand->day_cnt; d++)
        stand->day_micros[d] = shares[d].micros;
    return err;
}

int qbid_period_stand(const struct qbid_period *period, int64_t unix_s, const double *hours,
                      int64_t budget_micros, int64_t actual_micros,
                      struct qbid_period_stand *ret_stand)
{
    if (!arguments_valid(period, unix_s, hours) || budget_micros < 0 || actual_micros < 0)
        return QBID_ERR_INVAL;
    double before = weight_of(hours, period->from_unix_s, unix_s);
    double all = before + weight_of(hours, unix_s, period->until_unix_s);
    if (!(all > 0)) {
        hours = NULL;
        before = weight_of(NULL, period->from_unix_s, unix_s);
        all = before + weight_of(NULL, unix_s, period->until_unix_s);
    }
    struct qbid_period_stand stand = {.actual_micros = actual_micros};
    stand.expected_micros = (int64_t)llround((double)budget_micros * (before / all));
    stand.left_micros = actual_micros < budget_micros ? budget_micros - actual_micros : 0;
    int err = days_split(period, unix_s, hours, &stand);
    if (!err)
        *ret_stand = stand;
    return err;
}
