/* SPDX-License-Identifier: Apache-2.0 */
/* One qbidd for one state folder: a lock on a file in it, held for life. A pid file cannot lie, for
 * the kernel drops the lock with its process. */
#ifndef QBID_CONTROL_LOCK_H
#define QBID_CONTROL_LOCK_H

#define QBID_LOCK_HOLDER_MAX 512

/**
 * Take the lock and write who we are into the file; one that is held is tried for a second.
 *
 * Returns: a descriptor to keep open.
 * Errors:  QBID_ERR_FULL: another holds it, *holder is what it wrote ("pid 12, socket ..."); SYS.
 */
int qbid_lock_take(const char *state_dir, const char *who, char holder[QBID_LOCK_HOLDER_MAX]);

#endif
