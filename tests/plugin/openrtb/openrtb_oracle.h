/* SPDX-License-Identifier: Apache-2.0 */
/* A slow second reading of bid requests, for comparison: the rules of plugin/openrtb/openrtb.h once
 * more, over a cJSON tree and a validator of its own. */
#ifndef QBID_TESTS_PLUGIN_OPENRTB_OPENRTB_ORACLE_H
#define QBID_TESTS_PLUGIN_OPENRTB_OPENRTB_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

#include "plugin/openrtb/openrtb.h"

/** Whether text is exactly one JSON value (RFC 8259) in UTF-8; *ret_depth is its deepest nesting.
 */
bool json_oracle_valid(const char *text, size_t len, unsigned *ret_depth);

/** The same contract as qbid_openrtb_parse(). Prices come from doubles: compare them with a
 *  tolerance of 1 micro. Texts live until the next call. Text with \u0000 or a lone surrogate is
 *  beyond cJSON. */
int openrtb_oracle_parse(const char *body, size_t len, struct qbid_openrtb_request *ret_request);

/** Frees what the last call holds. */
void openrtb_oracle_done(void);

/** Name of the first field in which two requests differ, or NULL. */
const char *openrtb_oracle_differ(const struct qbid_openrtb_request *a,
                                  const struct qbid_openrtb_request *b);

#endif
