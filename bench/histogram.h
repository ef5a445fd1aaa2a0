/* SPDX-License-Identifier: Apache-2.0 */
/* A log-linear histogram of clock ticks: 64 bins an octave, so a quantile is right to 1.6 %. */
#ifndef QBID_BENCH_HISTOGRAM_H
#define QBID_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_LG_BINS 6
#define HISTOGRAM_BINS ((64 - HISTOGRAM_LG_BINS + 1) << HISTOGRAM_LG_BINS)

struct histogram {
    uint64_t cnt;
    uint64_t bin[HISTOGRAM_BINS];
};

static inline unsigned histogram_bin(uint64_t value)
{
    if (value < UINT64_C(1) << HISTOGRAM_LG_BINS)
        return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_LG_BINS;
    return (shift << HISTOGRAM_LG_BINS) + (unsigned)(value >> shift);
}

/* Middle of a bin. */
static inline double histogram_value(unsigned bin)
{
    if (bin < 2u << HISTOGRAM_LG_BINS)
        return (double)bin;
    unsigned shift = (bin >> HISTOGRAM_LG_BINS) - 1;
    uint64_t low = (uint64_t)(bin - (shift << HISTOGRAM_LG_BINS)) << shift;
    return (double)low + (double)(UINT64_C(1) << shift) / 2;
}

static inline void histogram_add(struct histogram *h, uint64_t value)
{
    h->bin[histogram_bin(value)]++;
    h->cnt++;
}

/** Smallest value that at least a share q of all do not pass; 0 when empty. */
static inline double histogram_quantile(const struct histogram *h, double q)
{
    uint64_t want = (uint64_t)(q * (double)h->cnt), seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BINS; i++) {
        seen += h->bin[i];
        if (seen > want)
            return histogram_value(i);
    }
    return 0;
}

#endif
