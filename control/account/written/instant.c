/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3339 without a time zone table. */
#include "control/account/written/instant.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "shm/error.h"

#define DAY_S 86400

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
 * Source: H. Hinnant, chrono-compatible low-level date algorithms, days_from_civil. */
static int64_t days_from_date(int year, int month, int day)
{
    year -= month <= 2;
    int era = year / 400;
    int year_of_era = year - era * 400;
    int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int64_t)era * 146097 + day_of_era - 719468;
}

static int month_days(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* A number of exactly `digits` digits; -1 when there are others. */
static int number(const char **at, int digits)
{
    int value = 0;
    for (; digits; digits--, (*at)++) {
        if (**at < '0' || **at > '9')
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

static bool skip(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

static int zone_parse(const char *at, int *ret_offset_s)
{
    if ((*at == 'Z' || *at == 'z') && at[1] == '\0') {
        *ret_offset_s = 0;
        return 0;
    }
    int sign = *at == '-' ? -1 : 1;
    if (*at != '+' && *at != '-')
        return QBID_ERR_PARSE;
    at++;
    int hours = number(&at, 2);
    if (hours < 0 || hours > 23 || !skip(&at, ':'))
        return QBID_ERR_PARSE;
    int minutes = number(&at, 2);
    if (minutes < 0 || minutes > 59 || *at)
        return QBID_ERR_PARSE;
    *ret_offset_s = sign * (hours * 3600 + minutes * 60);
    return 0;
}

static int date_parse(const char *at, int64_t *ret_unix_s)
{
    int year = number(&at, 4);
    if (year < 0 || !skip(&at, '-'))
        return QBID_ERR_PARSE;
    int month = number(&at, 2);
    if (month < 1 || month > 12 || !skip(&at, '-'))
        return QBID_ERR_PARSE;
    int day = number(&at, 2);
    if (day < 1 || day > month_days(year, month) || (*at != 'T' && *at != 't' && *at != ' '))
        return QBID_ERR_PARSE;
    at++;
    int hour = number(&at, 2);
    if (hour < 0 || hour > 23 || !skip(&at, ':'))
        return QBID_ERR_PARSE;
    int minute = number(&at, 2);
    if (minute < 0 || minute > 59 || !skip(&at, ':'))
        return QBID_ERR_PARSE;
    int second = number(&at, 2), offset;
    if (second < 0 || second > 59 || zone_parse(at, &offset) != 0)
        return QBID_ERR_PARSE;
    *ret_unix_s =
        days_from_date(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second - offset;
    return 0;
}

static int offset_parse(const char *at, int64_t *ret_s)
{
    int64_t value = 0;
    unsigned digits = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (++digits > 12)
            return QBID_ERR_LIMIT;
        value = value * 10 + (*at - '0');
    }
    int64_t unit = *at == 's' ? 1 : *at == 'm' ? 60 : *at == 'h' ? 3600 : *at == 'd' ? DAY_S : 0;
    if (digits == 0 || unit == 0 || at[1])
        return QBID_ERR_PARSE;
    *ret_s = value * unit;
    return 0;
}

int qbid_instant_parse(const char *text, int64_t now_unix_s, int64_t *ret_unix_s)
{
    int64_t value = 0;
    int err = 0;
    if (strcmp(text, "now") == 0) {
        value = now_unix_s;
    } else if (*text == '+') {
        err = offset_parse(text + 1, &value);
        value += now_unix_s;
    } else {
        err = date_parse(text, &value);
    }
    if (err)
        return err;
    if (value < QBID_INSTANT_MIN || value > QBID_INSTANT_MAX)
        return QBID_ERR_LIMIT;
    *ret_unix_s = value;
    return 0;
}

void qbid_instant_format(int64_t unix_s, char out[QBID_INSTANT_TEXT_MAX])
{
    if (unix_s < QBID_INSTANT_MIN || unix_s > QBID_INSTANT_MAX) {
        snprintf(out, QBID_INSTANT_TEXT_MAX, "?");
        return;
    }
    /* the inverse of days_from_date(): same source, civil_from_days */
    unsigned second = (unsigned)(unix_s % DAY_S);
    unsigned z = (unsigned)(unix_s / DAY_S) + 719468;
    unsigned era = z / 146097, day_of_era = z % 146097;
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
    unsigned year = era * 400 + year_of_era + (month <= 2);
    snprintf(out, QBID_INSTANT_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ", year % 10000,
             month % 100, (day_of_year - (153 * shifted + 2) / 5 + 1) % 100, second / 3600 % 100,
             second / 60 % 60, second % 60);
}
