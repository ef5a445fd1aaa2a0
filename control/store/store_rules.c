/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of rules and of their firings. */
#include "control/store/store_rules.h"

#include <stdio.h>

#include "control/store/store_db.h"
#include "shm/error.h"

#define WHAT_MAX 80
#define WORDS_MAX 1024

static int rule_insert(struct qbid_store *store, const struct qbid_store_rule *rule,
                       uint32_t *ret_version)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_RULE_ADD);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind_text(s, 1, rule->name);
    qbid_store_bind(s, 2, rule->tenant);
    qbid_store_bind(s, 3, rule->campaign);
    qbid_store_bind(s, 4, rule->unix_ns);
    qbid_store_bind_text(s, 5, rule->actor);
    qbid_store_bind_text(s, 6, rule->why);
    qbid_store_bind_text(s, 7, rule->every);
    qbid_store_bind_text(s, 8, rule->condition);
    qbid_store_bind_text(s, 9, rule->action);
    sqlite3_bind_double(s, 10, rule->confidence);
    qbid_store_bind_text(s, 11, rule->mode);
    qbid_store_bind_text(s, 12, rule->state);
    int row = qbid_store_step(store, s);
    if (row <= 0)
        return row < 0 ? row : QBID_ERR_STORE;
    *ret_version = (uint32_t)qbid_store_column(s, 0);
    return qbid_store_run(store, s); /* to its end, which writes it */
}

static void rule_words(const struct qbid_store_rule *rule, char out[WORDS_MAX])
{
    char scope[64] = "all";
    if (rule->campaign)
        snprintf(scope, sizeof scope, "campaign %u", rule->campaign);
    else if (rule->tenant)
        snprintf(scope, sizeof scope, "tenant %u", rule->tenant);
    snprintf(out, WORDS_MAX, "on=%s\nwhen=%s\nif=%s\nthen=%s\nconfidence=%.10g\nmode=%s\nstate=%s",
             scope, rule->every, rule->condition, rule->action, rule->confidence, rule->mode,
             rule->state);
}

static int words_take(void *context, const struct qbid_store_rule *rule)
{
    rule_words(rule, context);
    return 0;
}

int qbid_store_add_rule(struct qbid_store *store, const struct qbid_store_rule *rule,
                        uint32_t *ret_version)
{
    char what[WHAT_MAX], before[WORDS_MAX] = "", after[WORDS_MAX];
    struct qbid_store_cause cause = {rule->unix_ns, rule->actor, rule->why};
    snprintf(what, sizeof what, "rule %s", rule->name);
    rule_words(rule, after);
    int err = qbid_store_begin(store);
    if (err)
        return err;
    err = qbid_store_load_rules(store, rule->name, false, words_take, before);
    if (!err)
        err = rule_insert(store, rule, ret_version);
    if (!err)
        err = qbid_store_audit_of(store, rule->tenant, &cause, what, before, after);
    return qbid_store_end(store, err);
}

int qbid_store_load_rules(struct qbid_store *store, const char *name, bool all,
                          qbid_store_rule_fn *fn, void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_RULE_LOAD);
    int row = 0, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind_text(s, 1, name);
    sqlite3_bind_int(s, 2, all);
    while (!err && (row = qbid_store_step(store, s)) > 0) {
        struct qbid_store_rule rule = {.name = qbid_store_column_text(s, 0),
                                       .version = (uint32_t)qbid_store_column(s, 1),
                                       .tenant = (uint32_t)qbid_store_column(s, 2),
                                       .campaign = (uint32_t)qbid_store_column(s, 3),
                                       .unix_ns = qbid_store_column(s, 4),
                                       .actor = qbid_store_column_text(s, 5),
                                       .why = qbid_store_column_text(s, 6),
                                       .every = qbid_store_column_text(s, 7),
                                       .condition = qbid_store_column_text(s, 8),
                                       .action = qbid_store_column_text(s, 9),
                                       .confidence = sqlite3_column_double(s, 10),
                                       .mode = qbid_store_column_text(s, 11),
                                       .state = qbid_store_column_text(s, 12)};
        err = fn(context, &rule);
    }
    return qbid_store_rows_end(s, row, err);
}

int qbid_store_add_firing(struct qbid_store *store, const struct qbid_store_firing *firing)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_FIRING_ADD);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, firing->tenant);
    qbid_store_bind_text(s, 2, firing->rule);
    qbid_store_bind(s, 3, firing->version);
    qbid_store_bind(s, 4, firing->campaign);
    sqlite3_bind_int64(s, 5, firing->unix_s);
    sqlite3_bind_double(s, 6, firing->change);
    qbid_store_bind_text(s, 7, firing->outcome);
    qbid_store_bind(s, 8, firing->recommendation);
    qbid_store_bind_text(s, 9, firing->text);
    return qbid_store_run(store, s);
}

int qbid_store_load_firings(struct qbid_store *store, const char *rule, uint32_t campaign,
                            int64_t from_unix_s, uint32_t max, qbid_store_firing_fn *fn,
                            void *context)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_FIRING_LOAD);
    int row = 0, err = 0;
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind_text(s, 1, rule);
    qbid_store_bind(s, 2, campaign);
    sqlite3_bind_int64(s, 3, from_unix_s);
    qbid_store_bind(s, 4, max);
    while (!err && (row = qbid_store_step(store, s)) > 0) {
        struct qbid_store_firing firing = {.id = qbid_store_column(s, 0),
                                           .tenant = (uint32_t)qbid_store_column(s, 1),
                                           .rule = qbid_store_column_text(s, 2),
                                           .version = (uint32_t)qbid_store_column(s, 3),
                                           .campaign = (uint32_t)qbid_store_column(s, 4),
                                           .unix_s = sqlite3_column_int64(s, 5),
                                           .change = sqlite3_column_double(s, 6),
                                           .outcome = qbid_store_column_text(s, 7),
                                           .recommendation = qbid_store_column(s, 8),
                                           .text = qbid_store_column_text(s, 9),
                                           .status = qbid_store_column_text(s, 10)};
        err = fn(context, &firing);
    }
    return qbid_store_rows_end(s, row, err);
}
