/* SPDX-License-Identifier: Apache-2.0 */
/* The learned models as rows for the store. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/learn/values/learned_state.h"
#include "shm/error.h"

#define LAYOUT 1

enum row_kind {
    ROW_SIDE = QBID_LEARNED_ROW, /* by head */
    ROW_FTRL_BLOCK,              /* by head and block */
    ROW_TREES,                   /* by head */
    ROW_RECORD,                  /* by head and campaign */
    ROW_END
};

/* In front of every row; what comes from other dimensions than today's says nothing. */
struct row_head {
    uint32_t layout;
    uint32_t head;
    uint64_t mask;
};

struct row_side {
    struct row_head head;
    uint32_t ftrl_lg; /* 0 = the regression has not begun */
    uint32_t pad;
    double ftrl_start;
    double since;
    double strength[QBID_LEARNED_MODEL_CNT];
};

struct row_block {
    struct row_head head;
    uint32_t block;
    uint32_t cnt;
    struct qbid_ftrl_slot slot[QBID_FTRL_BLOCK];
};

struct row_record {
    struct row_head head;
    struct qbid_learned_record record;
};

struct saver {
    const struct qbid_learned *learned;
    qbid_learned_save_fn *fn;
    void *context;
    bool all;
};

static uint64_t row_key(unsigned head, uint32_t what)
{
    return (uint64_t)head << 32 | what;
}

static struct row_head head_of(const struct saver *saver, unsigned head)
{
    return (struct row_head){LAYOUT, head, saver->learned->params.mask};
}

static int side_save(const struct saver *saver, unsigned h, const struct qbid_learned_side *side)
{
    struct row_side row = {.head = head_of(saver, h),
                           .ftrl_lg = side->started ? side->ftrl.lg : 0,
                           .ftrl_start = side->ftrl.params.start,
                           .since = side->since};
    memcpy(row.strength, side->strength, sizeof row.strength);
    return saver->fn(saver->context, ROW_SIDE, h, &row, sizeof row);
}

static int ftrl_save(const struct saver *saver, unsigned h, struct qbid_learned_side *side)
{
    struct row_block *block = calloc(1, sizeof *block);
    if (!block)
        return QBID_ERR_NOMEM;
    int err = 0;
    for (uint32_t b = 0; b < qbid_ftrl_block_cnt(&side->ftrl) && !err; b++) {
        if (!side->ftrl.dirty[b] && !saver->all)
            continue;
        const struct qbid_ftrl_slot *slot = qbid_ftrl_block(&side->ftrl, b, &block->cnt);
        block->head = head_of(saver, h);
        block->block = b;
        memcpy(block->slot, slot, block->cnt * sizeof *slot);
        err = saver->fn(saver->context, ROW_FTRL_BLOCK, row_key(h, b), block, sizeof *block);
        side->ftrl.dirty[b] = err != 0;
    }
    free(block);
    return err;
}

static int trees_save(const struct saver *saver, unsigned h, struct qbid_learned_side *side)
{
    if (!side->grown || (!side->trees_dirty && !saver->all))
        return 0;
    size_t bytes = sizeof(struct row_head) + qbid_trees_bytes(&side->trees);
    uint8_t *row = malloc(bytes);
    if (!row)
        return QBID_ERR_NOMEM;
    struct row_head head = head_of(saver, h);
    memcpy(row, &head, sizeof head);
    qbid_trees_save(&side->trees, row + sizeof head);
    int err = saver->fn(saver->context, ROW_TREES, h, row, (uint32_t)bytes);
    side->trees_dirty = err != 0;
    free(row);
    return err;
}

static int records_save(const struct saver *saver, unsigned h, struct qbid_learned_side *side)
{
    int err = 0;
    for (uint32_t i = 0; i < side->record_cnt && !err; i++) {
        struct qbid_learned_record *record = &side->record[i];
        if (!record->dirty && !saver->all)
            continue;
        struct row_record row = {.head = head_of(saver, h), .record = *record};
        row.record.dirty = 0;
        err = saver->fn(saver->context, ROW_RECORD, row_key(h, record->campaign_id), &row,
                        sizeof row);
        record->dirty = err != 0;
    }
    return err;
}

int qbid_learned_save(struct qbid_learned *learned, bool all, qbid_learned_save_fn *fn,
                      void *context)
{
    struct saver saver = {.learned = learned, .fn = fn, .context = context, .all = all};
    int err = 0;
    for (unsigned h = 0; h < QBID_LEARNED_HEAD_CNT && !err; h++) {
        err = side_save(&saver, h, &learned->side[h]);
        if (!err && learned->side[h].started)
            err = ftrl_save(&saver, h, &learned->side[h]);
        if (!err)
            err = trees_save(&saver, h, &learned->side[h]);
        if (!err)
            err = records_save(&saver, h, &learned->side[h]);
    }
    return err;
}

static int side_restore(const struct qbid_learned *l, struct qbid_learned_side *side,
                        const struct row_side *row, uint32_t bytes)
{
    if (bytes != sizeof *row || !(row->since >= 0))
        return QBID_ERR_VERSION;
    for (unsigned m = 0; m < QBID_LEARNED_MODEL_CNT; m++)
        if (!(row->strength[m] >= 0))
            return QBID_ERR_VERSION;
    side->since = row->since;
    memcpy(side->strength, row->strength, sizeof row->strength);
    if (!l->params.ftrl || row->ftrl_lg == 0)
        return 0;
    if (row->ftrl_lg != side->ftrl.lg || !(fabs(row->ftrl_start) <= QBID_CALIBRATION_ODDS_MAX))
        return QBID_ERR_VERSION;
    side->ftrl.params.start = row->ftrl_start;
    side->started = true;
    return 0;
}

static int block_restore(struct qbid_learned_side *side, const struct row_block *row,
                         uint32_t bytes)
{
    if (bytes != sizeof *row || row->cnt > QBID_FTRL_BLOCK)
        return QBID_ERR_VERSION;
    return qbid_ftrl_block_restore(&side->ftrl, row->block, row->slot, row->cnt) ? QBID_ERR_VERSION
                                                                                 : 0;
}

static int trees_restore(struct qbid_learned *l, struct qbid_learned_side *side, const uint8_t *row,
                         uint32_t bytes)
{
    struct qbid_trees trees;
    int err =
        qbid_trees_load(row + sizeof(struct row_head), bytes - sizeof(struct row_head), &trees);
    if (err)
        return err == QBID_ERR_NOMEM ? err : QBID_ERR_VERSION;
    uint32_t columns = 2;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        columns += (l->params.mask & qbid_dim_mask(dim)) != 0;
    if (trees.half[0].book.column_cnt != columns) {
        qbid_trees_done(&trees);
        return QBID_ERR_VERSION;
    }
    qbid_trees_done(&side->trees);
    side->trees = trees;
    side->grown = true;
    return 0;
}

static int record_restore(struct qbid_learned_side *side, const struct row_record *row,
                          uint32_t bytes)
{
    if (bytes != sizeof *row || row->record.ranking.serving >= QBID_LEARNED_MODEL_CNT)
        return QBID_ERR_VERSION;
    uint32_t i = qbid_learned_record_touch(side, row->record.campaign_id);
    if (i == QBID_KEYMAP_NONE)
        return QBID_ERR_NOMEM;
    side->record[i] = row->record;
    for (unsigned m = 1; m < QBID_LEARNED_MODEL_CNT; m++)
        qbid_calibration_fit(&side->record[i].counts[m], &side->table[i][m]);
    return 0;
}

int qbid_learned_restore(struct qbid_learned *learned, uint32_t kind, uint64_t key,
                         const void *data, uint32_t bytes)
{
    struct row_head head;
    if (kind < ROW_SIDE || kind >= ROW_END || bytes < sizeof head)
        return QBID_ERR_VERSION;
    memcpy(&head, data, sizeof head);
    if (head.layout != LAYOUT || head.head >= QBID_LEARNED_HEAD_CNT ||
        head.mask != learned->params.mask ||
        head.head != (kind == ROW_SIDE || kind == ROW_TREES ? key : key >> 32))
        return QBID_ERR_VERSION;
    struct qbid_learned_side *side = &learned->side[head.head];
    bool off = kind == ROW_TREES ? !learned->params.trees
                                 : kind == ROW_FTRL_BLOCK && !learned->params.ftrl;
    if (off)
        return QBID_ERR_VERSION;
    void *row = malloc(bytes); /* aligned, whatever the store gave */
    if (!row)
        return QBID_ERR_NOMEM;
    memcpy(row, data, bytes);
    int err = kind == ROW_SIDE         ? side_restore(learned, side, row, bytes)
              : kind == ROW_FTRL_BLOCK ? block_restore(side, row, bytes)
              : kind == ROW_TREES      ? trees_restore(learned, side, row, bytes)
                                       : record_restore(side, row, bytes);
    free(row);
    return err;
}
