/* SPDX-License-Identifier: Apache-2.0 */
/* A bid request as HTTP brings it: headers in, status and headers out. */
#include <stddef.h>

#include "plugin/worker.h"
#include "shm/error.h"

#define HEADER_MAX 4096

/* A header's value; what goes on for longer than any that means something is cut. */
static struct qbid_text header(struct qbid_bytes value)
{
    return (struct qbid_text){value.at,
                              (uint32_t)(value.len < HEADER_MAX ? value.len : HEADER_MAX)};
}

/* What the headers say of the body; false when it is something that we do not read. */
static bool read_headers(const struct qbid_http_request *request, struct qbid_body *ret)
{
    enum qbid_coding coding = qbid_coding_of(header(request->content_encoding));
    *ret = (struct qbid_body){
        .at = request->body.at,
        .len = request->body.len,
        .media = qbid_media_of(header(request->content_type)),
        .waited_ms = request->waited_ms,
        .gzip = coding == QBID_CODING_GZIP ||
                (request->content_encoding.len == 0 && request->gzip_query != 0),
    };
    return ret->media != QBID_MEDIA_UNKNOWN && coding != QBID_CODING_UNKNOWN &&
           qbid_coding_version_known(header(request->openrtb_version));
}

/* Turn the answer in out into gzip where that makes it shorter. */
static bool compress(struct qbid_worker *worker, char *out, size_t *bytes)
{
    size_t max = *bytes - 1 < QBID_DEFLATED_MAX ? *bytes - 1 : QBID_DEFLATED_MAX;
    int64_t n = qbid_gzip_deflate(worker->gzip, out, *bytes, worker->deflated, max);
    if (n < 0)
        return false;
    memcpy(out, worker->deflated, (size_t)n);
    *bytes = (size_t)n;
    return true;
}

int qbid_worker_http(struct qbid_worker *worker, const struct qbid_http_request *request,
                     uint64_t now_ns, char *out, size_t out_max,
                     struct qbid_http_answer *ret_answer)
{
    struct qbid_body body;
    if (!worker || !request || request->size != sizeof *request || !request->body.at || !out ||
        !ret_answer || ret_answer->size != sizeof *ret_answer)
        return QBID_ERR_INVAL;
    *ret_answer = (struct qbid_http_answer){
        .size = ret_answer->size,
        .answer = {.status = 415, .nobid = QBID_NOBID_INVALID},
        .openrtb_version = "2.6",
    };
    if (!read_headers(request, &body))
        return 0;
    struct qbid_answer *answer = &ret_answer->answer;
    qbid_worker_answer(worker, request->exchange, &body, now_ns, out, out_max, answer);
    if (answer->body_bytes == 0)
        return 0;
    ret_answer->content_type =
        body.media == QBID_MEDIA_JSON ? "application/json" : "application/x-protobuf";
    if (request->gzip_answer && qbid_coding_accepts_gzip(header(request->accept_encoding)) &&
        compress(worker, out, &answer->body_bytes))
        ret_answer->content_encoding = "gzip";
    return 0;
}
