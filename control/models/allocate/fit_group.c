/* SPDX-License-Identifier: Apache-2.0 */
/* Hierarchical fit: campaigns by their prior, the prior by the campaigns. */
#include "control/models/allocate/fit_group.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "shm/error.h"

#define ROUNDS 4
#define GUESS_WORTH 4.0 /* campaigns */

static void fits_done(struct qbid_fit *fits, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt; i++)
        qbid_fit_done(&fits[i]);
}

static int group_check(const struct qbid_fit_input *inputs, uint32_t cnt, char *why)
{
    for (uint32_t i = 0; i < cnt; i++)
        if (inputs[i].channel_cnt != 1 || inputs[i].channels->kind != inputs->channels->kind) {
            snprintf(why, QBID_FIT_WHY_MAX, "campaign %u: is not one channel of the group's kind",
                     i);
            return QBID_ERR_INVAL;
        }
    return 0;
}

static int fit_all(const struct qbid_fit_input *inputs, uint32_t cnt,
                   const struct qbid_fit_group *group, struct qbid_fit *fits, char *why)
{
    for (uint32_t i = 0; i < cnt; i++) {
        char reason[QBID_FIT_WHY_MAX] = "out of memory";
        struct qbid_fit_channel channel = inputs[i].channels[0];
        struct qbid_fit_input input = inputs[i];
        memcpy(channel.prior, group->prior, sizeof channel.prior);
        input.channels = &channel;
        int err = qbid_fit_new(&input, &fits[i], reason);
        if (err) {
            snprintf(why, QBID_FIT_WHY_MAX, "campaign %u: %.100s", i, reason);
            fits_done(fits, i);
            return err;
        }
    }
    return 0;
}

/* Mean and spread of one parameter over campaigns: each says what its posterior knows beyond the
 * prior that it was given. */
static struct qbid_fit_prior prior_of(const struct qbid_fit *fits, uint32_t cnt, int p,
                                      struct qbid_fit_prior given, struct qbid_fit_prior now)
{
    double between = now.sd * now.sd, weight = 1 / (given.sd * given.sd);
    double sum = weight * given.mean, apart = GUESS_WORTH * given.sd * given.sd;
    for (uint32_t i = 0; i < cnt; i++) {
        struct qbid_fit_param_estimate e = fits[i].estimate[0][p];
        double own = fmax(1 / (e.sd * e.sd) - 1 / between, 0), near = 1 + own * between;
        sum += (own * e.mean + (e.mean - now.mean) / between) / near;
        weight += own / near;
    }
    double mean = sum / weight;
    for (uint32_t i = 0; i < cnt; i++) {
        struct qbid_fit_param_estimate e = fits[i].estimate[0][p];
        apart += e.sd * e.sd + (e.mean - mean) * (e.mean - mean);
    }
    return (struct qbid_fit_prior){mean, sqrt(apart / (GUESS_WORTH + cnt))};
}

int qbid_fit_group_new(const struct qbid_fit_input *inputs, uint32_t cnt, struct qbid_fit *ret_fits,
                       struct qbid_fit_group *ret_group, char why[QBID_FIT_WHY_MAX])
{
    struct qbid_fit_group group = {.varied_cnt = 0};
    int err = cnt ? group_check(inputs, cnt, why) : QBID_ERR_INVAL;
    if (cnt == 0)
        snprintf(why, QBID_FIT_WHY_MAX, "cnt is 0");
    if (err)
        return err;
    const struct qbid_fit_prior *given = inputs->channels[0].prior;
    memcpy(group.prior, given, sizeof group.prior);
    for (int round = 0; round < ROUNDS; round++) {
        err = fit_all(inputs, cnt, &group, ret_fits, why);
        if (err)
            return err;
        if (round == ROUNDS - 1)
            break;
        for (int p = 0; p < QBID_FIT_PARAMS; p++)
            if (ret_fits->idx[0][p] != UINT32_MAX)
                group.prior[p] = prior_of(ret_fits, cnt, p, given[p], group.prior[p]);
        fits_done(ret_fits, cnt);
    }
    for (uint32_t i = 0; i < cnt; i++)
        group.varied_cnt += ret_fits[i].varied[0];
    *ret_group = group;
    return 0;
}
