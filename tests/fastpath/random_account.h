/* SPDX-License-Identifier: Apache-2.0 */
/* Random small accounts and requests with every feature of a decision switched on somewhere. */
#ifndef QBID_TESTS_FASTPATH_RANDOM_ACCOUNT_H
#define QBID_TESTS_FASTPATH_RANDOM_ACCOUNT_H

#include <stdint.h>

#include "tests/control/models/rng.h"
#include "tests/fastpath/stage.h"

#define RANDOM_BLOCKS_MAX 4
#define RANDOM_CANDIDATES_MAX 600

/* A request and the lists that it borrows. */
struct random_request {
    struct qbid_request request;
    uint64_t badv[RANDOM_BLOCKS_MAX];
    uint64_t bcat[RANDOM_BLOCKS_MAX];
    uint32_t candidate[RANDOM_CANDIDATES_MAX];
};

/** Fill an initialised stage's fixture with an account of at most line_item_max line items. */
void random_account_fill(struct stage *s, struct rng *r, uint32_t line_item_max);

/** Random words in the live page and the worker page of an open stage. */
void random_account_scramble(struct stage *s, struct rng *r);

/** A request that often hits a row, a floor near a price, a deal, a block. */
void random_request_fill(const struct stage *s, struct rng *r, struct random_request *ret_request);

#endif
