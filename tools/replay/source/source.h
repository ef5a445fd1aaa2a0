/* SPDX-License-Identifier: Apache-2.0 */
/* Where the auctions of a run come from: a log or the generator, in halves, in order. */
#ifndef QBID_TOOLS_REPLAY_SOURCE_SOURCE_H
#define QBID_TOOLS_REPLAY_SOURCE_SOURCE_H

#include "tools/replay/source/generator.h"
#include "tools/replay/source/log.h"

enum qbid_replay_half {
    QBID_REPLAY_HALF_BOTH,
    QBID_REPLAY_HALF_A, /* even XXH3(bidid, seed) */
    QBID_REPLAY_HALF_B, /* odd */
};

struct qbid_replay_split {
    enum qbid_replay_half half;
    uint64_t seed;
};

enum qbid_replay_order {
    QBID_REPLAY_ORDER_TIME,
    QBID_REPLAY_ORDER_HASH, /* by XXH3(bidid, order_seed) */
};

struct qbid_replay_source_terms {
    struct qbid_replay_split split;
    enum qbid_replay_order order;
    uint64_t order_seed;
    uint64_t count_max; /* most auctions; 0: all of the log, without end when generated */
};

struct qbid_replay_source {
    const struct qbid_replay_log *log; /* one of the two is set */
    const struct qbid_replay_generator *generator;
    struct qbid_replay_split split;
    uint32_t *rows; /* of a log: indices in the order of the replay */
    uint64_t count; /* auctions of the run; 0 when there is no end */
    uint64_t given; /* auctions taken so far */
    uint64_t next;  /* position in rows, or the next number of the generator */
};

/**
 * Choose and order the auctions of a run.
 *
 * Shapes:  exactly one of log and generator; both outlive the source. Generated auctions are
 *          independent of each other, so they have no order but their numbers' (TIME).
 * Returns: 0; to be released with qbid_replay_source_done.
 * Errors:  QBID_ERR_NOMEM; QBID_ERR_NOENT when the split leaves no row; QBID_ERR_INVAL for a bad
 *          order.
 */
int qbid_replay_source_init(struct qbid_replay_source *source, const struct qbid_replay_log *log,
                            const struct qbid_replay_generator *generator,
                            const struct qbid_replay_source_terms *terms);

void qbid_replay_source_done(struct qbid_replay_source *source);

/** Take the next auction. Returns: true with its number, false at the end. */
bool qbid_replay_source_next(struct qbid_replay_source *source, uint64_t *ret_number);

/** Begin again with the first auction. */
void qbid_replay_source_rewind(struct qbid_replay_source *source);

/** Load an auction by the number that qbid_replay_source_next gave; as often as needed. */
void qbid_replay_source_load(const struct qbid_replay_source *source, uint64_t number,
                             struct qbid_replay_row *ret_row);

#endif
