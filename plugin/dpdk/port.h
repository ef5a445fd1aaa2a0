/* SPDX-License-Identifier: Apache-2.0 */
/* Ethernet ports: as many queue pairs as lcores, each filled from its lcore's own pool. */
#ifndef QBID_PLUGIN_DPDK_PORT_H
#define QBID_PLUGIN_DPDK_PORT_H

#include "plugin/dpdk/lcore.h"

/**
 * Configure and start every port that EAL has found, and make the lcores' pools.
 *
 * Shapes:  dpdk has its options and lcores.
 * Returns: 0 with dpdk->port; QBID_ERR_INVAL or QBID_ERR_SYS with *why, which names the port.
 */
int qbid_ports_start(struct qbid_dpdk *dpdk, char why[QBID_DPDK_WHY_MAX]);
void qbid_ports_stop(struct qbid_dpdk *dpdk);

/** Whether the port's link is up now. */
bool qbid_port_up(const struct qbid_port *port);

#endif
