/* SPDX-License-Identifier: Apache-2.0 */
#include "control/insights/insights.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/insights/contrasts.h"
#include "control/models/meta/discoveries.h"
#include "shm/error.h"
#include "shm/units.h"

static const char *const kind_names[] = {"opportunity", "warning", "trend"};
static const char *const metric_names[] = {"win_rate", "ctr", "cvr"};
static const char *const metric_words[] = {"win rate", "click rate", "conversion rate"};
static const char *const trial_words[] = {"bids", "impressions", "clicks"};

struct search {
    const struct qbid_snapshot *snapshot;
    uint64_t now_ns;
    struct qbid_insight *list; /* everything compared */
    uint32_t cnt, max;
};

const char *qbid_insight_kind_name(enum qbid_insight_kind kind)
{
    return kind_names[kind];
}

const char *qbid_insight_metric_name(enum qbid_insight_metric metric)
{
    return metric_names[metric];
}

static double impressions(const struct qbid_stats *s)
{
    return (double)(s->imps ? s->imps : s->bills);
}

/* Trials and successes of a metric; never more successes than trials, whatever came late. */
static void count(const struct qbid_stats *s, enum qbid_insight_metric metric, double *ret_trials,
                  double *ret_successes)
{
    const double trials[] = {(double)s->bids, impressions(s), (double)s->clicks};
    const double wins = (double)qbid_stats_wins(s);
    const double successes[] = {wins, (double)s->clicks, (double)s->convs};
    *ret_trials = trials[metric];
    *ret_successes = fmin(successes[metric], trials[metric]);
}

/* What one more success of a metric is worth to the campaign: a click what clicks cost it, a
 * conversion what conversions bring, or cost where they bring nothing that is told. */
static double worth(const struct qbid_stats *s, enum qbid_insight_metric metric)
{
    if (metric == QBID_INSIGHT_CTR)
        return s->clicks ? (double)s->spend_nanos / (double)s->clicks : 0;
    if (metric == QBID_INSIGHT_WIN_RATE || s->convs == 0)
        return 0;
    double total = s->value_nanos > 0 ? (double)s->value_nanos : (double)s->spend_nanos;
    return total / (double)s->convs;
}

static struct qbid_stats query(const struct search *search, uint32_t kind, uint32_t id,
                               enum qbid_window window)
{
    struct qbid_series_key key = {.id = id, .kind = kind};
    return qbid_snapshot_query(search->snapshot, key, window, search->now_ns);
}

static struct qbid_insight *add(struct search *search)
{
    if (search->cnt == search->max) {
        uint32_t max = search->max ? search->max * 2 : 256;
        struct qbid_insight *more = realloc(search->list, max * sizeof *more);
        if (!more)
            return NULL;
        search->list = more;
        search->max = max;
    }
    struct qbid_insight *insight = &search->list[search->cnt++];
    memset(insight, 0, sizeof *insight);
    return insight;
}

static void fill(struct qbid_insight *insight, const struct qbid_contrast *c, double each_nanos)
{
    insight->trials = c->trials;
    insight->successes = c->successes;
    insight->rate = c->rate;
    insight->low = c->low;
    insight->high = c->high;
    insight->against = c->mean;
    insight->confidence = fmax(c->above, 1 - c->above);
    insight->p_value = c->p_value;
    double unit = c->trials * each_nanos;
    insight->impact_nanos = (int64_t)(unit * (c->rate - c->mean));
    insight->impact_low_nanos = (int64_t)(unit * (c->low - c->mean));
    insight->impact_high_nanos = (int64_t)(unit * (c->high - c->mean));
}

/* --- line items beside their siblings */

static int siblings(struct search *search, const struct qbid_account *account,
                    const struct qbid_campaign_def *campaign, enum qbid_insight_metric metric)
{
    struct qbid_contrast *contrasts = malloc(QBID_CONTRASTS_MAX * sizeof *contrasts);
    uint32_t *id = malloc(QBID_CONTRASTS_MAX * sizeof *id), cnt = 0;
    int r = contrasts && id ? 0 : QBID_ERR_NOMEM;
    for (uint32_t i = 0; r == 0 && i < account->line_item_cnt && cnt < QBID_CONTRASTS_MAX; i++) {
        const struct qbid_line_item_def *item = &account->line_items[i];
        if (item->campaign_id != campaign->id)
            continue;
        struct qbid_stats day = query(search, QBID_SERIES_LINE_ITEM, item->id, QBID_WINDOW_24H);
        count(&day, metric, &contrasts[cnt].trials, &contrasts[cnt].successes);
        id[cnt] = item->id;
        cnt += contrasts[cnt].trials > 0;
    }
    if (r == 0 && cnt >= 2)
        r = qbid_contrasts_fit(contrasts, cnt);
    struct qbid_stats day = query(search, QBID_SERIES_CAMPAIGN, campaign->id, QBID_WINDOW_24H);
    for (uint32_t i = 0; r == 0 && cnt >= 2 && i < cnt; i++) {
        struct qbid_insight *insight = add(search);
        if (!insight) {
            r = QBID_ERR_NOMEM;
            break;
        }
        fill(insight, &contrasts[i], worth(&day, metric));
        insight->kind = contrasts[i].above >= 0.5 ? QBID_INSIGHT_OPPORTUNITY : QBID_INSIGHT_WARNING;
        insight->metric = metric;
        insight->key = (struct qbid_series_key){.id = id[i], .kind = QBID_SERIES_LINE_ITEM};
        insight->campaign_id = campaign->id;
    }
    free(contrasts);
    free(id);
    return r;
}

/* --- a campaign's last day beside what was before */

static int days(struct search *search, const struct qbid_campaign_def *campaign,
                enum qbid_insight_metric metric)
{
    struct qbid_stats day = query(search, QBID_SERIES_CAMPAIGN, campaign->id, QBID_WINDOW_24H);
    struct qbid_stats all = query(search, QBID_SERIES_CAMPAIGN, campaign->id, QBID_WINDOW_ALL);
    struct qbid_contrast c[2], whole;
    count(&day, metric, &c[0].trials, &c[0].successes);
    count(&all, metric, &whole.trials, &whole.successes);
    c[1].trials = whole.trials - c[0].trials;
    c[1].successes = fmax(whole.successes - c[0].successes, 0);
    if (!(c[0].trials > 0 && c[1].trials >= c[1].successes && c[1].trials > 0))
        return 0;
    int r = qbid_contrasts_fit(c, 2);
    if (r < 0)
        return r;
    struct qbid_insight *insight = add(search);
    if (!insight)
        return QBID_ERR_NOMEM;
    c[0].mean = c[1].rate; /* told as a change since before */
    fill(insight, &c[0], worth(&day, metric));
    insight->kind = c[0].above >= 0.5 ? QBID_INSIGHT_TREND : QBID_INSIGHT_WARNING;
    insight->metric = metric;
    insight->key = (struct qbid_series_key){.id = campaign->id, .kind = QBID_SERIES_CAMPAIGN};
    insight->campaign_id = campaign->id;
    return 0;
}

/* --- what is reported */

static void say(struct qbid_insight *insight)
{
    bool item = insight->key.kind == QBID_SERIES_LINE_ITEM;
    unsigned m = insight->metric;
    int len = snprintf(
        insight->text, sizeof insight->text,
        "%s %" PRIu32 ": %s %.3g %% (90 %% interval %.3g to %.3g), %s %.3g %%, in %.0f %s of the "
        "last 24 h",
        item ? "line item" : "campaign", insight->key.id, metric_words[m], 100 * insight->rate,
        100 * insight->low, 100 * insight->high, item ? "its campaign" : "before",
        100 * insight->against, insight->trials, trial_words[m]);
    if (insight->impact_nanos != 0 && len > 0 && (size_t)len < sizeof insight->text)
        (void)snprintf(insight->text + len, sizeof insight->text - (size_t)len,
                       ": worth %.2f a day %s",
                       fabs((double)insight->impact_nanos) / (double)QBID_NANOS_PER_UNIT,
                       insight->impact_nanos > 0 ? "more" : "less");
}

static int by_impact(const void *a, const void *b)
{
    const struct qbid_insight *x = a, *y = b;
    int64_t i = llabs(x->impact_nanos), j = llabs(y->impact_nanos);
    if (i != j)
        return i < j ? 1 : -1;
    if (x->p_value < y->p_value || x->p_value > y->p_value)
        return x->p_value > y->p_value ? 1 : -1;
    return (x->key.id > y->key.id) - (x->key.id < y->key.id);
}

static int report(struct search *search, struct qbid_insights *ret)
{
    double *p = malloc((search->cnt + 1) * sizeof *p);
    if (!p)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < search->cnt; i++)
        p[i] = search->list[i].p_value;
    *ret = (struct qbid_insights){search->list, 0, search->cnt, 0};
    ret->p_limit = qbid_discoveries_limit(p, search->cnt, QBID_DISCOVERIES_FALSE);
    free(p);
    for (uint32_t i = 0; i < search->cnt; i++) {
        const struct qbid_insight *insight = &search->list[i];
        if (insight->p_value > ret->p_limit ||
            fabs(insight->rate / insight->against - 1) < QBID_INSIGHT_MATERIAL)
            continue;
        ret->list[ret->cnt] = *insight;
        say(&ret->list[ret->cnt++]);
    }
    if (ret->cnt > 1)
        qsort(ret->list, ret->cnt, sizeof *ret->list, by_impact);
    return 0;
}

int qbid_insights_find(const struct qbid_account *account, const struct qbid_snapshot *snapshot,
                       uint64_t now_ns, struct qbid_insights *ret_insights)
{
    struct search search = {.snapshot = snapshot, .now_ns = now_ns};
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < account->campaign_cnt; i++) {
        const struct qbid_campaign_def *campaign = &account->campaigns[i];
        for (unsigned m = 0; r == 0 && m < QBID_INSIGHT_METRIC_CNT; m++) {
            if (m != QBID_INSIGHT_WIN_RATE) /* line items win as their bids are meant to */
                r = siblings(&search, account, campaign, m);
            if (r == 0)
                r = days(&search, campaign, m);
        }
    }
    if (r == 0)
        r = report(&search, ret_insights);
    if (r < 0)
        free(search.list);
    return r;
}

void qbid_insights_done(struct qbid_insights *insights)
{
    free(insights->list);
    *insights = (struct qbid_insights){0};
}
