/* SPDX-License-Identifier: Apache-2.0 */
/* A merge of two sorted lists by kind, field by field. */
#include "control/account/diff.h"

#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define FIELDS_MAX 48

struct side {
    const void *items;
    uint32_t cnt;
    size_t bytes;
};

static struct side side(const struct qbid_account *a, enum qbid_item_kind kind)
{
    if (kind == QBID_ITEM_CAMPAIGN)
        return (struct side){a->campaigns, a->campaign_cnt, sizeof *a->campaigns};
    if (kind == QBID_ITEM_LINE_ITEM)
        return (struct side){a->line_items, a->line_item_cnt, sizeof *a->line_items};
    return (struct side){a->creatives, a->creative_cnt, sizeof *a->creatives};
}

static const void *item_at(struct side s, uint32_t i)
{
    return (const char *)s.items + i * s.bytes;
}

/* The first field of all three. */
static uint32_t item_id(const void *item)
{
    return *(const uint32_t *)item;
}

static uint32_t parent_id(enum qbid_item_kind kind, const void *item)
{
    if (kind == QBID_ITEM_LINE_ITEM)
        return ((const struct qbid_line_item_def *)item)->campaign_id;
    return kind == QBID_ITEM_CREATIVE ? ((const struct qbid_creative_def *)item)->line_item_id : 0;
}

static int change_fill(struct qbid_change *change, const struct qbid_field *const *fields,
                       const void *before, const void *after)
{
    change->field = calloc(change->field_cnt + 1, sizeof *change->field);
    if (!change->field)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < change->field_cnt; i++) {
        struct qbid_change_field *f = &change->field[i];
        f->name = fields[i]->name;
        f->before = before ? qbid_field_text(fields[i], before) : NULL;
        f->after = qbid_field_text(fields[i], after);
        if ((before && !f->before) || !f->after)
            return QBID_ERR_NOMEM;
    }
    return 0;
}

static struct qbid_change *change_add(struct qbid_diff *diff)
{
    uint32_t cnt = diff->change_cnt;
    if (cnt == 0 || (cnt & (cnt - 1)) == 0) {
        struct qbid_change *more = realloc(diff->change, (cnt ? cnt * 2 : 1) * sizeof *more);
        if (!more)
            return NULL;
        diff->change = more;
    }
    diff->change[cnt] = (struct qbid_change){0};
    diff->change_cnt++;
    return &diff->change[cnt];
}

static int item_compare(struct qbid_diff *diff, enum qbid_item_kind kind, const void *before,
                        const void *after)
{
    const struct qbid_field *fields[FIELDS_MAX];
    uint32_t cnt = 0;
    for (const struct qbid_field *field = qbid_fields(kind); field->name; field++)
        if (!before || !qbid_field_equal(field, before, after))
            fields[cnt++] = field;
    if (cnt == 0) {
        diff->unchanged++;
        return 0;
    }
    struct qbid_change *change = change_add(diff);
    if (!change)
        return QBID_ERR_NOMEM;
    change->kind = before ? QBID_CHANGE_CHANGED : QBID_CHANGE_ADDED;
    change->item = kind;
    change->id = item_id(after);
    change->parent_id = parent_id(kind, after);
    change->field_cnt = cnt;
    int err = change_fill(change, fields, before, after);
    if (err)
        return err;
    if (before && cnt == 1 && strcmp(fields[0]->name, "active") == 0 &&
        strcmp(change->field[0].after, "false") == 0)
        change->kind = QBID_CHANGE_REMOVED;
    diff->added += change->kind == QBID_CHANGE_ADDED;
    diff->changed += change->kind == QBID_CHANGE_CHANGED;
    diff->removed += change->kind == QBID_CHANGE_REMOVED;
    return 0;
}

int qbid_diff_new(const struct qbid_account *before, const struct qbid_account *after,
                  struct qbid_diff *ret_diff)
{
    struct qbid_diff diff = {0};
    for (unsigned kind = 0; kind < QBID_ITEM_CNT; kind++) {
        struct side a = side(before, kind), b = side(after, kind);
        uint32_t i = 0;
        for (uint32_t j = 0; j < b.cnt; j++) {
            const void *item = item_at(b, j);
            while (i < a.cnt && item_id(item_at(a, i)) < item_id(item))
                i++;
            const void *old =
                i < a.cnt && item_id(item_at(a, i)) == item_id(item) ? item_at(a, i) : NULL;
            if (item_compare(&diff, kind, old, item) != 0) {
                qbid_diff_done(&diff);
                return QBID_ERR_NOMEM;
            }
        }
    }
    *ret_diff = diff;
    return 0;
}

void qbid_diff_done(struct qbid_diff *diff)
{
    for (uint32_t i = 0; i < diff->change_cnt; i++) {
        for (uint32_t j = 0; j < diff->change[i].field_cnt && diff->change[i].field; j++) {
            free(diff->change[i].field[j].before);
            free(diff->change[i].field[j].after);
        }
        free(diff->change[i].field);
    }
    free(diff->change);
    *diff = (struct qbid_diff){0};
}

const char *qbid_change_kind_name(enum qbid_change_kind kind)
{
    return kind == QBID_CHANGE_ADDED     ? "added"
           : kind == QBID_CHANGE_CHANGED ? "changed"
                                         : "removed";
}
