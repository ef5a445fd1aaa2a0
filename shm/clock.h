/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks that both sides of the shared memory read, and the name of this boot. */
#ifndef QBID_SHM_CLOCK_H
#define QBID_SHM_CLOCK_H

#include <stdint.h>

/** CLOCK_BOOTTIME: never jumps, counts suspend, shared by every process of the host. */
uint64_t qbid_clock_boot_ns(void);

/** CLOCK_REALTIME since 1970: may jump; for files that outlive a boot, and for reports. */
uint64_t qbid_clock_unix_ns(void);

/**
 * Hash of the kernel's boot id, as it stands in an image's header.
 *
 * Returns: never 0; 1 when the system does not name its boot (then only 1 equals it, which makes
 *          the boot clock the judge).
 * Cost:    reads a file of /proc: not for the bid path.
 */
uint64_t qbid_clock_boot_hash(void);

#endif
