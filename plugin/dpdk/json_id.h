/* SPDX-License-Identifier: Apache-2.0 */
/* The id of a bid request that gets no bid: the library's answer to such a one has no body. */
#ifndef QBID_PLUGIN_DPDK_JSON_ID_H
#define QBID_PLUGIN_DPDK_JSON_ID_H

#include <stddef.h>

#define QBID_JSON_ID_MAX 256

/**
 * Find the value of the outermost object's first "id".
 *
 * Shapes:  body is JSON that the library has taken; anything else may be given and finds nothing,
 *          or something of it.
 * Returns: its bytes as they stand there, quotes included; 0 when it is no string or integer, is
 *          longer than QBID_JSON_ID_MAX, or there is none.
 * Cost:    linear up to where it stands: mostly in front.
 */
size_t qbid_json_id(const char *body, size_t len, const char **ret_at);

#endif
