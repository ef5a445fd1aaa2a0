/* SPDX-License-Identifier: Apache-2.0 */
/* The IAB's U.S. Privacy String (CCPA): four characters, of which the third opts out of sale. */
#ifndef QBID_PLUGIN_PRIVACY_US_PRIVACY_H
#define QBID_PLUGIN_PRIVACY_US_PRIVACY_H

#include "plugin/text.h"

/**
 * Read a string: version 1; notice given; opted out of sale; covered by the Limited Service
 * Provider Agreement; each of the last three Y, N or "-" for "does not apply", in either case.
 *
 * Returns: 1 opted out, 0 not; QBID_ERR_PARSE when it is no such string.
 * Threads: pure.
 * Source:  IAB Tech Lab, U.S. Privacy String, version 1.0.
 */
int qbid_us_privacy_read(struct qbid_text text);

#endif
