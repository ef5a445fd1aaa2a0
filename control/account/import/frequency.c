/* SPDX-License-Identifier: Apache-2.0 */
/* frequency of a line item: the map of a file, or the text that the account shows. */
#include <stdio.h>
#include <string.h>

#include "control/account/import/fields.h"
#include "control/account/written/frequency.h"
#include "control/config/problems.h"

static bool scalar(struct qbid_import_item *item, const struct qbid_yaml_node *node,
                   const char *name)
{
    if (node && node->kind == QBID_YAML_SCALAR && node->len > 0 && node->len <= 24 &&
        !strpbrk(node->text, ",: "))
        return true;
    qbid_import_complain(item, node, "frequency.%s: %s", name,
                         node ? "must be one value" : "is missing");
    return false;
}

static bool keys_good(struct qbid_import_item *item, const struct qbid_yaml_node *map)
{
    static const char *const words[] = {"cap", "per", "value", NULL};
    for (const struct qbid_yaml_node *node = map->child; node; node = node->next) {
        if (strcmp(node->key, words[0]) == 0 || strcmp(node->key, words[1]) == 0 ||
            strcmp(node->key, words[2]) == 0)
            continue;
        const char *near = qbid_problems_nearest(node->key, words);
        qbid_import_complain(item, node, "frequency: unknown key '%.40s'%s%s%s", node->key,
                             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        return false;
    }
    return true;
}

/* The text of a map; false when something was complained of. */
static bool map_text(struct qbid_import_item *item, const struct qbid_yaml_node *map,
                     char text[QBID_FREQUENCY_TEXT_MAX])
{
    const struct qbid_yaml_node *cap = qbid_yaml_find(map, "cap"),
                                *per = qbid_yaml_find(map, "per");
    const struct qbid_yaml_node *value = qbid_yaml_find(map, "value");
    if (!keys_good(item, map) || !scalar(item, cap, "cap") || !scalar(item, per, "per"))
        return false;
    int len = snprintf(text, QBID_FREQUENCY_TEXT_MAX, "%s per %s", cap->text, per->text);
    if (!value)
        return true;
    if (value->kind == QBID_YAML_SCALAR && strcmp(value->text, "learned") == 0) {
        snprintf(text + len, (size_t)(QBID_FREQUENCY_TEXT_MAX - len), ": learned");
        return true;
    }
    if (value->kind != QBID_YAML_LIST || value->child_cnt < 1 ||
        value->child_cnt > QBID_FREQUENCY_VALUES_MAX) {
        qbid_import_complain(item, value,
                             "frequency.value: must be a list of 1..%d numbers, or learned",
                             QBID_FREQUENCY_VALUES_MAX);
        return false;
    }
    for (const struct qbid_yaml_node *r = value->child; r; r = r->next) {
        if (!scalar(item, r, "value"))
            return false;
        int added = snprintf(text + len, (size_t)(QBID_FREQUENCY_TEXT_MAX - len), "%s %s",
                             r == value->child ? ":" : ",", r->text);
        len += added;
        if (len >= QBID_FREQUENCY_TEXT_MAX) {
            qbid_import_complain(item, r, "frequency.value: is too long");
            return false;
        }
    }
    return true;
}

void qbid_import_frequency(struct qbid_import_item *item, char **to,
                           const struct qbid_yaml_node *node)
{
    char text[QBID_FREQUENCY_TEXT_MAX] = "";
    struct qbid_frequency_rule rule;
    if (node->kind == QBID_YAML_LIST) {
        qbid_import_complain(item, node, "frequency: must be a map with cap, per and value");
        return;
    }
    if (node->kind == QBID_YAML_MAP) {
        if (!map_text(item, node, text))
            return;
    } else if (!qbid_yaml_null(node)) {
        snprintf(text, sizeof text, "%s", node->text);
    }
    const char *wrong = qbid_frequency_rule_parse(text, &rule);
    if (wrong)
        qbid_import_complain(item, node, "frequency: '%.60s' %s", text, wrong);
    else
        qbid_import_text(item, to, text);
}
