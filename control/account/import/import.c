/* SPDX-License-Identifier: Apache-2.0 */
/* Walks an account file: campaigns, their line items, their creatives. */
#include "control/account/import/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/import/fields.h"
#include "control/config/config.h"
#include "shm/error.h"

#define ID_MAX (UINT32_MAX - 1)
#define TENANT_MAX 65535
#define KEYS_MAX 48

struct listed {
    uint32_t kind, id, line, column;
};

struct importing {
    const struct qbid_account *current;
    struct qbid_account next; /* current's items first, in their order; new ones after them */
    struct qbid_problems *problems;
    int64_t now_unix_s;
    const char *actor;
    struct listed *listed;
    size_t listed_cnt, listed_max;
    bool nomem;
};

/* Keys of a kind beside its fields. */
static const char *const extra_keys[QBID_ITEM_CNT][4] = {{"id", "tenant", "line_items", NULL},
                                                         {"id", "targeting", "creatives", NULL},
                                                         {"id", "size", NULL}};

static void keys_check(struct qbid_import_item *item, enum qbid_item_kind kind)
{
    const char *words[KEYS_MAX] = {0};
    size_t cnt = 0;
    for (size_t i = 0; extra_keys[kind][i]; i++)
        words[cnt++] = extra_keys[kind][i];
    for (const struct qbid_field *field = qbid_fields(kind); field->name; field++)
        if (field->type != QBID_FIELD_TARGET)
            words[cnt++] = field->name;
    for (const struct qbid_yaml_node *child = item->node->child; child; child = child->next) {
        size_t i = 0;
        while (words[i] && strcmp(words[i], child->key) != 0)
            i++;
        if (words[i])
            continue;
        const char *near = qbid_problems_nearest(child->key, words);
        qbid_import_complain(item, child, "unknown key '%.60s'%s%s%s", child->key,
                             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
}

static void list_note(struct importing *im, enum qbid_item_kind kind, uint32_t id,
                      const struct qbid_yaml_node *node)
{
    if (im->listed_cnt == im->listed_max) {
        size_t max = im->listed_max ? im->listed_max * 2 : 64;
        struct listed *more = realloc(im->listed, max * sizeof *more);
        if (!more) {
            im->nomem = true;
            return;
        }
        im->listed = more;
        im->listed_max = max;
    }
    im->listed[im->listed_cnt++] = (struct listed){kind, id, node->line, node->column};
}

/* Read an item's id; false when it cannot be gone on with. */
static bool item_begin(struct importing *im, struct qbid_import_item *item,
                       enum qbid_item_kind kind, const struct qbid_yaml_node *node,
                       uint32_t *ret_id)
{
    uint64_t id;
    *item = (struct qbid_import_item){
        .problems = im->problems, .now_unix_s = im->now_unix_s, .actor = im->actor, .node = node};
    snprintf(item->where, sizeof item->where, "%s", qbid_item_kind_name(kind));
    if (node->kind != QBID_YAML_MAP) {
        qbid_import_complain(item, NULL, "must be a map of keys and values");
        return false;
    }
    const struct qbid_yaml_node *id_node = qbid_yaml_find(node, "id");
    if (!id_node || !qbid_yaml_uint(id_node, &id) || id < 1 || id > ID_MAX) {
        qbid_import_complain(item, id_node, "id must be a whole number in 1..%u", ID_MAX);
        return false;
    }
    *ret_id = (uint32_t)id;
    snprintf(item->where, sizeof item->where, "%s %u", qbid_item_kind_name(kind), *ret_id);
    keys_check(item, kind);
    list_note(im, kind, *ret_id, id_node);
    return true;
}

/* Every field that the file has, or the default of a new item. */
static void fields_read(struct qbid_import_item *item, enum qbid_item_kind kind)
{
    for (const struct qbid_field *field = qbid_fields(kind); field->name; field++) {
        const struct qbid_yaml_node *node = qbid_yaml_find(item->node, field->name);
        if (field->type == QBID_FIELD_TARGET || strcmp(field->name, "goal") == 0 ||
            strcmp(field->name, "target") == 0)
            continue;
        if (node) {
            qbid_import_field(item, field, node);
        } else if (item->fresh && !field->preset) {
            qbid_import_complain(item, NULL, "%s is missing", field->name);
        } else if (item->fresh) {
            struct qbid_yaml_node preset = *item->node;
            preset.kind = QBID_YAML_SCALAR;
            preset.text = field->preset;
            preset.len = (uint32_t)strlen(field->preset);
            qbid_import_field(item, field, &preset);
        }
    }
}

/* The children of a key, which must be a list. */
static const struct qbid_yaml_node *children(struct qbid_import_item *item, const char *key)
{
    const struct qbid_yaml_node *node = qbid_yaml_find(item->node, key);
    if (!node || qbid_yaml_null(node))
        return NULL;
    if (node->kind != QBID_YAML_LIST) {
        qbid_import_complain(item, node, "%s must be a list", key);
        return NULL;
    }
    return node->child;
}

static void size_read(struct qbid_import_item *item, struct qbid_creative_def *creative)
{
    const struct qbid_yaml_node *node = qbid_yaml_find(item->node, "size");
    unsigned width = 0, height = 0;
    char rest;
    if (node && (node->kind != QBID_YAML_SCALAR ||
                 sscanf(node->text, "%5ux%5u%c", &width, &height, &rest) != 2 || width > 32767 ||
                 height > 32767))
        qbid_import_complain(item, node, "size: '%.20s' is not WIDTHxHEIGHT", node->text);
    else if (node) {
        creative->width = (uint16_t)width;
        creative->height = (uint16_t)height;
    }
    bool sized = creative->format == QBID_FORMAT_BANNER || creative->format == QBID_FORMAT_VIDEO;
    if (sized && (creative->width == 0 || creative->height == 0))
        qbid_import_complain(item, NULL, "%s needs a size",
                             qbid_words_text(qbid_words_format, (int)creative->format));
}

static void creative_read(struct importing *im, const struct qbid_yaml_node *node,
                          uint32_t line_item_id)
{
    struct qbid_import_item item;
    uint32_t id;
    if (!item_begin(im, &item, QBID_ITEM_CREATIVE, node, &id))
        return;
    const struct qbid_creative_def *old = qbid_account_creative(im->current, id);
    struct qbid_creative_def *creative = old ? &im->next.creatives[old - im->current->creatives]
                                             : qbid_account_add_creative(&im->next, id);
    item.fresh = !old;
    item.def = creative;
    if (!creative) {
        im->nomem = true;
        return;
    }
    if (old && old->line_item_id != line_item_id)
        qbid_import_complain(&item, NULL, "belongs to line item %u and cannot move to %u",
                             old->line_item_id, line_item_id);
    creative->line_item_id = line_item_id;
    fields_read(&item, QBID_ITEM_CREATIVE);
    size_read(&item, creative);
    if (!creative->crid || !*creative->crid) {
        char crid[16];
        snprintf(crid, sizeof crid, "%u", id);
        qbid_import_text(&item, &creative->crid, crid);
    }
    im->nomem |= item.nomem;
}

static void targeting_read(struct qbid_import_item *item, const struct qbid_line_item_def *li)
{
    const struct qbid_yaml_node *targeting = qbid_yaml_find(item->node, "targeting");
    const char *words[QBID_DIM_CNT + 1] = {0};
    if (!targeting || qbid_yaml_null(targeting))
        return;
    if (targeting->kind != QBID_YAML_MAP) {
        qbid_import_complain(item, targeting, "targeting must be a map of dimensions");
        return;
    }
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        words[dim] = qbid_dim_name(dim);
    for (const struct qbid_yaml_node *node = targeting->child; node; node = node->next) {
        unsigned dim = 0;
        while (dim < QBID_DIM_CNT && strcmp(words[dim], node->key) != 0)
            dim++;
        if (dim < QBID_DIM_CNT) {
            qbid_import_target(item, qbid_fields_find(QBID_ITEM_LINE_ITEM, node->key), dim, node);
            continue;
        }
        const char *near = qbid_problems_nearest(node->key, words);
        qbid_import_complain(item, node, "targeting: unknown dimension '%.40s'%s%s%s", node->key,
                             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    uint32_t cnt = 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        cnt += li->target[dim].cnt;
    if (cnt > QBID_TARGETS_PER_LINE_MAX)
        qbid_import_complain(item, targeting, "targeting: %u values; at most %d", cnt,
                             QBID_TARGETS_PER_LINE_MAX);
}

static void line_item_read(struct importing *im, const struct qbid_yaml_node *node,
                           uint32_t campaign_id)
{
    struct qbid_import_item item;
    uint32_t id;
    if (!item_begin(im, &item, QBID_ITEM_LINE_ITEM, node, &id))
        return;
    const struct qbid_line_item_def *old = qbid_account_line_item(im->current, id);
    struct qbid_line_item_def *li = old ? &im->next.line_items[old - im->current->line_items]
                                        : qbid_account_add_line_item(&im->next, id);
    item.fresh = !old;
    item.def = li;
    if (!li) {
        im->nomem = true;
        return;
    }
    if (old && old->campaign_id != campaign_id)
        qbid_import_complain(&item, NULL, "belongs to campaign %u and cannot move to %u",
                             old->campaign_id, campaign_id);
    li->campaign_id = campaign_id;
    fields_read(&item, QBID_ITEM_LINE_ITEM);
    if (li->deal && !*li->deal) {
        free(li->deal);
        li->deal = NULL;
    }
    targeting_read(&item, li);
    if (li->ceiling_micros > 0 && li->floor_micros > li->ceiling_micros)
        qbid_import_complain(&item, NULL, "floor is above ceiling");
    for (const struct qbid_yaml_node *c = children(&item, "creatives"); c; c = c->next)
        creative_read(im, c, id);
    im->nomem |= item.nomem;
}

static void tenant_read(struct qbid_import_item *item, struct qbid_campaign_def *campaign)
{
    const struct qbid_yaml_node *node = qbid_yaml_find(item->node, "tenant");
    uint64_t tenant = item->fresh ? 1 : campaign->tenant_id;
    if (node && (!qbid_yaml_uint(node, &tenant) || tenant < 1 || tenant > TENANT_MAX))
        qbid_import_complain(item, node, "tenant: '%.20s' is not in 1..%d", node->text, TENANT_MAX);
    else if (!item->fresh && tenant != campaign->tenant_id)
        qbid_import_complain(item, node, "tenant: is %u and cannot change", campaign->tenant_id);
    else
        campaign->tenant_id = (uint32_t)tenant;
}

static void campaign_read(struct importing *im, const struct qbid_yaml_node *node)
{
    struct qbid_import_item item;
    uint32_t id;
    if (!item_begin(im, &item, QBID_ITEM_CAMPAIGN, node, &id))
        return;
    const struct qbid_campaign_def *old = qbid_account_campaign(im->current, id);
    struct qbid_campaign_def *campaign = old ? &im->next.campaigns[old - im->current->campaigns]
                                             : qbid_account_add_campaign(&im->next, id);
    item.fresh = !old;
    item.def = campaign;
    if (!campaign) {
        im->nomem = true;
        return;
    }
    tenant_read(&item, campaign);
    fields_read(&item, QBID_ITEM_CAMPAIGN);
    qbid_import_goal(&item);
    qbid_import_zone(&item);
    if (campaign->end_unix_s && campaign->end_unix_s <= campaign->start_unix_s)
        qbid_import_complain(&item, qbid_yaml_find(node, "end"), "end is not after start");
    for (const struct qbid_yaml_node *li = children(&item, "line_items"); li; li = li->next)
        line_item_read(im, li, id);
    im->nomem |= item.nomem;
}

static int listed_compare(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

static void listed_sort(struct importing *im)
{
    if (im->listed_cnt)
        qsort(im->listed, im->listed_cnt, sizeof *im->listed, listed_compare);
    for (size_t i = 1; i < im->listed_cnt; i++) {
        const struct listed *a = &im->listed[i - 1], *b = &im->listed[i];
        if (a->kind == b->kind && a->id == b->id)
            qbid_problems_add(im->problems, b->line, b->column,
                              "%s %u stands in line %u already: ids are unique",
                              qbid_item_kind_name(b->kind), b->id, a->line);
    }
}

static bool is_listed(const struct importing *im, enum qbid_item_kind kind, uint32_t id)
{
    size_t low = 0, high = im->listed_cnt;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct listed *l = &im->listed[mid];
        if (l->kind == kind && l->id == id)
            return true;
        if (l->kind < kind || (l->kind == kind && l->id < id))
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static void prune(struct importing *im)
{
    struct qbid_account *a = &im->next;
    for (uint32_t i = 0; i < a->campaign_cnt; i++)
        a->campaigns[i].active &= is_listed(im, QBID_ITEM_CAMPAIGN, a->campaigns[i].id);
    for (uint32_t i = 0; i < a->line_item_cnt; i++)
        a->line_items[i].active &= is_listed(im, QBID_ITEM_LINE_ITEM, a->line_items[i].id);
    for (uint32_t i = 0; i < a->creative_cnt; i++)
        a->creatives[i].active &= is_listed(im, QBID_ITEM_CREATIVE, a->creatives[i].id);
}

static void file_read(struct importing *im, const struct qbid_yaml_node *root)
{
    static const char *const words[] = {"currency", "campaigns", NULL};
    if (!root || root->kind != QBID_YAML_MAP) {
        qbid_problems_add(im->problems, root ? root->line : 0, root ? root->column : 0,
                          "the file must be a map with the key campaigns");
        return;
    }
    for (const struct qbid_yaml_node *node = root->child; node; node = node->next) {
        if (strcmp(node->key, words[0]) == 0 || strcmp(node->key, words[1]) == 0)
            continue;
        const char *near = qbid_problems_nearest(node->key, words);
        qbid_problems_add(im->problems, node->line, node->column, "unknown key '%.60s'%s%s%s",
                          node->key, near ? "; did you mean '" : "", near ? near : "",
                          near ? "'?" : "");
    }
    const struct qbid_yaml_node *currency = qbid_yaml_find(root, "currency");
    char own[4];
    qbid_currency_format(im->current->currency, own);
    if (currency && strcmp(currency->text, own) != 0)
        qbid_problems_add(im->problems, currency->line, currency->column,
                          "currency: the account's is %s", own);
    const struct qbid_yaml_node *campaigns = qbid_yaml_find(root, "campaigns");
    if (!campaigns || campaigns->kind != QBID_YAML_LIST) {
        qbid_problems_add(im->problems, campaigns ? campaigns->line : root->line, 1,
                          "campaigns must be a list");
        return;
    }
    for (const struct qbid_yaml_node *node = campaigns->child; node; node = node->next)
        campaign_read(im, node);
}

int qbid_account_import(const char *text, size_t len, const struct qbid_import_params *params,
                        struct qbid_problems *problems, struct qbid_account *ret_next)
{
    struct importing im = {.current = params->current,
                           .problems = problems,
                           .now_unix_s = params->now_unix_s,
                           .actor = params->actor};
    struct qbid_yaml *yaml;
    int err = qbid_yaml_new(text, len, problems, &yaml);
    if (err)
        return err == QBID_ERR_NOMEM ? err : QBID_ERR_PARSE;
    err = qbid_account_copy(params->current, &im.next);
    if (err)
        goto out;
    file_read(&im, qbid_yaml_root(yaml));
    listed_sort(&im);
    if (params->prune)
        prune(&im);
    qbid_account_sort(&im.next);
    qbid_problems_sort(problems);
    err = im.nomem ? QBID_ERR_NOMEM : problems->cnt ? QBID_ERR_PARSE : 0;
    if (err)
        qbid_account_done(&im.next);
    else
        *ret_next = im.next;
out:
    free(im.listed);
    qbid_yaml_free(yaml);
    return err;
}
