/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on the speed of spend: the ledger gets no more authority than the window leaves. */
#include <stdlib.h>

#include "control/account/velocity.h"
#include "control/engine/engine_state.h"
#include "shm/error.h"

static void sample_take(void *context, struct qbid_speed_sample sample)
{
    qbid_speed_note(context, sample);
}

/* The campaign's samples, from the store when they are not here; NULL without a limit. */
static struct qbid_speed *speed_of(struct qbid_engine *e, const struct qbid_campaign_def *c,
                                   int *ret_err)
{
    struct qbid_velocity velocity = {0};
    struct qbid_speed **speed = &e->speed[c->budget_idx];
    if (c->velocity && *c->velocity)
        (void)qbid_velocity_parse(c->velocity, &velocity); /* checked when it came */
    if (velocity.window_s == 0) {
        free(*speed);
        *speed = NULL;
        return NULL;
    }
    bool fresh = !*speed;
    if (fresh)
        *speed = calloc(1, sizeof **speed);
    *ret_err = *speed ? 0 : QBID_ERR_NOMEM;
    if (*ret_err)
        return NULL;
    (*speed)->window_s = velocity.window_s;
    (*speed)->most_nanos = qbid_velocity_nanos(&velocity, c);
    if (fresh)
        *ret_err = qbid_store_load_speed(e->store, c->budget_idx, sample_take, *speed);
    return *speed;
}

int qbid_engine_velocity(struct qbid_engine *engine, const struct qbid_campaign_def *campaign,
                         int64_t unix_s, int64_t *authority)
{
    uint32_t b = campaign->budget_idx;
    int err = 0;
    struct qbid_speed *speed = speed_of(engine, campaign, &err);
    if (!speed || err)
        return err;
    if (qbid_speed_due(speed, unix_s)) {
        struct qbid_speed_sample now = {unix_s, qbid_ledger_spent(engine->ledger, b)};
        /* one that the store does not get makes the next life more careful, not less */
        err = qbid_store_save_speed(engine->store, b, now, unix_s - 2 * speed->window_s);
        qbid_speed_note(speed, now);
    }
    int64_t most = qbid_speed_authority(speed, unix_s);
    if (most < *authority)
        *authority = most;
    return err;
}
