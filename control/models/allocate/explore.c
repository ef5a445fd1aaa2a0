/* SPDX-License-Identifier: Apache-2.0 */
/* Thompson exploration of budgets, its priors, and perturbations that keep curves known. */
#include "control/models/allocate/explore.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/models/golden.h"
#include "shm/error.h"

#define STRENGTH_USUAL 4.0 /* scales within e^+-0.5 */
#define LOG_STRENGTH_LOW (-2.0)
#define LOG_STRENGTH_HIGH 7.0
#define MEAN_ROUNDS 6
#define HALF_OF_NOTHING 1e-7 /* currency units: a log curve that is steep at 0, not upright */

struct believed {
    const struct qbid_explore_evidence *evidence;
    uint32_t cnt;
};

/* The mean that fits a strength: the posterior means' own mean. */
static double mean_at(const struct believed *b, double strength)
{
    double count = 0, exposure = 0;
    for (uint32_t i = 0; i < b->cnt; i++) {
        count += b->evidence[i].count;
        exposure += b->evidence[i].exposure;
    }
    double mean = (count + 0.5) / exposure;
    for (int round = 0; round < MEAN_ROUNDS; round++) {
        double sum = 0;
        for (uint32_t i = 0; i < b->cnt; i++)
            sum += (strength + b->evidence[i].count) / (strength / mean + b->evidence[i].exposure);
        mean = sum / b->cnt;
    }
    return mean;
}

static double log_likelihood(const void *context, double log_strength)
{
    const struct believed *b = context;
    double k = exp(log_strength), away = log_strength - log(STRENGTH_USUAL);
    double rate = k / mean_at(b, k), sum = -0.5 * away * away;
    for (uint32_t i = 0; i < b->cnt; i++) {
        const struct qbid_explore_evidence *e = &b->evidence[i];
        sum += lgamma(k + e->count) - lgamma(k) - k * log1p(e->exposure / rate) -
               e->count * log(rate + e->exposure);
    }
    return sum;
}

int qbid_explore_prior_fit(const struct qbid_explore_evidence *evidence, uint32_t cnt,
                           struct qbid_explore_prior *ret_prior)
{
    struct believed b = {evidence, cnt};
    double exposure = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        if (!(evidence[i].count >= 0 && isfinite(evidence[i].count) && evidence[i].exposure >= 0 &&
              isfinite(evidence[i].exposure)))
            return QBID_ERR_INVAL;
        exposure += evidence[i].exposure;
    }
    if (!(exposure > 0))
        return QBID_ERR_INVAL;
    double at = qbid_golden_max(log_likelihood, &b, LOG_STRENGTH_LOW, LOG_STRENGTH_HIGH, 16);
    *ret_prior = (struct qbid_explore_prior){mean_at(&b, exp(at)), exp(at)};
    return 0;
}

double qbid_explore_mean(struct qbid_explore_prior prior,
                         const struct qbid_explore_evidence *evidence)
{
    return (prior.strength + evidence->count) / (prior.strength / prior.mean + evidence->exposure);
}

double qbid_explore_scale(struct qbid_explore_prior prior,
                          const struct qbid_explore_evidence *evidence, struct qbid_random *random)
{
    double rate = prior.strength / prior.mean + evidence->exposure;
    return qbid_random_gamma(random, prior.strength + evidence->count) / rate;
}

/* Add a part of the best allocation by the curves of `a`, in currency units. */
static int add_allocation(struct qbid_allocation *a, double part, double *mean, char *why)
{
    int err = qbid_allocate(a, why);
    for (uint32_t i = 0; i < a->item_cnt && !err; i++)
        mean[i] += part * a->items[i].spend;
    return err;
}

/* Mean allocation over draws and by the expected curves; near has room for the drawn ones. */
static int mean_allocation(struct qbid_allocation *a, struct qbid_allocation *near,
                           const struct qbid_explore_params *params, struct qbid_random *random,
                           double *ret_mean, char *why)
{
    for (uint32_t i = 0; i < a->item_cnt; i++) {
        ret_mean[i] = 0;
        near->items[i] = a->items[i];
    }
    int err = add_allocation(a, params->exploit, ret_mean, why);
    for (uint32_t d = 0; d < params->draws && params->exploit < 1 && !err; d++) {
        for (uint32_t i = 0; i < a->item_cnt; i++)
            near->items[i].curve = params->draw(params->context, i, random);
        err = add_allocation(near, (1 - params->exploit) / params->draws, ret_mean, why);
    }
    return err;
}

static int64_t within(double micros, int64_t least, int64_t most)
{
    if (!(micros > (double)least))
        return least;
    return micros < (double)most ? (int64_t)micros : most;
}

/* The point of the trust region nearest to the wanted spends: maximise sum of wanted log(spend). */
static int project(struct qbid_allocation *near, const struct qbid_allocation *a,
                   const int64_t *current_micros, const double *wanted, double trust, char *why)
{
    double share = trust * (double)a->budget_micros / a->item_cnt;
    for (uint32_t i = 0; i < a->item_cnt; i++) {
        const struct qbid_allocation_item *item = &a->items[i];
        double now = (double)current_micros[i];
        near->items[i] = *item;
        near->items[i].curve = (struct qbid_curve){QBID_CURVE_LOG, fmax(wanted[i], HALF_OF_NOTHING),
                                                   1, HALF_OF_NOTHING};
        near->items[i].least_micros =
            within(ceil(now - trust * now), item->least_micros, item->most_micros);
        near->items[i].most_micros =
            within(fmax(now + trust * now, share), near->items[i].least_micros, item->most_micros);
    }
    return qbid_allocate(near, why);
}

static int params_check(const struct qbid_explore_params *params, char *why)
{
    const char *field = NULL;
    if (params->draws < 1 || params->draws > QBID_EXPLORE_DRAWS_MAX)
        field = "draws";
    else if (!(params->exploit >= 0 && params->exploit <= 1))
        field = "exploit";
    else if (!(params->trust > 0))
        field = "trust";
    if (field)
        snprintf(why, QBID_ALLOCATION_WHY_MAX, "%s is out of range", field);
    return field ? QBID_ERR_INVAL : 0;
}

int qbid_explore(struct qbid_allocation *allocation, const int64_t *current_micros,
                 const struct qbid_explore_params *params, struct qbid_random *random,
                 char why[QBID_ALLOCATION_WHY_MAX])
{
    struct qbid_allocation near = *allocation;
    uint32_t cnt = allocation->item_cnt;
    int err = params_check(params, why);
    if (err)
        return err;
    double *wanted = malloc((cnt + 1) * sizeof *wanted);
    near.items = malloc((cnt + 1) * sizeof *near.items);
    err = wanted && near.items ? 0 : QBID_ERR_NOMEM;
    if (!err)
        err = mean_allocation(allocation, &near, params, random, wanted, why);
    if (!err) {
        double trust = params->trust;
        do { /* where the current spends miss the bounds, the way to them may be longer */
            err = project(&near, allocation, current_micros, wanted, trust, why);
            trust *= 2;
        } while (err == QBID_ERR_LIMIT && trust < 1e9);
    }
    for (uint32_t i = 0; i < cnt && !err; i++) {
        allocation->items[i].spend = near.items[i].spend;
        allocation->items[i].spend_micros = near.items[i].spend_micros;
    }
    free(wanted);
    free(near.items);
    return err;
}

void qbid_explore_perturb(struct qbid_allocation *allocation, double part,
                          struct qbid_random *random, uint32_t *order)
{
    struct qbid_allocation_item *items = allocation->items;
    for (uint32_t i = 0; i < allocation->item_cnt; i++) {
        uint32_t j = qbid_random_below(random, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (uint32_t i = 0; i + 1 < allocation->item_cnt; i += 2) {
        struct qbid_allocation_item *up = &items[order[i]], *down = &items[order[i + 1]];
        int64_t smaller =
            up->spend_micros < down->spend_micros ? up->spend_micros : down->spend_micros;
        int64_t most = up->most_micros - up->spend_micros;
        int64_t room = down->spend_micros - down->least_micros;
        int64_t step = within(part * (double)smaller, 0, most < room ? most : room);
        if (allocation->groups && up->group != down->group)
            continue; /* sums of platforms stay too */
        up->spend_micros += step;
        down->spend_micros -= step;
        up->spend = (double)up->spend_micros / 1e6;
        down->spend = (double)down->spend_micros / 1e6;
    }
}
