/* SPDX-License-Identifier: Apache-2.0 */
/* Answers by key. */
#include "control/store/store_answers.h"

#include <string.h>

#include "control/store/store_db.h"
#include "shm/error.h"

int qbid_store_load_answer(struct qbid_store *store, uint32_t tenant, const char *key,
                           struct qbid_store_answer *ret_answer)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_ANSWER_LOAD);
    struct qbid_store_answer answer = {.status = 0};
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, tenant);
    sqlite3_bind_text(s, 2, key, -1, SQLITE_STATIC);
    int row = qbid_store_step(store, s);
    if (row <= 0)
        return row;
    bool ok = sqlite3_column_bytes(s, 0) == (int)sizeof answer.request_hash;
    if (ok)
        memcpy(answer.request_hash, sqlite3_column_blob(s, 0), sizeof answer.request_hash);
    answer.status = (uint32_t)qbid_store_column(s, 1);
    answer.unix_ns = qbid_store_column(s, 2);
    answer.body = ok ? strdup(qbid_store_column_text(s, 3)) : NULL;
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    if (!ok)
        return qbid_store_fail(store, QBID_ERR_CORRUPT, "an answer that was kept is damaged");
    if (!answer.body)
        return QBID_ERR_NOMEM;
    *ret_answer = answer;
    return 1;
}

int qbid_store_save_answer(struct qbid_store *store, uint32_t tenant, const char *key,
                           const struct qbid_store_answer *answer)
{
    sqlite3_stmt *s = qbid_store_statement(store, QBID_STORE_SQL_ANSWER_ADD);
    if (!s)
        return QBID_ERR_STORE;
    qbid_store_bind(s, 1, tenant);
    sqlite3_bind_text(s, 2, key, -1, SQLITE_STATIC);
    sqlite3_bind_blob(s, 3, answer->request_hash, sizeof answer->request_hash, SQLITE_STATIC);
    qbid_store_bind(s, 4, answer->status);
    qbid_store_bind(s, 5, answer->unix_ns);
    sqlite3_bind_text(s, 6, answer->body, -1, SQLITE_STATIC);
    return qbid_store_run(store, s);
}

int qbid_store_prune_answers(struct qbid_store *store, int64_t unix_s, uint32_t max)
{
    return qbid_store_prune(store, QBID_STORE_SQL_ANSWERS_PRUNE, unix_s, max);
}
