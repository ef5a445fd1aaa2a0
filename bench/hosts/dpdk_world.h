/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of some 300 bytes for the decision benchmark's account, and a broker that serves it. */
#ifndef QBID_BENCH_HOSTS_DPDK_WORLD_H
#define QBID_BENCH_HOSTS_DPDK_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "tests/plugin/broker.h"

#define DPDK_MESSAGE_MAX 448 /* bytes of a request */

/** Serve the account of K candidates; kept until the process ends. */
struct broker *dpdk_world_broker(unsigned candidates);

/** Write request number `at` of the account's stream. Returns its bytes. */
size_t dpdk_world_message(unsigned candidates, uint64_t at, uint8_t *out);

#endif
