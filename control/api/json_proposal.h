/* SPDX-License-Identifier: Apache-2.0 */
/* A proposal as JSON: what the socket's and HTTP's answers have under the same names. */
#ifndef QBID_CONTROL_API_JSON_PROPOSAL_H
#define QBID_CONTROL_API_JSON_PROPOSAL_H

#include <cjson/cJSON.h>

#include "control/agents/proposal.h"

/** Add id, item, item_id, field, current_value, recommended_value, priority, risk, auto_execute. */
void qbid_json_proposal(cJSON *to, const struct qbid_proposal *proposal);

#endif
