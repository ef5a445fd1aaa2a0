/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two accounts, as operators read it and as the store applies it. */
#ifndef QBID_CONTROL_ACCOUNT_DIFF_H
#define QBID_CONTROL_ACCOUNT_DIFF_H

#include <stdint.h>

#include "control/account/fields.h"

enum qbid_change_kind { QBID_CHANGE_ADDED = 1, QBID_CHANGE_CHANGED, QBID_CHANGE_REMOVED };

struct qbid_change_field {
    const char *name; /* static */
    char *before;     /* NULL in an added item */
    char *after;
};

struct qbid_change {
    enum qbid_change_kind kind; /* REMOVED: active before, not after, and nothing else differs */
    enum qbid_item_kind item;
    uint32_t id;
    uint32_t parent_id; /* campaign of a line item, line item of a creative, else 0 */
    uint32_t field_cnt;
    struct qbid_change_field *field;
};

struct qbid_diff {
    struct qbid_change *change; /* campaigns, line items, creatives, each by id */
    uint32_t change_cnt;
    uint32_t added, changed, removed, unchanged;
};

/** Compare; both sorted, `after` holding every item of `before`. QBID_ERR_NOMEM. */
int qbid_diff_new(const struct qbid_account *before, const struct qbid_account *after,
                  struct qbid_diff *ret_diff);
void qbid_diff_done(struct qbid_diff *diff);

/** "added", "changed", "removed". */
const char *qbid_change_kind_name(enum qbid_change_kind kind);

#endif
