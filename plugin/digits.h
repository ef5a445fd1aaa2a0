/* SPDX-License-Identifier: Apache-2.0 */
/* Whole numbers as text. */
#ifndef QBID_PLUGIN_DIGITS_H
#define QBID_PLUGIN_DIGITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define QBID_DIGITS_MAX 20 /* of the largest uint64_t */

/* "00" to "99", one behind the other. */
extern const char qbid_digit_pairs[200] __attribute__((visibility("hidden")));

/** How many decimal digits a number has. */
static inline unsigned qbid_digit_cnt(uint64_t value)
{
    unsigned n = 1;
    for (; value >= 10000; value /= 10000)
        n += 4;
    return n + (value >= 10) + (value >= 100) + (value >= 1000);
}

/** Decimal digits without a leading zero; returns how many, at most QBID_DIGITS_MAX. Two of them a
 *  division, each where it stays: a copy of what has just been stored in parts would wait for it.
 */
static inline unsigned qbid_digits(uint64_t value, char *out)
{
    unsigned n = qbid_digit_cnt(value);
    char *at = out + n;
    for (; value >= 100; value /= 100)
        memcpy(at -= 2, qbid_digit_pairs + 2 * (value % 100), 2);
    if (value >= 10)
        memcpy(at - 2, qbid_digit_pairs + 2 * value, 2);
    else
        at[-1] = (char)('0' + value);
    return n;
}

/* The lower-case hex digits of half a word, the highest first in memory. */
static inline uint64_t qbid_hex_half(uint32_t half)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t digit = half;
    digit = (digit | digit << 16) & UINT64_C(0x0000ffff0000ffff);
    digit = (digit | digit << 8) & UINT64_C(0x00ff00ff00ff00ff);
    digit = (digit | digit << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t letter = (digit + each * 6) >> 4 & each; /* of ten and above */
    return __builtin_bswap64(digit + each * '0' + letter * ('a' - '0' - 10));
}

/** Sixteen lower-case hex digits. */
static inline void qbid_hex_digits(uint64_t value, char out[16])
{
    uint64_t high = qbid_hex_half((uint32_t)(value >> 32)), low = qbid_hex_half((uint32_t)value);
    memcpy(out, &high, sizeof high);
    memcpy(out + 8, &low, sizeof low);
}

#endif
