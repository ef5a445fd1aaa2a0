/* SPDX-License-Identifier: Apache-2.0 */
/* What an impression asks of a creative, its line item and a deal, by the rules of the
 * specification on the request's JSON and the account's facts. */
#ifndef QBID_TESTS_CONFORMANCE_TERMS_H
#define QBID_TESTS_CONFORMANCE_TERMS_H

#include "tests/conformance/facts.h"
#include "tests/conformance/rtb.h"

/** Whether an impression may show a creative of a line item. */
bool terms_allow_creative(const json_t *root, const json_t *imp, const struct facts_line_item *item,
                          const struct facts_creative *creative);

/** Whether the request, and the deal (NULL = open auction), allow a line item. */
bool terms_allow_item(const json_t *root, const json_t *deal, const struct facts_line_item *item);

/** Whether an impression can be bid on at all, whoever would. */
bool terms_allow_imp(const json_t *imp);

/** Whether the native assets of an impression can be read, or are not there. */
bool terms_readable(const json_t *imp);

/** The floor for a creative in account currency; -1 when there is no rate for one that the
 *  impression names. */
int64_t terms_floor(const json_t *imp, const json_t *deal, const struct facts_creative *creative);

/** Whether all floors of a deal have a rate. */
bool terms_deal_has_rates(const json_t *deal);

#endif
