/* SPDX-License-Identifier: Apache-2.0 */
/* Outcomes by predicted log odds, and the rising table that they make. */
#include "control/models/predict/calibration.h"

#include <math.h>

#include "control/models/isotonic.h"

#define NEWTON_STEPS 100
#define NEWTON_DONE 1e-12
#define LINE_PRIOR 8.0 /* precision: slope and intercept within 0.35 of the identity */

double qbid_calibration_odds(double probability)
{
    if (!(probability > 0))
        return -QBID_CALIBRATION_ODDS_MAX;
    if (probability >= 1)
        return QBID_CALIBRATION_ODDS_MAX;
    double odds = log(probability) - log1p(-probability);
    return fmin(fmax(odds, -QBID_CALIBRATION_ODDS_MAX), QBID_CALIBRATION_ODDS_MAX);
}

double qbid_calibration_probability(double odds)
{
    double other = exp(-fabs(odds));
    return (odds >= 0 ? 1 : other) / (1 + other);
}

void qbid_calibration_add(struct qbid_calibration_counts *counts, double probability, double trials,
                          double successes)
{
    if (!(trials >= 0 && successes >= 0 && isfinite(trials) && isfinite(successes)))
        return;
    double odds = qbid_calibration_odds(probability);
    double place = (odds - QBID_CALIBRATION_LOW) / QBID_CALIBRATION_WIDTH;
    uint32_t i = (uint32_t)fmin(fmax(place, 0), QBID_CALIBRATION_BINS - 1);
    counts->bin[i].trials += trials;
    counts->bin[i].successes += successes;
    counts->bin[i].score += trials * odds;
}

void qbid_calibration_fade(struct qbid_calibration_counts *counts, double factor)
{
    for (uint32_t i = 0; i < QBID_CALIBRATION_BINS; i++) {
        counts->bin[i].trials *= factor;
        counts->bin[i].successes *= factor;
        counts->bin[i].score *= factor;
    }
}

/* Outcomes with Platt's targets in place of 1 and 0: a finite sample never proves certainty. */
struct outcomes {
    const double *score, *trials, *successes;
    uint32_t n;
    double target_success, target_failure;
    double prior;
};

struct slope {
    double loss;
    double gradient[2];
    double hessian[3]; /* slope slope, slope intercept, intercept intercept */
};

static double softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static struct slope slope_at(const struct outcomes *o, struct qbid_calibration_line line)
{
    double a = line.slope - 1, b = line.intercept;
    struct slope s = {.loss = 0.5 * o->prior * (a * a + b * b),
                      .gradient = {o->prior * a, o->prior * b},
                      .hessian = {o->prior, 0, o->prior}};
    for (uint32_t i = 0; i < o->n; i++) {
        double x = o->score[i], odds = line.slope * x + line.intercept;
        double p = qbid_calibration_probability(odds);
        double wanted = o->successes[i] * o->target_success +
                        (o->trials[i] - o->successes[i]) * o->target_failure;
        double g = o->trials[i] * p - wanted, h = o->trials[i] * p * (1 - p);
        s.loss += o->trials[i] * softplus(odds) - wanted * odds;
        s.gradient[0] += g * x;
        s.gradient[1] += g;
        s.hessian[0] += h * x * x;
        s.hessian[1] += h * x;
        s.hessian[2] += h;
    }
    return s;
}

/* One Newton step, halved until it lowers the loss. Returns 0 once nothing moves. */
static int newton(const struct outcomes *o, struct qbid_calibration_line *line)
{
    struct slope s = slope_at(o, *line);
    double ridge = 1e-12 * (1 + s.hessian[0] + s.hessian[2]);
    double h0 = s.hessian[0] + ridge, h2 = s.hessian[2] + ridge;
    double det = h0 * h2 - s.hessian[1] * s.hessian[1];
    double da = -(h2 * s.gradient[0] - s.hessian[1] * s.gradient[1]) / det;
    double db = -(h0 * s.gradient[1] - s.hessian[1] * s.gradient[0]) / det;
    if (!isfinite(da) || !isfinite(db))
        return 0;
    for (double part = 1; part > 1e-10; part /= 2) {
        struct qbid_calibration_line next = {line->slope + part * da, line->intercept + part * db};
        if (slope_at(o, next).loss <= s.loss) {
            *line = next;
            return fabs(part * da) + fabs(part * db) > NEWTON_DONE;
        }
    }
    return 0;
}

struct qbid_calibration_line qbid_calibration_platt(const double *score, const double *trials,
                                                    const double *successes, uint32_t n,
                                                    double prior)
{
    double good = 0, bad = 0;
    for (uint32_t i = 0; i < n; i++) {
        good += successes[i];
        bad += trials[i] - successes[i];
    }
    struct qbid_calibration_line line = {1, 0};
    struct outcomes o = {.score = score,
                         .trials = trials,
                         .successes = successes,
                         .n = n,
                         .target_success = (good + 1) / (good + 2),
                         .target_failure = 1 / (bad + 2),
                         .prior = prior};
    for (unsigned i = 0; i < NEWTON_STEPS && good + bad > 0; i++)
        if (!newton(&o, &line))
            break;
    return line;
}

/* The bins in use, side by side. */
struct columns {
    double score[QBID_CALIBRATION_BINS]; /* mean */
    double trials[QBID_CALIBRATION_BINS];
    double successes[QBID_CALIBRATION_BINS];
    uint32_t n;
};

static void line_table(const struct columns *c, struct qbid_calibration *table)
{
    struct qbid_calibration_line line =
        qbid_calibration_platt(c->score, c->trials, c->successes, c->n, LINE_PRIOR);
    line.slope = fmax(line.slope, 0);
    table->kind = QBID_CALIBRATION_PLATT;
    table->cnt = 2;
    for (unsigned i = 0; i < 2; i++) {
        table->at[i] = i ? QBID_CALIBRATION_ODDS_MAX : -QBID_CALIBRATION_ODDS_MAX;
        table->to[i] = line.slope * table->at[i] + line.intercept;
    }
}

/* A block without successes (or failures) is not certain: half an outcome is granted to it, as far
 * as its neighbour allows. */
static double block_odds(const struct qbid_isotonic_block *block, uint32_t i, uint32_t cnt)
{
    double rate = block[i].sum / block[i].weight;
    if (block[i].sum <= 0) {
        rate = 0.5 / (block[i].weight + 1);
        if (i + 1 < cnt)
            rate = fmin(rate, block[i + 1].sum / block[i + 1].weight);
    } else if (block[i].sum >= block[i].weight) {
        rate = 1 - 0.5 / (block[i].weight + 1);
        if (i > 0)
            rate = fmax(rate, block[i - 1].sum / block[i - 1].weight);
    }
    return qbid_calibration_odds(rate);
}

static void steps_table(const struct columns *c, struct qbid_calibration *table)
{
    struct qbid_isotonic_block block[QBID_CALIBRATION_BINS];
    uint32_t cnt = qbid_isotonic_fit(c->successes, c->trials, c->n, block), i = 0;
    table->kind = QBID_CALIBRATION_ISOTONIC;
    table->cnt = cnt;
    for (uint32_t b = 0; b < cnt; b++) {
        double score = 0;
        for (; i < block[b].end; i++)
            score += c->trials[i] * c->score[i];
        table->at[b] = score / block[b].weight;
        table->to[b] = block_odds(block, b, cnt);
    }
}

void qbid_calibration_fit(const struct qbid_calibration_counts *counts,
                          struct qbid_calibration *ret_table)
{
    struct columns c = {.n = 0};
    double good = 0, bad = 0;
    for (uint32_t i = 0; i < QBID_CALIBRATION_BINS; i++) {
        const struct qbid_calibration_bin *bin = &counts->bin[i];
        if (!(bin->trials > 0))
            continue;
        c.score[c.n] = bin->score / bin->trials;
        c.trials[c.n] = bin->trials;
        c.successes[c.n] = fmin(bin->successes, bin->trials);
        good += c.successes[c.n];
        bad += c.trials[c.n] - c.successes[c.n];
        c.n++;
    }
    *ret_table = (struct qbid_calibration){.kind = QBID_CALIBRATION_NONE};
    if (fmin(good, bad) >= QBID_CALIBRATION_ISOTONIC_MIN)
        steps_table(&c, ret_table);
    else if (fmin(good, bad) >= QBID_CALIBRATION_PLATT_MIN)
        line_table(&c, ret_table);
}

double qbid_calibration_apply(const struct qbid_calibration *table, double probability)
{
    if (table->cnt == 0)
        return probability;
    double odds = qbid_calibration_odds(probability);
    uint32_t low = 0, high = table->cnt - 1;
    if (odds <= table->at[low])
        return qbid_calibration_probability(odds + table->to[low] - table->at[low]);
    if (odds >= table->at[high])
        return qbid_calibration_probability(odds + table->to[high] - table->at[high]);
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (table->at[middle] <= odds)
            low = middle;
        else
            high = middle;
    }
    double part = (odds - table->at[low]) / (table->at[high] - table->at[low]);
    return qbid_calibration_probability(table->to[low] + part * (table->to[high] - table->to[low]));
}
