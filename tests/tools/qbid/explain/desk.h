/* SPDX-License-Identifier: Apache-2.0 */
/* The library itself on the market's account, a scratch folder, and `qbid explain` run on it. */
#ifndef QBID_TESTS_TOOLS_QBID_EXPLAIN_DESK_H
#define QBID_TESTS_TOOLS_QBID_EXPLAIN_DESK_H

#include <stdio.h>

#include "plugin/qbid.h"
#include "tests/plugin/broker.h"
#include "tests/tools/qbid/explain/market.h"
#include "tools/replay/text/buffer.h"

#define DESK_OUT_MAX 65536
#define DESK_ARGS_MAX 256

struct desk {
    struct broker broker;
    struct qbid *qbid;
    struct qbid_worker *worker;
    struct rng rng;
    char folder[64];
    uint64_t unix_s; /* at the latest request */
    struct qbid_replay_buffer request;
    struct qbid_answer answer;
    char out[DESK_OUT_MAX]; /* the answer */
    /* of the latest desk_explain(): */
    char *argv[DESK_ARGS_MAX];
    int argc;
    char *text;
    char *messages;
};

/** Open with the account of these terms, tracing, one worker. */
void desk_open(struct desk *d, const struct market_terms *terms);
void desk_close(struct desk *d);

/** Publish another generation and wait until it is adopted. */
void desk_publish(struct desk *d, const struct market_terms *terms);

/** Random paces and Q states in the live page; paces stay 1 and states 0 if even is set. */
void desk_scramble(struct desk *d, int even);

/** Draw a request and ask as this exchange; returns the HTTP status. */
int desk_ask(struct desk *d, const char *exchange);

/** Path inside the scratch folder, valid until the fourth call after it. */
const char *desk_path(const struct desk *d, const char *name);

void desk_write(const struct desk *d, const char *name, const void *bytes, size_t len);

/** Save the image of these terms under a name. */
void desk_save_image(const struct desk *d, const char *name, const struct market_terms *terms);

/** Begin a command line with "explain", then the words of `words` (single spaces between). */
void desk_args(struct desk *d, const char *words);

/** One more argument. */
__attribute__((format(printf, 2, 3))) void desk_arg(struct desk *d, const char *format, ...);

/** Run it; d->text is its output, d->messages what it said on stderr. Returns the exit code. */
int desk_explain(struct desk *d);

#endif
