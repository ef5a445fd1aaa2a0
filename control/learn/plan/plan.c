/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a plan. */
#include "control/learn/plan/plan.h"

#include <stdlib.h>

void qbid_plan_done(struct qbid_plan *plan)
{
    free(plan->contexts);
    free(plan->candidates);
    free(plan->line_value_micros);
    free(plan->line_q_group);
    free(plan->exposure_value);
    free(plan->creatives);
    free(plan->shades);
    free(plan->qrows);
    *plan = (struct qbid_plan){0};
}
