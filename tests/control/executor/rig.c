/* SPDX-License-Identifier: Apache-2.0 */
/* The executor's host in tests. */
#include "tests/control/executor/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/import/import.h"
#include "control/store/store_db.h"
#include "shm/error.h"
#include "shm/hash.h"

const char rig_document[] =
    "{\"campaigns\": ["
    "{\"id\": 1, \"tenant\": 1, \"name\": \"one\", \"budget\": \"100\", \"start\": "
    "\"2026-01-01T00:00:00Z\", \"end\": \"2027-01-01T00:00:00Z\", \"goal\": \"max_clicks\", "
    "\"max_change\": 0.3, \"line_items\": [{\"id\": 10, \"ceiling\": \"2.5\", \"adomain\": "
    "\"a.example\", \"targeting\": {\"exchange\": [\"2\", \"3\"], \"geo\": [\"!CHN/7\"]}, "
    "\"creatives\": [{\"id\": 100, \"size\": \"300x250\", \"markup\": \"<b>\", \"landing\": "
    "\"https://a.example/\"}]}, {\"id\": 11, \"ceiling\": \"3\", \"adomain\": \"a.example\", "
    "\"deal\": \"D-1\", \"prior_ctr\": 0.0017}]},"
    "{\"id\": 2, \"tenant\": 1, \"budget\": \"50.000000001\", \"start\": \"2026-01-01T00:00:00Z\", "
    "\"end\": \"2027-01-01T00:00:00Z\", \"goal\": {\"target_cpc\": 1.2}, \"line_items\": [{\"id\": "
    "20, \"ceiling\": \"1\", \"adomain\": \"b.example\"}]},"
    "{\"id\": 3, \"tenant\": 2, \"budget\": \"70\", \"start\": \"2026-01-01T00:00:00Z\", \"end\": "
    "\"2027-01-01T00:00:00Z\", \"goal\": \"max_clicks\"},"
    "{\"id\": 4, \"tenant\": 2, \"budget\": \"30\", \"start\": \"2026-01-01T00:00:00Z\", \"end\": "
    "\"2027-01-01T00:00:00Z\", \"goal\": \"max_clicks\", \"hours\": \"mon-fri 8-20\"}]}";

static const struct qbid_account *host_account(void *context)
{
    const struct rig *rig = context;
    return &rig->account;
}

/* What the engine does, without readers: store, then memory, then a generation. */
static int host_execute(void *context, struct qbid_account *next, const struct qbid_diff *diff,
                        const struct qbid_store_cause *cause, qbid_store_also_fn *also,
                        void *also_context, char why[QBID_EXECUTOR_WHY_MAX])
{
    static const struct qbid_store_limits limits = {16, 64};
    struct rig *rig = context;
    int err = qbid_store_execute(rig->store, diff, next, &limits, cause, rig->broken ? NULL : also,
                                 also_context);
    if (!err && rig->broken && also)
        err = also(also_context, (uint64_t)rig_number(rig, "SELECT max(id) FROM execution_rows"));
    if (err) {
        snprintf(why, QBID_EXECUTOR_WHY_MAX, "%s", qbid_store_why(rig->store));
        return err;
    }
    qbid_account_done(&rig->account);
    rig->account = *next;
    *next = (struct qbid_account){0};
    struct qbid_store_generation generation = {.built_unix_ns = cause->unix_ns};
    if (qbid_store_take(rig->store, "generation", 1, 1, &generation.gen) == 0 &&
        qbid_store_add_generation(rig->store, &generation) == 0)
        rig->gen = generation.gen;
    return 0;
}

static int64_t host_committed(void *context, const struct qbid_campaign_def *campaign,
                              uint64_t unix_ns)
{
    const struct rig *rig = context;
    (void)unix_ns;
    return rig->committed[campaign->id];
}

static struct qbid_stats host_stats(void *context, uint32_t campaign_id, bool day)
{
    const struct rig *rig = context;
    return day ? rig->day[campaign_id] : rig->all[campaign_id];
}

int rig_open(struct rig *rig, const char *path, bool strict)
{
    char why[QBID_STORE_WHY_MAX] = "";
    struct qbid_store_params params = {path, strict};
    int err = qbid_store_new(&params, &rig->store, why);
    if (err) {
        fprintf(stderr, "store: %s\n", why);
        return err;
    }
    struct qbid_audit_key key;
    qbid_audit_key_derive((const uint8_t[QBID_AUDIT_SEED_BYTES]){7}, 1, &key);
    err = qbid_store_audit_key(rig->store, &key, 0);
    if (!err)
        err = qbid_store_load_account(rig->store, &rig->account);
    rig->executor.host = (struct qbid_executor_host){rig,          rig->store,     host_account,
                                                     host_execute, host_committed, host_stats};
    if (rig->unix_ns == 0)
        rig->unix_ns = UINT64_C(1790000000000000000);
    return err;
}

void rig_close(struct rig *rig)
{
    qbid_store_free(rig->store);
    qbid_account_done(&rig->account);
    rig->store = NULL;
}

int rig_import(struct rig *rig, const char *text, const char *actor)
{
    static struct qbid_problems problems;
    struct qbid_import_params params = {.current = &rig->account,
                                        .now_unix_s = (int64_t)(rig->unix_ns / 1000000000)};
    struct qbid_store_cause cause = {++rig->unix_ns, actor, "import"};
    struct qbid_account next;
    struct qbid_diff diff;
    memset(&problems, 0, sizeof problems);
    int err = qbid_account_import(text, strlen(text), &params, &problems, &next);
    if (err) {
        fprintf(stderr, "import: %s\n", problems.problem[0].text);
        return err;
    }
    err = qbid_diff_new(&rig->account, &next, &diff);
    if (err == 0) {
        if (diff.change_cnt)
            err = host_execute(rig, &next, &diff, &cause, NULL, NULL, rig->refusal);
        qbid_diff_done(&diff);
    }
    qbid_account_done(&next);
    return err;
}

struct qbid_executor_call rig_call(struct rig *rig, const char *actor)
{
    return (struct qbid_executor_call){
        .unix_ns = ++rig->unix_ns, .actor = actor, .why = "", .refusal = rig->refusal};
}

struct qbid_proposal rig_proposal(const struct rig *rig, enum qbid_item_kind item, uint32_t id,
                                  const char *field, const char *value)
{
    const struct qbid_account *a = &rig->account;
    const void *now = item == QBID_ITEM_CAMPAIGN    ? (const void *)qbid_account_campaign(a, id)
                      : item == QBID_ITEM_LINE_ITEM ? (const void *)qbid_account_line_item(a, id)
                                                    : (const void *)qbid_account_creative(a, id);
    struct qbid_proposal p = {.type = QBID_PROPOSAL_BUDGET,
                              .item = item,
                              .item_id = id,
                              .impact = {2000000000, 1000000000, 3000000000, 100000000},
                              .confidence = 0.9,
                              .risk = 0.1,
                              .priority = 1,
                              .evidence_to_unix_s = (int64_t)(rig->unix_ns / 1000000000)};
    char *current = now ? qbid_field_text(qbid_fields_find(item, field), now) : NULL;
    snprintf(p.agent, sizeof p.agent, "budget");
    snprintf(p.field, sizeof p.field, "%s", field);
    snprintf(p.current, sizeof p.current, "%s", current ? current : "");
    snprintf(p.recommended, sizeof p.recommended, "%s", value);
    snprintf(p.reason, sizeof p.reason, "4 clicks of 100 impressions against 3 of 100");
    free(current);
    p.id = qbid_proposal_id(&p);
    return p;
}

static uint64_t rows_hash(struct rig *rig, const char *sql, uint64_t hash)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(rig->store->db, sql, -1, &s, NULL) != SQLITE_OK)
        abort();
    while (sqlite3_step(s) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(s); i++) {
            int type = sqlite3_column_type(s, i);
            double real = sqlite3_column_double(s, i);
            hash = XXH3_64bits_withSeed(&type, sizeof type, hash);
            if (type == SQLITE_FLOAT)
                hash = XXH3_64bits_withSeed(&real, sizeof real, hash);
            else if (sqlite3_column_bytes(s, i) > 0)
                hash = XXH3_64bits_withSeed(sqlite3_column_blob(s, i),
                                            (size_t)sqlite3_column_bytes(s, i), hash);
        }
    }
    sqlite3_finalize(s);
    return hash;
}

uint64_t rig_state(struct rig *rig)
{
    uint64_t hash = rows_hash(rig, "SELECT * FROM campaigns ORDER BY id", 1);
    hash = rows_hash(rig, "SELECT * FROM line_items ORDER BY id", hash);
    hash = rows_hash(rig, "SELECT * FROM line_item_values ORDER BY line_item, dim, position", hash);
    return rows_hash(rig, "SELECT * FROM creatives ORDER BY id", hash);
}

int64_t rig_number(struct rig *rig, const char *sql)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(rig->store->db, sql, -1, &s, NULL) != SQLITE_OK ||
        sqlite3_step(s) != SQLITE_ROW)
        abort();
    int64_t value = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return value;
}

int64_t rig_budgets(struct rig *rig, uint32_t tenant)
{
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT sum(budget_nanos) FROM campaigns WHERE tenant = %u", tenant);
    return rig_number(rig, sql);
}

int64_t rig_budgets_due(struct rig *rig, uint32_t tenant)
{
    static const int64_t imported_nanos[RIG_TENANTS + 1] = {0, 150000000001, 100000000000};
    char sql[400];
    snprintf(sql, sizeof sql,
             "SELECT ifnull(sum(c.after - c.before), 0) FROM execution_changes c JOIN executions e "
             "ON e.id = c.execution WHERE c.tenant = %u AND c.item = 'campaign' AND c.field = "
             "'budget' AND e.undone_by = 0 AND e.kind <> 'rollback'",
             tenant);
    return imported_nanos[tenant] + rig_number(rig, sql);
}
