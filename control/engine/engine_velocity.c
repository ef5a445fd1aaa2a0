/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on the speed of spend: the ledger gets no more authority than the window leaves. */
#include <stdlib.h>

#include "control/account/written/velocity.h"
#include "control/engine/engine_state.h"
#include "shm/error.h"

static void sample_take(void *context, struct qbid_speed_sample sample)
{
    qbid_speed_note(context, sample);
}

/* The campaign's limit, and its samples from the store when they are not here. */
static int speed_set(struct qbid_engine *e, const struct qbid_campaign_def *c)
{
    struct qbid_velocity velocity = {0};
    struct qbid_speed **speed = &e->speed[c->budget_idx];
    if (c->velocity && *c->velocity)
        (void)qbid_velocity_parse(c->velocity, &velocity); /* checked when it came */
    if (velocity.window_s == 0) {
        free(*speed);
        *speed = NULL;
        return 0;
    }
    bool fresh = !*speed;
    if (fresh)
        *speed = calloc(1, sizeof **speed);
    if (!*speed)
        return QBID_ERR_NOMEM;
    (*speed)->window_s = velocity.window_s;
    (*speed)->most_nanos = qbid_velocity_nanos(&velocity, c);
    return fresh ? qbid_store_load_speed(e->store, c->budget_idx, sample_take, *speed) : 0;
}

int qbid_engine_velocities(struct qbid_engine *engine)
{
    int err = 0;
    for (uint32_t i = 0; i < engine->account.campaign_cnt; i++) {
        int one = speed_set(engine, &engine->account.campaigns[i]);
        err = err ? err : one;
    }
    return err;
}

int qbid_engine_velocity(struct qbid_engine *engine, uint32_t budget_idx, int64_t unix_s,
                         int64_t *authority)
{
    int err = 0;
    struct qbid_speed *speed = engine->speed[budget_idx];
    if (!speed)
        return 0;
    if (qbid_speed_due(speed, unix_s)) {
        struct qbid_speed_sample now = {unix_s, qbid_ledger_spent(engine->ledger, budget_idx)};
        /* one that the store does not get makes the next life more careful, not less */
        err = qbid_store_save_speed(engine->store, budget_idx, now, unix_s - 2 * speed->window_s);
        qbid_speed_note(speed, now);
    }
    int64_t most = qbid_speed_authority(speed, unix_s);
    if (most < *authority)
        *authority = most;
    return err;
}
