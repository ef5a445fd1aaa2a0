/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be built, found before anything is laid out. */
#include "control/publish/build_check.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "shm/live.h"

#define RATIO_MAX 1.0f
#define VALUE_BITS_MAX UINT32_C(0x7f7fffff) /* of a float >= 0 that is finite */

static bool ratios_valid(const float *ratio)
{
    for (unsigned i = 0; i < QBID_SHADE_KNOTS; i++)
        if (!(ratio[i] >= 0 && ratio[i] <= RATIO_MAX))
            return false;
    return true;
}

/* Not -0 either: readers take values by their bits. */
static bool value_valid(float micros)
{
    return micros >= 0 && isfinite(micros) && !signbit(micros);
}

static bool price_valid(int64_t micros)
{
    return micros >= 0 && micros <= QBID_PRICE_MICROS_MAX;
}

/* NULL, or what is wrong. */
static const char *params_complaint(const struct qbid_build_params *params)
{
    if (params->gen == 0)
        return "generation 0";
    if (!price_valid(params->price_ceiling_micros))
        return "the price ceiling is out of range";
    if (!(params->stale_factor >= 0 && params->stale_factor <= RATIO_MAX))
        return "the stale factor is not in [0, 1]";
    for (uint32_t i = 0; i < params->rate_cnt; i++)
        if (params->rates[i].currency == 0 || params->rates[i].micros <= 0)
            return "a currency rate is not above 0";
    return NULL;
}

static const char *account_complaint(const struct qbid_account *account)
{
    if (account->line_item_max > QBID_LINE_ITEMS_MAX)
        return "too many line items";
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        if (!price_valid(li->floor_micros) || !price_valid(li->ceiling_micros))
            return "a line item's floor or ceiling is out of range";
        if (li->idx >= account->line_item_max) /* the bitmaps are written by it */
            return "a line item's id is 0, or its place is taken or out of range";
    }
    for (uint32_t i = 0; i < account->campaign_cnt; i++)
        if (account->campaigns[i].budget_idx >= QBID_LIVE_BUDGETS_MAX)
            return "a campaign's budget index is out of range";
    return NULL;
}

static const char *levels_complaint(const struct qbid_plan *plan)
{
    bool ended = false;
    for (unsigned level = 0; level < QBID_LEVEL_MAX; level++) {
        uint64_t left = plan->level_mask[level];
        if (left != 0 && ended)
            return "an unused level lies before a used one";
        ended |= left == 0;
        for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
            if ((left & qbid_dim_mask(dim)) == qbid_dim_mask(dim))
                left &= ~qbid_dim_mask(dim);
        if (left != 0)
            return "a level's mask is not made of whole dimensions";
    }
    return NULL;
}

static const char *row_complaint(const struct qbid_plan_candidate *candidate, uint32_t cnt,
                                 uint32_t line_item_max)
{
    for (uint32_t k = 0; k < cnt; k++) {
        if (candidate[k].line_item_idx >= line_item_max ||
            (k > 0 && candidate[k - 1].line_item_idx >= candidate[k].line_item_idx))
            return "candidates of a context are out of range or order";
        if (!value_valid(candidate[k].value_micros))
            return "a candidate's value is no number";
    }
    return NULL;
}

/* The same as a yes or no and without a branch: nearly every row is good. Of an ascending row only
 * the last line item can be out of range; bits above those of the largest number are no value. */
static bool row_good(const struct qbid_plan_candidate *candidate, uint32_t cnt,
                     uint32_t line_item_max)
{
    uint32_t bad = candidate[cnt - 1].line_item_idx >= line_item_max, bits;
    memcpy(&bits, &candidate[0].value_micros, sizeof bits);
    bad |= bits > VALUE_BITS_MAX;
    for (uint32_t k = 1; k < cnt; k++) {
        memcpy(&bits, &candidate[k].value_micros, sizeof bits);
        bad |= bits > VALUE_BITS_MAX;
        bad |= candidate[k - 1].line_item_idx >= candidate[k].line_item_idx;
    }
    return bad == 0;
}

static const char *context_complaint(const struct qbid_plan *plan, uint32_t i,
                                     uint32_t line_item_max)
{
    const struct qbid_plan_context *context = &plan->contexts[i];
    uint64_t mask = plan->level_mask[context->key >> 62];
    if (i > 0 && plan->contexts[i - 1].key >= context->key)
        return "contexts are not in ascending order of their keys";
    if (mask == 0 || (context->key & ~(UINT64_C(3) << 62) & ~mask) != 0)
        return "a context's key does not fit its level";
    if (context->cnt == 0 || context->cnt > QBID_ROW_CANDIDATES_MAX ||
        context->first > plan->candidate_cnt || context->cnt > plan->candidate_cnt - context->first)
        return "a context's row has no candidates, too many, or lies outside the plan";
    if (context->segment >= (plan->shade_cnt ? plan->shade_cnt : 1))
        return "a context's market segment does not exist";
    const struct qbid_plan_candidate *candidate = &plan->candidates[context->first];
    return row_good(candidate, context->cnt, line_item_max)
               ? NULL
               : row_complaint(candidate, context->cnt, line_item_max);
}

static const char *plan_complaint(const struct qbid_plan *plan, uint32_t line_item_max)
{
    const char *why = levels_complaint(plan);
    for (uint32_t i = 0; i < plan->context_cnt && !why; i++)
        why = context_complaint(plan, i, line_item_max);
    if (plan->shade_cnt > QBID_SEGMENTS_MAX || plan->qgroup_cnt > UINT16_MAX)
        why = "too many market segments or Q groups";
    for (uint32_t i = 0; i < plan->line_item_max && !why; i++) {
        if (!value_valid(plan->line_value_micros[i]))
            why = "a line item's value is no number";
        if (plan->line_q_group[i] >= (plan->qgroup_cnt ? plan->qgroup_cnt : 1))
            why = "a line item's Q group does not exist";
    }
    for (uint32_t i = 0; i < plan->shade_cnt && !why; i++)
        if (!ratios_valid(plan->shades[i].ratio) || !ratios_valid(plan->shades[i].win))
            why = "a shade table is not in [0, 1]";
    for (uint32_t i = 0; i < plan->qgroup_cnt * QBID_QSTATES && !why; i++)
        if (plan->qrows[i].n != 0 && !qbid_qrow_valid(&plan->qrows[i]))
            why = "a Q row is malformed";
    return why;
}

const char *qbid_build_complaint(const struct qbid_account *account, const struct qbid_plan *plan,
                                 const struct qbid_build_params *params)
{
    const char *why = params_complaint(params);
    if (!why)
        why = account_complaint(account);
    if (!why)
        why = plan_complaint(plan, account->line_item_max);
    return why;
}
