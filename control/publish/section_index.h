/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts and their rows in an image: both lie in the order of the contexts' hashes, so that
 * building and checking walk through memory instead of jumping about in it. */
#ifndef QBID_CONTROL_PUBLISH_SECTION_INDEX_H
#define QBID_CONTROL_PUBLISH_SECTION_INDEX_H

#include <stdint.h>

#include "control/learn/plan/plan.h"
#include "shm/hash.h"
#include "shm/image.h"

/* A context on its way into the index. */
struct qbid_index_record {
    uint64_t hash;
    uint32_t first; /* candidate of the plan */
    uint16_t cnt;
    uint16_t segment;
};

struct qbid_section_index {
    struct qbid_index_record *record; /* by hash, ascending */
    uint32_t record_cnt;
    uint32_t bucket_cnt;
    uint32_t wrapped;     /* records at the end that lie in the first buckets */
    uint32_t near_cnt;    /* blocks of rows that a bucket leads to; behind them the far ones */
    uint32_t block_cnt;   /* all of them */
    XXH128_hash_t digest; /* of the contexts that this was made from */
};

/**
 * Order the contexts and size the index: load <= 0.6, no probe of QBID_INDEX_PROBE_MAX; the plan is
 * valid. *index is zero or was made before: of the same contexts (keys, counts, segments, places of
 * their candidates) it stays as it is.
 *
 * Rows lie as early as their home bucket lets them, in order of their hashes: a lookup's longest
 * way is then the shortest that any order could give. Where it is too long the index grows.
 *
 * Errors:  NOMEM, LIMIT: *index is zero.
 * Cost:    three passes over the contexts, and one over the records for each size that is tried;
 *          one over the contexts where it stays. 16 bytes a context are kept.
 */
int qbid_section_index_make(const struct qbid_plan *plan, struct qbid_section_index *index);
void qbid_section_index_done(struct qbid_section_index *index);

/** Write the index into zeroed memory of bucket_cnt buckets. */
void qbid_section_index_fill(const struct qbid_section_index *index, struct qbid_index_bucket *out);

/** Write the rows, padded with candidates of value 0, into zeroed memory of block_cnt blocks. */
void qbid_section_rows_fill(const struct qbid_section_index *index, const struct qbid_plan *plan,
                            struct qbid_row_block *out);

#endif
