/* SPDX-License-Identifier: Apache-2.0 */
/* Headroom of a worker: enough for a few ticks, little enough not to strand money. */
#include "control/ledger/grant.h"

#define PPM 1000000
#define TICKS_AHEAD 4
#define IDLE_FRACTION 400

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t qbid_grant_bid(const struct qbid_grant *grant)
{
    int64_t lacks = grant->refused_nanos - grant->unused_nanos;
    return lacks > 0 && lacks <= grant->free_nanos ? lacks : 0;
}

int64_t qbid_grant_size(const struct qbid_grant *grant)
{
    if (grant->free_nanos <= 0 || grant->workers == 0)
        return 0;
    int64_t share = grant->budget_nanos / PPM * grant->share_ppm +
                    grant->budget_nanos % PPM * grant->share_ppm / PPM;
    share = smaller(share, grant->budget_nanos / IDLE_FRACTION / grant->workers);
    int64_t want = larger(grant->min_nanos, share);
    if (grant->per_tick_nanos < INT64_MAX / TICKS_AHEAD)
        want = larger(want, grant->per_tick_nanos * TICKS_AHEAD);
    if (grant->unused_nanos >= want - want / 2)
        return 0;
    int64_t nanos = smaller(want - grant->unused_nanos, grant->free_nanos / 2 / grant->workers);
    return grant->unused_nanos + nanos < grant->refused_nanos ? 0 : nanos;
}
