/* SPDX-License-Identifier: Apache-2.0 */
/* Bid requests by number: the same number and seed give the same request, in either format. */
#ifndef QBID_TOOLS_BLAST_REQUEST_H
#define QBID_TOOLS_BLAST_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "tools/blast/options.h"

#define QBID_BLAST_REQUEST_MAX 1472
#define QBID_BLAST_ID_CHARS 36
#define QBID_BLAST_DEALS 2

/* What an answer is held against. */
struct qbid_blast_request {
    enum qbid_blast_format format; /* MSGPACK or JSON */
    bool cut;                      /* malformed on purpose */
    int64_t floor_micros;
    unsigned deal_cnt;
    int64_t deal_floor_micros[QBID_BLAST_DEALS];
    char id[QBID_BLAST_ID_CHARS + 1];
};

/** Write request number n: a typical one has some 300 bytes in MessagePack. Returns its bytes, at
 *  most QBID_BLAST_REQUEST_MAX. */
size_t qbid_blast_request_make(const struct qbid_blast_options *options, uint64_t n, uint8_t *out,
                               struct qbid_blast_request *ret_request);

/** Number of the request that an id belongs to; UINT64_MAX for none of ours. */
uint64_t qbid_blast_request_number(const char *id, size_t len);

#endif
