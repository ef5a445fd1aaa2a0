/* SPDX-License-Identifier: Apache-2.0 */
/* EAL's runtime folder, one a process: what a killed qbid-dpdk leaves is swept by the next one. */
#ifndef QBID_PLUGIN_DPDK_RUNTIME_H
#define QBID_PLUGIN_DPDK_RUNTIME_H

#define QBID_RUNTIME_PREFIX "qbid-" /* of our folders: then the pid */

/**
 * Remove the folders "qbid-<number>" beside our own whose telemetry socket nobody answers any more.
 *
 * Shapes:  own is EAL's runtime folder of this process, which is left alone.
 * Returns: folders removed.
 */
unsigned qbid_runtime_sweep(const char *own);

/** Remove our own, after EAL has ended: only its telemetry socket and itself. */
void qbid_runtime_remove(const char *own);

#endif
