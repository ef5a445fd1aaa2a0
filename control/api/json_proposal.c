/* SPDX-License-Identifier: Apache-2.0 */
#include "control/api/json_proposal.h"

#include "control/api/json.h"

void qbid_json_proposal(cJSON *to, const struct qbid_proposal *p)
{
    qbid_json_hex(to, "id", p->id);
    cJSON_AddStringToObject(to, "item", qbid_item_kind_name(p->item));
    cJSON_AddNumberToObject(to, "item_id", p->item_id);
    cJSON_AddStringToObject(to, "field", p->field);
    cJSON_AddStringToObject(to, "current_value", p->current);
    cJSON_AddStringToObject(to, "recommended_value", p->recommended);
    cJSON_AddNumberToObject(to, "priority", p->priority);
    cJSON_AddNumberToObject(to, "risk", p->risk);
    cJSON_AddBoolToObject(to, "auto_execute", p->auto_execute);
}
