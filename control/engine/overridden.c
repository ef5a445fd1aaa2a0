/* SPDX-License-Identifier: Apache-2.0 */
/* A list of what is said, and which of it counts for each line item. */
#include "control/engine/overridden.h"

#include <stdlib.h>
#include <string.h>

#include "control/account/written/override.h"
#include "shm/error.h"
#include "shm/units.h"

struct item {
    enum qbid_override_kind kind;
    float fixed_micros;
    double multiplier;
    int64_t until_unix_s;
};

struct qbid_overridden {
    uint32_t line_item_max;
    uint32_t *by_idx; /* 1 + place in item; 0 = none */
    struct item *item;
    uint32_t cnt, capacity;
    uint64_t until_ns; /* the earliest end as the live page has it, 0 = none */
    bool *ends;        /* by line item index: the live page has an end */
    bool told;         /* the learner heard that something is */
};

int qbid_overridden_new(uint32_t line_item_max, struct qbid_overridden **ret_overridden)
{
    struct qbid_overridden *o = calloc(1, sizeof *o);
    if (!o)
        return QBID_ERR_NOMEM;
    o->line_item_max = line_item_max;
    o->by_idx = calloc(line_item_max, sizeof *o->by_idx);
    o->ends = calloc(line_item_max, sizeof *o->ends);
    if (!o->by_idx || !o->ends) {
        qbid_overridden_free(o);
        return QBID_ERR_NOMEM;
    }
    *ret_overridden = o;
    return 0;
}

void qbid_overridden_free(struct qbid_overridden *overridden)
{
    if (!overridden)
        return;
    free(overridden->by_idx);
    free(overridden->ends);
    free(overridden->item);
    free(overridden);
}

/* Place of a text in the list, from 1; 0 for none. */
static uint32_t item_add(struct qbid_overridden *o, const char *text)
{
    struct qbid_override override;
    if (!text || !*text || qbid_override_parse(text, 0, &override))
        return 0;
    o->item[o->cnt++] = (struct item){.kind = override.kind,
                                      .fixed_micros = (float) override.fixed_micros,
                                      .multiplier = override.multiplier,
                                      .until_unix_s = override.until_unix_s};
    return o->cnt;
}

static uint32_t texts_count(const struct qbid_account *account)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < account->campaign_cnt; i++)
        cnt += account->campaigns[i].override && *account->campaigns[i].override;
    for (uint32_t i = 0; i < account->line_item_cnt; i++)
        cnt += account->line_items[i].override && *account->line_items[i].override;
    return cnt;
}

int qbid_overridden_set(struct qbid_overridden *overridden, const struct qbid_account *account)
{
    struct qbid_overridden *o = overridden;
    uint32_t cnt = texts_count(account);
    if (cnt > o->capacity) {
        struct item *more = realloc(o->item, cnt * sizeof *more);
        if (!more)
            return QBID_ERR_NOMEM;
        o->item = more;
        o->capacity = cnt;
    }
    uint32_t *of_campaign = cnt ? calloc(account->campaign_cnt + 1, sizeof *of_campaign) : NULL;
    if (cnt && !of_campaign)
        return QBID_ERR_NOMEM;
    memset(o->by_idx, 0, o->line_item_max * sizeof *o->by_idx);
    o->cnt = 0;
    for (uint32_t i = 0; cnt && i < account->campaign_cnt; i++)
        of_campaign[i] = item_add(o, account->campaigns[i].override);
    for (uint32_t i = 0; cnt && i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        const struct qbid_campaign_def *c = qbid_account_campaign(account, li->campaign_id);
        uint32_t own = item_add(o, li->override);
        if (li->idx < o->line_item_max)
            o->by_idx[li->idx] = own ? own : c ? of_campaign[c - account->campaigns] : 0;
    }
    free(of_campaign);
    return 0;
}

int64_t qbid_overridden_until(const struct qbid_overridden *overridden)
{
    int64_t until = INT64_MAX;
    for (uint32_t i = 0; i < overridden->cnt; i++)
        if (overridden->item[i].until_unix_s < until)
            until = overridden->item[i].until_unix_s;
    return until;
}

/* What is in force for a line item; NULL when nothing is. */
static const struct item *in_force(const struct qbid_overridden *o, uint32_t line_item_idx,
                                   int64_t now_unix_ns)
{
    uint32_t at = line_item_idx < o->line_item_max ? o->by_idx[line_item_idx] : 0;
    if (at == 0 || now_unix_ns / (int64_t)QBID_NS_PER_S >= o->item[at - 1].until_unix_s)
        return NULL;
    return &o->item[at - 1];
}

void qbid_overridden_tell(struct qbid_overridden *overridden, const struct qbid_account *account,
                          int64_t now_unix_ns, struct qbid_learner *learner)
{
    struct qbid_overridden *o = overridden;
    if (o->cnt == 0 && !o->told)
        return;
    o->told = o->cnt != 0;
    for (uint32_t i = 0; i < account->campaign_cnt; i++)
        qbid_learner_override(learner, account->campaigns[i].id, o->told);
    for (uint32_t i = 0; o->told && i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        if (li->active && !in_force(o, li->idx, now_unix_ns))
            qbid_learner_override(learner, li->campaign_id, false);
    }
}

void qbid_overridden_apply(const struct qbid_overridden *overridden, uint64_t now_ns,
                           int64_t now_unix_ns, struct qbid_learner_pace *pace, uint32_t cnt)
{
    for (uint32_t i = 0; overridden->cnt && i < cnt; i++) {
        struct qbid_learner_pace *p = &pace[i];
        const struct item *item = in_force(overridden, p->line_item_idx, now_unix_ns);
        if (!item || !(p->pace > 0))
            continue;
        int64_t left_ns = item->until_unix_s * (int64_t)QBID_NS_PER_S - now_unix_ns;
        if (p->until_ns) { /* the operator's word stands in place of an emergency factor, too */
            p->pace = p->after;
            p->terms.factor[QBID_PACE_TERM_TRIGGER] = 1;
        }
        p->until_ns = now_ns + (uint64_t)left_ns;
        p->after = p->pace;
        if (item->kind == QBID_OVERRIDE_MULTIPLIER)
            p->terms.factor[QBID_PACE_TERM_OPERATOR] = (float)item->multiplier;
        p->pace = item->kind == QBID_OVERRIDE_FIXED ? -item->fixed_micros
                                                    : (float)((double)p->pace * item->multiplier);
    }
}

/* The earliest end; 0 = none. */
static uint64_t earliest(const struct qbid_learner_pace *pace, uint32_t cnt)
{
    uint64_t until_ns = 0;
    for (uint32_t i = 0; i < cnt; i++)
        if (pace[i].until_ns && (until_ns == 0 || pace[i].until_ns < until_ns))
            until_ns = pace[i].until_ns;
    return until_ns;
}

void qbid_overridden_store(struct qbid_overridden *overridden, const struct qbid_learner_pace *pace,
                           uint32_t cnt, const struct qbid_live *live)
{
    struct qbid_overridden *o = overridden;
    uint64_t until_ns = earliest(pace, cnt);
    /* An earlier end is told before there is something that ends then; a later one once nothing
     * ends before it. */
    bool sooner = until_ns != 0 && (o->until_ns == 0 || until_ns < o->until_ns);
    if (sooner)
        qbid_live_set_override_until(live, until_ns);
    qbid_learner_pace_store(pace, cnt, live);
    for (uint32_t i = 0; i < cnt && (until_ns || o->until_ns); i++) {
        uint32_t idx = pace[i].line_item_idx;
        if (idx >= o->line_item_max || idx >= live->shape.line_item_max)
            continue;
        if (o->ends[idx] && !pace[i].until_ns)
            qbid_live_end_override(live, idx);
        o->ends[idx] = pace[i].until_ns != 0;
    }
    if (!sooner && until_ns != o->until_ns)
        qbid_live_set_override_until(live, until_ns);
    o->until_ns = until_ns;
}
