/* SPDX-License-Identifier: Apache-2.0 */
/* A file system in memory for SQLite that dies at a chosen write.
 *
 *     PROCESS  kill -9: what was written before is there, the write that died to some part
 *     POWER    the same, and of what was not synced each write is there or not, by chance
 *
 * Writes are xWrite, xTruncate, xSync and xDelete. After the crash every call fails until the
 * restart.
 */
#ifndef QBID_TESTS_CONTROL_EXECUTOR_CRASH_VFS_H
#define QBID_TESTS_CONTROL_EXECUTOR_CRASH_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum crash_kind { CRASH_PROCESS, CRASH_POWER };

/** Make it SQLite's default. */
void crash_vfs_install(void);

/** Die at the n-th write from now, n >= 1; 0 = not at all. The seed draws what survives. */
void crash_vfs_arm(uint64_t n, enum crash_kind kind, uint64_t seed);
/** Whether it has died. */
bool crash_vfs_dead(void);
/** Live again, with what survived. */
void crash_vfs_restart(void);
/** Writes since the start. */
uint64_t crash_vfs_writes(void);

/** Every write fails as on a full disk, until further notice; nothing dies. */
void crash_vfs_fill(bool full);

/** Keep all files in slot 0 or 1, and bring them back. */
void crash_vfs_save(int slot);
void crash_vfs_load(int slot);

#endif
