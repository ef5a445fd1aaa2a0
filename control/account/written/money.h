/* SPDX-License-Identifier: Apache-2.0 */
/* Money as text: exact decimals of currency units, never through a double. */
#ifndef QBID_CONTROL_ACCOUNT_WRITTEN_MONEY_H
#define QBID_CONTROL_ACCOUNT_WRITTEN_MONEY_H

#include <stddef.h>
#include <stdint.h>

#include "shm/units.h"

#define QBID_MONEY_NANOS_MAX (INT64_C(1000000000) * QBID_NANOS_PER_UNIT) /* 10^9 units */
#define QBID_MONEY_TEXT_MAX 32

/**
 * Parse "1234.567" into nanos, exactly.
 *
 * Shapes:  an optional minus, digits, an optional point with 1..9 digits after it; no exponent.
 * Errors:  QBID_ERR_PARSE; QBID_ERR_LIMIT beyond +-QBID_MONEY_NANOS_MAX.
 */
int qbid_money_parse(const char *text, size_t len, int64_t *ret_nanos);

/** Parse a price: the same with at most 6 digits after the point, into micros, at most
 *  QBID_PRICE_MICROS_MAX. */
int qbid_money_parse_micros(const char *text, size_t len, int64_t *ret_micros);

/** Write nanos as the shortest exact decimal; returns bytes, without the end. Any int64. */
size_t qbid_money_format(int64_t nanos, char out[QBID_MONEY_TEXT_MAX]);
size_t qbid_money_format_micros(int64_t micros, char out[QBID_MONEY_TEXT_MAX]);

#endif
