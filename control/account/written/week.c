/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of day-parting to a weight an hour, and sums of it. */
#include "control/account/written/week.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DAYS 7
#define DAY_HOURS 24
#define HOUR_S 3600
#define WEEK_S (QBID_WEEK_HOURS * HOUR_S)
#define MONDAY_S (4 * 86400) /* 1970-01-05 was one */

static const char wrong_days[] = "has no days: mon tue wed thu fri sat sun, lists, ranges, or *";
static const char wrong_hours[] = "has no hours: 0..24 as 8-20, 8, lists, or *";
static const char wrong_weight[] = "has no weight in 0..4 behind =";
static const char wrong_end[] = "must have days, hours and =weight, divided by ;";

static void spaces_skip(const char **at)
{
    while (**at == ' ')
        (*at)++;
}

static bool day_read(const char **at, int *ret_day)
{
    static const char names[DAYS][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int d = 0; d < DAYS; d++) {
        if (strncmp(*at, names[d], 3) == 0 && !isalnum((unsigned char)(*at)[3])) {
            *ret_day = d;
            *at += 3;
            return true;
        }
    }
    return false;
}

static bool hour_read(const char **at, int *ret_hour)
{
    int hour = 0, digits = 0;
    for (; digits < 3 && isdigit((unsigned char)**at); digits++)
        hour = 10 * hour + (*(*at)++ - '0');
    *ret_hour = hour;
    return digits > 0 && digits < 3 && hour <= DAY_HOURS;
}

/* Days of an entry as bits; fri-mon goes over the end of the week. */
static bool days_read(const char **at, unsigned *ret_days)
{
    unsigned days = 0;
    int first, last;
    if (**at == '*') {
        (*at)++;
        *ret_days = (1u << DAYS) - 1;
        return true;
    }
    do {
        if (!day_read(at, &first))
            return false;
        last = first;
        if (**at == '-' && ((*at)++, !day_read(at, &last)))
            return false;
        for (int d = first;; d = (d + 1) % DAYS) {
            days |= 1u << d;
            if (d == last)
                break;
        }
    } while (**at == ',' && *(*at)++);
    *ret_days = days;
    return true;
}

/* Hours of an entry as bits; a range ends before its end, and does not go over midnight. */
static bool hours_read(const char **at, uint32_t *ret_hours)
{
    uint32_t hours = 0;
    int first, last;
    if (**at == '*') {
        (*at)++;
        *ret_hours = (1u << DAY_HOURS) - 1;
        return true;
    }
    do {
        if (!hour_read(at, &first))
            return false;
        last = first + 1;
        if (**at == '-' && ((*at)++, !hour_read(at, &last)))
            return false;
        if (last <= first || last > DAY_HOURS)
            return false;
        for (int h = first; h < last; h++)
            hours |= 1u << h;
    } while (**at == ',' && *(*at)++);
    *ret_hours = hours;
    return true;
}

static bool weight_read(const char **at, float *ret_weight)
{
    size_t len = strspn(*at, "0123456789.");
    char *end;
    float weight = strtof(*at, &end);
    if (len == 0 || len > 8 || end != *at + len ||
        !(weight >= 0 && weight <= (float)QBID_WEEK_WEIGHT_MAX))
        return false;
    *at = end;
    *ret_weight = weight;
    return true;
}

static const char *entry_read(const char **at, struct qbid_week *hours)
{
    unsigned days;
    uint32_t of_day;
    float weight = 1;
    spaces_skip(at);
    if (!days_read(at, &days))
        return wrong_days;
    if (**at != ' ')
        return wrong_end;
    spaces_skip(at);
    if (!hours_read(at, &of_day))
        return wrong_hours;
    spaces_skip(at);
    if (**at == '=') {
        (*at)++;
        spaces_skip(at);
        if (!weight_read(at, &weight))
            return wrong_weight;
        spaces_skip(at);
    }
    for (int h = 0; h < QBID_WEEK_HOURS; h++)
        if ((days >> h / DAY_HOURS & 1) && (of_day >> h % DAY_HOURS & 1))
            hours->weight[h] = weight;
    return NULL;
}

const char *qbid_week_parse(const char *text, struct qbid_week *ret_hours)
{
    struct qbid_week hours = {.given = *text != '\0'};
    float most = 0;
    if (strlen(text) >= QBID_WEEK_TEXT_MAX)
        return "is too long";
    for (const char *at = text; *at;) {
        const char *wrong = entry_read(&at, &hours);
        if (wrong)
            return wrong;
        if (*at != ';' && *at != '\0')
            return wrong_end;
        at += *at == ';';
    }
    for (int h = 0; h < QBID_WEEK_HOURS; h++) {
        hours.weight[h] = hours.given ? hours.weight[h] : 1;
        most = hours.weight[h] > most ? hours.weight[h] : most;
    }
    if (!(most > 0))
        return "is off at every hour: make the campaign inactive";
    *ret_hours = hours;
    return NULL;
}

/* Seconds of the local week, from Monday 0:00. */
static int64_t week_second(const struct qbid_zone *zone, int64_t unix_s)
{
    int64_t local = unix_s + qbid_zone_offset_s(zone, unix_s) - MONDAY_S;
    return (local % WEEK_S + WEEK_S) % WEEK_S;
}

float qbid_week_weight(const struct qbid_week *hours, const struct qbid_zone *zone, int64_t unix_s)
{
    return hours->given ? hours->weight[week_second(zone, unix_s) / HOUR_S] : 1;
}

double qbid_week_seconds(const struct qbid_week *hours, const struct qbid_zone *zone,
                         int64_t from_unix_s, int64_t to_unix_s)
{
    double sum = 0, week = 0;
    if (to_unix_s <= from_unix_s)
        return 0;
    if (!hours->given)
        return (double)(to_unix_s - from_unix_s);
    for (int h = 0; h < QBID_WEEK_HOURS; h++)
        week += HOUR_S * (double)hours->weight[h];
    int64_t whole = (to_unix_s - from_unix_s) / WEEK_S;
    whole = whole > 1 ? whole - 1 : 0;
    sum = week * (double)whole;
    for (int64_t at = from_unix_s + whole * WEEK_S; at < to_unix_s;) {
        int64_t second = week_second(zone, at), left = HOUR_S - second % HOUR_S;
        left = left < to_unix_s - at ? left : to_unix_s - at;
        /* a clock that is put forward or back within the hour does so at one of its quarters */
        int64_t quarter = 900 - (second % 900);
        left = left < quarter ? left : quarter;
        sum += (double)left * (double)hours->weight[second / HOUR_S];
        at += left;
    }
    return sum;
}
