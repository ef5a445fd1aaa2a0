/* SPDX-License-Identifier: Apache-2.0 */
/* Account files (YAML or JSON) to accounts. Upsert by id: a field that the file leaves out keeps
 * its value, or takes its default in a new item. The keys with what they mean:
 * control/account/keys.yaml. */
#ifndef QBID_CONTROL_ACCOUNT_IMPORT_IMPORT_H
#define QBID_CONTROL_ACCOUNT_IMPORT_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/config/problems.h"

struct qbid_import_params {
    const struct qbid_account *current; /* sorted */
    int64_t now_unix_s;
    bool prune;        /* what the file does not list becomes inactive */
    const char *actor; /* author of overrides; NULL = as the file says */
};

/**
 * The account as it would be with a file's content.
 *
 * Returns: 0 and *ret_next, sorted; new items have no index yet.
 * Errors:  QBID_ERR_PARSE with every problem noted and nothing returned; QBID_ERR_NOMEM.
 */
int qbid_account_import(const char *text, size_t len, const struct qbid_import_params *params,
                        struct qbid_problems *problems, struct qbid_account *ret_next);

#endif
