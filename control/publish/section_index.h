/* SPDX-License-Identifier: Apache-2.0 */
/* The hash tables of an image: raw values, and contexts with their rows. */
#ifndef QBID_CONTROL_PUBLISH_SECTION_INDEX_H
#define QBID_CONTROL_PUBLISH_SECTION_INDEX_H

#include <stdint.h>

#include "control/account/dictionary.h"
#include "control/learn/plan.h"
#include "shm/image.h"

struct qbid_section_dict {
    struct qbid_dict_entry *entry;
    uint32_t cnt; /* power of two */
};

struct qbid_section_index {
    struct qbid_index_line *line;
    uint32_t line_cnt;
    uint32_t block_cnt; /* of rows */
};

/** Dictionary at load <= 0.5, no probe of QBID_DICT_PROBE_MAX. NOMEM; INVAL for two values of one
 * hash. */
int qbid_section_dict_make(const struct qbid_dictionary *dictionary, struct qbid_section_dict *ret);

/** Index at load <= 0.6, no probe of QBID_INDEX_PROBE_MAX: spilled lines grow it. The plan is
 *  valid. NOMEM, LIMIT. */
int qbid_section_index_make(const struct qbid_plan *plan, struct qbid_section_index *ret);

/** Write the rows in the order of the plan, padded with candidates of value 0, into zeroed memory.
 */
void qbid_section_rows_fill(const struct qbid_plan *plan, struct qbid_row_block *out);

#endif
