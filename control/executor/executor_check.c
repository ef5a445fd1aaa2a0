/* SPDX-License-Identifier: Apache-2.0 */
/* What may be changed as things are: values that are still the same, items that nobody holds,
 * budgets of which enough is left. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/written/money.h"
#include "control/executor/executor_parts.h"
#include "shm/error.h"

static const void *item_find(const struct qbid_account *account, enum qbid_item_kind item,
                             uint32_t id)
{
    return item == QBID_ITEM_CAMPAIGN    ? (const void *)qbid_account_campaign(account, id)
           : item == QBID_ITEM_LINE_ITEM ? (const void *)qbid_account_line_item(account, id)
                                         : (const void *)qbid_account_creative(account, id);
}

const struct qbid_campaign_def *qbid_executor_campaign_seen(const struct qbid_executor *x,
                                                            const struct qbid_executor_call *call,
                                                            enum qbid_item_kind item, uint32_t id)
{
    const struct qbid_campaign_def *campaign =
        qbid_executor_campaign(x->host.account(x->host.context), item, id);
    return campaign && (call->tenant == 0 || call->tenant == campaign->tenant_id) ? campaign : NULL;
}

double qbid_executor_change_share(const struct qbid_proposal *p)
{
    char *end, *end2;
    double before = strtod(p->current, &end), after = strtod(p->recommended, &end2);
    if (end == p->current || *end || end2 == p->recommended || *end2 || !(fabs(before) > 0))
        return 1;
    return fabs(after - before) / fabs(before);
}

static bool is_number(const struct qbid_proposal *p)
{
    const struct qbid_field *field = qbid_fields_find(p->item, p->field);
    return field->type == QBID_FIELD_NANOS || field->type == QBID_FIELD_MICROS ||
           field->type == QBID_FIELD_REAL || field->type == QBID_FIELD_U16;
}

int qbid_executor_value_check(const struct qbid_executor *x, const struct qbid_executor_call *call,
                              const struct qbid_proposal *p)
{
    const struct qbid_account *account = x->host.account(x->host.context);
    const void *item = qbid_executor_campaign_seen(x, call, p->item, p->item_id)
                           ? item_find(account, p->item, p->item_id)
                           : NULL;
    const struct qbid_field *field = qbid_fields_find(p->item, p->field);
    if (!item || !field)
        return qbid_executor_refuse(call, QBID_ERR_NOENT, "there is no %s %u",
                                    qbid_item_kind_name(p->item), p->item_id);
    char *value = qbid_field_text(field, item);
    int err = !value ? QBID_ERR_NOMEM : strcmp(value, p->current) == 0 ? 0 : QBID_ERR_STALE;
    if (err == QBID_ERR_STALE)
        qbid_executor_refuse(call, err, "%s of %s %u is %.200s, not %.200s any more", p->field,
                             qbid_item_kind_name(p->item), p->item_id, value, p->current);
    free(value);
    return err;
}

/* --- holds */

/* Changes that no hold may meet, as items of an account. */
struct touched {
    const struct qbid_executor_call *call;
    const struct qbid_account *account;
    const struct qbid_change *change;
    uint32_t cnt;
};

/* Whether an item is another one, or below it. */
static bool item_within(const struct qbid_account *account, const struct qbid_change *change,
                        const struct qbid_store_hold *hold)
{
    uint32_t id = change->id;
    if (change->item == hold->item)
        return id == hold->item_id;
    if (hold->item == QBID_ITEM_CAMPAIGN) {
        const struct qbid_campaign_def *campaign =
            qbid_executor_campaign(account, change->item, id);
        return campaign && campaign->id == hold->item_id;
    }
    const struct qbid_creative_def *creative =
        change->item == QBID_ITEM_CREATIVE ? qbid_account_creative(account, id) : NULL;
    return creative && hold->item == QBID_ITEM_LINE_ITEM && creative->line_item_id == hold->item_id;
}

static int hold_check(void *context, const struct qbid_store_hold *hold)
{
    const struct touched *touched = context;
    for (uint32_t i = 0; i < touched->cnt; i++) {
        if (item_within(touched->account, &touched->change[i], hold))
            return qbid_executor_refuse(
                touched->call, QBID_ERR_BUSY, "%s %u is held by %.60s: %.200s",
                qbid_item_kind_name(hold->item), hold->item_id, hold->actor, hold->why);
    }
    return 0;
}

static int holds_check(const struct qbid_executor *x, const struct qbid_executor_call *call,
                       const struct qbid_change *change, uint32_t cnt)
{
    struct touched touched = {call, x->host.account(x->host.context), change, cnt};
    int err = qbid_store_load_holds(x->host.store, hold_check, &touched);
    return !err || err == QBID_ERR_BUSY ? err : qbid_executor_refuse_store(x, call, err);
}

/* --- what may be done */

int qbid_executor_check(const struct qbid_executor *x, const struct qbid_executor_call *call,
                        const struct qbid_recommendation *r)
{
    const struct qbid_proposal *p = &r->proposal;
    const struct qbid_change change = {
        .kind = QBID_CHANGE_CHANGED, .item = p->item, .id = p->item_id};
    int err = qbid_executor_value_check(x, call, p);
    if (!err)
        err = holds_check(x, call, &change, 1);
    if (err)
        return err;
    if (x->limits.item_change > 0 && is_number(p) &&
        qbid_executor_change_share(p) > x->limits.item_change * (1 + 1e-12))
        return qbid_executor_refuse(
            call, QBID_ERR_LIMIT, "%s of %s %u would change by %.3g %%; the limit is %.3g %%",
            p->field, qbid_item_kind_name(p->item), p->item_id, 100 * qbid_executor_change_share(p),
            100 * x->limits.item_change);
    return 0;
}

/* No budget falls below what has left it: that does not come back, and who were given it anew would
 * spend it again. */
static int budget_check(const struct qbid_executor *x, const struct qbid_executor_call *call,
                        const struct qbid_campaign_def *now, const struct qbid_campaign_def *next)
{
    char after[QBID_MONEY_TEXT_MAX], gone[QBID_MONEY_TEXT_MAX];
    bool less = next->budget_nanos < now->budget_nanos || next->period != now->period;
    int64_t committed =
        less && x->host.committed ? x->host.committed(x->host.context, next, call->unix_ns) : 0;
    if (committed <= next->budget_nanos)
        return 0;
    after[qbid_money_format(next->budget_nanos, after)] = 0;
    gone[qbid_money_format(committed, gone)] = 0;
    return qbid_executor_refuse(
        call, QBID_ERR_BUSY,
        "the budget of campaign %" PRIu32 " would be %s, and %s of it %s spent or bid already",
        next->id, after, gone, next->period == QBID_BUDGET_DAILY ? "are today" : "are");
}

int qbid_executor_back_check(const struct qbid_executor *x, const struct qbid_executor_call *call,
                             const struct qbid_account *next, const struct qbid_diff *diff)
{
    const struct qbid_account *now = x->host.account(x->host.context);
    int err = holds_check(x, call, diff->change, diff->change_cnt);
    for (uint32_t i = 0; i < diff->change_cnt && !err; i++) {
        uint32_t id = diff->change[i].id;
        const struct qbid_campaign_def *was = qbid_account_campaign(now, id);
        if (diff->change[i].item == QBID_ITEM_CAMPAIGN && was)
            err = budget_check(x, call, was, qbid_account_campaign(next, id));
    }
    return err;
}
