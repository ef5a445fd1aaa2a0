/* SPDX-License-Identifier: Apache-2.0 */
/* hours and time_zone of a campaign. */
#include <stdio.h>
#include <string.h>

#include "control/account/import/fields.h"
#include "control/account/written/week.h"
#include "shm/error.h"

/* "a; b; c" of a list; false when something was complained of. */
static bool list_text(struct qbid_import_item *item, const struct qbid_yaml_node *list,
                      char text[QBID_WEEK_TEXT_MAX])
{
    size_t len = 0;
    for (const struct qbid_yaml_node *entry = list->child; entry; entry = entry->next) {
        if (entry->kind != QBID_YAML_SCALAR || strchr(entry->text, ';')) {
            qbid_import_complain(item, entry, "hours: must be a list of entries as 'mon-fri 8-20'");
            return false;
        }
        int added =
            snprintf(text + len, QBID_WEEK_TEXT_MAX - len, "%s%s", len ? "; " : "", entry->text);
        len += (size_t)added;
        if (len >= QBID_WEEK_TEXT_MAX) {
            qbid_import_complain(item, entry, "hours: is too long");
            return false;
        }
    }
    return true;
}

void qbid_import_hours(struct qbid_import_item *item, char **to, const struct qbid_yaml_node *node)
{
    char text[QBID_WEEK_TEXT_MAX] = "";
    struct qbid_week hours;
    if (node->kind == QBID_YAML_MAP) {
        qbid_import_complain(item, node, "hours: must be a list of entries as 'mon-fri 8-20'");
        return;
    }
    if (node->kind == QBID_YAML_LIST) {
        if (!list_text(item, node, text))
            return;
    } else if (!qbid_yaml_null(node) && node->len >= QBID_WEEK_TEXT_MAX) {
        qbid_import_complain(item, node, "hours: is too long");
        return;
    } else if (!qbid_yaml_null(node)) {
        snprintf(text, sizeof text, "%s", node->text);
    }
    const char *wrong = qbid_week_parse(text, &hours);
    if (wrong)
        qbid_import_complain(item, node, "hours: '%.60s' %s", text, wrong);
    else
        qbid_import_text(item, to, text);
}

void qbid_import_zone(struct qbid_import_item *item)
{
    const struct qbid_campaign_def *campaign = item->def;
    const struct qbid_yaml_node *node = qbid_yaml_find(item->node, "time_zone");
    struct qbid_zone *zone = NULL;
    if (!node || !campaign->time_zone || !*campaign->time_zone)
        return;
    int err = qbid_zone_new(campaign->time_zone, &zone);
    qbid_zone_free(zone);
    if (err == QBID_ERR_NOMEM)
        item->nomem = true;
    else if (err)
        qbid_import_complain(item, node, "time_zone: '%.60s' is not in %s (Debian: tzdata)",
                             campaign->time_zone, QBID_ZONE_FOLDER);
}
