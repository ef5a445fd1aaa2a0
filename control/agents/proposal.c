/* SPDX-License-Identifier: Apache-2.0 */
/* Proposals: whether one is whole, and its id. */
#include "control/agents/proposal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "shm/error.h"
#include "shm/hash.h"

const char *qbid_proposal_type_name(enum qbid_proposal_type type)
{
    static const char *const names[] = {"budget", "bid", "targeting", "creative", "schedule"};
    int known = type >= QBID_PROPOSAL_BUDGET && type <= QBID_PROPOSAL_TYPE_CNT;
    return known ? names[type - QBID_PROPOSAL_BUDGET] : "?";
}

static int refuse(char *why, const char *field, const char *reason)
{
    snprintf(why, QBID_PROPOSAL_WHY_MAX, "%s %s", field, reason);
    return QBID_ERR_INVAL;
}

/* A text that ends inside its array, and is not empty unless it may be. */
static int check_text(const char *text, size_t max, int may_be_empty, const char *field, char *why)
{
    if (memchr(text, 0, max) == NULL)
        return refuse(why, field, "does not end");
    return text[0] || may_be_empty ? 0 : refuse(why, field, "is empty");
}

static int check_texts(const struct qbid_proposal *p, char *why)
{
    int err = check_text(p->agent, sizeof p->agent, 0, "agent", why);
    if (!err)
        err = check_text(p->field, sizeof p->field, 0, "field", why);
    if (!err)
        err = check_text(p->current, sizeof p->current, 1, "current", why);
    if (!err)
        err = check_text(p->recommended, sizeof p->recommended, 1, "recommended", why);
    if (!err)
        err = check_text(p->reason, sizeof p->reason, 0, "reason", why);
    return err;
}

static int check_target(const struct qbid_proposal *p, char *why)
{
    if (!(p->type >= QBID_PROPOSAL_BUDGET && p->type <= QBID_PROPOSAL_TYPE_CNT))
        return refuse(why, "type", "is none of the known ones");
    if ((unsigned)p->item >= QBID_ITEM_CNT)
        return refuse(why, "item", "is neither campaign, line item nor creative");
    if (p->item_id == 0)
        return refuse(why, "item_id", "is 0");
    if (qbid_fields_find(p->item, p->field) == NULL)
        return refuse(why, "field", "is not one of the item's");
    if (strcmp(p->current, p->recommended) == 0)
        return refuse(why, "recommended", "is the current value");
    return 0;
}

static int check_share(double share, const char *field, char *why)
{
    return share >= 0 && share <= 1 ? 0 : refuse(why, field, "is not between 0 and 1");
}

static int check_numbers(const struct qbid_proposal *p, char *why)
{
    const struct qbid_proposal_impact *impact = &p->impact;
    if (!(impact->low_nanos <= impact->mean_nanos && impact->mean_nanos <= impact->high_nanos))
        return refuse(why, "impact", "is not inside its interval");
    if (impact->loss_nanos < 0)
        return refuse(why, "impact.loss_nanos", "is negative");
    if (!(p->priority > 0 && isfinite(p->priority)))
        return refuse(why, "priority", "is not a positive number");
    if (p->evidence_from_unix_s > p->evidence_to_unix_s)
        return refuse(why, "evidence_from_unix_s", "is after evidence_to_unix_s");
    int err = check_share(p->confidence, "confidence", why);
    if (!err)
        err = check_share(p->touched, "touched", why);
    return err ? err : check_share(p->risk, "risk", why);
}

int qbid_proposal_check(const struct qbid_proposal *proposal, char why[QBID_PROPOSAL_WHY_MAX])
{
    int err = check_texts(proposal, why);
    if (!err)
        err = check_target(proposal, why);
    if (!err)
        err = check_numbers(proposal, why);
    if (!err && proposal->id != qbid_proposal_id(proposal))
        err = refuse(why, "id", "is not that of its content");
    return err;
}

uint64_t qbid_proposal_id(const struct qbid_proposal *proposal)
{
    const char *const texts[] = {proposal->agent, proposal->field, proposal->current,
                                 proposal->recommended};
    uint64_t id = qbid_mix64(((uint64_t)proposal->item << 32 | proposal->item_id) ^
                             qbid_mix64((uint64_t)proposal->evidence_to_unix_s));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        id = qbid_mix64(id ^ qbid_hash_name(texts[i], strlen(texts[i])));
    return id ? id : 1;
}
