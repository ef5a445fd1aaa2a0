/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the account: who owns which string, order by id, deep copies. */
#include "control/account/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

static void line_item_done(struct qbid_line_item_def *li)
{
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        for (uint32_t i = 0; i < li->target[dim].cnt; i++)
            free(li->target[dim].value[i]);
        free(li->target[dim].value);
    }
    free(li->name);
    free(li->deal);
    free(li->adomain);
    free(li->categories);
    free(li->frequency);
    free(li->override);
}

static void campaign_done(struct qbid_campaign_def *c)
{
    free(c->name);
    free(c->hours);
    free(c->time_zone);
    free(c->override);
    free(c->velocity);
    free(c->triggers);
}

static void creative_done(struct qbid_creative_def *c)
{
    free(c->name);
    free(c->markup);
    free(c->landing);
    free(c->crid);
    for (unsigned i = 0; i < QBID_TRAIT_CNT; i++)
        free(c->trait[i]);
}

void qbid_account_done(struct qbid_account *account)
{
    for (uint32_t i = 0; i < account->campaign_cnt; i++)
        campaign_done(&account->campaigns[i]);
    for (uint32_t i = 0; i < account->line_item_cnt; i++)
        line_item_done(&account->line_items[i]);
    for (uint32_t i = 0; i < account->creative_cnt; i++)
        creative_done(&account->creatives[i]);
    free(account->campaigns);
    free(account->line_items);
    free(account->creatives);
    *account = (struct qbid_account){.currency = account->currency};
}

/* Room for one more in an array that doubles; NULL without memory. */
static void *grow(void **array, uint32_t *cnt, size_t bytes)
{
    if (*cnt == 0 || (*cnt >= 16 && (*cnt & (*cnt - 1)) == 0)) {
        size_t room = *cnt < 16 ? 16 : (size_t)*cnt * 2;
        void *more = realloc(*array, room * bytes);
        if (!more)
            return NULL;
        *array = more;
    }
    void *item = (char *)*array + (size_t)(*cnt)++ * bytes;
    memset(item, 0, bytes);
    return item;
}

struct qbid_campaign_def *qbid_account_add_campaign(struct qbid_account *account, uint32_t id)
{
    void *array = account->campaigns;
    struct qbid_campaign_def *c = grow(&array, &account->campaign_cnt, sizeof *c);
    account->campaigns = array;
    if (c)
        *c = (struct qbid_campaign_def){.id = id, .budget_idx = QBID_ACCOUNT_IDX_NONE};
    return c;
}

struct qbid_line_item_def *qbid_account_add_line_item(struct qbid_account *account, uint32_t id)
{
    void *array = account->line_items;
    struct qbid_line_item_def *li = grow(&array, &account->line_item_cnt, sizeof *li);
    account->line_items = array;
    if (li)
        *li = (struct qbid_line_item_def){.id = id, .idx = QBID_ACCOUNT_IDX_NONE};
    return li;
}

struct qbid_creative_def *qbid_account_add_creative(struct qbid_account *account, uint32_t id)
{
    void *array = account->creatives;
    struct qbid_creative_def *c = grow(&array, &account->creative_cnt, sizeof *c);
    account->creatives = array;
    if (c)
        *c = (struct qbid_creative_def){.id = id};
    return c;
}

static int text_copy(char *const *from, char **to)
{
    *to = *from ? strdup(*from) : NULL;
    return *from && !*to ? QBID_ERR_NOMEM : 0;
}

static int target_copy(const struct qbid_target_def *from, struct qbid_target_def *to)
{
    *to = (struct qbid_target_def){0};
    if (from->cnt == 0)
        return 0;
    to->value = calloc(from->cnt, sizeof *to->value);
    if (!to->value)
        return QBID_ERR_NOMEM;
    for (; to->cnt < from->cnt; to->cnt++)
        if (text_copy(&from->value[to->cnt], &to->value[to->cnt]) != 0)
            return QBID_ERR_NOMEM;
    return 0;
}

static int campaign_copy(struct qbid_account *account, const struct qbid_campaign_def *from)
{
    struct qbid_campaign_def *to = qbid_account_add_campaign(account, from->id);
    if (!to)
        return QBID_ERR_NOMEM;
    *to = *from;
    int err = text_copy(&from->name, &to->name);
    err |= text_copy(&from->hours, &to->hours);
    err |= text_copy(&from->time_zone, &to->time_zone);
    err |= text_copy(&from->velocity, &to->velocity);
    err |= text_copy(&from->triggers, &to->triggers);
    err |= text_copy(&from->override, &to->override);
    return err ? QBID_ERR_NOMEM : 0;
}

static int line_item_copy(struct qbid_account *account, const struct qbid_line_item_def *from)
{
    struct qbid_line_item_def *to = qbid_account_add_line_item(account, from->id);
    if (!to)
        return QBID_ERR_NOMEM;
    *to = *from;
    int err = text_copy(&from->name, &to->name);
    err |= text_copy(&from->deal, &to->deal);
    err |= text_copy(&from->adomain, &to->adomain);
    err |= text_copy(&from->categories, &to->categories);
    err |= text_copy(&from->frequency, &to->frequency);
    err |= text_copy(&from->override, &to->override);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        err |= target_copy(&from->target[dim], &to->target[dim]);
    return err ? QBID_ERR_NOMEM : 0;
}

static int creative_copy(struct qbid_account *account, const struct qbid_creative_def *from)
{
    struct qbid_creative_def *to = qbid_account_add_creative(account, from->id);
    if (!to)
        return QBID_ERR_NOMEM;
    *to = *from;
    int err = text_copy(&from->name, &to->name);
    err |= text_copy(&from->markup, &to->markup);
    err |= text_copy(&from->landing, &to->landing);
    err |= text_copy(&from->crid, &to->crid);
    for (unsigned i = 0; i < QBID_TRAIT_CNT; i++)
        err |= text_copy(&from->trait[i], &to->trait[i]);
    return err ? QBID_ERR_NOMEM : 0;
}

int qbid_account_copy(const struct qbid_account *account, struct qbid_account *ret_copy)
{
    struct qbid_account copy = {.currency = account->currency};
    int err = 0;
    for (uint32_t i = 0; i < account->campaign_cnt && !err; i++)
        err = campaign_copy(&copy, &account->campaigns[i]);
    for (uint32_t i = 0; i < account->line_item_cnt && !err; i++)
        err = line_item_copy(&copy, &account->line_items[i]);
    for (uint32_t i = 0; i < account->creative_cnt && !err; i++)
        err = creative_copy(&copy, &account->creatives[i]);
    if (err) {
        qbid_account_done(&copy);
        return err;
    }
    copy.line_item_max = account->line_item_max;
    *ret_copy = copy;
    return 0;
}

/* The id is the first field of all three. */
_Static_assert(offsetof(struct qbid_campaign_def, id) == 0, "id_compare reads the first field");
_Static_assert(offsetof(struct qbid_line_item_def, id) == 0, "id_compare reads the first field");
_Static_assert(offsetof(struct qbid_creative_def, id) == 0, "id_compare reads the first field");

static int id_compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void sort(void *array, uint32_t cnt, size_t bytes)
{
    if (cnt)
        qsort(array, cnt, bytes, id_compare);
}

void qbid_account_sort(struct qbid_account *account)
{
    sort(account->campaigns, account->campaign_cnt, sizeof *account->campaigns);
    sort(account->line_items, account->line_item_cnt, sizeof *account->line_items);
    sort(account->creatives, account->creative_cnt, sizeof *account->creatives);
    account->line_item_max = 0;
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        uint32_t idx = account->line_items[i].idx;
        if (idx != QBID_ACCOUNT_IDX_NONE && idx >= account->line_item_max)
            account->line_item_max = idx + 1;
    }
}

static void *find(uint32_t id, const void *array, uint32_t cnt, size_t bytes)
{
    return cnt ? bsearch(&id, array, cnt, bytes, id_compare) : NULL;
}

const struct qbid_campaign_def *qbid_account_campaign(const struct qbid_account *account,
                                                      uint32_t id)
{
    return find(id, account->campaigns, account->campaign_cnt, sizeof *account->campaigns);
}

const struct qbid_line_item_def *qbid_account_line_item(const struct qbid_account *account,
                                                        uint32_t id)
{
    return find(id, account->line_items, account->line_item_cnt, sizeof *account->line_items);
}

const struct qbid_creative_def *qbid_account_creative(const struct qbid_account *account,
                                                      uint32_t id)
{
    return find(id, account->creatives, account->creative_cnt, sizeof *account->creatives);
}

void qbid_creative_slot(const struct qbid_creative_def *creative, char *out)
{
    switch (creative->format) {
    case QBID_FORMAT_BANNER:
        snprintf(out, 32, "banner:%ux%u", creative->width, creative->height);
        break;
    case QBID_FORMAT_VIDEO:
        snprintf(out, 32, "video:%ux%u", creative->width, creative->height);
        break;
    case QBID_FORMAT_AUDIO:
        snprintf(out, 32, "audio");
        break;
    case QBID_FORMAT_NATIVE:
        snprintf(out, 32, "native");
        break;
    }
}
