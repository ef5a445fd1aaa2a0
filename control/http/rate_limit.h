/* SPDX-License-Identifier: Apache-2.0 */
/* How often one token may ask: a bucket that fills with `rate` requests a second up to `burst`. */
#ifndef QBID_CONTROL_HTTP_RATE_LIMIT_H
#define QBID_CONTROL_HTTP_RATE_LIMIT_H

#include <stdint.h>

struct qbid_rate_limit; /* opaque; one thread */

/** For that many different names; beyond them the one that asked longest ago is forgotten. NOMEM.
 */
int qbid_rate_limit_new(uint32_t name_max, struct qbid_rate_limit **ret_limit);
void qbid_rate_limit_free(struct qbid_rate_limit *limit);

/**
 * Take one request of a name.
 *
 * Shapes:  rate > 0 a second, burst >= 1; now_ns not falling.
 * Returns: 0; else seconds until it would be taken, >= 1, and nothing is taken.
 * Cost:    linear in names.
 */
uint32_t qbid_rate_limit_take(struct qbid_rate_limit *limit, const char *name, double rate,
                              double burst, uint64_t now_ns);

#endif
