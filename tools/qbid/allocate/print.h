/* SPDX-License-Identifier: Apache-2.0 */
/* A plan and its front as a table, JSON or CSV. */
#ifndef QBID_TOOLS_QBID_ALLOCATE_PRINT_H
#define QBID_TOOLS_QBID_ALLOCATE_PRINT_H

#include "tools/qbid/allocate/front.h"
#include "tools/qbid/tool.h"

struct qbid_whatif_report {
    const struct qbid_whatif_plan *plan;
    const struct qbid_whatif_front *front; /* NULL = none was asked for */
    const char *objective, *period;
    enum qbid_curve_kind kind;
};

/** Print to standard output. Exit codes. CSV is the campaigns, or with a front its points. */
int qbid_whatif_print_table(const struct qbid_tool *tool, const struct qbid_whatif_report *report);
int qbid_whatif_print_json(const struct qbid_whatif_report *report);
int qbid_whatif_print_csv(const struct qbid_whatif_report *report);

#endif
