/* SPDX-License-Identifier: Apache-2.0 */
/* Prices of the test exchange: exact, and on purpose not by the bidder's own code. */
#ifndef QBID_TOOLS_REPLAY_TEXT_MONEY_H
#define QBID_TOOLS_REPLAY_TEXT_MONEY_H

#include <stddef.h>
#include <stdint.h>

/* Highest amount that is read: 10^12 units, in micros. */
#define QBID_REPLAY_MONEY_MICROS_MAX (INT64_C(1000000000000) * INT64_C(1000000))
/* Room for any int64 with sign, point and end. */
#define QBID_REPLAY_MONEY_TEXT_BYTES 32
/* The log counts fen (1/100 CNY) per thousand; a fen is ten thousand micros. */
#define QBID_REPLAY_MICROS_PER_FEN INT64_C(10000)

/**
 * Parse a JSON number ("2.94", "-1", "294e-2") of currency units into micros, exactly.
 *
 * Shapes:  text of len bytes, not terminated, at most 64; exponent in [-99, 99].
 * Units:   what is finer than a micro is cut towards zero: an exchange never charges more than was
 *          offered.
 * Returns: 0, or 1 when something was cut; *ret_micros written.
 * Errors:  QBID_ERR_PARSE not a JSON number; QBID_ERR_LIMIT outside +-QBID_REPLAY_MONEY_MICROS_MAX.
 * Threads: any.
 */
int qbid_replay_money_parse(const char *text, size_t len, int64_t *ret_micros);

/**
 * Write an integer of 10^-decimals units as a plain decimal without trailing zeros.
 *
 * Shapes:  decimals in [0, 18]; micros have 6, nanos 9.
 * Returns: bytes written without the terminating zero.
 * Threads: any.
 */
size_t qbid_replay_money_print(int64_t amount, unsigned decimals,
                               char out[QBID_REPLAY_MONEY_TEXT_BYTES]);

#endif
