/* SPDX-License-Identifier: Apache-2.0 */
/* override of a campaign or line item: the map of a file, or the text that the account shows. */
#include <stdio.h>
#include <string.h>

#include "control/account/import/fields.h"
#include "control/account/written/override.h"
#include "control/config/problems.h"

static bool keys_good(struct qbid_import_item *item, const struct qbid_yaml_node *map)
{
    static const char *const words[] = {"fixed", "multiplier", "until", "why", NULL};
    for (const struct qbid_yaml_node *node = map->child; node; node = node->next) {
        size_t i = 0;
        while (words[i] && strcmp(words[i], node->key) != 0)
            i++;
        if (words[i] && node->kind == QBID_YAML_SCALAR && node->len < QBID_OVERRIDE_WHY_MAX)
            continue;
        const char *near = words[i] ? NULL : qbid_problems_nearest(node->key, words);
        qbid_import_complain(item, node, "override.%.40s: %s%s%s%s", node->key,
                             words[i] ? "must be one value of at most 200 bytes" : "unknown key",
                             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        return false;
    }
    return true;
}

/* The text of a map; false when something was complained of. */
static bool map_text(struct qbid_import_item *item, const struct qbid_yaml_node *map,
                     char text[QBID_OVERRIDE_TEXT_MAX])
{
    if (!keys_good(item, map))
        return false;
    const struct qbid_yaml_node *fixed = qbid_yaml_find(map, "fixed"),
                                *multiplier = qbid_yaml_find(map, "multiplier"),
                                *until = qbid_yaml_find(map, "until"),
                                *why = qbid_yaml_find(map, "why");
    if (!fixed == !multiplier || !until) {
        qbid_import_complain(item, map,
                             "override: takes fixed or multiplier, and until; why is the reason");
        return false;
    }
    snprintf(text, QBID_OVERRIDE_TEXT_MAX, "%s%s until %s%s%s", fixed ? "fixed " : "x",
             fixed ? fixed->text : multiplier->text, until->text, why ? ": " : "",
             why ? why->text : "");
    return true;
}

void qbid_import_override(struct qbid_import_item *item, char **to,
                          const struct qbid_yaml_node *node)
{
    char text[QBID_OVERRIDE_TEXT_MAX] = "";
    struct qbid_override override;
    if (node->kind == QBID_YAML_LIST || node->len >= sizeof text) {
        qbid_import_complain(item, node,
                             "override: must be a map with fixed or multiplier, until "
                             "and why");
        return;
    }
    if (node->kind == QBID_YAML_MAP) {
        if (!map_text(item, node, text))
            return;
    } else if (!qbid_yaml_null(node)) {
        snprintf(text, sizeof text, "%s", node->text);
    }
    const char *wrong = qbid_override_parse(text, item->now_unix_s, &override);
    if (!wrong && override.until_unix_s > item->now_unix_s + QBID_OVERRIDE_SPAN_MAX_S)
        wrong = "ends in more than 366 days";
    if (wrong) {
        qbid_import_complain(item, node, "override: '%.60s' %s", text, wrong);
        return;
    }
    if (override.until_unix_s <= item->now_unix_s)
        override.kind = QBID_OVERRIDE_NONE; /* over: an old file may still name it */
    qbid_override_format(&override, text);
    if (item->actor && strcmp(text, *to ? *to : "") != 0) { /* who changes it is its author */
        snprintf(override.by, sizeof override.by, "%s", item->actor);
        qbid_override_format(&override, text);
    }
    qbid_import_text(item, to, text);
}
