/* SPDX-License-Identifier: Apache-2.0 */
/* What the product's parser read of a request against what Jansson holds of it. */
#ifndef QBID_TESTS_CONFORMANCE_RTB_DIFFER_H
#define QBID_TESTS_CONFORMANCE_RTB_DIFFER_H

#include "plugin/openrtb/openrtb.h"
#include "tests/conformance/rtb.h"

/** Name of the first field in which they differ, NULL = none. Both have the request as sound. */
const char *rtb_differ(const json_t *root, const struct qbid_openrtb_request *read);

#endif
