/* SPDX-License-Identifier: Apache-2.0 */
/* Our counters through DPDK's own telemetry: /qbid/counters, /qbid/frames (by lcore), /qbid/info.
 */
#ifndef QBID_PLUGIN_DPDK_TELEMETRY_H
#define QBID_PLUGIN_DPDK_TELEMETRY_H

#include "plugin/dpdk/lcore.h"

/** Register the commands; dpdk must live until EAL ends. Returns 0 or QBID_ERR_SYS. */
int qbid_telemetry_start(const struct qbid_dpdk *dpdk);

#endif
