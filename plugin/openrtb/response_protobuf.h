/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenRTB answer in protobuf: the same bids and fields as in JSON, but no ext.qbid. */
#ifndef QBID_PLUGIN_OPENRTB_RESPONSE_PROTOBUF_H
#define QBID_PLUGIN_OPENRTB_RESPONSE_PROTOBUF_H

#include "plugin/arena.h"
#include "plugin/openrtb/response.h"

/**
 * Write the answer.
 *
 * Shapes:  as qbid_response_write(); arena is empty and holds QBID_PROTOBUF_ANSWER_BYTES.
 * Returns: bytes written; 0 when no bid fits. Each bid tells whether it was written.
 * Errors:  none: what qbid_response_write() leaves out is left out here as well.
 */
size_t qbid_response_write_protobuf(const struct qbid_response *response,
                                    struct qbid_response_bid *bids, unsigned n,
                                    struct qbid_arena *arena, char *out, size_t out_max);

/** As qbid_response_no_bid(). */
size_t qbid_response_no_bid_protobuf(struct qbid_text id, enum qbid_nobid nobid, char *out,
                                     size_t out_max);

#endif
