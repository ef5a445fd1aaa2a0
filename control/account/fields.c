/* SPDX-License-Identifier: Apache-2.0 */
/* The table of fields, and values as text. */
#include "control/account/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/written/instant.h"
#include "control/account/written/money.h"
#include "control/account/written/override.h"
#include "control/account/written/triggers.h"
#include "control/account/written/velocity.h"
#include "control/account/written/week.h"

#define TEXT_MAX 64 /* of a value that is not a string */

const struct qbid_word qbid_words_goal[] = {
    {"max_clicks", QBID_GOAL_MAX_CLICKS}, {"max_conversions", QBID_GOAL_MAX_CONVERSIONS},
    {"max_value", QBID_GOAL_MAX_VALUE},   {"target_cpc", QBID_GOAL_TARGET_CPC},
    {"target_cpa", QBID_GOAL_TARGET_CPA}, {"target_roas", QBID_GOAL_TARGET_ROAS},
    {"fixed_cpm", QBID_GOAL_FIXED_CPM},   {"max_profit", QBID_GOAL_MAX_PROFIT},
    {"max_roas", QBID_GOAL_MAX_ROAS},     {NULL, 0}};
const struct qbid_word qbid_words_pacing[] = {{"even", QBID_PACING_EVEN},
                                              {"asap", QBID_PACING_ASAP},
                                              {"ahead", QBID_PACING_AHEAD},
                                              {NULL, 0}};
const struct qbid_word qbid_words_period[] = {
    {"total", QBID_BUDGET_TOTAL}, {"daily", QBID_BUDGET_DAILY}, {NULL, 0}};
const struct qbid_word qbid_words_format[] = {{"banner", QBID_FORMAT_BANNER},
                                              {"video", QBID_FORMAT_VIDEO},
                                              {"audio", QBID_FORMAT_AUDIO},
                                              {"native", QBID_FORMAT_NATIVE},
                                              {NULL, 0}};

#define FIELD(kind, name_, member, type_, ...)                                                     \
    {                                                                                              \
        .name = (name_), .off = offsetof(struct qbid_##kind##_def, member), .type = type_,         \
        __VA_ARGS__                                                                                \
    }

#define CAP_FIELD(name, cap)                                                                       \
    FIELD(campaign, name, cap_micros[cap], QBID_FIELD_MICROS, .least = 0,                          \
          .most = QBID_PRICE_MICROS_MAX, .preset = "0")

/* goal stands before target: a file's goal may carry the target */
static const struct qbid_field campaign_fields[] = {
    FIELD(campaign, "name", name, QBID_FIELD_TEXT, .most = 200, .preset = ""),
    FIELD(campaign, "budget", budget_nanos, QBID_FIELD_NANOS, .least = 1,
          .most = QBID_MONEY_NANOS_MAX),
    FIELD(campaign, "period", period, QBID_FIELD_WORD, .words = qbid_words_period,
          .preset = "total"),
    FIELD(campaign, "start", start_unix_s, QBID_FIELD_TIME, .preset = "now"),
    FIELD(campaign, "end", end_unix_s, QBID_FIELD_TIME, .preset = NULL),
    FIELD(campaign, "goal", goal, QBID_FIELD_WORD, .words = qbid_words_goal),
    FIELD(campaign, "target", target_micros, QBID_FIELD_MICROS, .least = 0,
          .most = QBID_PRICE_MICROS_MAX, .preset = "0"),
    CAP_FIELD("cap_cpc", QBID_CAP_CPC),
    CAP_FIELD("cap_cpa", QBID_CAP_CPA),
    CAP_FIELD("min_roas", QBID_CAP_ROAS),
    FIELD(campaign, "spend_floor", spend_floor_nanos, QBID_FIELD_NANOS, .least = 0,
          .most = QBID_MONEY_NANOS_MAX, .preset = "0"),
    FIELD(campaign, "max_change", max_change, QBID_FIELD_REAL, .least_real = 0, .most_real = 4,
          .preset = "0"),
    FIELD(campaign, "hours", hours, QBID_FIELD_TEXT, .most = QBID_WEEK_TEXT_MAX - 1, .preset = ""),
    FIELD(campaign, "time_zone", time_zone, QBID_FIELD_TEXT, .most = QBID_ZONE_NAME_MAX - 1,
          .preset = ""),
    FIELD(campaign, "override", override, QBID_FIELD_TEXT, .most = QBID_OVERRIDE_TEXT_MAX - 1,
          .preset = ""),
    FIELD(campaign, "velocity", velocity, QBID_FIELD_TEXT, .most = QBID_VELOCITY_TEXT_MAX - 1,
          .preset = ""),
    FIELD(campaign, "triggers", triggers, QBID_FIELD_TEXT, .most = QBID_TRIGGERS_TEXT_MAX - 1,
          .preset = ""),
    FIELD(campaign, "pacing", pacing, QBID_FIELD_WORD, .words = qbid_words_pacing,
          .preset = "even"),
    FIELD(campaign, "active", active, QBID_FIELD_BOOL, .preset = "true"),
    {.name = NULL}};

#define TARGET_FIELD(upper, lower, bits)                                                           \
    FIELD(line_item, #lower, target[QBID_DIM_##upper], QBID_FIELD_TARGET, .preset = ""),
static const struct qbid_field line_item_fields[] = {
    FIELD(line_item, "name", name, QBID_FIELD_TEXT, .most = 200, .preset = ""),
    FIELD(line_item, "floor", floor_micros, QBID_FIELD_MICROS, .least = 0,
          .most = QBID_PRICE_MICROS_MAX, .preset = "0"),
    FIELD(line_item, "ceiling", ceiling_micros, QBID_FIELD_MICROS, .least = 1,
          .most = QBID_PRICE_MICROS_MAX),
    FIELD(line_item, "budget", budget_nanos, QBID_FIELD_NANOS, .least = 0,
          .most = QBID_MONEY_NANOS_MAX, .preset = "0"),
    FIELD(line_item, "daily_budget", daily_nanos, QBID_FIELD_NANOS, .least = 0,
          .most = QBID_MONEY_NANOS_MAX, .preset = "0"),
    FIELD(line_item, "order_value", order_value_micros, QBID_FIELD_MICROS, .least = 0,
          .most = QBID_PRICE_MICROS_MAX, .preset = "0"),
    FIELD(line_item, "deal", deal, QBID_FIELD_TEXT, .most = 128, .preset = ""),
    FIELD(line_item, "adomain", adomain, QBID_FIELD_TEXT, .least = 1, .most = 253),
    FIELD(line_item, "categories", categories, QBID_FIELD_TEXT, .most = 400, .preset = ""),
    FIELD(line_item, "cattax", cattax, QBID_FIELD_U16, .least = 1, .most = 254, .preset = "1"),
    FIELD(line_item, "frequency", frequency, QBID_FIELD_TEXT, .most = 400, .preset = ""),
    FIELD(line_item, "override", override, QBID_FIELD_TEXT, .most = QBID_OVERRIDE_TEXT_MAX - 1,
          .preset = ""),
    FIELD(line_item, "prior_ctr", prior_ctr, QBID_FIELD_REAL, .least_real = 1e-9,
          .most_real = 0.999999, .preset = "0.001"),
    FIELD(line_item, "prior_cvr", prior_cvr, QBID_FIELD_REAL, .least_real = 1e-9,
          .most_real = 0.999999, .preset = "0.01"),
    FIELD(line_item, "active", active, QBID_FIELD_BOOL, .preset = "true"),
    QBID_DIM_LIST(TARGET_FIELD){.name = NULL}};

#define TRAIT_FIELD(upper, lower, text)                                                            \
    FIELD(creative, #lower, trait[QBID_TRAIT_##upper], QBID_FIELD_TEXT, .most = 400, .preset = ""),
static const struct qbid_field creative_fields[] = {
    FIELD(creative, "name", name, QBID_FIELD_TEXT, .most = 200, .preset = ""),
    FIELD(creative, "format", format, QBID_FIELD_WORD, .words = qbid_words_format,
          .preset = "banner"),
    FIELD(creative, "width", width, QBID_FIELD_U16, .least = 0, .most = 32767, .preset = "0"),
    FIELD(creative, "height", height, QBID_FIELD_U16, .least = 0, .most = 32767, .preset = "0"),
    FIELD(creative, "secure", secure, QBID_FIELD_BOOL, .preset = "true"),
    FIELD(creative, "markup", markup, QBID_FIELD_TEXT, .least = 1, .most = 65536),
    FIELD(creative, "landing", landing, QBID_FIELD_TEXT, .least = 1, .most = 2048),
    FIELD(creative, "crid", crid, QBID_FIELD_TEXT, .most = 64, .preset = ""),
    QBID_TRAIT_LIST(TRAIT_FIELD)
        FIELD(creative, "active", active, QBID_FIELD_BOOL, .preset = "true"),
    {.name = NULL}};

const struct qbid_field *qbid_fields(enum qbid_item_kind kind)
{
    return kind == QBID_ITEM_CAMPAIGN    ? campaign_fields
           : kind == QBID_ITEM_LINE_ITEM ? line_item_fields
                                         : creative_fields;
}

const struct qbid_field *qbid_fields_find(enum qbid_item_kind kind, const char *name)
{
    for (const struct qbid_field *field = qbid_fields(kind); field->name; field++)
        if (strcmp(field->name, name) == 0)
            return field;
    return NULL;
}

const char *qbid_item_kind_name(enum qbid_item_kind kind)
{
    static const char *const names[QBID_ITEM_CNT] = {"campaign", "line_item", "creative"};
    return kind < QBID_ITEM_CNT ? names[kind] : "?";
}

int qbid_words_value(const struct qbid_word *words, const char *text)
{
    for (; words->text; words++)
        if (strcmp(words->text, text) == 0)
            return words->value;
    return -1;
}

const char *qbid_words_text(const struct qbid_word *words, int value)
{
    for (; words->text; words++)
        if (words->value == value)
            return words->text;
    return "?";
}

static const void *at(const struct qbid_field *field, const void *item)
{
    return (const char *)item + field->off;
}

/* Enums are unsigned int for this compiler; all words are small and positive. */
static int word_value(const void *p)
{
    int value;
    _Static_assert(sizeof value == sizeof(enum qbid_goal), "an enum is an int wide");
    memcpy(&value, p, sizeof value);
    return value;
}

static char *target_text(const struct qbid_target_def *target)
{
    size_t bytes = 1;
    for (uint32_t i = 0; i < target->cnt; i++)
        bytes += strlen(target->value[i]) + 1;
    char *text = calloc(1, bytes), *end = text;
    for (uint32_t i = 0; text && i < target->cnt; i++) {
        if (i)
            *end++ = ',';
        end = stpcpy(end, target->value[i]);
    }
    return text;
}

/* Shortest decimal that reads back as the same double. */
static void real_text(double value, char out[TEXT_MAX])
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, TEXT_MAX, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            return;
    }
}

/* Money and times, which are stored as whole numbers; false for what is no such thing. */
static bool whole_text(enum qbid_field_type type, int64_t value, char out[TEXT_MAX])
{
    if (type == QBID_FIELD_NANOS)
        qbid_money_format(value, out);
    else if (type == QBID_FIELD_MICROS)
        qbid_money_format_micros(value, out);
    else if (type == QBID_FIELD_TIME)
        qbid_instant_format(value, out);
    else
        return false;
    return true;
}

char *qbid_field_text(const struct qbid_field *field, const void *item)
{
    const void *p = at(field, item);
    char text[TEXT_MAX] = "";
    switch (field->type) {
    case QBID_FIELD_U32:
        snprintf(text, sizeof text, "%u", *(const uint32_t *)p);
        break;
    case QBID_FIELD_U16:
        snprintf(text, sizeof text, "%u", *(const uint16_t *)p);
        break;
    case QBID_FIELD_TEXT:
        return strdup(*(char *const *)p ? *(char *const *)p : "");
    case QBID_FIELD_NANOS:
    case QBID_FIELD_MICROS:
    case QBID_FIELD_TIME:
        whole_text(field->type, *(const int64_t *)p, text);
        break;
    case QBID_FIELD_WORD:
        return strdup(qbid_words_text(field->words, word_value(p)));
    case QBID_FIELD_BOOL:
        return strdup(*(const bool *)p ? "true" : "false");
    case QBID_FIELD_REAL:
        real_text(*(const double *)p, text);
        break;
    case QBID_FIELD_TARGET:
        return target_text(p);
    }
    return strdup(text);
}

char *qbid_field_stored_text(const struct qbid_field *field, const char *stored)
{
    char text[TEXT_MAX], *end;
    int64_t number = strtoll(stored, &end, 10);
    if (end == stored || *end)
        return strdup(stored);
    if (field->type == QBID_FIELD_BOOL)
        return strdup(number ? "true" : "false");
    return strdup(whole_text(field->type, number, text) ? text : stored);
}

static bool text_equal(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool target_equal(const struct qbid_target_def *a, const struct qbid_target_def *b)
{
    if (a->cnt != b->cnt)
        return false;
    for (uint32_t i = 0; i < a->cnt; i++)
        if (strcmp(a->value[i], b->value[i]) != 0)
            return false;
    return true;
}

bool qbid_field_equal(const struct qbid_field *field, const void *a, const void *b)
{
    const void *p = at(field, a), *q = at(field, b);
    switch (field->type) {
    case QBID_FIELD_U32:
        return *(const uint32_t *)p == *(const uint32_t *)q;
    case QBID_FIELD_U16:
        return *(const uint16_t *)p == *(const uint16_t *)q;
    case QBID_FIELD_TEXT:
        return text_equal(*(char *const *)p, *(char *const *)q);
    case QBID_FIELD_NANOS:
    case QBID_FIELD_MICROS:
    case QBID_FIELD_TIME:
        return *(const int64_t *)p == *(const int64_t *)q;
    case QBID_FIELD_WORD:
        return word_value(p) == word_value(q);
    case QBID_FIELD_BOOL:
        return *(const bool *)p == *(const bool *)q;
    case QBID_FIELD_REAL:
        return *(const double *)p == *(const double *)q;
    case QBID_FIELD_TARGET:
        return target_equal(p, q);
    }
    return false;
}
