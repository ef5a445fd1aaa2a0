/* SPDX-License-Identifier: Apache-2.0 */
/* An OpenRTB bid request in protobuf, read into the same struct as one in JSON.
 *
 * Both say the same, so that both lead to the same decision
 * (tests/plugin/openrtb/test_protobuf_agreement.c). Where the wire format makes the rules of
 * plugin/openrtb/openrtb.h different:
 *   - A field that comes again: the last one wins, and of messages the fields, as protobuf has it.
 *   - A field with another wire type than its own is malformed, but for flags, which are true when
 *     any bit of them is set. So is a text that we read and that is not UTF-8, or a group. Fields
 *     that we do not list are skipped unseen.
 *   - A floor is a double: the decimal of six places that is nearest to it where that is the same
 *     double, else the micro above it. A floor that is no number is a wrong type.
 *   - Nothing is read deeper than plugin/openrtb/openrtb.proto says, so that there is no depth to
 * limit.
 */
#ifndef QBID_PLUGIN_OPENRTB_OPENRTB_PROTOBUF_H
#define QBID_PLUGIN_OPENRTB_OPENRTB_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

#include "plugin/arena.h"
#include "plugin/openrtb/openrtb.h"

/* What protobuf-c builds of a request, and of an answer. The longest list of blocked names fits; a
 * body of 256 KiB in two-byte fields would take 10 MiB and is refused. */
#define QBID_PROTOBUF_REQUEST_BYTES (1u << 20)
#define QBID_PROTOBUF_ANSWER_BYTES (2u << 20)

struct qbid_protobuf;

/** json reads native.request; it is borrowed, and its texts stay as they are. */
int qbid_protobuf_new(struct qbid_openrtb *json, struct qbid_protobuf **ret_protobuf);
void qbid_protobuf_free(struct qbid_protobuf *protobuf);

/**
 * Parse a bid request.
 *
 * Shapes:  body of len bytes; no padding is read.
 * Returns: as qbid_openrtb_parse(), with texts that point into the parser until its next call;
 *          QBID_ERR_LIMIT also for what comes to more than QBID_PROTOBUF_REQUEST_BYTES.
 * Threads: the parser's owner. No allocation: protobuf-c builds its messages in the parser's arena.
 * Cost:    6,000 instructions for what is read of a recorded request; JSON 11,300 for all of it.
 * Source:  protobuf-c; the field numbers are the IAB's (plugin/openrtb/openrtb.proto).
 */
int qbid_protobuf_parse(struct qbid_protobuf *protobuf, const char *body, size_t len,
                        struct qbid_openrtb_request *ret_request);

/** The memory for an answer, empty. Taking it ends what an earlier one held, but not the request.
 */
struct qbid_arena *qbid_protobuf_answer_arena(struct qbid_protobuf *protobuf);

/** A price in currency units as micros: what the contract above says of floors; < 0 becomes 0. */
int64_t qbid_protobuf_micros(double units);

#endif
