/* SPDX-License-Identifier: Apache-2.0 */
/* The product with the account of facts.h: the library and one worker against a broker. */
#ifndef QBID_TESTS_CONFORMANCE_PRODUCT_H
#define QBID_TESTS_CONFORMANCE_PRODUCT_H

#include "plugin/qbid.h"
#include "tests/plugin/broker.h"

#define PRODUCT_OUT_MAX (1 << 20)

struct product {
    struct broker broker;
    struct qbid *qbid;
    struct qbid_worker *worker;
    uint64_t now_ns;
    uint64_t unix_s; /* that belongs to now_ns, and is not near the end of an hour */
    struct qbid_answer answer;
    char *body;
    size_t body_max;
    char out[PRODUCT_OUT_MAX];
};

void product_open(struct product *p);
void product_close(struct product *p);

/** Ask as exchange "2"; returns the HTTP status, the answer is in out. */
int product_ask(struct product *p, const char *text, size_t len);

#endif
