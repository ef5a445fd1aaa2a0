/* SPDX-License-Identifier: Apache-2.0 */
/* Priors from the library, and word to it. */
#include "control/agents/budget_library.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "shm/error.h"

#define DAY_S 86400

/* What the library and the days say of all campaigns of a tenant. */
struct beliefs {
    struct qbid_robust *robust;
    double *estimate, *variance; /* not finite and 0: nothing */
};

static struct qbid_pattern_key key_of(const struct qbid_budget_campaign *c)
{
    return (struct qbid_pattern_key){
        .tenant = c->tenant_id, .metric = "exponent", .subject = "budget", .across = "campaign"};
}

static int one_tell(const struct qbid_budget_campaign *c,
                    const struct qbid_budget_agent_params *params, const char *name)
{
    struct qbid_pattern_key key = key_of(c);
    struct qbid_pattern_source source = {.effect = c->own_shape,
                                         .variance = c->own_variance,
                                         .events = c->day_cnt,
                                         .from_unix_s =
                                             c->from_unix_s - (int64_t)c->day_cnt * DAY_S,
                                         .to_unix_s = c->from_unix_s};
    snprintf(source.source, sizeof source.source, "%s", name);
    return params->tell(params->store, &key, &source);
}

static int one_ask(const struct qbid_budget_campaign *c, bool fitted,
                   const struct qbid_budget_agent_params *params, struct beliefs *b, uint32_t i)
{
    struct qbid_pattern_key key = key_of(c);
    struct qbid_patterns_prior prior;
    char name[16];
    snprintf(name, sizeof name, "%" PRIu32, c->id);
    int err = fitted && c->own_variance > 0 ? one_tell(c, params, name) : 0;
    if (!err)
        err = params->prior(params->store, &key, name, QBID_BUDGET_SHAPE_MEAN, QBID_BUDGET_SHAPE_SD,
                            &prior);
    if (err)
        return err;
    b->robust[i] = prior.robust;
    /* what it showed itself once is its own, too, while its days say nothing */
    b->estimate[i] = c->own_variance > 0 ? c->own_shape : prior.own.effect;
    b->variance[i] = c->own_variance > 0 ? c->own_variance : prior.known ? prior.own.variance : 0;
    return 0;
}

static void all_take(struct qbid_budget_campaign *const *campaigns, uint32_t cnt, struct beliefs *b)
{
    qbid_robust_learn_together(b->robust, b->estimate, b->variance, cnt);
    for (uint32_t i = 0; i < cnt; i++) {
        double shape = qbid_robust_mean(&b->robust[i]);
        campaigns[i]->shape = fmin(fmax(shape, QBID_BUDGET_SHAPE_LOW), QBID_BUDGET_SHAPE_HIGH);
        campaigns[i]->shape_sd = qbid_robust_sd(&b->robust[i]);
        campaigns[i]->informed = true;
    }
}

int qbid_budget_inform(struct qbid_budget_campaign *const *campaigns, uint32_t cnt, bool fitted,
                       const struct qbid_budget_agent_params *params)
{
    bool wanted = fitted;
    for (uint32_t i = 0; i < cnt; i++)
        wanted = wanted || !campaigns[i]->informed;
    if (!params->prior || !wanted)
        return 0;
    struct beliefs b = {calloc(cnt, sizeof *b.robust), calloc(cnt, sizeof *b.estimate),
                        calloc(cnt, sizeof *b.variance)};
    int err = b.robust && b.estimate && b.variance ? 0 : QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < cnt && !err; i++)
        err = one_ask(campaigns[i], fitted, params, &b, i);
    if (!err)
        all_take(campaigns, cnt, &b);
    free(b.robust);
    free(b.estimate);
    free(b.variance);
    return err;
}
