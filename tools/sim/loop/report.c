/* SPDX-License-Identifier: Apache-2.0 */
/* Means over the markets with their 95 % intervals, and what was checked. */
#include "tools/sim/loop/report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tools/sim/arena/score.h"

/* A number of each seed's run of a strategy, beside another strategy's. */
typedef double number_fn(const struct qbid_loop_seed *seed, unsigned strategy, unsigned other);

static double value_of(const struct qbid_loop_seed *seed, unsigned s, unsigned other)
{
    (void)other;
    return seed->result[s].value;
}

static double spend_of(const struct qbid_loop_seed *seed, unsigned s, unsigned other)
{
    (void)other;
    return (double)seed->result[s].spend_nanos / (double)seed->budget_nanos;
}

static double ratio_of(const struct qbid_loop_seed *seed, unsigned s, unsigned other)
{
    double value = seed->result[other].value;
    return value > 0 ? seed->result[s].value / value : 0;
}

/* Value for a unit of money spent: who spends less is not judged by that. */
static double return_of(const struct qbid_loop_seed *seed, unsigned s, unsigned other)
{
    double spend = (double)seed->result[s].spend_nanos / 1e9;
    (void)other;
    return spend > 0 ? seed->result[s].value / spend : 0;
}

static double returns_of(const struct qbid_loop_seed *seed, unsigned s, unsigned other)
{
    double its = return_of(seed, other, s);
    return its > 0 ? return_of(seed, s, other) / its : 0;
}

static double best_of(const struct qbid_loop_seed *seed, unsigned s, unsigned other)
{
    (void)other;
    return seed->best > 0 ? seed->result[s].value / seed->best : 0;
}

/* Value of the last days alone: where it leads to. */
static double late_value(const struct qbid_loop_seed *seed, unsigned s, uint32_t days)
{
    const struct qbid_loop_result *r = &seed->result[s];
    uint32_t end = QBID_LOOP_DAYS_MAX;
    double sum = 0;
    while (end > 0 && r->day_value[end - 1] == 0)
        end--;
    for (uint32_t day = end > days ? end - days : 0; day < end; day++)
        sum += r->day_value[day];
    return sum;
}

static double last_of(const struct qbid_loop_seed *seed, unsigned s, unsigned other)
{
    double its = late_value(seed, other, 7);
    return its > 0 ? late_value(seed, s, 7) / its : 0;
}

static double late_of(const struct qbid_loop_seed *seed, unsigned s, unsigned other)
{
    (void)other;
    return seed->best_late > 0 ? late_value(seed, s, QBID_LOOP_LATE_DAYS) / seed->best_late : 0;
}

static struct qbid_sim_mean mean(const struct qbid_loop_options *o,
                                 const struct qbid_loop_seed *seeds, number_fn *fn, unsigned s,
                                 unsigned other)
{
    double *x = malloc(o->seeds * sizeof *x);
    struct qbid_sim_mean m = {0, 0, 0, 0};
    if (!x)
        return m;
    for (uint32_t i = 0; i < o->seeds; i++)
        x[i] = fn(&seeds[i], s, other);
    m = qbid_sim_mean_of(x, o->seeds);
    free(x);
    return m;
}

static struct qbid_loop_check sums_of(const struct qbid_loop_options *o,
                                      const struct qbid_loop_seed *seeds, unsigned s)
{
    struct qbid_loop_check sum = {0};
    for (uint32_t i = 0; i < o->seeds; i++) {
        const struct qbid_loop_check *c = &seeds[i].result[s].check;
        sum.executions += c->executions;
        sum.by_hand += c->by_hand;
        sum.rollbacks += c->rollbacks;
        sum.changes += c->changes;
        sum.moved_nanos += c->moved_nanos;
        sum.recommended += c->recommended;
        sum.applied += c->applied;
        sum.expired += c->expired;
        sum.superseded += c->superseded;
        sum.pending += c->pending;
        sum.audit += c->audit;
        sum.sums += c->sums;
        sum.overspent += c->overspent;
        sum.over_nanos = c->over_nanos > sum.over_nanos ? c->over_nanos : sum.over_nanos;
        sum.books += c->books;
        sum.chain += c->chain;
        sum.unreasoned += c->unreasoned;
        sum.history += c->history;
        sum.limits += c->limits;
        sum.held += c->held;
    }
    return sum;
}

static bool played(const struct qbid_loop_options *o, unsigned s)
{
    return o->strategies >> s & 1;
}

/* The rules of the notes promise nothing: a budget that they halve late in the day has been spent
 * by then, and whoever gets it spends it again. */
static bool promises(unsigned s)
{
    return s != QBID_LOOP_NOTES && s != QBID_LOOP_SHIFT;
}

bool qbid_loop_report_holds(const struct qbid_loop_options *o, const struct qbid_loop_seed *seeds)
{
    bool holds = true;
    for (unsigned s = 0; s < QBID_LOOP_STRATEGY_CNT; s++)
        for (uint32_t i = 0; i < o->seeds && played(o, s) && promises(s); i++)
            holds = holds && qbid_loop_check_holds(&seeds[i].result[s].check) &&
                    seeds[i].result[s].lost_notices == 0;
    return holds;
}

static void cell(FILE *out, bool shown, struct qbid_sim_mean m)
{
    if (shown)
        fprintf(out, "  %6.4f +-%6.4f", m.mean, m.half);
    else
        fprintf(out, "  %15s", "-");
}

static void checks_table(FILE *out, const struct qbid_loop_options *o,
                         const struct qbid_loop_seed *seeds)
{
    fprintf(out, "\nall markets   executed  by hand  taken back  budgets changed  audit records |"
                 " not 0 = broken: sums  spend  books  chain  reasons  history  limits  holds\n");
    for (unsigned s = 0; s < QBID_LOOP_STRATEGY_CNT; s++) {
        if (!played(o, s))
            continue;
        struct qbid_loop_check c = sums_of(o, seeds, s);
        fprintf(out,
                "%-12s  %8" PRIu64 " %8" PRIu64 " %11" PRIu64 " %16" PRIu64 " %14" PRIu64
                " | %20" PRIu64 " %6" PRIu64 " %6" PRIu64 " %6" PRIu64 " %8" PRIu64 " %8" PRIu64
                " %7" PRIu64 " %6" PRIu64 "\n",
                qbid_loop_strategy_name((enum qbid_loop_strategy)s), c.executions, c.by_hand,
                c.rollbacks, c.changes, c.audit, c.sums, c.overspent, c.books, c.chain,
                c.unreasoned, c.history, c.limits, c.held);
    }
}

void qbid_loop_report_table(FILE *out, const struct qbid_loop_options *o,
                            const struct qbid_loop_seed *seeds)
{
    const struct qbid_loop_params *w = &o->world;
    fprintf(out,
            "%u markets from seed %" PRIu64
            ": %u platforms, %u line items, %u days; means with their 95 %% interval\n\n"
            "strategy             value            spend   value / spend         / static"
            "          / notes          / shift         / oracle  last week/oracle           / best"
            "  last 14 / best\n",
            o->seeds, w->seed, w->platforms, w->line_items, w->days);
    for (unsigned s = 0; s < QBID_LOOP_STRATEGY_CNT; s++) {
        if (!played(o, s))
            continue;
        struct qbid_sim_mean value = mean(o, seeds, value_of, s, 0);
        fprintf(out, "%-8s  %8.1f +-%5.1f", qbid_loop_strategy_name((enum qbid_loop_strategy)s),
                value.mean, value.half);
        cell(out, true, mean(o, seeds, spend_of, s, 0));
        cell(out, true, mean(o, seeds, return_of, s, 0));
        cell(out, played(o, QBID_LOOP_STATIC), mean(o, seeds, ratio_of, s, QBID_LOOP_STATIC));
        cell(out, played(o, QBID_LOOP_NOTES), mean(o, seeds, ratio_of, s, QBID_LOOP_NOTES));
        cell(out, played(o, QBID_LOOP_SHIFT), mean(o, seeds, ratio_of, s, QBID_LOOP_SHIFT));
        cell(out, played(o, QBID_LOOP_ORACLE), mean(o, seeds, ratio_of, s, QBID_LOOP_ORACLE));
        cell(out, played(o, QBID_LOOP_ORACLE), mean(o, seeds, last_of, s, QBID_LOOP_ORACLE));
        cell(out, true, mean(o, seeds, best_of, s, 0));
        cell(out, true, mean(o, seeds, late_of, s, 0));
        fputc('\n', out);
    }
    checks_table(out, o, seeds);
    if (played(o, QBID_LOOP_FULL)) {
        struct qbid_loop_check c = sums_of(o, seeds, QBID_LOOP_FULL);
        fprintf(out,
                "\nrecommendations of the loop: %" PRIu64 ", applied %" PRIu64 ", expired %" PRIu64
                ", superseded %" PRIu64 ", pending %" PRIu64
                "; money moved a day: %.2f %% of the budgets\n",
                c.recommended, c.applied, c.expired, c.superseded, c.pending,
                100 * (double)c.moved_nanos / (double)seeds[0].budget_nanos / o->seeds);
    }
}

static void mean_json(FILE *out, const char *name, struct qbid_sim_mean m)
{
    fprintf(out, ", \"%s\": {\"mean\": %.9g, \"half\": %.9g, \"least\": %.9g, \"most\": %.9g}",
            name, m.mean, m.half, m.least, m.most);
}

/* Value, and value for money, beside another strategy's. */
static void against_json(FILE *out, const struct qbid_loop_options *o,
                         const struct qbid_loop_seed *seeds, unsigned s, unsigned other)
{
    const char *name = qbid_loop_strategy_name((enum qbid_loop_strategy)other);
    char key[32];
    if (!played(o, other) || other == QBID_LOOP_FULL)
        return;
    snprintf(key, sizeof key, "to_%s", name);
    mean_json(out, key, mean(o, seeds, ratio_of, s, other));
    snprintf(key, sizeof key, "return_to_%s", name);
    mean_json(out, key, mean(o, seeds, returns_of, s, other));
}

static void check_json(FILE *out, const struct qbid_loop_check *c)
{
    fprintf(out,
            ", \"executions\": %" PRIu64 ", \"by_hand\": %" PRIu64 ", \"rollbacks\": %" PRIu64
            ", \"changes\": %" PRIu64 ", \"audit\": %" PRIu64 ", \"recommended\": %" PRIu64
            ", \"applied\": %" PRIu64 ", \"expired\": %" PRIu64 ", \"superseded\": %" PRIu64
            ", \"pending\": %" PRIu64 ", \"broken\": {\"sums\": %" PRIu64
            ", \"overspent\": %" PRIu64 ", \"books\": %" PRIu64 ", \"chain\": %" PRIu64
            ", \"unreasoned\": %" PRIu64 ", \"history\": %" PRIu64 ", \"limits\": %" PRIu64
            ", \"held\": %" PRIu64 "}, \"overspend\": %.9f",
            c->executions, c->by_hand, c->rollbacks, c->changes, c->audit, c->recommended,
            c->applied, c->expired, c->superseded, c->pending, c->sums, c->overspent, c->books,
            c->chain, c->unreasoned, c->history, c->limits, c->held, (double)c->over_nanos / 1e9);
}

static void seeds_json(FILE *out, const struct qbid_loop_options *o,
                       const struct qbid_loop_seed *seeds, unsigned s)
{
    fprintf(out, ", \"seeds\": [");
    for (uint32_t i = 0; i < o->seeds; i++) {
        const struct qbid_loop_result *r = &seeds[i].result[s];
        fprintf(out,
                "%s\n   {\"value\": %.6f, \"revenue\": %.6f, \"spend\": %.9f, \"budget\": %.9f, "
                "\"best\": %.6f, \"auctions\": %" PRIu64 ", \"wins\": %" PRIu64
                ", \"clicks\": %" PRIu64 ", \"conversions\": %" PRIu64 ", \"days\": [",
                i ? "," : "", r->value, r->revenue, (double)r->spend_nanos / 1e9,
                (double)seeds[i].budget_nanos / 1e9, seeds[i].best, r->auctions, r->wins, r->clicks,
                r->conversions);
        for (uint32_t day = 0; day < o->world.days; day++)
            fprintf(out, "%s%.5g", day ? ", " : "", r->day_value[day]);
        fputs("]}", out);
    }
    fputc(']', out);
}

void qbid_loop_report_json(FILE *out, const struct qbid_loop_options *o,
                           const struct qbid_loop_seed *seeds)
{
    const struct qbid_loop_params *w = &o->world;
    fprintf(out,
            "{\"market\": {\"first_seed\": %" PRIu64
            ", \"seeds\": %u, \"platforms\": %u, \"line_items\": %u, \"days\": %u, \"auctions\": "
            "%g, \"budget\": %g, \"drift\": %g, \"jumps\": %g, \"spread\": %g},\n "
            "\"holds\": %s, \"strategies\": [",
            w->seed, o->seeds, w->platforms, w->line_items, w->days, w->auctions, w->budget,
            w->drift, w->jumps, w->spread, qbid_loop_report_holds(o, seeds) ? "true" : "false");
    const char *comma = "";
    for (unsigned s = 0; s < QBID_LOOP_STRATEGY_CNT; s++) {
        if (!played(o, s))
            continue;
        struct qbid_loop_check c = sums_of(o, seeds, s);
        fprintf(out, "%s\n  {\"name\": \"%s\"", comma,
                qbid_loop_strategy_name((enum qbid_loop_strategy)s));
        mean_json(out, "value", mean(o, seeds, value_of, s, 0));
        mean_json(out, "spend", mean(o, seeds, spend_of, s, 0));
        mean_json(out, "return", mean(o, seeds, return_of, s, 0));
        mean_json(out, "to_best", mean(o, seeds, best_of, s, 0));
        mean_json(out, "late_to_best", mean(o, seeds, late_of, s, 0));
        for (unsigned other = 0; other < QBID_LOOP_STRATEGY_CNT; other++)
            against_json(out, o, seeds, s, other);
        if (played(o, QBID_LOOP_ORACLE))
            mean_json(out, "last_week_to_oracle", mean(o, seeds, last_of, s, QBID_LOOP_ORACLE));
        check_json(out, &c);
        seeds_json(out, o, seeds, s);
        fputc('}', out);
        comma = ",";
    }
    fprintf(out, "]}\n");
}
