/* SPDX-License-Identifier: Apache-2.0 */
/* Currency at the edge: floors in, bids out, prices of notices in. Inside is account currency. */
#ifndef QBID_PLUGIN_CURRENCY_H
#define QBID_PLUGIN_CURRENCY_H

#include <stdint.h>

#include "shm/image.h"

#define QBID_CURRENCY_USD UINT32_C(0x00445355) /* "USD" in memory order */

/** Micros of the account currency for one unit of another; 0 = the image has no rate for it. */
int64_t qbid_currency_rate(const struct qbid_image *image, uint32_t currency);

/** A floor in another currency: rounded up, so that a bid at the result is not below the floor. */
int64_t qbid_currency_to_account(int64_t micros, int64_t rate_micros);

/** A bid in another currency: rounded down, so that it is not worth more than was reserved.
 *  A bid at qbid_currency_to_account(f) converts back to at least f. */
int64_t qbid_currency_from_account(int64_t micros, int64_t rate_micros);

/** What a price in the currency of an answer costs, given the bid in both currencies: exact share
 *  of the reserved money, rounded up; never above bid_nanos while price_micros <= bid_micros. */
int64_t qbid_currency_settle(int64_t bid_nanos, int64_t price_micros, int64_t bid_micros);

#endif
