/* SPDX-License-Identifier: Apache-2.0 */
/* Overrides of a running engine whose time is over: out of the account, with an entry in the audit.
 * They ended when their time came, whether or not this is done. */
#include <stdio.h>
#include <string.h>

#include "control/account/written/override.h"
#include "control/engine/engine_state.h"
#include "shm/clock.h"
#include "shm/error.h"

#define RETRY_S 10 /* while the store refuses */

static bool over(const char *text, int64_t unix_s)
{
    struct qbid_override o;
    return text && *text && !qbid_override_parse(text, unix_s, &o) && o.until_unix_s <= unix_s;
}

/* The account without them. */
static int without(const struct qbid_account *account, int64_t unix_s,
                   struct qbid_account *ret_next)
{
    int err = qbid_account_copy(account, ret_next);
    for (uint32_t i = 0; !err && i < ret_next->campaign_cnt; i++)
        if (over(ret_next->campaigns[i].override, unix_s))
            *ret_next->campaigns[i].override = '\0';
    for (uint32_t i = 0; !err && i < ret_next->line_item_cnt; i++)
        if (over(ret_next->line_items[i].override, unix_s))
            *ret_next->line_items[i].override = '\0';
    return err;
}

void qbid_engine_overrides_expire(struct qbid_engine *engine, int64_t unix_s)
{
    struct qbid_store_cause cause = {qbid_clock_unix_ns(), "qbidd", "override is over"};
    struct qbid_account next;
    struct qbid_diff diff;
    char why[QBID_ENGINE_WHY_MAX];
    if (qbid_overridden_until(engine->overridden) > unix_s || unix_s < engine->expire_again_s)
        return;
    engine->expire_again_s = unix_s + RETRY_S;
    if (without(&engine->account, unix_s, &next) != 0)
        return;
    if (qbid_diff_new(&engine->account, &next, &diff) == 0) {
        if (qbid_engine_apply(engine, &next, &diff, &cause, why) == 0)
            engine->expire_again_s = 0;
        else
            engine->counters.store_failed++;
        qbid_diff_done(&diff);
    }
    qbid_account_done(&next);
}
