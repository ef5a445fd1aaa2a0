/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of plugin/dpdk/message.h read a second time, from libmsgpack's tree of a message. */
#ifndef QBID_TESTS_PLUGIN_DPDK_MESSAGE_ORACLE_H
#define QBID_TESTS_PLUGIN_DPDK_MESSAGE_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin/dpdk/message.h"

/** Whether the bytes are a request; then *ret_request, whose lists point into *ret_message. */
bool message_oracle_read(const void *bytes, size_t len, uint64_t hour_hash,
                         struct qbid_request *ret_request, struct qbid_message *ret_message);

/** Whether libmsgpack may be given these bytes: no container in them claims more elements than it
 *  would make room for without a look at what follows. */
bool message_oracle_can_read(const void *bytes, size_t len);

/** NULL when two requests ask the same; else the field in which they differ. */
const char *message_oracle_differ(const struct qbid_request *a,
                                  const struct qbid_message *a_message,
                                  const struct qbid_request *b,
                                  const struct qbid_message *b_message);

#endif
