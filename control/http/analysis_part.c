/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a line item's contexts the request asks for: platform, device_type, placement and
 * hour_of_day against the values that contexts hold. What they do not tell apart is said. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "control/http/analysis_parts.h"
#include "control/snapshot/series.h"

#define VALUES_MAX (1 << QBID_DIM_BITS_HOUR) /* of the dimensions that are asked about */

/* What a word stands for: values of a dimension, up to their first "/". */
struct word {
    const char *text;
    const char *values[3];
};

/* Source: OpenRTB 2.6 through AdCOM 1.0, "Device Types" and "Placement Positions". */
static const struct word devices[] = {
    {"mobile", {"1", "4"}}, {"phone", {"4"}},    {"tablet", {"5"}},         {"desktop", {"2"}},
    {"tv", {"3", "7"}},     {"ctv", {"3", "7"}}, {"connected", {"6", "7"}}, {NULL, {NULL}}};
static const struct word places[] = {
    {"above_fold", {"1"}}, {"below_fold", {"3"}}, {"header", {"4"}}, {"footer", {"5"}},
    {"sidebar", {"6"}},    {"fullscreen", {"7"}}, {NULL, {NULL}}};

struct filter {
    bool on[QBID_DIM_CNT];
    bool takes[QBID_DIM_CNT][VALUES_MAX]; /* by index */
};

struct asking {
    const struct qbid_analysis_input *input;
    struct qbid_analysis_part *part;
    struct filter filter;
};

static void note(struct asking *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct asking *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(a->part->note[a->part->note_cnt++], QBID_ANALYSIS_NOTE_MAX, format, args);
    va_end(args);
}

static bool is_among(const struct word *word, const char *value)
{
    size_t len = strcspn(value, "/");
    for (int i = 0; i < 3 && word->values[i]; i++)
        if (strlen(word->values[i]) == len && memcmp(word->values[i], value, len) == 0)
            return true;
    return false;
}

static const struct word *word_find(const struct word *words, const char *text)
{
    for (; words && words->text; words++)
        if (strcasecmp(words->text, text) == 0)
            return words;
    return NULL;
}

static void words_add(struct asking *a, const char *name, const char *text)
{
    size_t at = strlen(a->part->words);
    snprintf(a->part->words + at, sizeof a->part->words - at, "%s%s %.24s", at ? ", " : "", name,
             text);
}

/* Values by their text, or by a word that stands for some. */
static void text_ask(struct asking *a, unsigned dim, const char *name, const char *text,
                     const struct word *words)
{
    const struct qbid_dictionary *dictionary = a->input->dictionary;
    const struct word *word = word_find(words, text);
    uint32_t cnt = qbid_dictionary_dim_cnt(dictionary, dim);
    bool any = false;
    if (!*text)
        return;
    if (!(qbid_snapshot_mask(a->input->snapshot) & qbid_dim_mask(dim))) {
        note(a, "%s '%.40s' is not used: contexts do not tell %s apart (levels)", name, text,
             qbid_dim_name(dim));
        return;
    }
    for (uint32_t v = 1; v <= cnt && v < VALUES_MAX; v++) {
        const char *value = qbid_dictionary_text(dictionary, dim, v);
        a->filter.takes[dim][v] = strcasecmp(value, text) == 0 || (word && is_among(word, value));
        any |= a->filter.takes[dim][v];
    }
    a->filter.on[dim] = any;
    if (any)
        words_add(a, name, text);
    else
        note(a, "%s '%.40s' is not used: qbid has seen no %s of that name", name, text,
             qbid_dim_name(dim));
}

static void hour_ask(struct asking *a, int hour)
{
    const struct qbid_dictionary *dictionary = a->input->dictionary;
    uint32_t cnt = qbid_dictionary_dim_cnt(dictionary, QBID_DIM_HOUR);
    char text[16];
    if (hour < 0)
        return;
    snprintf(text, sizeof text, "%d", hour);
    if (!(qbid_snapshot_mask(a->input->snapshot) & qbid_dim_mask(QBID_DIM_HOUR))) {
        note(a, "hour_of_day %s is not used: contexts do not tell hour apart (levels)", text);
        return;
    }
    for (uint32_t v = 1; v <= cnt && v < VALUES_MAX; v++) {
        char *end;
        const char *value = qbid_dictionary_text(dictionary, QBID_DIM_HOUR, v);
        unsigned long of_week = strtoul(value, &end, 10);
        a->filter.takes[QBID_DIM_HOUR][v] =
            end != value && !*end && of_week % 24 == (unsigned long)hour;
    }
    a->filter.on[QBID_DIM_HOUR] = true;
    words_add(a, "hour_of_day", text);
}

static int context_add(void *context, struct qbid_series_key key, const struct qbid_stats *all)
{
    struct asking *a = context;
    if (key.id != a->input->line_item->id)
        return 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        if (a->filter.on[dim] && !a->filter.takes[dim][qbid_dim_unpack(key.context, dim)])
            return 0;
    struct qbid_stats day =
        qbid_snapshot_query(a->input->snapshot, key, QBID_WINDOW_24H, a->input->now_ns);
    qbid_stats_add(&a->part->all, all);
    qbid_stats_add(&a->part->day, &day);
    return 0;
}

void qbid_analysis_part(const struct qbid_analysis_input *input,
                        struct qbid_analysis_part *ret_part)
{
    const struct qbid_analyze_request *r = input->request;
    struct asking a = {.input = input, .part = ret_part};
    *ret_part = (struct qbid_analysis_part){.asked = false};
    if (!input->dictionary)
        return;
    text_ask(&a, QBID_DIM_EXCHANGE, "platform", r->platform, NULL);
    text_ask(&a, QBID_DIM_DEVICE, "device_type", r->bid_context.device_type, devices);
    text_ask(&a, QBID_DIM_POSITION, "placement", r->bid_context.placement, places);
    hour_ask(&a, r->bid_context.hour_of_day);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        ret_part->asked |= a.filter.on[dim];
    if (ret_part->asked && input->line_item)
        qbid_snapshot_scan(input->snapshot, QBID_SERIES_CONTEXT, context_add, &a);
}
