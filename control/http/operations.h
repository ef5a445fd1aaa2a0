/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine's thread does with a request of HTTP: the analysis, and the executor. */
#ifndef QBID_CONTROL_HTTP_OPERATIONS_H
#define QBID_CONTROL_HTTP_OPERATIONS_H

#include <cjson/cJSON.h>

#include "control/config/config.h"
#include "control/engine/engine.h"
#include "control/http/exchange.h"
#include "control/http/refusal.h"

struct qbid_operations {
    struct qbid_engine *engine;
    const struct qbid_config *config;
};

/** Answer a job: its status and body. It sees and changes the rows of its principal's tenant alone.
 *  An execution with an idempotency key is done once: asked for again with the same body it has the
 *  same answer, with another body it is refused (422). */
void qbid_operations_answer(const struct qbid_operations *operations, struct qbid_http_job *job);

/* What the files of the operations share: one request on its way. */
struct qbid_operation {
    const struct qbid_operations *operations;
    const struct qbid_http_job *job;
    const struct qbid_account *account; /* the tenant's */
    uint64_t unix_ns, now_ns;
    struct qbid_refusal refusal;
};

/** The object of an answer with 200; NULL with a refusal. */
cJSON *qbid_operation_analyze(struct qbid_operation *operation);
cJSON *qbid_operation_execute(struct qbid_operation *operation);

#endif
