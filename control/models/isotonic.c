/* SPDX-License-Identifier: Apache-2.0 */
/* Pool adjacent violators on a stack of blocks. */
#include "control/models/isotonic.h"

/* Means compared without a division. */
static int falls(const struct qbid_isotonic_block *before, const struct qbid_isotonic_block *after)
{
    return before->sum * after->weight >= after->sum * before->weight;
}

uint32_t qbid_isotonic_fit(const double *sum, const double *weight, uint32_t n,
                           struct qbid_isotonic_block *block)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!(weight[i] > 0))
            continue;
        struct qbid_isotonic_block top = {sum[i], weight[i], i + 1};
        while (cnt > 0 && falls(&block[cnt - 1], &top)) {
            cnt--;
            top.sum += block[cnt].sum;
            top.weight += block[cnt].weight;
        }
        block[cnt++] = top;
    }
    if (cnt > 0)
        block[cnt - 1].end = n;
    return cnt;
}
