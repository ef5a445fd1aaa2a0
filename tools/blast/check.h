/* SPDX-License-Identifier: Apache-2.0 */
/* Answers, taken apart by a reader of this tool's own and held against what was asked. */
#ifndef QBID_TOOLS_BLAST_CHECK_H
#define QBID_TOOLS_BLAST_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "tools/blast/request.h"

enum qbid_blast_verdict {
    QBID_BLAST_BID,
    QBID_BLAST_NOBID,
    QBID_BLAST_ERROR, /* the other side could not read the request */
    QBID_BLAST_WRONG
};

/* An answer as far as it could be read. */
struct qbid_blast_answer {
    enum qbid_blast_format format;
    const char *id;    /* into the datagram */
    size_t id_len;     /* 0 = none */
    const char *wrong; /* what is wrong with it by itself; NULL = nothing */
    bool has_nbr, has_error, has_deal, has_bid;
    uint64_t nbr, error, price_micros, creative, line_item, campaign, deal, bid, gen;
};

/** Take an answer apart. */
void qbid_blast_answer_read(const uint8_t *bytes, size_t len, struct qbid_blast_answer *ret_answer);

/** Hold it against its request. *ret_why says what is wrong with QBID_BLAST_WRONG. */
enum qbid_blast_verdict qbid_blast_check(const struct qbid_blast_request *request,
                                         const struct qbid_blast_answer *answer,
                                         const char **ret_why);

#endif
