/* SPDX-License-Identifier: Apache-2.0 */
/* Reads TZif files: transitions as they were, and the yearly rule for what is to come. */
#include "control/config/zone.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define HEADER_BYTES 44
#define TYPE_BYTES 6
#define FILE_BYTES_MAX 65536
#define DAY_S 86400
#define OFFSET_MAX (26 * 3600) /* of a type */
#define RULE_TIME_MAX (167 * 3600)

/* A day of the year and a time of it: "M3.5.0/2", "J60", "59". */
struct day_rule {
    char kind; /* 'M', 'J' (1..365, 29 February not counted), '0' (0..365) */
    int month, week, day;
    int32_t time_s; /* local time in force before */
};

struct qbid_zone {
    uint32_t cnt;
    int64_t *at;     /* ascending */
    int32_t *offset; /* from at[i] on */
    int32_t first;   /* before at[0] */
    bool has_rule;
    bool has_summer;
    int32_t standard_s, summer_s;
    struct day_rule begin, end; /* of summer time */
};

/* --- dates */

static bool leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to 1 January of a year. */
static int64_t year_day(int64_t year)
{
    int64_t y = year - 1;
    return 365 * (year - 1970) + (y / 4 - 1969 / 4) - (y / 100 - 1969 / 100) +
           (y / 400 - 1969 / 400);
}

static int64_t rule_day(const struct day_rule *rule, int64_t year)
{
    static const int before[13] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int64_t first = year_day(year);
    if (rule->kind == 'J')
        return first + rule->day - 1 + (leap(year) && rule->day >= 60);
    if (rule->kind == '0')
        return first + rule->day;
    int64_t month = first + before[rule->month - 1] + (leap(year) && rule->month > 2);
    int64_t next = first + before[rule->month] + (leap(year) && rule->month > 1);
    int64_t weekday = (month + 4) % 7; /* 1970-01-01 was a Thursday; 0 = Sunday */
    int64_t day = month + (rule->day - weekday + 7) % 7 + 7 * (rule->week - 1);
    return day < next ? day : day - 7;
}

static int64_t rule_instant(const struct day_rule *rule, int64_t year, int32_t offset_s)
{
    return rule_day(rule, year) * DAY_S + rule->time_s - offset_s;
}

static int32_t rule_offset(const struct qbid_zone *zone, int64_t unix_s)
{
    if (!zone->has_summer)
        return zone->standard_s;
    int64_t local = unix_s + zone->standard_s;
    int64_t days = local >= 0 ? local / DAY_S : -((-local + DAY_S - 1) / DAY_S);
    int64_t year = 1970 + days * 400 / 146097;
    while (year_day(year) > days)
        year--;
    while (year_day(year + 1) <= days)
        year++;
    int64_t begin = rule_instant(&zone->begin, year, zone->standard_s);
    int64_t end = rule_instant(&zone->end, year, zone->summer_s);
    bool summer = begin < end ? unix_s >= begin && unix_s < end : unix_s >= begin || unix_s < end;
    return summer ? zone->summer_s : zone->standard_s;
}

/* --- the footer: "CET-1CEST,M3.5.0,M10.5.0/3", "<+0330>-3:30" */

static bool number_read(const char **at, int most, int *ret)
{
    int value = 0;
    if (!isdigit((unsigned char)**at))
        return false;
    for (; isdigit((unsigned char)**at); (*at)++) {
        value = 10 * value + (**at - '0');
        if (value > most)
            return false;
    }
    *ret = value;
    return true;
}

/* h[:mm[:ss]] with a sign. */
static bool time_read(const char **at, int hours_max, int32_t *ret_s)
{
    int sign = 1, hour, minute = 0, second = 0;
    if (**at == '-' || **at == '+')
        sign = *(*at)++ == '-' ? -1 : 1;
    if (!number_read(at, hours_max, &hour))
        return false;
    if (**at == ':' && ((*at)++, !number_read(at, 59, &minute)))
        return false;
    if (**at == ':' && ((*at)++, !number_read(at, 59, &second)))
        return false;
    *ret_s = sign * (hour * 3600 + minute * 60 + second);
    return true;
}

static bool name_skip(const char **at)
{
    const char *from = *at;
    if (**at == '<') {
        while (**at && **at != '>')
            (*at)++;
        return *(*at)++ == '>';
    }
    while (isalpha((unsigned char)**at))
        (*at)++;
    return *at - from >= 3;
}

static bool day_read(const char **at, struct day_rule *ret)
{
    struct day_rule rule = {.kind = '0', .time_s = 2 * 3600};
    if (**at == 'M') {
        rule.kind = *(*at)++;
        if (!number_read(at, 12, &rule.month) || rule.month < 1 || *(*at)++ != '.' ||
            !number_read(at, 5, &rule.week) || rule.week < 1 || *(*at)++ != '.' ||
            !number_read(at, 6, &rule.day))
            return false;
    } else {
        if (**at == 'J')
            rule.kind = *(*at)++;
        if (!number_read(at, 365, &rule.day) || (rule.kind == 'J' && rule.day < 1))
            return false;
    }
    if (**at == '/' && ((*at)++, !time_read(at, RULE_TIME_MAX / 3600, &rule.time_s)))
        return false;
    *ret = rule;
    return true;
}

static bool footer_read(struct qbid_zone *zone, const char *text)
{
    const char *at = text;
    if (!*text)
        return true; /* nothing is promised beyond the last transition */
    if (!name_skip(&at) || !time_read(&at, 24, &zone->standard_s))
        return false;
    zone->standard_s = -zone->standard_s; /* POSIX counts to the west */
    zone->has_rule = true;
    if (!*at)
        return true;
    if (!name_skip(&at))
        return false;
    zone->summer_s = zone->standard_s + 3600;
    if (*at != ',') {
        if (!time_read(&at, 24, &zone->summer_s))
            return false;
        zone->summer_s = -zone->summer_s;
    }
    zone->has_summer = *at++ == ',' && day_read(&at, &zone->begin) && *at++ == ',' &&
                       day_read(&at, &zone->end) && !*at;
    return zone->has_summer;
}

/* --- the file */

static uint32_t u32_at(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t i64_at(const unsigned char *p)
{
    return (int64_t)((uint64_t)u32_at(p) << 32 | u32_at(p + 4));
}

struct counts {
    uint32_t isut, isstd, leaps, transitions, types, chars;
};

static bool header_read(const unsigned char *p, size_t len, struct counts *ret)
{
    if (len < HEADER_BYTES || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
        return false;
    *ret = (struct counts){u32_at(p + 20), u32_at(p + 24), u32_at(p + 28),
                           u32_at(p + 32), u32_at(p + 36), u32_at(p + 40)};
    return ret->isut <= 256 && ret->isstd <= 256 && ret->leaps <= 4096 &&
           ret->transitions <= 65536 && ret->types >= 1 && ret->types <= 256 && ret->chars <= 4096;
}

static size_t body_bytes(const struct counts *c, size_t time_bytes)
{
    return c->transitions * (time_bytes + 1) + c->types * TYPE_BYTES + c->chars +
           c->leaps * (time_bytes + 4) + c->isstd + c->isut;
}

static bool types_read(struct qbid_zone *zone, const unsigned char *body, const struct counts *c)
{
    const unsigned char *index = body + (size_t)c->transitions * 8, *types = index + c->transitions;
    for (uint32_t i = 0; i < c->types; i++) {
        int32_t offset = (int32_t)u32_at(types + (size_t)i * TYPE_BYTES);
        if (offset < -OFFSET_MAX || offset > OFFSET_MAX)
            return false;
    }
    zone->first = (int32_t)u32_at(types);
    for (uint32_t i = 0; i < c->transitions; i++) {
        zone->at[i] = i64_at(body + (size_t)i * 8);
        if (index[i] >= c->types || (i > 0 && zone->at[i] <= zone->at[i - 1]))
            return false;
        zone->offset[i] = (int32_t)u32_at(types + (size_t)index[i] * TYPE_BYTES);
    }
    zone->cnt = c->transitions;
    return true;
}

static bool zone_fill(struct qbid_zone *zone, const unsigned char *body, size_t len,
                      const struct counts *c)
{
    char footer[128];
    size_t bytes = body_bytes(c, 8);
    if (!types_read(zone, body, c) || len < bytes + 2 || body[bytes] != '\n')
        return false;
    const unsigned char *from = body + bytes + 1;
    const unsigned char *end = memchr(from, '\n', len - bytes - 1);
    if (!end || (size_t)(end - from) >= sizeof footer || memchr(from, '\0', (size_t)(end - from)))
        return false;
    memcpy(footer, from, (size_t)(end - from));
    footer[end - from] = '\0';
    return footer_read(zone, footer);
}

int qbid_zone_read(const unsigned char *bytes, size_t len, struct qbid_zone **ret_zone)
{
    struct counts old, now;
    if (!header_read(bytes, len, &old))
        return QBID_ERR_CORRUPT;
    size_t second = HEADER_BYTES + body_bytes(&old, 4);
    if (second > len || !header_read(bytes + second, len - second, &now) ||
        second + HEADER_BYTES + body_bytes(&now, 8) > len)
        return QBID_ERR_CORRUPT;
    struct qbid_zone *zone = calloc(1, sizeof *zone);
    if (!zone)
        return QBID_ERR_NOMEM;
    zone->at = calloc(now.transitions + 1, sizeof *zone->at);
    zone->offset = calloc(now.transitions + 1, sizeof *zone->offset);
    int err = zone->at && zone->offset ? 0 : QBID_ERR_NOMEM;
    const unsigned char *body = bytes + second + HEADER_BYTES;
    if (!err && !zone_fill(zone, body, len - second - HEADER_BYTES, &now))
        err = QBID_ERR_CORRUPT;
    if (err) {
        qbid_zone_free(zone);
        return err;
    }
    *ret_zone = zone;
    return 0;
}

void qbid_zone_free(struct qbid_zone *zone)
{
    if (!zone)
        return;
    free(zone->at);
    free(zone->offset);
    free(zone);
}

/* Letters, digits, "_+-", parts divided by "/": nothing that leaves the folder. */
static bool name_good(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len >= QBID_ZONE_NAME_MAX || name[0] == '/' || name[len - 1] == '/' ||
        strstr(name, "//"))
        return false;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("_+-/", *p))
            return false;
    return true;
}

int qbid_zone_new(const char *name, struct qbid_zone **ret_zone)
{
    char path[sizeof QBID_ZONE_FOLDER + 1 + QBID_ZONE_NAME_MAX];
    if (strcmp(name, "UTC") == 0) { /* needs no database */
        *ret_zone = calloc(1, sizeof **ret_zone);
        return *ret_zone ? 0 : QBID_ERR_NOMEM;
    }
    if (!name_good(name))
        return QBID_ERR_NOENT;
    snprintf(path, sizeof path, "%s/%s", QBID_ZONE_FOLDER, name);
    FILE *f = fopen(path, "rb");
    unsigned char *bytes = f ? malloc(FILE_BYTES_MAX) : NULL;
    size_t len = bytes ? fread(bytes, 1, FILE_BYTES_MAX, f) : 0;
    int err = !f ? QBID_ERR_NOENT : !bytes ? QBID_ERR_NOMEM : 0;
    if (!err) /* a folder opens, too, but cannot be read */
        err = len == 0 ? QBID_ERR_NOENT : qbid_zone_read(bytes, len, ret_zone);
    if (f)
        fclose(f);
    free(bytes);
    return err;
}

int32_t qbid_zone_offset_s(const struct qbid_zone *zone, int64_t unix_s)
{
    if (!zone)
        return 0;
    if (zone->cnt == 0 || unix_s < zone->at[0])
        return zone->cnt == 0 && zone->has_rule ? rule_offset(zone, unix_s) : zone->first;
    if (unix_s >= zone->at[zone->cnt - 1] && zone->has_rule)
        return rule_offset(zone, unix_s);
    uint32_t low = 0, high = zone->cnt; /* at[low] <= unix_s < at[high] */
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (zone->at[mid] <= unix_s)
            low = mid;
        else
            high = mid;
    }
    return zone->offset[low];
}
