/* SPDX-License-Identifier: Apache-2.0 */
/* Reservations of one budget in time buckets: seen, resolved, expired. */
#include "control/ledger/tally.h"

#include <stdlib.h>

#include "shm/error.h"

int qbid_tally_init(struct qbid_tally *tally, uint32_t cnt, uint64_t next)
{
    if (cnt == 0 || cnt > QBID_TALLY_BUCKETS_MAX || (cnt & (cnt - 1)) != 0)
        return QBID_ERR_INVAL;
    int64_t *words = calloc((size_t)cnt * 2, sizeof *words);
    if (!words)
        return QBID_ERR_NOMEM;
    *tally = (struct qbid_tally){.used = words, .noted = words + cnt, .next = next, .cnt = cnt};
    return 0;
}

void qbid_tally_done(struct qbid_tally *tally)
{
    free(tally->used);
    *tally = (struct qbid_tally){0};
}

void qbid_tally_give(struct qbid_tally *tally, int64_t nanos)
{
    tally->authority += nanos;
}

void qbid_tally_use(struct qbid_tally *tally, uint64_t bucket, int64_t nanos)
{
    if (bucket < tally->next)
        bucket = tally->next;
    if (bucket - tally->next >= tally->cnt)
        bucket = tally->next + tally->cnt - 1;
    tally->used[bucket & (tally->cnt - 1)] += nanos;
    tally->used_live += nanos;
}

/* What was noted beyond all that may be billed is void. */
static void authority_trim(struct qbid_tally *tally)
{
    int64_t over = tally->carry + tally->noted_live - tally->forged - tally->authority;
    if (over > 0)
        tally->forged += over;
}

int qbid_tally_note(struct qbid_tally *tally, uint64_t bucket, int64_t nanos)
{
    if (bucket < tally->next)
        return QBID_ERR_STALE;
    if (bucket - tally->next >= tally->cnt)
        return QBID_ERR_INVAL;
    tally->noted[bucket & (tally->cnt - 1)] += nanos;
    tally->noted_live += nanos;
    authority_trim(tally);
    return 0;
}

void qbid_tally_expire(struct qbid_tally *tally, uint64_t next)
{
    for (uint32_t i = 0; i < tally->cnt && tally->next < next; i++, tally->next++) {
        int64_t *used = &tally->used[tally->next & (tally->cnt - 1)];
        int64_t *noted = &tally->noted[tally->next & (tally->cnt - 1)];
        tally->authority -= *used;
        tally->used_live -= *used;
        tally->noted_live -= *noted;
        tally->carry += *noted - *used;
        if (tally->carry < 0)
            tally->carry = 0;
        *used = *noted = 0;
    }
    if (tally->next < next)
        tally->next = next;
    /* what was void and has run out with its buckets need not be held against the budget for ever
     */
    if (tally->forged > tally->carry + tally->noted_live)
        tally->forged = tally->carry + tally->noted_live;
    authority_trim(tally);
}

int64_t qbid_tally_trim(struct qbid_tally *tally)
{
    int64_t over = tally->carry + tally->noted_live - tally->forged - tally->used_live;
    if (over <= 0)
        return 0;
    tally->forged += over;
    return over;
}

int64_t qbid_tally_exposure(const struct qbid_tally *tally)
{
    return tally->authority - tally->carry - tally->noted_live + tally->forged;
}
