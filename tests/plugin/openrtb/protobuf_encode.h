/* SPDX-License-Identifier: Apache-2.0 */
/* Writes protobuf by hand, without the library and the .proto that the plugin reads it with. */
#ifndef QBID_TESTS_PLUGIN_OPENRTB_PROTOBUF_ENCODE_H
#define QBID_TESTS_PLUGIN_OPENRTB_PROTOBUF_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PB_MAX 524288

enum { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_GROUP = 3, PB_FIXED32 = 5 };

struct pb {
    size_t len;
    uint8_t at[PB_MAX];
};

void pb_varint(struct pb *pb, uint64_t value);
void pb_tag(struct pb *pb, unsigned field, unsigned wire_type);
void pb_int(struct pb *pb, unsigned field, int64_t value);
void pb_double(struct pb *pb, unsigned field, double value);
void pb_bytes(struct pb *pb, unsigned field, const void *bytes, size_t len);
void pb_text(struct pb *pb, unsigned field, const char *text);

/** A bid request in JSON as protobuf; false when it says something that protobuf's types cannot:
 *  then it is no sound OpenRTB either, or holds a label that is no integer and no text. */
bool pb_from_json(const char *text, size_t len, struct pb *ret);

#endif
