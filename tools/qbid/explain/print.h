/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation as a table or as JSON: begin, each impression, end. */
#ifndef QBID_TOOLS_QBID_EXPLAIN_PRINT_H
#define QBID_TOOLS_QBID_EXPLAIN_PRINT_H

#include <stdbool.h>

#include "tools/qbid/explain/ask.h"
#include "tools/qbid/explain/detail.h"
#include "tools/qbid/explain/options.h"
#include "tools/qbid/explain/world.h"
#include "tools/replay/text/buffer.h"

#define QBID_EXPLAIN_SCHEMA 1 /* of the JSON; fields are only added */

/* What is explained. */
struct qbid_explain_subject {
    const char *image_path;
    const struct qbid_explain_world *world;
    const struct qbid_explain_ask *ask;
    const char *exchange; /* NULL = none */
    uint64_t unix_s;
    const struct qbid_explain_options *options;
    enum qbid_nobid nobid; /* why nothing of the request is decided; NONE = see impressions */
    bool stale;
};

/* What an impression says of a dimension. */
struct qbid_explain_dim {
    const char *state; /* "known", "unknown" (to the dictionary), "absent" */
    uint32_t index;    /* in the context; 0 unless known */
    uint32_t list_cnt; /* known values of a list dimension */
    const uint16_t *list;
};

struct qbid_explain_dim qbid_explain_dim_find(const struct qbid_explain_imp *imp,
                                              const struct qbid_explain_detail *detail,
                                              unsigned dim);

/* detail is NULL for an impression that was not decided. */
void qbid_explain_table_begin(struct qbid_replay_buffer *out,
                              const struct qbid_explain_subject *subject);
void qbid_explain_table_imp(struct qbid_replay_buffer *out,
                            const struct qbid_explain_subject *subject,
                            const struct qbid_explain_imp *imp,
                            const struct qbid_explain_detail *detail);

void qbid_explain_json_begin(struct qbid_replay_buffer *out,
                             const struct qbid_explain_subject *subject);
void qbid_explain_json_imp(struct qbid_replay_buffer *out,
                           const struct qbid_explain_subject *subject,
                           const struct qbid_explain_imp *imp,
                           const struct qbid_explain_detail *detail, bool first);
void qbid_explain_json_end(struct qbid_replay_buffer *out);

#endif
