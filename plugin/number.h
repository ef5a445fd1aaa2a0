/* SPDX-License-Identifier: Apache-2.0 */
/* JSON number tokens read exactly, without a double in between. */
#ifndef QBID_PLUGIN_NUMBER_H
#define QBID_PLUGIN_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What becomes of digits past the sixth decimal. A floor is rounded up, so that a bid at the result
 * is never below it; a price that is reported to us is rounded to the nearest. */
enum qbid_number_round { QBID_NUMBER_NEAREST, QBID_NUMBER_UP };

/** Whether text is one number of the JSON grammar: no sign "+", no leading zero, no bare point. */
bool qbid_number_valid(const char *text, size_t len);

/**
 * Read a number that must be an integer: "300", "300.0" and "3e2" are the same one.
 *
 * Returns: 0; QBID_ERR_PARSE for what is no JSON number or has a fraction. Outside int64 it is held
 *          at the ends.
 * Cost:    linear in len; the exponent costs nothing.
 */
int qbid_number_int(const char *text, size_t len, int64_t *ret_value);

/**
 * Read a number of currency units as micros, exactly: "1e-1" is 100000.
 *
 * Returns: 0; QBID_ERR_PARSE for what is no JSON number. Outside int64 it is held at the ends.
 */
int qbid_number_micros(const char *text, size_t len, enum qbid_number_round round,
                       int64_t *ret_micros);

#ifdef __cplusplus
}
#endif

#endif
