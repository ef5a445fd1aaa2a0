/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a bid request as protobuf-c holds them: for the reader only. */
#ifndef QBID_PLUGIN_OPENRTB_PROTOBUF_VALUES_H
#define QBID_PLUGIN_OPENRTB_PROTOBUF_VALUES_H

#include "plugin/openrtb/openrtb.pb-c.h"
#include "plugin/openrtb/openrtb_protobuf.h"

/* State of one parse. */
struct qbid_pb_reader {
    struct qbid_openrtb_request *out;
    struct qbid_openrtb *json; /* reads native.request */
    bool bad_text;             /* something is not UTF-8 */
};

/* --- values: what is absent has no length, and no has_ flag */

static inline struct qbid_text qbid_pb_text(struct qbid_pb_reader *r, ProtobufCBinaryData bytes)
{
    if (bytes.len == 0)
        return (struct qbid_text){NULL, 0};
    r->bad_text |= !qbid_text_utf8_valid((const char *)bytes.data, bytes.len);
    return (struct qbid_text){(const char *)bytes.data, (uint32_t)bytes.len};
}

static inline int32_t qbid_pb_int(protobuf_c_boolean has, int32_t value, int32_t absent)
{
    if (!has)
        return absent;
    return value == INT32_MIN ? -INT32_MAX : value; /* the lowest one stands for absent */
}

static inline bool qbid_pb_flag(protobuf_c_boolean has, protobuf_c_boolean value)
{
    return has && value;
}

static inline enum qbid_openrtb_tri qbid_pb_tri(protobuf_c_boolean has, protobuf_c_boolean value)
{
    return !has ? QBID_TRI_ABSENT : value ? QBID_TRI_YES : QBID_TRI_NO;
}

static inline int64_t qbid_pb_floor(struct qbid_pb_reader *r, protobuf_c_boolean has, double units)
{
    if (has && units != units)
        r->out->wrong_type = true;
    return has ? qbid_protobuf_micros(units) : 0;
}

static inline uint32_t qbid_pb_currency(struct qbid_pb_reader *r, ProtobufCBinaryData bytes)
{
    return qbid_currency_code(qbid_pb_text(r, bytes));
}

static inline void qbid_pb_seats(struct qbid_pb_reader *r, size_t n,
                                 const ProtobufCBinaryData *seats, struct qbid_seats *ret)
{
    ret->given = n > 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t tenant = qbid_text_u16(qbid_pb_text(r, seats[i]));
        if (tenant == 0)
            continue;
        if (ret->cnt == QBID_TERMS_SEATS_MAX)
            ret->over = true;
        else
            ret->tenant[ret->cnt++] = tenant;
    }
}

/** Impressions, up to QBID_OPENRTB_IMPS_MAX: plugin/openrtb/openrtb_protobuf_imp.c. */
void qbid_pb_imps(struct qbid_pb_reader *r, const Pb__Request *in);

#endif
