/* SPDX-License-Identifier: Apache-2.0 */
/* What a campaign aims at: its goal, target, caps and floor, and whether they go together. */
#include <stdio.h>
#include <string.h>

#include "control/account/import/fields.h"

/* ROAS = value / spend falls as spend grows, so its maximum is at no spend at all (with value
 * a*x^0.8 it is a*x^-0.2): alone it is no goal. With a spend to reach it is max_roas, with a least
 * ROAS it is target_roas. */
#define ROAS_ALONE                                                                                 \
    "alone is refused: return on spend is highest at no spend; give a spend_floor above 0, or "    \
    "use "                                                                                         \
    "target_roas with the least return to accept, or max_value in the budget"

static bool goal_targeted(enum qbid_goal goal)
{
    return goal == QBID_GOAL_TARGET_CPC || goal == QBID_GOAL_TARGET_CPA ||
           goal == QBID_GOAL_TARGET_ROAS || goal == QBID_GOAL_FIXED_CPM;
}

/* "goal: {target_cpc: 1.20}", "goal: {max_clicks: {}}": the word and its value apart. */
static bool goal_map_read(struct qbid_import_item *item, const struct qbid_yaml_node *goal,
                          struct qbid_yaml_node *word, const struct qbid_yaml_node **value)
{
    if (goal->child_cnt != 1) {
        qbid_import_complain(item, goal, "goal: must be one goal");
        return false;
    }
    *word = *goal;
    word->kind = QBID_YAML_SCALAR;
    word->text = goal->child->key;
    word->len = (uint32_t)strlen(word->text);
    if (goal->child->kind == QBID_YAML_SCALAR && !qbid_yaml_null(goal->child))
        *value = goal->child;
    else if (goal->child->child_cnt > 0)
        qbid_import_complain(item, goal, "goal: %.40s takes one value at most", word->text);
    return true;
}

/* The word's node; "maximise_roas" is another way to say max_roas. False when it is refused. */
static bool goal_word_read(struct qbid_import_item *item, const struct qbid_yaml_node *goal,
                           const struct qbid_yaml_node **target)
{
    const struct qbid_campaign_def *campaign = item->def;
    struct qbid_yaml_node word = *goal;
    if (goal->kind == QBID_YAML_MAP && !goal_map_read(item, goal, &word, target))
        return false;
    bool roas = strcmp(word.text, "maximise_roas") == 0 ||
                strcmp(word.text, "maximize_roas") == 0 || strcmp(word.text, "max_roas") == 0;
    if (roas && campaign->spend_floor_nanos <= 0) {
        qbid_import_complain(item, goal, "goal: %s " ROAS_ALONE, word.text);
        return false;
    }
    if (roas)
        word.text = "max_roas";
    qbid_import_field(item, qbid_fields_find(QBID_ITEM_CAMPAIGN, "goal"), &word);
    return true;
}

static void target_check(struct qbid_import_item *item, enum qbid_goal before,
                         const struct qbid_yaml_node *goal, const struct qbid_yaml_node *target)
{
    struct qbid_campaign_def *campaign = item->def;
    const char *name = qbid_words_text(qbid_words_goal, (int)campaign->goal);
    if (goal_targeted(campaign->goal)) {
        if (campaign->target_micros < 1 || (campaign->goal != before && !target))
            qbid_import_complain(item, target ? target : goal, "goal: %s needs a target above 0",
                                 name);
    } else if (target && campaign->target_micros != 0) {
        qbid_import_complain(item, target, "target: %s has none", name);
    } else {
        campaign->target_micros = 0;
    }
}

/* A goal's floor; one that came with another goal goes with it. */
static void floor_check(struct qbid_import_item *item)
{
    struct qbid_campaign_def *campaign = item->def;
    const struct qbid_yaml_node *node = qbid_yaml_find(item->node, "spend_floor");
    if (campaign->goal != QBID_GOAL_MAX_ROAS) {
        if (node && campaign->spend_floor_nanos > 0)
            qbid_import_complain(item, node,
                                 "spend_floor: %s has none; it is what max_roas reaches",
                                 qbid_words_text(qbid_words_goal, (int)campaign->goal));
        campaign->spend_floor_nanos = 0;
    } else if (campaign->spend_floor_nanos <= 0) {
        qbid_import_complain(item, node, "spend_floor: max_roas " ROAS_ALONE);
    } else if (campaign->spend_floor_nanos > campaign->budget_nanos && campaign->budget_nanos > 0) {
        qbid_import_complain(item, node, "spend_floor: is above the budget");
    }
}

static void caps_check(struct qbid_import_item *item)
{
    static const struct {
        const char *name;
        enum qbid_goal same; /* the goal that caps the same metric by its target */
    } caps[QBID_CAP_CNT] = {{"cap_cpc", QBID_GOAL_TARGET_CPC},
                            {"cap_cpa", QBID_GOAL_TARGET_CPA},
                            {"min_roas", QBID_GOAL_TARGET_ROAS}};
    struct qbid_campaign_def *campaign = item->def;
    const char *goal = qbid_words_text(qbid_words_goal, (int)campaign->goal);
    for (unsigned cap = 0; cap < QBID_CAP_CNT; cap++) {
        const struct qbid_yaml_node *node = qbid_yaml_find(item->node, caps[cap].name);
        if (campaign->cap_micros[cap] == 0)
            continue;
        if (campaign->goal == caps[cap].same)
            qbid_import_complain(item, node, "%s: %s caps the same metric: set its target instead",
                                 caps[cap].name, goal);
        else if (campaign->goal == QBID_GOAL_FIXED_CPM || campaign->goal == QBID_GOAL_MAX_ROAS)
            qbid_import_complain(item, node, "%s: %s takes no caps", caps[cap].name, goal);
    }
}

void qbid_import_goal(struct qbid_import_item *item)
{
    struct qbid_campaign_def *campaign = item->def;
    const struct qbid_yaml_node *goal = qbid_yaml_find(item->node, "goal");
    const struct qbid_yaml_node *target = qbid_yaml_find(item->node, "target");
    enum qbid_goal before = campaign->goal;
    if (goal && !goal_word_read(item, goal, &target))
        return;
    if (target)
        qbid_import_field(item, qbid_fields_find(QBID_ITEM_CAMPAIGN, "target"), target);
    if (!goal && item->fresh)
        qbid_import_complain(item, NULL, "goal is missing");
    if (campaign->goal == 0)
        return;
    target_check(item, before, goal, target);
    floor_check(item);
    caps_check(item);
}
