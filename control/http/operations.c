/* SPDX-License-Identifier: Apache-2.0 */
/* From a job to its answer: the tenant's scope, and answers that were given before. */
#include "control/http/operations.h"

#include <stdlib.h>
#include <string.h>

#include "control/account/view.h"
#include "control/store/store_answers.h"
#include "shm/clock.h"
#include "shm/error.h"

/* What was answered to the same key before; false = nothing, or a refusal. */
static bool answered_before(struct qbid_operation *o, struct qbid_http_job *job)
{
    struct qbid_store *store = qbid_engine_store(o->operations->engine);
    struct qbid_store_answer before = {.body = NULL};
    int found = qbid_store_load_answer(store, job->principal.tenant, job->idempotency_key, &before);
    if (found < 0) {
        qbid_refuse(&o->refusal, 503, "store: %s", qbid_store_why(store));
        return false;
    }
    if (found == 0)
        return false;
    if (memcmp(before.request_hash, job->request_hash, sizeof before.request_hash) != 0) {
        free(before.body);
        qbid_refuse(&o->refusal, 422, "the Idempotency-Key was used for another request");
        return false;
    }
    job->status = (int)before.status;
    job->body = before.body;
    return true;
}

/* An answer that cannot be kept is given all the same: the executor itself does nothing twice. */
static void answer_keep(const struct qbid_operation *o, const struct qbid_http_job *job)
{
    struct qbid_store_answer answer = {
        .status = (uint32_t)job->status, .unix_ns = o->unix_ns, .body = job->body};
    memcpy(answer.request_hash, job->request_hash, sizeof answer.request_hash);
    (void)qbid_store_save_answer(qbid_engine_store(o->operations->engine), job->principal.tenant,
                                 job->idempotency_key, &answer);
}

static void run(struct qbid_operation *o, struct qbid_http_job *job)
{
    bool execute = job->operation == QBID_HTTP_EXECUTE;
    bool keyed = execute && *job->idempotency_key && !job->request.execute.dry_run;
    if (keyed && answered_before(o, job))
        return;
    cJSON *answer = NULL;
    if (o->refusal.status == 0)
        answer = execute ? qbid_operation_execute(o) : qbid_operation_analyze(o);
    job->status = answer ? 200 : o->refusal.status ? o->refusal.status : 500;
    o->refusal.status = job->status;
    job->body = answer ? cJSON_PrintUnformatted(answer) : qbid_refusal_body(&o->refusal);
    cJSON_Delete(answer);
    if (keyed && job->status == 200 && job->body)
        answer_keep(o, job);
}

void qbid_operations_answer(const struct qbid_operations *operations, struct qbid_http_job *job)
{
    struct qbid_store *store = qbid_engine_store(operations->engine);
    struct qbid_account view;
    struct qbid_operation o = {.operations = operations,
                               .job = job,
                               .account = &view,
                               .unix_ns = qbid_clock_unix_ns(),
                               .now_ns = qbid_clock_boot_ns()};
    int err =
        qbid_account_view(qbid_engine_account(operations->engine), job->principal.tenant, &view);
    if (err) {
        qbid_refuse(&o.refusal, 503, "%s", qbid_strerror(err));
        job->status = 503;
        job->body = qbid_refusal_body(&o.refusal);
        return;
    }
    uint32_t before = qbid_store_scope(store, job->principal.tenant);
    run(&o, job);
    qbid_store_scope(store, before);
    qbid_account_view_done(&view);
}
