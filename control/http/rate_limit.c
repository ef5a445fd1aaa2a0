/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets by name. */
#include "control/http/rate_limit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "shm/units.h"

#define NAME_MAX 32
#define WAIT_MAX_S 3600

struct bucket {
    char name[NAME_MAX]; /* "" = free */
    double level;        /* requests that may come now */
    uint64_t at_ns;
};

struct qbid_rate_limit {
    uint32_t max;
    struct bucket bucket[];
};

int qbid_rate_limit_new(uint32_t name_max, struct qbid_rate_limit **ret_limit)
{
    struct qbid_rate_limit *limit = calloc(1, sizeof *limit + name_max * sizeof(struct bucket));
    if (!limit)
        return QBID_ERR_NOMEM;
    limit->max = name_max;
    *ret_limit = limit;
    return 0;
}

void qbid_rate_limit_free(struct qbid_rate_limit *limit)
{
    free(limit);
}

/* Its bucket; else a free one or that which was asked longest ago, full. */
static struct bucket *bucket_of(struct qbid_rate_limit *limit, const char *name, double burst,
                                uint64_t now_ns)
{
    struct bucket *oldest = &limit->bucket[0];
    for (uint32_t i = 0; i < limit->max; i++) {
        struct bucket *b = &limit->bucket[i];
        if (strcmp(b->name, name) == 0)
            return b;
        if (*oldest->name && (!*b->name || b->at_ns < oldest->at_ns))
            oldest = b;
    }
    *oldest = (struct bucket){.level = burst, .at_ns = now_ns};
    strncpy(oldest->name, name, NAME_MAX - 1);
    return oldest;
}

uint32_t qbid_rate_limit_take(struct qbid_rate_limit *limit, const char *name, double rate,
                              double burst, uint64_t now_ns)
{
    struct bucket *b = bucket_of(limit, name, burst, now_ns);
    double passed_s = now_ns > b->at_ns ? (double)(now_ns - b->at_ns) / (double)QBID_NS_PER_S : 0;
    b->level = fmin(burst, b->level + passed_s * rate);
    b->at_ns = now_ns;
    if (b->level >= 1) {
        b->level -= 1;
        return 0;
    }
    return (uint32_t)fmin(WAIT_MAX_S, fmax(1, ceil((1 - b->level) / rate)));
}
