/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as operators write them. */
#ifndef QBID_CONTROL_ACCOUNT_WRITTEN_INSTANT_H
#define QBID_CONTROL_ACCOUNT_WRITTEN_INSTANT_H

#include <stdint.h>

#define QBID_INSTANT_TEXT_MAX 24
#define QBID_INSTANT_MIN INT64_C(0)
#define QBID_INSTANT_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/**
 * Parse "2013-06-06T00:00:00Z", "2013-06-06T08:00:00+08:00", "now", or now plus "+90s", "+30m",
 * "+24h", "+7d".
 *
 * Returns: 0 and seconds since 1970 UTC.
 * Errors:  QBID_ERR_PARSE (also for a day that the month does not have, and for leap seconds);
 *          QBID_ERR_LIMIT outside MIN..MAX.
 */
int qbid_instant_parse(const char *text, int64_t now_unix_s, int64_t *ret_unix_s);

/** RFC 3339 in UTC, terminated. */
void qbid_instant_format(int64_t unix_s, char out[QBID_INSTANT_TEXT_MAX]);

#endif
