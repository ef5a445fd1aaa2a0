/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones of the IANA database: what local clocks show at an instant. */
#ifndef QBID_CONTROL_CONFIG_ZONE_H
#define QBID_CONTROL_CONFIG_ZONE_H

#include <stddef.h>
#include <stdint.h>

#define QBID_ZONE_NAME_MAX 64
#define QBID_ZONE_FOLDER "/usr/share/zoneinfo"

struct qbid_zone; /* opaque */

/**
 * Read a zone by its name: "Europe/Berlin", "UTC".
 *
 * Returns: 0 and *ret_zone.
 * Errors:  QBID_ERR_NOENT for a name that the folder does not have (or none: "../x", "/etc/x", ""),
 *          QBID_ERR_CORRUPT for a file that is no TZif, QBID_ERR_NOMEM.
 * Source:  RFC 8536: version 2 or later; after its last transition the rule of its footer.
 */
int qbid_zone_new(const char *name, struct qbid_zone **ret_zone);
void qbid_zone_free(struct qbid_zone *zone);

/** The same from the bytes of a file, which nobody has to trust. */
int qbid_zone_read(const unsigned char *bytes, size_t len, struct qbid_zone **ret_zone);

/** Seconds that local clocks are ahead of UTC; NULL is UTC. Threads: any. Cost: a binary search. */
int32_t qbid_zone_offset_s(const struct qbid_zone *zone, int64_t unix_s);

#endif
