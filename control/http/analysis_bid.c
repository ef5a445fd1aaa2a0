/* SPDX-License-Identifier: Apache-2.0 */
/* The ceiling of a line item's bids: what an impression is worth against what it takes to win it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/written/money.h"
#include "control/http/analysis_parts.h"
#include "control/models/rates/rates.h"
#include "shm/error.h"
#include "shm/units.h"

#define BIDS_MIN 100       /* of which some must be won and some lost */
#define BINDING 0.8        /* mean bid of the ceiling from which it holds bids down */
#define SLOPE_LOG_MEAN 0.7 /* prior of the exponent of the win curve: 2, a factor e^+-0.35 */
#define SLOPE_LOG_SD 0.35
#define GRID 20 /* steps to each side */
#define PRIOR_STRENGTH 100
#define PART_SHAPE 10.0 /* a part differs from its line item by a factor of e^+-0.3 */
#define PART_WHOLE 0.8  /* of the line item's bids, from which a part stands for all of them */

/* The tenant's cells: one level above campaigns above line items. */
struct tree {
    struct qbid_rates_cell root;
    struct qbid_rates_cell *campaign, *line_item;
    uint32_t at; /* the line item's cell */
};

/* What is known of the line item's auctions. Prices in CPM units. */
struct market {
    double bids, win_share, bid, paid;
    double bids_day;
    double part;       /* of the line item's bids */
    const char *words; /* which; NULL = all of them */
};

struct belief {
    double ctr, ctr_strength, cvr, cvr_strength, order_value;
};

static double units(int64_t nanos)
{
    return (double)nanos / (double)QBID_NANOS_PER_UNIT;
}

static struct qbid_stats stats_of(const struct qbid_analysis_input *input,
                                  enum qbid_series_kind kind, uint32_t id, enum qbid_window window)
{
    struct qbid_series_key key = {.kind = kind, .id = id};
    return qbid_snapshot_query(input->snapshot, key, window, input->now_ns);
}

/* Trials and successes of clicks (imps -> clicks) or conversions (clicks -> conversions). */
static void counts_set(struct qbid_rates_cell *cell, double imps, double clicks, double convs,
                       bool conversions)
{
    cell->trials = conversions ? clicks : imps;
    cell->successes = fmin(conversions ? convs : clicks, cell->trials);
}

static void cells_fill(const struct qbid_analysis_input *input, struct tree *tree, bool conversions)
{
    const struct qbid_account *a = input->account;
    const struct qbid_analyze_request *r = input->request;
    tree->root = (struct qbid_rates_cell){0};
    for (uint32_t i = 0; i < a->campaign_cnt; i++) {
        struct qbid_stats s =
            stats_of(input, QBID_SERIES_CAMPAIGN, a->campaigns[i].id, QBID_WINDOW_ALL);
        struct qbid_rates_cell *cell = &tree->campaign[i];
        *cell = (struct qbid_rates_cell){.parent = 0};
        if (&a->campaigns[i] == input->campaign && r->metrics.impressions > s.imps)
            counts_set(cell, (double)r->metrics.impressions, (double)r->metrics.clicks,
                       (double)r->metrics.conversions, conversions);
        else
            counts_set(cell, (double)s.imps, (double)s.clicks, (double)s.convs, conversions);
        tree->root.trials += cell->trials;
        tree->root.successes += cell->successes;
    }
    for (uint32_t i = 0; i < a->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &a->line_items[i];
        struct qbid_stats s = stats_of(input, QBID_SERIES_LINE_ITEM, li->id, QBID_WINDOW_ALL);
        tree->line_item[i] = (struct qbid_rates_cell){
            .parent = (uint32_t)(qbid_account_campaign(a, li->campaign_id) - a->campaigns)};
        counts_set(&tree->line_item[i], (double)s.imps, (double)s.clicks, (double)s.convs,
                   conversions);
        if (li == input->line_item)
            tree->at = i;
    }
}

static int rate_fit(const struct qbid_analysis_input *input, struct tree *tree, bool conversions,
                    double *ret_rate, double *ret_strength)
{
    const struct qbid_line_item_def *li = input->line_item;
    struct qbid_rates_level levels[] = {
        {.cells = &tree->root, .cell_cnt = 1},
        {.cells = tree->campaign, .cell_cnt = input->account->campaign_cnt},
        {.cells = tree->line_item, .cell_cnt = input->account->line_item_cnt}};
    struct qbid_rates_prior prior = {conversions ? li->prior_cvr : li->prior_ctr, PRIOR_STRENGTH};
    cells_fill(input, tree, conversions);
    int err = qbid_rates_fit(levels, 3, prior);
    *ret_rate = tree->line_item[tree->at].rate;
    *ret_strength = tree->line_item[tree->at].strength;
    return err;
}

/* The rate of a part of the line item: its own counts beside what the line item leads to expect,
 * which is worth PART_SHAPE successes at most. */
static void part_learn(double trials, double successes, double *rate, double *strength)
{
    double prior = fmin(*strength, PART_SHAPE / *rate);
    *rate = (*rate * prior + fmin(successes, trials)) / (prior + trials);
    *strength = prior + trials;
}

static int belief_make(const struct qbid_analysis_input *input,
                       const struct qbid_analysis_part *part, struct belief *b)
{
    const struct qbid_account *a = input->account;
    struct tree tree = {.campaign = calloc(a->campaign_cnt + 1, sizeof *tree.campaign),
                        .line_item = calloc(a->line_item_cnt + 1, sizeof *tree.line_item)};
    int err = tree.campaign && tree.line_item ? 0 : QBID_ERR_NOMEM;
    if (!err)
        err = rate_fit(input, &tree, false, &b->ctr, &b->ctr_strength);
    if (!err)
        err = rate_fit(input, &tree, true, &b->cvr, &b->cvr_strength);
    free(tree.campaign);
    free(tree.line_item);
    if (!err && part) {
        part_learn((double)part->all.imps, (double)part->all.clicks, &b->ctr, &b->ctr_strength);
        part_learn((double)part->all.clicks, (double)part->all.convs, &b->cvr, &b->cvr_strength);
    }
    b->order_value = input->request->avg_order_value_nanos > 0
                         ? units(input->request->avg_order_value_nanos)
                         : (double)input->line_item->order_value_micros / 1e6;
    return err;
}

static double beta_draw(double mean, double strength, struct qbid_random *random)
{
    double a = qbid_random_gamma(random, fmax(mean * strength, 1e-3));
    double b = qbid_random_gamma(random, fmax((1 - mean) * strength, 1e-3));
    return a + b > 0 ? a / (a + b) : mean;
}

/* Log-logistic win curve through what was seen: half of auctions are won at `half`. */
static double win_at(double bid, double half, double slope)
{
    return 1 / (1 + pow(half / bid, slope));
}

struct draw {
    double value; /* of a thousand impressions */
    double half, slope;
};

static struct draw draw_make(const struct belief *b, const struct market *m,
                             struct qbid_random *random)
{
    struct draw d = {.slope = exp(SLOPE_LOG_MEAN + SLOPE_LOG_SD * qbid_random_normal(random))};
    double won = m->bids * m->win_share;
    double share = beta_draw((won + 0.5) / (m->bids + 1), m->bids + 1, random);
    share = fmin(fmax(share, 1e-6), 1 - 1e-6);
    d.half = m->bid * pow((1 - share) / share, 1 / d.slope);
    d.value = 1000 * beta_draw(b->ctr, b->ctr_strength, random) *
              beta_draw(b->cvr, b->cvr_strength, random) * b->order_value;
    return d;
}

/* Value and cost a day with all bids and prices times a factor. */
static void day_of(const struct draw *d, const struct market *m, double factor, double *ret_value,
                   double *ret_cost)
{
    double thousands = m->bids_day * win_at(m->bid * factor, d->half, d->slope) / 1000;
    *ret_value = thousands * d->value;
    *ret_cost = thousands * m->paid * factor;
}

/* The factor on the ceiling that gains most over the draws, by value less threshold x cost. */
static double factor_find(const struct draw *draws, const struct market *m, double threshold,
                          double step)
{
    double best = 1, best_gain = 0;
    for (int g = -GRID; g <= GRID; g++) {
        double factor = 1 + step * g / GRID, gain = 0, value, cost, value0, cost0;
        if (!(factor > 0))
            continue;
        for (int d = 0; d < QBID_ANALYSIS_DRAWS; d++) {
            day_of(&draws[d], m, factor, &value, &cost);
            day_of(&draws[d], m, 1, &value0, &cost0);
            gain += (value - value0 - threshold * (cost - cost0)) / QBID_ANALYSIS_DRAWS;
        }
        if (gain > best_gain) {
            best = factor;
            best_gain = gain;
        }
    }
    return best;
}

/* Bids enough, some of them won and some lost. */
static bool is_told(const struct qbid_stats *all)
{
    uint64_t won = qbid_stats_wins(all);
    return all->bids >= BIDS_MIN && won > 0 && won < all->bids && all->imps > 0;
}

/* Whether the part that was asked for is known well enough to stand alone; says so when not. */
static bool part_take(const struct qbid_analysis_input *input,
                      const struct qbid_analysis_part *part, struct qbid_analysis *analysis)
{
    if (!part->asked || is_told(&part->all))
        return part->asked;
    qbid_analysis_note(
        analysis,
        "bid: of line item %u in %s %" PRIu64
        " bids are known; 100 are needed, some won and some lost: all of its traffic "
        "is looked at",
        input->line_item->id, part->words, part->all.bids);
    return false;
}

static bool market_read(const struct qbid_analysis_input *input,
                        const struct qbid_analysis_part *part, struct market *m,
                        struct qbid_analysis *analysis)
{
    const struct qbid_line_item_def *li = input->line_item;
    struct qbid_stats whole = stats_of(input, QBID_SERIES_LINE_ITEM, li->id, QBID_WINDOW_ALL);
    struct qbid_stats all = part ? part->all : whole;
    struct qbid_stats day =
        part ? part->day : stats_of(input, QBID_SERIES_LINE_ITEM, li->id, QBID_WINDOW_24H);
    double won = fmin((double)qbid_stats_wins(&all), (double)all.bids);
    double ceiling = (double)li->ceiling_micros / 1e6;
    if (!is_told(&all)) {
        qbid_analysis_note(analysis,
                           "bid: of line item %u %" PRIu64 " bids are known, %.0f of them won; 100 "
                           "are needed, some won and some lost",
                           li->id, all.bids, won);
        return false;
    }
    m->bids = (double)all.bids;
    m->win_share = won / (double)all.bids;
    m->bid = (double)all.bid_nanos / (double)all.bids / 1e6; /* nanos each are micros of CPM */
    m->paid = (double)all.spend_nanos / won / 1e6;
    m->bids_day = (double)(day.bids ? day.bids : all.bids);
    m->part = whole.bids > 0 ? fmin((double)all.bids / (double)whole.bids, 1) : 1;
    if (m->bid >= BINDING * ceiling && m->paid > 0)
        return true;
    qbid_analysis_note(
        analysis,
        "bid: line item %u bids %.4g on average, far below its ceiling of %.4g: that "
        "does not hold it",
        li->id, m->bid, ceiling);
    return false;
}

static void reason_write(const struct qbid_analysis_input *input, const struct belief *b,
                         const struct market *m, const struct qbid_analysis_verdict *v,
                         struct qbid_proposal *p)
{
    snprintf(
        p->reason, sizeof p->reason,
        "A thousand impressions of line item %u are worth %.4g: a click rate of %.4g and a "
        "conversion rate of %.4g, shrunk to the campaign's and the tenant's, at %.2f an order; "
        "spend has to return %.3f. It bids %.4g CPM on average, pays %.4g and wins %.1f %% of "
        "%.0f bids; how wins follow the price is a log-logistic curve through that with the "
        "prior's exponent, 2 (1.4 to 2.9). A ceiling of %.40s instead of %.40s adds %.2f of value "
        "a "
        "day (90 %% between %.2f and %.2f) and %.2f after cost; that it pays has a probability "
        "of %.2f.",
        input->line_item->id, 1000 * b->ctr * b->cvr * b->order_value, b->ctr, b->cvr,
        b->order_value, qbid_analysis_threshold(input->campaign), m->bid, m->paid,
        100 * m->win_share, m->bids, p->recommended, p->current, v->mean, v->low, v->high, v->net,
        v->sure);
    size_t at = strlen(p->reason);
    if (m->words)
        snprintf(
            p->reason + at, sizeof p->reason - at,
            " All of this is of %s alone, %.0f %% of the line item's bids; the ceiling holds for "
            "the rest as well.",
            m->words, 100 * m->part);
}

static void propose(const struct qbid_analysis_input *input, const struct belief *b,
                    const struct market *m, struct draw *draws, struct qbid_analysis *analysis)
{
    const struct qbid_line_item_def *li = input->line_item;
    double value[QBID_ANALYSIS_DRAWS], net[QBID_ANALYSIS_DRAWS], surplus[QBID_ANALYSIS_DRAWS];
    double threshold = qbid_analysis_threshold(input->campaign), now_value = 0, now_cost = 0;
    double factor = factor_find(draws, m, threshold, qbid_analysis_step(input));
    int64_t ceiling = (int64_t)llround((double)li->ceiling_micros * factor / 1e4) * 10000;
    factor = (double)ceiling / (double)li->ceiling_micros;
    if (ceiling <= 0 || fabs(factor - 1) < fmax(input->agent.change_min, 1e-6)) {
        qbid_analysis_note(analysis, "bid: no ceiling near %.4g of line item %u gains more",
                           (double)li->ceiling_micros / 1e6, li->id);
        return;
    }
    double next_value = 0, next_cost = 0;
    for (int d = 0; d < QBID_ANALYSIS_DRAWS; d++) {
        double v0, c0, v1, c1;
        day_of(&draws[d], m, 1, &v0, &c0);
        day_of(&draws[d], m, factor, &v1, &c1);
        value[d] = v1 - v0;
        net[d] = value[d] - (c1 - c0);
        surplus[d] = value[d] - threshold * (c1 - c0);
        now_value += v0, now_cost += c0, next_value += v1, next_cost += c1;
    }
    struct qbid_analysis_verdict v = qbid_analysis_judge(value, net, surplus);
    struct qbid_advice *advice = v.sure < 0.5 ? NULL : qbid_analysis_add(analysis);
    if (!advice)
        return;
    struct qbid_proposal *p = &advice->proposal;
    p->type = QBID_PROPOSAL_BID;
    p->item = QBID_ITEM_LINE_ITEM;
    p->item_id = li->id;
    strcpy(p->field, "ceiling");
    qbid_money_format_micros(li->ceiling_micros, p->current);
    qbid_money_format_micros(ceiling, p->recommended);
    advice->partial = m->part < PART_WHOLE;
    advice->moved_nanos = (int64_t)(fabs(factor - 1) * (double)input->campaign->budget_nanos);
    if (now_cost > 0 && next_cost > 0)
        advice->roas = next_value / next_cost - now_value / now_cost;
    reason_write(input, b, m, &v, p);
    qbid_analysis_finish(input, &v, now_value / QBID_ANALYSIS_DRAWS, advice);
}

int qbid_analysis_bid(const struct qbid_analysis_input *input,
                      const struct qbid_analysis_part *part, struct qbid_random *random,
                      struct qbid_analysis *analysis)
{
    struct belief belief;
    struct market market = {.words = NULL};
    if (!input->line_item) {
        qbid_analysis_note(analysis, "bid: no line item is named by bid_context.ad_set_id");
        return 0;
    }
    if (!part_take(input, part, analysis))
        part = NULL;
    if (!market_read(input, part, &market, analysis))
        return 0;
    market.words = part ? part->words : NULL;
    int err = belief_make(input, part, &belief);
    struct draw *draws = err ? NULL : malloc(QBID_ANALYSIS_DRAWS * sizeof *draws);
    if (!err && !draws)
        err = QBID_ERR_NOMEM;
    if (!err && !(belief.order_value > 0)) {
        qbid_analysis_note(analysis,
                           "bid: what an order is worth is not known: avg_order_value, or "
                           "order_value of the line item");
    } else if (!err) {
        for (int d = 0; d < QBID_ANALYSIS_DRAWS; d++)
            draws[d] = draw_make(&belief, &market, random);
        propose(input, &belief, &market, draws, analysis);
    }
    free(draws);
    return err;
}
