/* SPDX-License-Identifier: Apache-2.0 */
/* One field of an account file: read, checked, put into its item. */
#ifndef QBID_CONTROL_ACCOUNT_IMPORT_FIELDS_H
#define QBID_CONTROL_ACCOUNT_IMPORT_FIELDS_H

#include "control/account/fields.h"
#include "control/config/yaml.h"

#define QBID_IMPORT_WHERE_MAX 64

/* The item that is being read, for messages: "campaign 3427". */
struct qbid_import_item {
    struct qbid_problems *problems;
    int64_t now_unix_s;
    const char *actor;                 /* who imports; NULL = not known */
    const struct qbid_yaml_node *node; /* its map */
    void *def;
    bool fresh; /* not in the account yet */
    bool nomem;
    char where[QBID_IMPORT_WHERE_MAX];
};

/** Note a problem of the item; node = NULL: at the item's own place. */
void qbid_import_complain(struct qbid_import_item *item, const struct qbid_yaml_node *node,
                          const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Read one value into its field. */
void qbid_import_field(struct qbid_import_item *item, const struct qbid_field *field,
                       const struct qbid_yaml_node *node);

/** Values of one dimension, into field's struct qbid_target_def. */
void qbid_import_target(struct qbid_import_item *item, const struct qbid_field *field, unsigned dim,
                        const struct qbid_yaml_node *node);

/** Goal and target of a campaign, in one of their forms, and whether its caps and floors go with
 *  them; after all other fields. */
void qbid_import_goal(struct qbid_import_item *item);

/** Day-parting of a campaign, a list of entries or its text; and its time zone, once both are read.
 */
void qbid_import_hours(struct qbid_import_item *item, char **to, const struct qbid_yaml_node *node);
void qbid_import_zone(struct qbid_import_item *item);

/** A line item's frequency rule, a map or its text. */
void qbid_import_frequency(struct qbid_import_item *item, char **to,
                           const struct qbid_yaml_node *node);

/** The override of a campaign or line item, a map or its text; one that is over is none. */
void qbid_import_override(struct qbid_import_item *item, char **to,
                          const struct qbid_yaml_node *node);

/** Replace an owned text. */
void qbid_import_text(struct qbid_import_item *item, char **to, const char *text);

#endif
