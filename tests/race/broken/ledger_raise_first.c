/* SPDX-License-Identifier: Apache-2.0 */
/* Negative control: limits are raised, and only then the store hears of the exposure. */
#define qbid_ledger_tick tick_in_order
#include "control/ledger/tick.c"
#undef qbid_ledger_tick

static int stored_before(void *context, const struct qbid_ledger_row *rows, uint32_t cnt)
{
    (void)context;
    (void)rows;
    (void)cnt;
    return 0;
}

/* The same steps; what the store is asked comes after them. */
int qbid_ledger_tick(struct qbid_ledger *ledger, const struct qbid_live *live,
                     uint64_t (*now_fn)(void *context), void *now_context,
                     qbid_ledger_persist_fn *persist, void *persist_context)
{
    int grants = tick_in_order(ledger, live, now_fn, now_context, stored_before, NULL);
    int err = persist(persist_context, ledger->rows, ledger->active_cnt);
    return err ? err : grants;
}
