/* SPDX-License-Identifier: Apache-2.0 */
#include "control/models/meta/discoveries.h"

#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double qbid_discoveries_limit(double *p_values, uint32_t cnt, double rate)
{
    qsort(p_values, cnt, sizeof *p_values, by_size);
    for (uint32_t i = cnt; i-- > 0;) {
        if (p_values[i] <= rate * (i + 1) / cnt)
            return p_values[i];
    }
    return -1;
}
