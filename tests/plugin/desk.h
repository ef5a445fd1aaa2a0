/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a bid one by one, without a watcher: for fuzzing and for timing each by itself. */
#ifndef QBID_TESTS_PLUGIN_DESK_H
#define QBID_TESTS_PLUGIN_DESK_H

#include "fastpath/decide.h"
#include "plugin/impression.h"
#include "plugin/openrtb/openrtb_protobuf.h"
#include "plugin/openrtb/response_protobuf.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DESK_NOW_NS UINT64_C(1000000000)
#define DESK_UNIX_S UINT64_C(1700000000)

struct desk {
    struct qbid_openrtb *parser;
    struct qbid_protobuf *protobuf;
    void *image_base, *live_base, *page_base;
    struct qbid_image image;
    struct qbid_live live;
    struct qbid_page page;
    struct qbid_view view;
    struct qbid_keys keys;
    const char *exchange; /* that the requests come from; "2" at first */
    struct qbid_openrtb_request openrtb;
    struct qbid_common common;
    unsigned request_cnt, bid_cnt;
    struct qbid_terms terms[QBID_OPENRTB_IMPS_MAX];
    struct qbid_request request[QBID_OPENRTB_IMPS_MAX];
    struct qbid_decision decision[QBID_OPENRTB_IMPS_MAX];
    uint8_t imp_idx[QBID_OPENRTB_IMPS_MAX];
    uint8_t deal_idx[QBID_OPENRTB_IMPS_MAX][QBID_REQUEST_DEALS_MAX];
    struct qbid_response_bid bid[QBID_OPENRTB_IMPS_MAX];
};

/** A desk with the account of tests/plugin/account.h, every pace 1 and endless allowance. */
struct desk *desk_new(void);
void desk_free(struct desk *desk);

/** body must be padded. Returns what qbid_openrtb_parse() does. */
int desk_parse(struct desk *desk, const char *body, size_t len);
/** The same for a body in protobuf. */
int desk_parse_protobuf(struct desk *desk, const char *body, size_t len);
/** Impressions of the parsed request as requests. */
void desk_fill(struct desk *desk);
void desk_decide(struct desk *desk);
/** The answer's bytes, 0 = no bid. */
size_t desk_write(struct desk *desk, char *out, size_t out_max);
size_t desk_write_protobuf(struct desk *desk, char *out, size_t out_max);

#ifdef __cplusplus
}
#endif

#endif
