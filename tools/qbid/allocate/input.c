/* SPDX-License-Identifier: Apache-2.0 */
/* From rows to campaigns, with the place of whatever is wrong. */
#include "tools/qbid/allocate/input.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/written/money.h"
#include "shm/error.h"
#include "shm/hash.h"

enum column {
    CAMPAIGN,
    PLATFORM,
    MIN,
    MAX,
    CURRENT,
    SPEND,
    VALUE,
    REACH,
    CURVE,
    SCALE,
    SHAPE,
    HALF,
    SCALE_SD,
    DATE, /* rows are taken in their order */
    COLUMNS
};

static const char *const column_name[COLUMNS] = {
    "campaign", "platform", "min",   "max",   "current", "spend",    "value",
    "reach",    "curve",    "scale", "shape", "half",    "scale_sd", "date"};
static const char *const kind_name[QBID_CURVE_KIND_CNT] = {"power", "hill", "log"};

struct reading {
    struct qbid_whatif *whatif;
    const char *objective;
    uint32_t at[COLUMNS]; /* field of a column, QBID_WHATIF_NONE = not there */
    uint32_t field_cnt;
    uint32_t *slot; /* campaign by hash of its name, open addressing */
    uint32_t slot_max;
    const struct qbid_csv_row *row;
    char *why;
};

static const char *name_of(const struct reading *r, enum column c)
{
    return c == VALUE ? r->objective : column_name[c];
}

__attribute__((format(printf, 3, 4))) static int wrong(struct reading *r, enum column c,
                                                       const char *format, ...)
{
    const struct qbid_csv_field *f = &r->row->field[r->at[c]];
    va_list args;
    int n = snprintf(r->why, QBID_CSV_WHY_MAX, "line %u, column %u (%.40s): ", f->line, f->column,
                     name_of(r, c));
    va_start(args, format);
    if (n > 0 && n < QBID_CSV_WHY_MAX)
        vsnprintf(r->why + n, QBID_CSV_WHY_MAX - (size_t)n, format, args);
    va_end(args);
    return QBID_ERR_PARSE;
}

/* The text of a cell; "" where there is none. Spaces around it do not count. */
static const char *cell(const struct reading *r, enum column c)
{
    if (r->at[c] == QBID_WHATIF_NONE)
        return "";
    char *text = r->row->field[r->at[c]].text;
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = 0;
    return text;
}

static int header_read(struct reading *r)
{
    struct qbid_whatif *w = r->whatif;
    for (int c = 0; c < COLUMNS; c++)
        r->at[c] = QBID_WHATIF_NONE;
    r->field_cnt = r->row->cnt;
    for (uint32_t i = 0; i < r->row->cnt; i++) {
        const struct qbid_csv_field *f = &r->row->field[i];
        int c = 0;
        while (c < COLUMNS && strcasecmp(f->text, name_of(r, (enum column)c)) != 0)
            c++;
        if (c == COLUMNS) {
            size_t used = strlen(w->unused);
            snprintf(w->unused + used, sizeof w->unused - used, "%s%.40s", used ? ", " : "",
                     f->text);
            continue;
        }
        bool twice = r->at[c] != QBID_WHATIF_NONE;
        r->at[c] = i;
        if (twice)
            return wrong(r, (enum column)c, "the column is there twice");
    }
    if (r->at[CAMPAIGN] == QBID_WHATIF_NONE) {
        snprintf(r->why, QBID_CSV_WHY_MAX, "line %u: the header has no column 'campaign'",
                 r->row->line);
        return QBID_ERR_PARSE;
    }
    if (r->at[SCALE] == QBID_WHATIF_NONE &&
        (r->at[SPEND] == QBID_WHATIF_NONE || r->at[VALUE] == QBID_WHATIF_NONE)) {
        snprintf(
            r->why, QBID_CSV_WHY_MAX,
            "line %u: the header needs the columns 'spend' and '%.40s' (a history), or 'scale' "
            "(curves)",
            r->row->line, r->objective);
        return QBID_ERR_PARSE;
    }
    w->has_reach = r->at[REACH] != QBID_WHATIF_NONE;
    return 0;
}

/* --- cells */

int qbid_whatif_amount(const char *text, int64_t *ret_micros)
{
    int64_t nanos;
    int err = qbid_money_parse(text, strlen(text), &nanos);
    if (!err && (nanos < 0 || nanos % 1000 != 0))
        err = QBID_ERR_PARSE;
    if (!err)
        *ret_micros = nanos / 1000;
    return err;
}

/* An amount that may be left out; where it stands again it must be the same. */
static int amount_read(struct reading *r, enum column c, int64_t *to)
{
    const char *text = cell(r, c);
    int64_t micros;
    if (!*text)
        return 0;
    int err = qbid_whatif_amount(text, &micros);
    if (err == QBID_ERR_LIMIT)
        return wrong(r, c, "'%.60s' is more than 10^9", text);
    if (err)
        return wrong(r, c, "'%.60s' is no amount: digits, and at most 6 after a point", text);
    if (*to != QBID_WHATIF_UNSET && *to != micros)
        return wrong(r, c, "'%.60s' is not what an earlier row of the campaign says", text);
    *to = micros;
    return 0;
}

static int number_read(struct reading *r, enum column c, double *to)
{
    const char *text = cell(r, c);
    char *end;
    double x = strtod(text, &end);
    bool plain = !text[strspn(text, "0123456789.eE+-")];
    if (!*text)
        return wrong(r, c, "is empty");
    if (!plain || *end || !isfinite(x))
        return wrong(r, c, "'%.60s' is no number", text);
    if (x < 0)
        return wrong(r, c, "'%.60s' is below 0", text);
    *to = x;
    return 0;
}

static int history_grow(struct qbid_whatif_history *h)
{
    if (h->cnt < h->max)
        return 0;
    uint32_t max = h->max ? 2 * h->max : 16;
    double **all[] = {&h->spend, &h->value, &h->reach};
    for (int i = 0; i < 3; i++) {
        double *more = realloc(*all[i], max * sizeof *more);
        if (!more)
            return QBID_ERR_NOMEM;
        *all[i] = more;
    }
    h->max = max;
    return 0;
}

static int history_read(struct reading *r, struct qbid_whatif_campaign *c)
{
    struct qbid_whatif_history *h = &c->history;
    int err = history_grow(h);
    if (!err)
        err = number_read(r, SPEND, &h->spend[h->cnt]);
    if (!err && r->at[VALUE] == QBID_WHATIF_NONE)
        err = wrong(r, SPEND, "there is no column '%.40s' beside it", r->objective);
    if (!err)
        err = number_read(r, VALUE, &h->value[h->cnt]);
    if (!err && r->whatif->has_reach)
        err = number_read(r, REACH, &h->reach[h->cnt]);
    if (!err && c->given)
        err = wrong(r, SPEND, "the campaign has a curve already (line %u)", c->line);
    h->cnt += !err;
    return err;
}

static int curve_read(struct reading *r, struct qbid_whatif_campaign *c)
{
    const char *kind = cell(r, CURVE);
    struct qbid_curve curve = {QBID_CURVE_POWER, 0, 1, 0};
    int k = 0, err = 0;
    while (*kind && k < QBID_CURVE_KIND_CNT && strcasecmp(kind, kind_name[k]) != 0)
        k++;
    if (k == QBID_CURVE_KIND_CNT)
        return wrong(r, CURVE, "'%.40s' is not power, hill or log", kind);
    if (c->given || c->history.cnt)
        return wrong(r, SCALE, "the campaign has a %s already", c->given ? "curve" : "history");
    curve.kind = (enum qbid_curve_kind)k;
    err = number_read(r, SCALE, &curve.scale);
    if (!err && k != QBID_CURVE_LOG && r->at[SHAPE] == QBID_WHATIF_NONE)
        err = wrong(r, SCALE, "a %s curve needs a column 'shape'", kind_name[k]);
    if (!err && k != QBID_CURVE_LOG)
        err = number_read(r, SHAPE, &curve.shape);
    if (!err && *cell(r, HALF))
        err = number_read(r, HALF, &curve.half);
    if (!err && *cell(r, SCALE_SD))
        err = number_read(r, SCALE_SD, &c->scale_sd);
    if (!err && c->scale_sd > 3)
        err = wrong(r, SCALE_SD, "more than 3 says nothing");
    const char *bad = err ? NULL : qbid_curve_fault(&curve);
    if (bad)
        err = wrong(r, SCALE, "the curve %s", bad);
    c->curve = curve;
    c->given = true;
    return err;
}

/* --- names */

uint32_t qbid_whatif_platform_find(const struct qbid_whatif *whatif, const char *name)
{
    for (uint32_t p = 0; p < whatif->platform_cnt; p++)
        if (strcmp(whatif->platform[p].name, name) == 0)
            return p;
    return QBID_WHATIF_NONE;
}

static int platform_read(struct reading *r, struct qbid_whatif_campaign *c)
{
    struct qbid_whatif *w = r->whatif;
    const char *name = cell(r, PLATFORM);
    if (!*name)
        return 0;
    uint32_t p = qbid_whatif_platform_find(w, name);
    if (c->platform != QBID_WHATIF_NONE && c->platform != p)
        return wrong(r, PLATFORM, "the campaign is on '%.60s' in an earlier row",
                     w->platform[c->platform].name);
    if (p == QBID_WHATIF_NONE) {
        if (w->platform_cnt == QBID_WHATIF_PLATFORMS_MAX)
            return wrong(r, PLATFORM, "more than %d platforms", QBID_WHATIF_PLATFORMS_MAX);
        p = w->platform_cnt++;
        w->platform[p] = (struct qbid_whatif_platform){name, QBID_WHATIF_UNSET, QBID_WHATIF_UNSET};
    }
    c->platform = p;
    return 0;
}

static int slots_grow(struct reading *r)
{
    struct qbid_whatif *w = r->whatif;
    if (2 * (w->campaign_cnt + 1) <= r->slot_max)
        return 0;
    uint32_t max = r->slot_max ? 2 * r->slot_max : 64;
    uint32_t *slot = malloc(max * sizeof *slot);
    if (!slot)
        return QBID_ERR_NOMEM;
    memset(slot, 0xff, max * sizeof *slot);
    for (uint32_t i = 0; i < w->campaign_cnt; i++) {
        const char *name = w->campaign[i].name;
        uint32_t s = (uint32_t)qbid_hash_name(name, strlen(name)) & (max - 1);
        while (slot[s] != QBID_WHATIF_NONE)
            s = (s + 1) & (max - 1);
        slot[s] = i;
    }
    free(r->slot);
    r->slot = slot;
    r->slot_max = max;
    return 0;
}

/* The row's campaign, made when it is new. */
static int campaign_find(struct reading *r, struct qbid_whatif_campaign **ret_campaign)
{
    struct qbid_whatif *w = r->whatif;
    const char *name = cell(r, CAMPAIGN);
    if (!*name)
        return wrong(r, CAMPAIGN, "is empty");
    int err = slots_grow(r);
    if (err)
        return err;
    uint32_t s = (uint32_t)qbid_hash_name(name, strlen(name)) & (r->slot_max - 1);
    for (; r->slot[s] != QBID_WHATIF_NONE; s = (s + 1) & (r->slot_max - 1)) {
        *ret_campaign = &w->campaign[r->slot[s]];
        if (strcmp((*ret_campaign)->name, name) == 0)
            return 0;
    }
    if (w->campaign_cnt == QBID_WHATIF_CAMPAIGNS_MAX)
        return wrong(r, CAMPAIGN, "more than %d campaigns", QBID_WHATIF_CAMPAIGNS_MAX);
    if (w->campaign_cnt == w->campaign_max) {
        uint32_t max = w->campaign_max ? 2 * w->campaign_max : 64;
        struct qbid_whatif_campaign *more = realloc(w->campaign, max * sizeof *more);
        if (!more)
            return QBID_ERR_NOMEM;
        w->campaign = more;
        w->campaign_max = max;
    }
    r->slot[s] = w->campaign_cnt;
    *ret_campaign = &w->campaign[w->campaign_cnt++];
    **ret_campaign = (struct qbid_whatif_campaign){.name = name,
                                                   .platform = QBID_WHATIF_NONE,
                                                   .min_micros = QBID_WHATIF_UNSET,
                                                   .max_micros = QBID_WHATIF_UNSET,
                                                   .current_micros = QBID_WHATIF_UNSET,
                                                   .line = r->row->line};
    return 0;
}

static int row_read(struct reading *r)
{
    struct qbid_whatif_campaign *c = NULL;
    if (r->row->cnt != r->field_cnt) {
        snprintf(r->why, QBID_CSV_WHY_MAX, "line %u: %u fields, the header has %u", r->row->line,
                 r->row->cnt, r->field_cnt);
        return QBID_ERR_PARSE;
    }
    int err = campaign_find(r, &c);
    err = err ? err : platform_read(r, c);
    err = err ? err : amount_read(r, MIN, &c->min_micros);
    err = err ? err : amount_read(r, MAX, &c->max_micros);
    err = err ? err : amount_read(r, CURRENT, &c->current_micros);
    if (!err && c->min_micros != QBID_WHATIF_UNSET && c->max_micros != QBID_WHATIF_UNSET &&
        c->min_micros > c->max_micros)
        err = wrong(r, *cell(r, MAX) ? MAX : MIN, "min is above max");
    if (!err && *cell(r, SCALE))
        err = curve_read(r, c);
    if (!err && *cell(r, SPEND))
        err = history_read(r, c);
    return err;
}

static int campaigns_check(const struct qbid_whatif *w, char *why)
{
    if (w->campaign_cnt == 0) {
        snprintf(why, QBID_CSV_WHY_MAX, "there is no campaign in it");
        return QBID_ERR_PARSE;
    }
    for (uint32_t i = 0; i < w->campaign_cnt; i++) {
        const struct qbid_whatif_campaign *c = &w->campaign[i];
        if (c->given || c->history.cnt)
            continue;
        snprintf(why, QBID_CSV_WHY_MAX,
                 "line %u: campaign '%.60s' has neither a history nor a curve", c->line, c->name);
        return QBID_ERR_PARSE;
    }
    return 0;
}

int qbid_whatif_read(const char *path, const char *objective, struct qbid_whatif *ret_whatif,
                     char why[QBID_CSV_WHY_MAX])
{
    struct qbid_csv_row *row = malloc(sizeof *row);
    struct reading r = {.whatif = ret_whatif, .objective = objective, .row = row, .why = why};
    bool header = true;
    int got = row ? 1 : QBID_ERR_NOMEM;
    *ret_whatif = (struct qbid_whatif){0};
    if (row && (got = qbid_csv_open(path, &ret_whatif->csv)) == 0)
        got = qbid_csv_next(&ret_whatif->csv, row, why);
    while (got == 1) {
        int err = header ? header_read(&r) : row_read(&r);
        header = false;
        got = err ? err : qbid_csv_next(&ret_whatif->csv, row, why);
    }
    if (got == 0)
        got = campaigns_check(ret_whatif, why);
    free(r.slot);
    free(row);
    return got;
}

void qbid_whatif_done(struct qbid_whatif *whatif)
{
    for (uint32_t i = 0; i < whatif->campaign_cnt; i++) {
        free(whatif->campaign[i].history.spend);
        free(whatif->campaign[i].history.value);
        free(whatif->campaign[i].history.reach);
    }
    free(whatif->campaign);
    qbid_csv_done(&whatif->csv);
}
