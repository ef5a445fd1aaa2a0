/* SPDX-License-Identifier: Apache-2.0 */
/* Operators' rules in all their versions, and each time that one fired. Errors: QBID_ERR_STORE
 * unless said otherwise. */
#ifndef QBID_CONTROL_STORE_STORE_RULES_H
#define QBID_CONTROL_STORE_STORE_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "control/store/store.h"

/* As texts: control/rules/rule.h knows what they mean. Texts of a loaded row are valid in fn. */
struct qbid_store_rule {
    const char *name;
    uint32_t version;  /* 1, 2, 3 ...; given by the store */
    uint32_t tenant;   /* 0 = of all */
    uint32_t campaign; /* 0 = every one of the tenant */
    uint64_t unix_ns;
    const char *actor, *why;
    const char *every, *condition, *action;
    double confidence;
    const char *mode;
    const char *state; /* "on", "off", "removed" */
};

/** Write the next version of a rule, and its record in the audit. */
int qbid_store_add_rule(struct qbid_store *store, const struct qbid_store_rule *rule,
                        uint32_t *ret_version);

typedef int qbid_store_rule_fn(void *context, const struct qbid_store_rule *rule);
/** The versions in force, by name; with `all` every version, removed ones too; of one name, or of
 *  all ("" ). Stops at fn's first error and returns it. */
int qbid_store_load_rules(struct qbid_store *store, const char *name, bool all,
                          qbid_store_rule_fn *fn, void *context);

struct qbid_store_firing {
    uint64_t id; /* given by the store */
    uint32_t tenant;
    const char *rule;
    uint32_t version;
    uint32_t campaign;
    int64_t unix_s;          /* end of what it had seen */
    double change;           /* of the number, as a share of it; 0 = none */
    const char *outcome;     /* "dry_run", "proposed", "limited", "refused" */
    uint64_t recommendation; /* 0 = none */
    const char *text;
    const char *status; /* of the recommendation when loaded, "" = none */
};

/** One firing a rule, campaign and time: another is not written. */
int qbid_store_add_firing(struct qbid_store *store, const struct qbid_store_firing *firing);
typedef int qbid_store_firing_fn(void *context, const struct qbid_store_firing *firing);
/** Latest first, from a time on, at most max; rule "" and campaign 0 = any. */
int qbid_store_load_firings(struct qbid_store *store, const char *rule, uint32_t campaign,
                            int64_t from_unix_s, uint32_t max, qbid_store_firing_fn *fn,
                            void *context);

#endif
