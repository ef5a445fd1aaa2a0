/* SPDX-License-Identifier: Apache-2.0 */
/* Three keys, of which the first has no default. */
#include "control/config/config_privacy.h"

#include <string.h>

struct reading {
    const struct qbid_yaml_node *privacy; /* NULL when it is not there */
    struct qbid_problems *problems;
    struct qbid_privacy_rules *rules;
};

static void complain(const struct reading *r, const struct qbid_yaml_node *at, const char *text)
{
    qbid_problems_add(r->problems, at ? at->line : 0, at ? at->column : 0, "%s", text);
}

static void read_unknown(const struct reading *r)
{
    const struct qbid_yaml_node *node = qbid_yaml_find(r->privacy, "gdpr_unknown");
    bool applies = node && strcmp(node->text, "applies") == 0;
    if (!node)
        complain(
            r, r->privacy,
            "privacy.gdpr_unknown: must be chosen, 'applies' or 'applies_not': whether requests "
            "that do not say so are under the GDPR");
    else if (!applies && strcmp(node->text, "applies_not") != 0)
        qbid_problems_add(r->problems, node->line, node->column,
                          "privacy.gdpr_unknown: '%.60s' is neither 'applies' nor 'applies_not'",
                          node->text);
    r->rules->gdpr_unknown_applies_not = !applies;
}

static void read_vendor(const struct reading *r)
{
    const struct qbid_yaml_node *node = qbid_yaml_find(r->privacy, "vendor_id");
    uint64_t number = 0;
    if (node && (!qbid_yaml_uint(node, &number) || number > UINT16_MAX))
        complain(r, node, "privacy.vendor_id: is no number of IAB's global vendor list, 0..65535");
    r->rules->vendor_id = (uint16_t)number;
}

static void read_purposes(const struct reading *r)
{
    const struct qbid_yaml_node *list = qbid_yaml_find(r->privacy, "purposes");
    uint32_t purposes = 0;
    for (const struct qbid_yaml_node *node = list ? list->child : NULL; node; node = node->next) {
        uint64_t number;
        if (!qbid_yaml_uint(node, &number) || number - 1 >= QBID_PRIVACY_PURPOSES)
            complain(r, node, "privacy.purposes: is no purpose of the TCF, 1..24");
        else
            purposes |= QBID_PRIVACY_PURPOSE(number);
    }
    if (!list)
        purposes = QBID_PRIVACY_PURPOSE(1) | QBID_PRIVACY_PURPOSE(2) | QBID_PRIVACY_PURPOSE(3) |
                   QBID_PRIVACY_PURPOSE(4);
    else if (list->kind != QBID_YAML_LIST || !list->child)
        complain(r, list, "privacy.purposes: is not a list of purposes of the TCF");
    r->rules->purposes = purposes;
}

/* A key that nobody reads would be a rule that nobody obeys. */
static void check_keys(const struct reading *r)
{
    static const char *const known[] = {"gdpr_unknown", "vendor_id", "purposes", NULL};
    const struct qbid_yaml_node *node = r->privacy ? r->privacy->child : NULL;
    for (; node; node = node->next) {
        unsigned i = 0;
        while (known[i] && strcmp(known[i], node->key) != 0)
            i++;
        if (known[i])
            continue;
        const char *near = qbid_problems_nearest(node->key, known);
        qbid_problems_add(r->problems, node->line, node->column,
                          "unknown key '%.60s' in privacy%s%s%s", node->key,
                          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
}

void qbid_config_privacy(const struct qbid_yaml_node *root, struct qbid_problems *problems,
                         struct qbid_privacy_rules *ret)
{
    struct reading r = {qbid_yaml_find(root, "privacy"), problems, ret};
    if (r.privacy && r.privacy->kind != QBID_YAML_MAP) {
        complain(&r, r.privacy, "privacy: must be a map");
        return;
    }
    check_keys(&r);
    read_unknown(&r);
    read_vendor(&r);
    read_purposes(&r);
}
