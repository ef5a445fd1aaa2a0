/* SPDX-License-Identifier: Apache-2.0 */
/* Bills by nonce, across lives: a notice that an exchange repeats after qbidd started again is
 * known and not charged a second time. Within one life the ingest knows repeats itself. */
#include <stdlib.h>

#include "control/engine/engine_state.h"
#include "shm/error.h"

bool qbid_engine_bill_known(const struct qbid_engine *engine, uint64_t nonce)
{
    return qbid_keymap_find(&engine->billed_before, nonce, 0) != QBID_KEYMAP_NONE;
}

void qbid_engine_bill_note(struct qbid_engine *engine, uint64_t nonce)
{
    if (engine->billed_cnt == engine->billed_max) {
        uint32_t max = engine->billed_max ? engine->billed_max * 2 : 256;
        uint64_t *more = realloc(engine->billed, max * sizeof *more);
        if (!more)
            return; /* its repeat after a crash would be charged: on the safe side of the budget */
        engine->billed = more;
        engine->billed_max = max;
    }
    engine->billed[engine->billed_cnt++] = nonce;
}

int qbid_engine_bills_save(struct qbid_engine *engine, int64_t unix_s)
{
    int err = 0;
    for (uint32_t i = 0; i < engine->billed_cnt && !err; i++)
        err = qbid_store_add_settled(engine->store, engine->billed[i], unix_s);
    return err;
}

static int nonce_note(void *context, uint64_t nonce)
{
    struct qbid_engine *e = context;
    return qbid_keymap_add(&e->billed_before, nonce, 0, 0);
}

int qbid_engine_bills_load(struct qbid_engine *engine)
{
    return qbid_store_load_settled(engine->store, nonce_note, engine);
}
