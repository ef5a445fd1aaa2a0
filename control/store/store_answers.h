/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that were given to requests with a key of idempotency: asked for again, they are given
 * again. By tenant, in its scope. Errors: QBID_ERR_STORE unless said otherwise. */
#ifndef QBID_CONTROL_STORE_STORE_ANSWERS_H
#define QBID_CONTROL_STORE_STORE_ANSWERS_H

#include <stdint.h>

#include "control/store/store.h"

#define QBID_STORE_ANSWERS_S 86400 /* how long they are kept */

struct qbid_store_answer {
    uint8_t request_hash[32];
    uint32_t status;
    uint64_t unix_ns;
    char *body; /* malloc'd when loaded */
};

/** Returns 1 and *ret_answer, whose body is the caller's; 0 when there is none. NOMEM, CORRUPT. */
int qbid_store_load_answer(struct qbid_store *store, uint32_t tenant, const char *key,
                           struct qbid_store_answer *ret_answer);
int qbid_store_save_answer(struct qbid_store *store, uint32_t tenant, const char *key,
                           const struct qbid_store_answer *answer);
/** Forget those from before then, at most max a call: how many. */
int qbid_store_prune_answers(struct qbid_store *store, int64_t unix_s, uint32_t max);

#endif
