/* SPDX-License-Identifier: Apache-2.0 */
/* Stratified effects of values, told to the library. */
#include "control/agents/synthesiser_effects.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/models/meta/rate_ratio.h"
#include "shm/error.h"

static const struct {
    const char *name;
    enum qbid_synthesiser_count events, exposed;
} metrics[] = {{"ctr", QBID_SYNTHESISER_CLICKS, QBID_SYNTHESISER_IMPS},
               {"cvr", QBID_SYNTHESISER_CONVS, QBID_SYNTHESISER_CLICKS},
               {"return", QBID_SYNTHESISER_CONVS, QBID_SYNTHESISER_SPEND}};
#define METRIC_CNT (sizeof metrics / sizeof metrics[0])

struct telling {
    const struct qbid_gains_search *search;
    unsigned dim;
};

void qbid_synthesiser_subject(const struct qbid_dictionary *dictionary, unsigned dim,
                              uint32_t value, char out[QBID_PATTERN_SUBJECT_MAX])
{
    snprintf(out, QBID_PATTERN_SUBJECT_MAX, "%s=%s", qbid_dim_name(dim),
             qbid_dictionary_text(dictionary, dim, value));
}

/* Rows of one value and source: an effect of each metric that has events enough. */
static int source_tell(const struct telling *t, const struct qbid_synthesiser_row *const *rows,
                       uint32_t cnt, bool by_campaign)
{
    struct qbid_pattern_key key = {.tenant = rows[0]->tenant};
    struct qbid_pattern_source source = {.from_unix_s = t->search->inputs->unix_s,
                                         .to_unix_s = t->search->inputs->unix_s};
    int err = 0;
    qbid_synthesiser_subject(t->search->dictionary, t->dim, rows[0]->value, key.subject);
    snprintf(key.across, sizeof key.across, "%s", by_campaign ? "campaign" : "exchange");
    if (by_campaign)
        snprintf(source.source, sizeof source.source, "%" PRIu32, rows[0]->campaign);
    else
        snprintf(source.source, sizeof source.source, "%s",
                 qbid_dictionary_text(t->search->dictionary, QBID_DIM_EXCHANGE, rows[0]->exchange));
    for (uint32_t i = 0; i < cnt; i++)
        if (rows[i]->from_unix_s < source.from_unix_s)
            source.from_unix_s = rows[i]->from_unix_s;
    for (size_t m = 0; m < METRIC_CNT && !err; m++) {
        struct qbid_rate_ratio ratio = {0};
        for (uint32_t i = 0; i < cnt; i++)
            qbid_rate_ratio_add(&ratio, rows[i]->on[metrics[m].events],
                                rows[i]->on[metrics[m].exposed], rows[i]->off[metrics[m].events],
                                rows[i]->off[metrics[m].exposed]);
        if (ratio.events_on < QBID_SYNTHESISER_EVENTS_MIN ||
            ratio.events_off < QBID_SYNTHESISER_EVENTS_MIN ||
            !qbid_rate_ratio_log(&ratio, &source.effect, &source.variance))
            continue;
        snprintf(key.metric, sizeof key.metric, "%s", metrics[m].name);
        source.events = (uint64_t)(ratio.events_on + ratio.events_off);
        err = qbid_patterns_see(t->search->store, &key, &source);
    }
    return err;
}

static uint32_t source_of(const struct qbid_synthesiser_row *row, bool by_campaign)
{
    return by_campaign ? row->campaign : row->exchange;
}

static int by_exchange_order(const void *a, const void *b)
{
    uint32_t x = (*(struct qbid_synthesiser_row *const *)a)->exchange;
    uint32_t y = (*(struct qbid_synthesiser_row *const *)b)->exchange;
    return (x > y) - (x < y);
}

static int by_campaign_order(const void *a, const void *b)
{
    uint32_t x = (*(struct qbid_synthesiser_row *const *)a)->campaign;
    uint32_t y = (*(struct qbid_synthesiser_row *const *)b)->campaign;
    return (x > y) - (x < y);
}

/* Rows of one value, source by source. An unknown exchange is no platform. */
static int value_tell(const struct telling *t, const struct qbid_synthesiser_row **rows,
                      uint32_t cnt, bool by_campaign)
{
    int err = 0;
    qsort(rows, cnt, sizeof *rows, by_campaign ? by_campaign_order : by_exchange_order);
    for (uint32_t i = 0, end; i < cnt && !err; i = end) {
        for (end = i;
             end < cnt && source_of(rows[end], by_campaign) == source_of(rows[i], by_campaign);)
            end++;
        if (by_campaign || rows[i]->exchange)
            err = source_tell(t, rows + i, end - i, by_campaign);
    }
    return err;
}

static uint32_t value_end(const struct qbid_synthesiser_rows *rows, uint32_t from, double *clicks)
{
    uint32_t end = from;
    *clicks = 0;
    for (; end < rows->cnt && rows->row[end].tenant == rows->row[from].tenant &&
           rows->row[end].value == rows->row[from].value;
         end++)
        *clicks += rows->row[end].on[QBID_SYNTHESISER_CLICKS];
    return end;
}

/* Clicks from which a value is looked at, so that no more than the most are. */
static double clicks_least(const struct qbid_synthesiser_rows *rows, uint32_t from)
{
    double least = QBID_SYNTHESISER_CLICKS_MIN, clicks;
    for (uint32_t seen = UINT32_MAX; seen > QBID_SYNTHESISER_VALUES_MAX; least *= 1.5) {
        seen = 0;
        for (uint32_t i = from; i < rows->cnt && rows->row[i].tenant == rows->row[from].tenant;) {
            i = value_end(rows, i, &clicks);
            seen += clicks >= least;
        }
        if (seen <= QBID_SYNTHESISER_VALUES_MAX)
            break;
    }
    return least;
}

static int dim_tell(const struct telling *t, const struct qbid_synthesiser_rows *rows)
{
    const struct qbid_synthesiser_row **list = malloc((rows->cnt + 1) * sizeof *list);
    double clicks, least = 0;
    int err = list ? 0 : QBID_ERR_NOMEM;
    for (uint32_t i = 0, end; i < rows->cnt && !err; i = end) {
        if (i == 0 || rows->row[i].tenant != rows->row[i - 1].tenant)
            least = clicks_least(rows, i);
        end = value_end(rows, i, &clicks);
        if (clicks < least)
            continue;
        for (uint32_t j = i; j < end; j++)
            list[j - i] = &rows->row[j];
        err = value_tell(t, list, end - i, false);
        if (!err)
            err = value_tell(t, list, end - i, true);
    }
    free(list);
    return err;
}

int qbid_synthesiser_tell(const struct qbid_gains_search *search,
                          const struct qbid_synthesiser_cells *cells)
{
    int err = qbid_store_begin(search->store);
    if (err)
        return err;
    for (unsigned dim = 0; dim < QBID_DIM_CNT && !err; dim++) {
        struct telling telling = {search, dim};
        struct qbid_synthesiser_rows rows;
        if (dim == QBID_DIM_EXCHANGE)
            continue;
        err = qbid_synthesiser_rows_new(cells, dim, &rows);
        if (err)
            break;
        err = dim_tell(&telling, &rows);
        qbid_synthesiser_rows_done(&rows);
    }
    err = qbid_store_end(search->store, err);
    int refitted = err ? 0 : qbid_patterns_refit(search->store, QBID_SYNTHESISER_REFITS_MAX);
    return err ? err : refitted < 0 ? refitted : 0;
}
