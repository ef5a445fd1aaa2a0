/* SPDX-License-Identifier: Apache-2.0 */
/* Money and time: exact, saturating conversions. CPM micros == nanos per impression. */
#ifndef QBID_SHM_UNITS_H
#define QBID_SHM_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define QBID_CACHE_LINE 64
#define QBID_NS_PER_MS UINT64_C(1000000)
#define QBID_NS_PER_S UINT64_C(1000000000)
#define QBID_MICROS_PER_UNIT INT64_C(1000000)
#define QBID_NANOS_PER_UNIT INT64_C(1000000000)
/* Highest CPM that the system handles: 10^6 currency units per thousand. */
#define QBID_PRICE_MICROS_MAX (INT64_C(1000000) * QBID_MICROS_PER_UNIT)

/**
 * A price per thousand in micros is the same number as nanos per impression: one thousand
 * impressions at m micros CPM cost m micros, so one costs m / 1000 micros = m nanos.
 */
static inline int64_t qbid_nanos_from_cpm_micros(int64_t cpm_micros)
{
    return cpm_micros;
}

/** a + b, held at the ends of int64. */
static inline int64_t qbid_add_sat(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

/** Float CPM micros to integer, rounded to nearest; NaN and negatives give 0, huge gives the
 * maximum. */
static inline int64_t qbid_micros_from_float(float micros)
{
    if (!(micros > 0.0f))
        return 0;
    if (micros >= (float)QBID_PRICE_MICROS_MAX)
        return QBID_PRICE_MICROS_MAX;
    return (int64_t)(micros + 0.5f);
}

/**
 * Parse a decimal number of currency units ("2.01", "1e-3" is refused) into micros, exactly.
 *
 * Shapes:  text of len bytes, not terminated; at most 12 digits before and 18 after the point.
 * Units:   digits past the sixth decimal are rounded half up.
 * Returns: 0, *ret_micros written; QBID_ERR_PARSE for anything that is not a plain decimal,
 *          QBID_ERR_LIMIT outside +-QBID_PRICE_MICROS_MAX.
 */
int qbid_micros_parse(const char *text, size_t len, int64_t *ret_micros);

/** Write micros as a plain decimal of units without trailing zeros; returns bytes (<= 24). */
size_t qbid_micros_format(int64_t micros, char out[24]);

#endif
