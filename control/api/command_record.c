/* SPDX-License-Identifier: Apache-2.0 */
/* generations, audit, publish, learning: what was made public, and by whom. */
#include <stdio.h>

#include "control/api/command.h"
#include "shm/clock.h"
#include "shm/error.h"

#define LIST_PRESET 20

struct listing {
    const struct qbid_command *command;
    cJSON *list;
    struct qbid_publisher_worker worker[QBID_LIVE_WORKERS_MAX];
    uint32_t worker_cnt;
};

static int generation_add(void *context, const struct qbid_store_generation *g)
{
    struct listing *l = context;
    uint32_t workers = 0;
    for (uint32_t i = 0; i < l->worker_cnt; i++)
        workers += l->worker[i].adopted_gen == g->gen;
    cJSON *to = qbid_json_row(l->list);
    qbid_json_count(to, "generation", g->gen);
    qbid_json_unix_ns(to, "built", g->built_unix_ns);
    qbid_json_count(to, "bytes", g->bytes);
    qbid_json_hex(to, "checksum", g->checksum);
    cJSON_AddStringToObject(to, "reason", g->reason);
    cJSON_AddStringToObject(to, "file", g->file);
    cJSON_AddBoolToObject(to, "held", g->held);
    cJSON_AddNumberToObject(to, "workers", workers);
    return 0;
}

int qbid_command_generations(struct qbid_command *c)
{
    struct qbid_store *store = qbid_engine_store(c->engine);
    struct listing l = {.command = c, .list = cJSON_AddArrayToObject(c->answer, "generations")};
    l.worker_cnt =
        qbid_publisher_workers(qbid_engine_publisher(c->engine), l.worker, QBID_LIVE_WORKERS_MAX);
    int err =
        qbid_store_load_generations(store, qbid_command_max(c, LIST_PRESET), generation_add, &l);
    return qbid_command_fail_store(c, err);
}

/* A record into the answer's list. */
static int record_add(void *context, const struct qbid_store_record *r)
{
    cJSON *to = qbid_json_row(context);
    qbid_json_count(to, "id", r->id);
    qbid_json_unix_ns(to, "time", r->unix_ns);
    cJSON_AddStringToObject(to, "actor", r->actor);
    cJSON_AddStringToObject(to, "what", r->what);
    cJSON_AddStringToObject(to, "why", r->why);
    cJSON_AddStringToObject(to, "before", r->before);
    cJSON_AddStringToObject(to, "after", r->after);
    return 0;
}

static int audit_verify(struct qbid_command *c, struct qbid_store *store)
{
    const struct qbid_audit_key *key = qbid_store_audit_key_load(store);
    const char *text = qbid_json_text(c->request, "checkpoint");
    struct qbid_audit_head checkpoint;
    uint64_t id = 0;
    int err = !text ? 0 : !key ? QBID_ERR_DENIED : 0;
    if (text && !err)
        err = qbid_audit_checkpoint_check(text, key->sign_public, &checkpoint);
    if (err)
        return qbid_command_fail(c, err, "the checkpoint is %s",
                                 err == QBID_ERR_PARSE ? "no line of `qbid audit export`"
                                                       : "not signed with the audit's key");
    err = qbid_store_verify_audit(store, text ? &checkpoint : NULL, &id);
    if (err == QBID_ERR_CORRUPT)
        return qbid_command_fail(c, err, "%s: record %llu is the first that does not fit",
                                 qbid_store_why(store), (unsigned long long)id);
    if (err)
        return qbid_command_fail_store(c, err);
    qbid_json_count(c->answer, "verified", id);
    qbid_json_count(c->answer, "keyed_from", key ? key->from : 0);
    if (qbid_store_audit_foreign(store)) {
        qbid_json_count(c->answer, "unverified_from", qbid_store_audit_foreign(store));
        qbid_json_count(c->answer, "unverified_to", key->from - 1);
    }
    return 0;
}

static int audit_export(struct qbid_command *c, struct qbid_store *store)
{
    char line[QBID_AUDIT_CHECKPOINT_MAX];
    struct qbid_audit_head head;
    int err =
        qbid_store_audit_checkpoint(store, (int64_t)(c->unix_ns / QBID_NS_PER_S), line, &head);
    if (err)
        return qbid_command_fail_store(c, err);
    qbid_json_count(c->answer, "record", head.id);
    cJSON_AddStringToObject(c->answer, "checkpoint", line);
    return 0;
}

int qbid_command_audit(struct qbid_command *c)
{
    struct qbid_store *store = qbid_engine_store(c->engine);
    bool verify = qbid_json_flag(c->request, "verify", 0);
    bool export = qbid_json_flag(c->request, "export", 0);
    if ((verify || export) && c->principal.tenant != 0)
        return qbid_command_fail(c, QBID_ERR_DENIED,
                                 "the chain is one, and for operators of the "
                                 "host");
    if (verify)
        return audit_verify(c, store);
    if (export)
        return audit_export(c, store);
    uint32_t max = qbid_command_max(c, LIST_PRESET);
    cJSON *list = cJSON_AddArrayToObject(c->answer, "records");
    int err = qbid_json_flag(c->request, "changes", 0) == 1
                  ? qbid_store_load_audit_changes(store, max, record_add, list)
                  : qbid_store_load_audit(store, max, record_add, list);
    return qbid_command_fail_store(c, err);
}

int qbid_command_publish(struct qbid_command *c)
{
    char reason[QBID_ENGINE_REASON_MAX], why[QBID_ENGINE_WHY_MAX] = "";
    const char *given = qbid_json_text(c->request, "reason");
    snprintf(reason, sizeof reason, "%.20s: %.30s", c->actor, given ? given : "asked for");
    int err = qbid_engine_publish(c->engine, reason, why);
    if (err)
        return qbid_command_fail(c, err, "%s", *why ? why : qbid_strerror(err));
    qbid_json_count(c->answer, "generation", qbid_engine_counters_load(c->engine).gen);
    return 0;
}

int qbid_command_learning(struct qbid_command *c)
{
    int on = qbid_json_flag(c->request, "on", -1);
    char why[QBID_ENGINE_WHY_MAX] = "";
    struct qbid_store_cause cause = {c->unix_ns, c->actor, "learning set"};
    if (on < 0)
        return qbid_command_fail(c, QBID_ERR_INVAL, "on is true or false");
    int err = qbid_engine_freeze(c->engine, !on, &cause, why);
    if (err)
        return qbid_command_fail(c, err, "%s", *why ? why : qbid_strerror(err));
    cJSON_AddBoolToObject(c->answer, "learning", on);
    return 0;
}
