/* SPDX-License-Identifier: Apache-2.0 */
/* A table of known effects, and the fits over it. */
#include "bench/control/tick_effects.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/control/ticks.h"
#include "control/models/rates/effects.h"
#include "shm/hash.h"

#define DIMS 4
#define SWEEPS_FIRST 30
#define SWEEPS_AGAIN 3

static void *memory(size_t cnt, size_t bytes)
{
    void *at = calloc(cnt, bytes);
    if (!at) {
        fprintf(stderr, "bench: no memory\n");
        exit(1);
    }
    return at;
}

static double uniform(uint64_t a, uint64_t b)
{
    return (double)(qbid_mix64(a * 977 + b) >> 11) * 0x1p-53;
}

static double fit(const struct qbid_effects_table *table, struct qbid_effects_dim *dim,
                  uint32_t sweeps)
{
    double base;
    uint64_t start_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    int err = qbid_effects_fit(table, dim, sweeps, 1e-4, &base);
    double k = qbid_effects_strength(table->fitted, table->successes, table->cell_cnt);
    if (err || !(base > 0) || !(k > 0)) {
        fprintf(stderr, "bench: a fit failed\n");
        exit(1);
    }
    return (double)(ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns) / 1e6;
}

void tick_effects_run(uint32_t cells, double *ret_first_ms, double *ret_again_ms)
{
    const uint32_t size[DIMS] = {24, 3, 6, cells / 432};
    struct qbid_effects_dim dim[DIMS];
    uint32_t *index = memory((size_t)cells * DIMS, sizeof *index);
    double *count = memory((size_t)cells * 3, sizeof *count);
    struct qbid_effects_table table = {.dim_cnt = DIMS,
                                       .cell_cnt = 432 * size[3],
                                       .exposed = count,
                                       .successes = count + cells,
                                       .fitted = count + 2 * (size_t)cells};
    for (uint32_t d = 0; d < DIMS; d++) {
        double *work = memory((size_t)size[d] * 3, sizeof *work);
        dim[d] = (struct qbid_effects_dim){.value_cnt = size[d],
                                           .ratio = work,
                                           .successes = work + size[d],
                                           .exposed = work + 2 * (size_t)size[d]};
        table.index[d] = index + d * (size_t)cells;
    }
    for (uint32_t i = 0; i < table.cell_cnt; i++) {
        double rate = 0.02;
        uint32_t rest = i;
        for (uint32_t d = 0; d < DIMS; d++, rest /= size[d - 1]) {
            index[d * (size_t)cells + i] = rest % size[d];
            rate *= 0.6 + 0.8 * uniform(d, rest % size[d]);
        }
        count[i] = floor(20 + 60 * uniform(77, i));
        for (uint32_t t = 0; t < (uint32_t)count[i]; t++)
            count[cells + i] += uniform(i, 1000 + t) < rate;
    }
    *ret_first_ms = fit(&table, dim, SWEEPS_FIRST);
    *ret_again_ms = fit(&table, dim, SWEEPS_AGAIN);
    for (uint32_t d = 0; d < DIMS; d++)
        free(dim[d].ratio);
    free(index);
    free(count);
}
