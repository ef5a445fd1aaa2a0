/* SPDX-License-Identifier: Apache-2.0 */
/* Requests drawn at random and packed by libmsgpack: mostly right, some wrong in one field. */
#ifndef QBID_TESTS_PLUGIN_DPDK_MESSAGE_RANDOM_H
#define QBID_TESTS_PLUGIN_DPDK_MESSAGE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "tests/control/models/rng.h"

#define MESSAGE_RANDOM_MAX 65536

/** Draw one. Returns its bytes in out, at most MESSAGE_RANDOM_MAX. */
size_t message_random(struct rng *r, uint8_t *out);

#endif
