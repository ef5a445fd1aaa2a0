/* SPDX-License-Identifier: Apache-2.0 */
/* Draws users and counts exposures. */
#include "tools/sim/market/audience.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "shm/units.h"

#define ACTIVITY_SD 1.0
#define CVR_SD 0.3
#define HALF_S 86400.0f

static uint8_t zipf(struct qbid_sim_random *r, uint32_t n, double power)
{
    double sum = 0, at;
    for (uint32_t i = 0; i < n; i++)
        sum += pow(1.0 + i, -power);
    at = qbid_sim_unit(r) * sum;
    uint32_t i = 0;
    while (i + 1 < n && (at -= pow(1.0 + i, -power)) > 0)
        i++;
    return (uint8_t)i;
}

/* Each place of the table holds one user's share of the mean, and another's for the rest. */
static void alias_fill(struct qbid_sim_audience *a, float *weight, uint32_t *stack)
{
    uint32_t small = 0, large = a->cnt;
    double sum = 0;
    for (uint32_t i = 0; i < a->cnt; i++)
        sum += (double)weight[i];
    for (uint32_t i = 0; i < a->cnt; i++) {
        weight[i] = (float)((double)weight[i] * a->cnt / sum);
        stack[weight[i] < 1 ? small++ : --large] = i;
    }
    while (small > 0 && large < a->cnt) {
        uint32_t low = stack[--small], high = stack[large];
        a->alias_share[low] = weight[low];
        a->alias[low] = high;
        weight[high] -= 1 - weight[low];
        if (weight[high] < 1) {
            large++;
            stack[small++] = high;
        }
    }
    for (; small > 0; small--)
        a->alias_share[stack[small - 1]] = 1;
    for (; large < a->cnt; large++)
        a->alias_share[stack[large]] = 1;
}

int qbid_sim_audience_init(struct qbid_sim_audience *audience,
                           const struct qbid_sim_market_params *params)
{
    struct qbid_sim_audience a = {.cnt = params->users};
    struct qbid_sim_random r = qbid_sim_random_of(params->seed, 3);
    float *weight = calloc(a.cnt, sizeof *weight);
    uint32_t *stack = calloc(a.cnt, sizeof *stack);
    a.user = calloc(a.cnt, sizeof *a.user);
    a.alias_share = calloc(a.cnt, sizeof *a.alias_share);
    a.alias = calloc(a.cnt, sizeof *a.alias);
    int err = weight && stack && a.user && a.alias_share && a.alias ? 0 : QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < a.cnt && !err; i++) {
        a.user[i] = (struct qbid_sim_user){
            .cvr_lg = (float)((CVR_SD * qbid_sim_normal(&r) - CVR_SD * CVR_SD / 2) * M_LOG2E),
            .geo = zipf(&r, QBID_SIM_GEOS, 0.8),
            .segment = zipf(&r, QBID_SIM_SEGMENTS, 0.5),
            .device = zipf(&r, QBID_SIM_DEVICES, 0.5)};
        weight[i] = (float)exp(ACTIVITY_SD * qbid_sim_normal(&r));
    }
    if (!err)
        alias_fill(&a, weight, stack);
    free(weight);
    free(stack);
    if (err)
        qbid_sim_audience_done(&a);
    else
        *audience = a;
    return err;
}

void qbid_sim_audience_done(struct qbid_sim_audience *audience)
{
    free(audience->user);
    free(audience->alias_share);
    free(audience->alias);
    *audience = (struct qbid_sim_audience){0};
}

int qbid_sim_exposures_init(struct qbid_sim_exposures *exposures, uint32_t users,
                            uint32_t campaigns)
{
    *exposures = (struct qbid_sim_exposures){.campaigns = campaigns, .cnt = users * campaigns};
    exposures->of = calloc(exposures->cnt, sizeof *exposures->of);
    return exposures->of ? 0 : QBID_ERR_NOMEM;
}

void qbid_sim_exposures_done(struct qbid_sim_exposures *exposures)
{
    free(exposures->of);
    *exposures = (struct qbid_sim_exposures){0};
}

void qbid_sim_exposures_copy(struct qbid_sim_exposures *to, const struct qbid_sim_exposures *from)
{
    memcpy(to->of, from->of, from->cnt * sizeof *from->of);
}

float qbid_sim_exposures_load(const struct qbid_sim_exposures *exposures, uint32_t user,
                              uint32_t campaign, uint64_t time_ns)
{
    const struct qbid_sim_exposure *e = &exposures->of[user * exposures->campaigns + campaign];
    uint32_t now_s = (uint32_t)(time_ns / QBID_NS_PER_S);
    return e->cnt > 0 ? e->cnt * exp2f((float)(int32_t)(e->at_s - now_s) / HALF_S) : 0;
}

void qbid_sim_exposures_add(struct qbid_sim_exposures *exposures, uint32_t user, uint32_t campaign,
                            uint64_t time_ns)
{
    struct qbid_sim_exposure *e = &exposures->of[user * exposures->campaigns + campaign];
    e->cnt = qbid_sim_exposures_load(exposures, user, campaign, time_ns) + 1;
    e->at_s = (uint32_t)(time_ns / QBID_NS_PER_S);
}
