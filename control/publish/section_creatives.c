/* SPDX-License-Identifier: Apache-2.0 */
/* Walks line items in order of their index and appends what belongs to each. */
#include "control/publish/section_creatives.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/written/frequency.h"
#include "control/models/rotation.h"
#include "control/models/scratch.h"
#include "control/publish/section_traits.h"
#include "shm/error.h"
#include "shm/hash.h"

#define SLOT_TEXT_MAX 32
#define NAME_MAX_BYTES 256 /* of a domain or category */
#define VIDEO_ANY "video:any"

/* A creative of the line item at hand with one slot value that it serves. */
struct offer {
    uint16_t slot_idx;
    uint16_t number; /* within its line item */
    double weight;   /* < 0 = the plan does not know it */
};

struct maker {
    const struct qbid_account *account;
    const struct qbid_dictionary *dictionary;
    const struct qbid_plan *plan;
    struct qbid_section_creatives *out;
    const struct qbid_creative_def **by_line_item; /* creatives by (line item id, id) */
    struct offer *offers;
    uint32_t offer_cnt;
    uint32_t video_any_idx; /* 0 = the dictionary lacks it */
    const char *why;
};

/* Make room for `more` elements behind cnt. */
static int grow(void **array, uint64_t *max, uint64_t cnt, uint64_t more, size_t elem_bytes)
{
    if (cnt + more <= *max)
        return 0;
    uint64_t want = *max ? *max * 2 : 256;
    if (want < cnt + more)
        want = cnt + more;
    void *bigger = qbid_scratch_new(want * elem_bytes);
    if (!bigger)
        return QBID_ERR_NOMEM;
    if (cnt)
        memcpy(bigger, *array, cnt * elem_bytes);
    free(*array);
    *array = bigger;
    *max = want;
    return 0;
}

/* Append a text to the strings; NULL is empty. */
static int string_add(struct qbid_section_creatives *out, const char *text, uint32_t *ret_off,
                      uint32_t *ret_len)
{
    size_t len = text ? strlen(text) : 0;
    if (out->string_bytes + len > UINT32_MAX)
        return QBID_ERR_LIMIT;
    int err = grow((void **)&out->string, &out->string_max, out->string_bytes, len, 1);
    if (err)
        return err;
    if (len)
        memcpy(out->string + out->string_bytes, text, len);
    *ret_off = (uint32_t)out->string_bytes;
    *ret_len = (uint32_t)len;
    out->string_bytes += len;
    return 0;
}

/* Hash of a name in lower case, surrounding blanks removed; 0 for an empty one. */
static uint64_t name_hash(const char *text, size_t len)
{
    char lower[NAME_MAX_BYTES];
    while (len > 0 && isspace((unsigned char)text[0]))
        text++, len--;
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    if (len == 0 || len > sizeof lower)
        return 0;
    for (size_t i = 0; i < len; i++)
        lower[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
    return qbid_hash_name(lower, len);
}

static int name_add(struct maker *m, struct qbid_shelf *shelf, uint64_t hash)
{
    struct qbid_section_creatives *out = m->out;
    for (uint32_t i = shelf->cat_first; i < out->name_cnt; i++)
        if (out->name[i] == hash)
            return 0;
    if (shelf->cat_cnt == QBID_CATEGORIES_MAX) {
        m->why = "a line item has too many categories";
        return QBID_ERR_LIMIT;
    }
    int err = grow((void **)&out->name, &out->name_max, out->name_cnt, 1, sizeof *out->name);
    if (err)
        return err;
    out->name[out->name_cnt++] = hash;
    shelf->cat_cnt++;
    return 0;
}

/* Each category, and for "IAB25-3" also "IAB25": who blocks the tier blocks what is in it. */
static int categories_add(struct maker *m, const char *text, struct qbid_shelf *shelf)
{
    shelf->cat_first = m->out->name_cnt;
    while (text && *text) {
        size_t len = strcspn(text, ","), tier = strcspn(text, ",-");
        uint64_t hash = name_hash(text, len);
        int err = hash ? name_add(m, shelf, hash) : 0;
        if (!err && tier < len && (hash = name_hash(text, tier)) != 0)
            err = name_add(m, shelf, hash);
        if (err)
            return err;
        text += len + (text[len] == ',');
    }
    return 0;
}

/* Probability that the plan gives a creative, -1 when it does not know it. */
static double plan_weight(const struct qbid_plan *plan, uint32_t creative_id)
{
    uint32_t low = 0, high = plan->creative_cnt;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (plan->creatives[middle].creative_id < creative_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < plan->creative_cnt && plan->creatives[low].creative_id == creative_id
               ? plan->creatives[low].probability
               : -1;
}

static int by_slot_then_weight(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;
    if (x->slot_idx != y->slot_idx)
        return x->slot_idx < y->slot_idx ? -1 : 1;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Room for the draws of one slot. Where they fit into a cache line they do not cross into another;
 * what is passed over is zero, which no directory names. */
static int draws_room(struct qbid_section_creatives *out, uint32_t cnt)
{
    const uint32_t line = QBID_CACHE_LINE / sizeof *out->draw;
    uint32_t skip = (line - out->draw_cnt % line) % line;
    if (cnt > line || skip >= cnt)
        skip = 0;
    int err = grow((void **)&out->draw, &out->draw_max, out->draw_cnt,
                   (uint64_t)skip + QBID_DRAW_MAX, sizeof *out->draw);
    if (err)
        return err;
    memset(&out->draw[out->draw_cnt], 0, (skip + QBID_DRAW_MAX) * sizeof *out->draw);
    out->draw_cnt += skip;
    return 0;
}

/* The draws of one slot: offers are the best first. */
static int slot_add(struct maker *m, const struct offer *offers, uint32_t cnt, uint32_t first)
{
    struct qbid_section_creatives *out = m->out;
    uint64_t mass[QBID_DRAW_MAX], before = 0;
    double weight[QBID_DRAW_MAX], sum = 0;
    uint32_t n = cnt < QBID_DRAW_MAX ? cnt : QBID_DRAW_MAX;
    for (uint32_t i = 0; i < n; i++) {
        weight[i] = offers[i].weight > 0 ? offers[i].weight : 0;
        sum += weight[i];
    }
    for (uint32_t i = 0; i < n && !(sum > 0); i++)
        weight[i] = 1;
    int err = grow((void **)&out->dir, &out->dir_max, out->dir_cnt, 1, sizeof *out->dir);
    if (!err)
        err = draws_room(out, n);
    if (err)
        return err;
    err = qbid_rotation_masses(weight, n, mass);
    if (err) {
        m->why = "a creative's probability is no number";
        return err;
    }
    struct qbid_slot_dir *dir = &out->dir[out->dir_cnt++];
    *dir = (struct qbid_slot_dir){.slot_idx = offers[0].slot_idx, .draw = out->draw_cnt};
    for (uint32_t i = 0; i < n; before += mass[i++]) {
        uint32_t idx = first + offers[i].number;
        if (mass[i] == 0)
            continue;
        out->draw[out->draw_cnt++] = qbid_draw_make(idx, out->creative[idx].id, before, mass[i]);
        dir->cnt++;
    }
    return 0;
}

static void offer_add(struct maker *m, uint32_t slot_idx, uint32_t number, double weight)
{
    if (slot_idx != 0)
        m->offers[m->offer_cnt++] = (struct offer){(uint16_t)slot_idx, (uint16_t)number, weight};
}

static int creative_add(struct maker *m, const struct qbid_line_item_def *li,
                        const struct qbid_creative_def *def, uint32_t first)
{
    struct qbid_section_creatives *out = m->out;
    struct qbid_creative *c = &out->creative[out->creative_cnt];
    char slot[SLOT_TEXT_MAX] = "";
    if (def->format < QBID_FORMAT_BANNER || def->format > QBID_FORMAT_NATIVE) {
        m->why = "a creative's format is unknown";
        return QBID_ERR_INVAL;
    }
    qbid_creative_slot(def, slot);
    uint32_t slot_idx = qbid_dictionary_find(m->dictionary, QBID_DIM_SLOT,
                                             qbid_hash_dim(QBID_DIM_SLOT, slot, strlen(slot)));
    memset(c, 0, sizeof *c);
    c->id = def->id;
    c->line_item_id = def->line_item_id;
    c->width = def->width;
    c->height = def->height;
    c->format = (uint16_t)def->format;
    c->slot_idx = (uint16_t)slot_idx;
    int err = string_add(out, def->markup, &c->markup_off, &c->markup_len);
    if (!err)
        err = string_add(out, def->crid, &c->crid_off, &c->crid_len);
    if (!err)
        err = string_add(out, def->landing, &c->landing_off, &c->landing_len);
    if (!err)
        err = string_add(out, li->adomain, &c->adomain_off, &c->adomain_len);
    if (!err)
        err = string_add(out, li->categories, &c->cat_off, &c->cat_len);
    if (err)
        return err;
    qbid_section_traits_fill(li, def, &out->traits[out->creative_cnt]);
    uint32_t number = out->creative_cnt++ - first;
    if (!def->active)
        return 0;
    double weight = plan_weight(m->plan, def->id);
    offer_add(m, slot_idx, number, weight);
    if (def->format == QBID_FORMAT_VIDEO && m->video_any_idx != slot_idx)
        offer_add(m, m->video_any_idx, number, weight);
    return 0;
}

/* The creatives of a line item lie together in by_line_item. */
static int creatives_add(struct maker *m, const struct qbid_line_item_def *li,
                         struct qbid_line_item *item, struct qbid_shelf *shelf)
{
    const struct qbid_account *account = m->account;
    uint32_t low = 0, high = account->creative_cnt, first = m->out->creative_cnt;
    bool secure = true;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (m->by_line_item[middle]->line_item_id < li->id)
            low = middle + 1;
        else
            high = middle;
    }
    m->offer_cnt = 0;
    shelf->dir_first = m->out->dir_cnt;
    for (; low < account->creative_cnt && m->by_line_item[low]->line_item_id == li->id; low++) {
        if (m->out->creative_cnt - first >= UINT16_MAX) {
            m->why = "a line item has too many creatives";
            return QBID_ERR_LIMIT;
        }
        secure &= !m->by_line_item[low]->active || m->by_line_item[low]->secure;
        int err = creative_add(m, li, m->by_line_item[low], first);
        if (err)
            return err;
        if (qbid_section_traits_need(&m->out->traits[m->out->creative_cnt - 1]))
            item->flags |= QBID_LINE_ITEM_NEEDS;
    }
    if (secure && m->offer_cnt > 0)
        item->flags |= QBID_LINE_ITEM_SECURE;
    qsort(m->offers, m->offer_cnt, sizeof *m->offers, by_slot_then_weight);
    for (uint32_t i = 0, n; i < m->offer_cnt; i += n) {
        for (n = 1; i + n < m->offer_cnt && m->offers[i + n].slot_idx == m->offers[i].slot_idx;)
            n++;
        int err = slot_add(m, &m->offers[i], n, first);
        if (err)
            return err;
    }
    shelf->dir_cnt = (uint16_t)(m->out->dir_cnt - shelf->dir_first);
    return 0;
}

/* What the plan says of a line item. */
static void plan_apply(const struct qbid_plan *plan, uint32_t idx, struct qbid_line_item *item)
{
    bool known = idx < plan->line_item_max;
    item->value_micros = known ? plan->line_value_micros[idx] : 0;
    item->q_group = known ? plan->line_q_group[idx] : 0;
}

/* Learned r(k): places for all of them, which every plan fills anew. */
static void exposures_apply(const struct qbid_plan *plan, uint32_t idx,
                            const struct qbid_line_item *item, float *exposure)
{
    bool known = plan->exposure_value && idx < plan->line_item_max;
    for (uint32_t k = 0; k < item->exposure_cnt; k++)
        exposure[item->exposure_first + k] = known ? plan->exposure_value[idx][k] : 1.0f;
}

/* The cap, and its values behind those of the line items before. */
static int frequency_add(struct maker *m, const struct qbid_line_item_def *li,
                         struct qbid_line_item *item)
{
    struct qbid_section_creatives *out = m->out;
    struct qbid_frequency_rule rule = {0};
    if (li->frequency && qbid_frequency_rule_parse(li->frequency, &rule)) {
        m->why = "a line item's frequency rule cannot be read";
        return QBID_ERR_INVAL;
    }
    item->frequency_cap = (uint8_t)rule.cap;
    item->exposure_cnt = (uint8_t)(rule.learned ? QBID_FREQUENCY_VALUES_MAX : rule.value_cnt);
    item->exposure_first = item->exposure_cnt ? out->exposure_cnt : 0;
    out->capped_cnt += rule.cap != 0;
    if (rule.learned) {
        out->learned[li->idx] = 1;
        out->exposure_cnt += QBID_FREQUENCY_VALUES_MAX;
        exposures_apply(m->plan, li->idx, item, out->exposure);
    }
    for (uint32_t k = 0; k < rule.value_cnt; k++)
        out->exposure[out->exposure_cnt++] = (float)rule.value[k];
    return 0;
}

static int line_item_add(struct maker *m, const struct qbid_line_item_def *li)
{
    const struct qbid_campaign_def *campaign = qbid_account_campaign(m->account, li->campaign_id);
    struct qbid_line_item *item = &m->out->line_item[li->idx];
    if (!campaign) {
        m->why = "a line item's campaign does not exist";
        return QBID_ERR_INVAL;
    }
    if (campaign->tenant_id > UINT16_MAX) {
        m->why = "a tenant's id is above 65535";
        return QBID_ERR_LIMIT;
    }
    item->id = li->id;
    item->campaign_id = li->campaign_id;
    item->budget_idx = campaign->budget_idx;
    plan_apply(m->plan, li->idx, item);
    item->floor_micros = li->floor_micros;
    item->ceiling_micros = li->ceiling_micros;
    item->deal_hash = li->deal && *li->deal ? qbid_hash_name(li->deal, strlen(li->deal)) : 0;
    item->adomain_hash = li->adomain ? name_hash(li->adomain, strlen(li->adomain)) : 0;
    item->tenant = (uint16_t)campaign->tenant_id;
    item->flags = li->active && campaign->active ? QBID_LINE_ITEM_ACTIVE : 0;
    item->targeted = 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        item->targeted |= (uint8_t)((li->target[dim].cnt != 0) << dim);
    struct qbid_shelf *shelf = &m->out->shelf[li->idx];
    int err = frequency_add(m, li, item);
    if (!err)
        err = categories_add(m, li->categories, shelf);
    if (!err)
        err = creatives_add(m, li, item, shelf);
    if (!err)
        qbid_shelf_fill(shelf, m->out->dir, shelf->dir_first, shelf->dir_cnt, m->out->name,
                        shelf->cat_first, shelf->cat_cnt);
    return err;
}

static int by_line_item_then_id(const void *a, const void *b)
{
    const struct qbid_creative_def *const *x = a, *const *y = b;
    if ((*x)->line_item_id != (*y)->line_item_id)
        return (*x)->line_item_id < (*y)->line_item_id ? -1 : 1;
    return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

/* Line items by their place; NULL in holes. */
static int order_make(struct maker *m, const struct qbid_line_item_def **by_idx)
{
    for (uint32_t i = 0; i < m->account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &m->account->line_items[i];
        if (li->id == 0 || li->idx >= m->account->line_item_max || by_idx[li->idx]) {
            m->why = "a line item's id is 0, or its place is taken or out of range";
            return QBID_ERR_INVAL;
        }
        by_idx[li->idx] = li;
    }
    for (uint32_t i = 0; i < m->account->creative_cnt; i++) {
        const struct qbid_creative_def *creative = &m->account->creatives[i];
        if (!qbid_account_line_item(m->account, creative->line_item_id)) {
            m->why = "a creative's line item does not exist";
            return QBID_ERR_INVAL;
        }
        m->by_line_item[i] = creative;
    }
    qsort(m->by_line_item, m->account->creative_cnt, sizeof *m->by_line_item, by_line_item_then_id);
    return 0;
}

/* Room for the values of all line items that have a rule. */
static size_t exposure_max(const struct qbid_account *account)
{
    size_t rules = 0;
    for (uint32_t i = 0; i < account->line_item_cnt; i++)
        rules += account->line_items[i].frequency && *account->line_items[i].frequency;
    return rules * QBID_FREQUENCY_VALUES_MAX + 1;
}

int qbid_section_creatives_make(const struct qbid_account *account,
                                const struct qbid_dictionary *dictionary,
                                const struct qbid_plan *plan, struct qbid_section_creatives *ret,
                                const char **ret_why)
{
    struct maker m = {.account = account, .dictionary = dictionary, .plan = plan, .out = ret};
    *ret = (struct qbid_section_creatives){0};
    size_t items = account->line_item_max, creatives = account->creative_cnt;
    const struct qbid_line_item_def **by_idx = calloc(items + 1, sizeof *by_idx);
    m.by_line_item = calloc(creatives + 1, sizeof *m.by_line_item);
    m.offers = calloc(2 * creatives + 1, sizeof *m.offers);
    ret->line_item = calloc(items + 1, sizeof *ret->line_item);
    ret->shelf = aligned_alloc(sizeof *ret->shelf, (items + 1) * sizeof *ret->shelf);
    ret->creative = calloc(creatives + 1, sizeof *ret->creative);
    ret->traits = calloc(creatives + 1, sizeof *ret->traits);
    ret->exposure = calloc(exposure_max(account), sizeof *ret->exposure);
    ret->learned = calloc(items + 1, sizeof *ret->learned);
    int err = QBID_ERR_NOMEM;
    if (!by_idx || !m.by_line_item || !m.offers || !ret->line_item || !ret->shelf ||
        !ret->creative || !ret->traits || !ret->exposure || !ret->learned)
        goto out;
    memset(ret->shelf, 0, (items + 1) * sizeof *ret->shelf);
    for (size_t i = 0; i < items; i++)
        ret->line_item[i].targeted = UINT8_MAX; /* holes */
    m.video_any_idx = qbid_dictionary_find(
        dictionary, QBID_DIM_SLOT, qbid_hash_dim(QBID_DIM_SLOT, VIDEO_ANY, sizeof VIDEO_ANY - 1));
    err = order_make(&m, by_idx);
    for (size_t i = 0; i < items && !err; i++)
        if (by_idx[i])
            err = line_item_add(&m, by_idx[i]);
out:
    if (err && m.why)
        *ret_why = m.why;
    free(by_idx);
    free(m.by_line_item);
    free(m.offers);
    return err;
}

void qbid_section_creatives_revalue(const struct qbid_plan *plan, uint32_t line_item_max,
                                    struct qbid_section_creatives *section)
{
    for (uint32_t i = 0; i < line_item_max; i++) {
        if (section->line_item[i].id != 0)
            plan_apply(plan, i, &section->line_item[i]);
        if (section->learned[i])
            exposures_apply(plan, i, &section->line_item[i], section->exposure);
    }
}

void qbid_section_creatives_done(struct qbid_section_creatives *section)
{
    free(section->line_item);
    free(section->shelf);
    free(section->dir);
    free(section->draw);
    free(section->creative);
    free(section->traits);
    free(section->name);
    free(section->string);
    free(section->exposure);
    free(section->learned);
    *section = (struct qbid_section_creatives){0};
}
