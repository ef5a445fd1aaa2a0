/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing as shm/image.h reads it; the same input always fills the same places. */
#include "control/publish/section_index.h"

#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "shm/hash.h"

#define TAG_MASK UINT32_C(0x7fffffff)
#define TAG_MORE UINT32_C(0x80000000)
#define DICT_ENTRIES_MAX (UINT32_C(1) << 24)

/* 0; LIMIT when a value would lie QBID_DICT_PROBE_MAX places or more from its own. */
static int dict_insert(struct qbid_section_dict *dict, const struct qbid_dictionary_entry *value)
{
    for (uint32_t i = 0; i < QBID_DICT_PROBE_MAX; i++) {
        struct qbid_dict_entry *e = &dict->entry[(uint32_t)(value->hash + i) & (dict->cnt - 1)];
        if (e->hash == value->hash)
            return QBID_ERR_INVAL;
        if (e->hash == 0) {
            *e = (struct qbid_dict_entry){value->hash, value->index, value->dim};
            return 0;
        }
    }
    return QBID_ERR_LIMIT;
}

static int dict_try(const struct qbid_dictionary *dictionary, struct qbid_section_dict *dict)
{
    dict->entry = calloc(dict->cnt, sizeof *dict->entry);
    if (!dict->entry)
        return QBID_ERR_NOMEM;
    uint32_t values = qbid_dictionary_cnt(dictionary);
    int err = 0;
    for (uint32_t i = 0; i < values && !err; i++) {
        struct qbid_dictionary_entry value = qbid_dictionary_get(dictionary, i);
        err = dict_insert(dict, &value);
    }
    if (err) {
        free(dict->entry);
        dict->entry = NULL;
    }
    return err;
}

int qbid_section_dict_make(const struct qbid_dictionary *dictionary, struct qbid_section_dict *ret)
{
    struct qbid_section_dict dict = {.cnt = 4};
    while (dict.cnt < 2 * qbid_dictionary_cnt(dictionary))
        dict.cnt *= 2;
    int err = dict_try(dictionary, &dict);
    while (err == QBID_ERR_LIMIT && dict.cnt < DICT_ENTRIES_MAX) {
        dict.cnt *= 2;
        err = dict_try(dictionary, &dict);
    }
    if (!err)
        *ret = dict;
    return err;
}

static uint32_t row_padded(uint32_t cnt)
{
    return (cnt + QBID_ROW_PAD - 1) & ~(uint32_t)(QBID_ROW_PAD - 1);
}

static uint32_t row_blocks(uint32_t cnt)
{
    return 2 * row_padded(cnt) / (sizeof(struct qbid_row_block) / sizeof(uint32_t));
}

/* 0; LIMIT when all lines that a lookup would probe are full. */
static int index_insert(struct qbid_section_index *index, const struct qbid_plan_context *context,
                        uint32_t row)
{
    uint64_t hash = qbid_mix64(context->key);
    uint32_t at = (uint32_t)qbid_mulhi64(hash, index->line_cnt);
    for (uint32_t probe = 0; probe < QBID_INDEX_PROBE_MAX; probe++) {
        struct qbid_index_line *line = &index->line[at];
        for (unsigned i = 0; i < 4; i++) {
            if (line->entry[i].cnt != 0)
                continue;
            line->tag[i] = (line->tag[i] & TAG_MORE) | ((uint32_t)hash & TAG_MASK);
            line->entry[i].row = row;
            line->entry[i].check = (uint32_t)(hash >> 31);
            line->entry[i].cnt = (uint16_t)context->cnt;
            line->entry[i].segment = context->segment;
            return 0;
        }
        line->tag[0] |= TAG_MORE;
        at = at + 1 < index->line_cnt ? at + 1 : 0;
    }
    return QBID_ERR_LIMIT;
}

static int index_try(const struct qbid_plan *plan, struct qbid_section_index *index)
{
    index->line = calloc(index->line_cnt, sizeof *index->line);
    if (!index->line)
        return QBID_ERR_NOMEM;
    uint32_t row = 0;
    int err = 0;
    for (uint32_t i = 0; i < plan->context_cnt && !err; i++) {
        err = index_insert(index, &plan->contexts[i], row);
        row += row_blocks(plan->contexts[i].cnt);
    }
    if (err) {
        free(index->line);
        index->line = NULL;
    }
    return err;
}

int qbid_section_index_make(const struct qbid_plan *plan, struct qbid_section_index *ret)
{
    uint64_t blocks = 0, lines = ((uint64_t)plan->context_cnt * 5 + 11) / 12; /* 4 x 0.6 a line */
    for (uint32_t i = 0; i < plan->context_cnt; i++)
        blocks += row_blocks(plan->contexts[i].cnt);
    if (blocks > UINT32_MAX || lines > UINT32_MAX / 2)
        return QBID_ERR_LIMIT;
    struct qbid_section_index index = {.line_cnt = lines ? (uint32_t)lines : 1,
                                       .block_cnt = (uint32_t)blocks};
    int err = index_try(plan, &index);
    while (err == QBID_ERR_LIMIT && index.line_cnt < UINT32_MAX / 2) {
        index.line_cnt += index.line_cnt / 8 + 1;
        err = index_try(plan, &index);
    }
    if (!err)
        *ret = index;
    return err;
}

void qbid_section_rows_fill(const struct qbid_plan *plan, struct qbid_row_block *out)
{
    uint32_t *word = out->word;
    for (uint32_t i = 0; i < plan->context_cnt; i++) {
        const struct qbid_plan_context *context = &plan->contexts[i];
        const struct qbid_plan_candidate *candidate = &plan->candidates[context->first];
        uint32_t padded = row_padded(context->cnt);
        for (uint32_t k = 0; k < context->cnt; k++) {
            word[k] = candidate[k].line_item_idx;
            memcpy(&word[padded + k], &candidate[k].value_micros, sizeof(float));
        }
        word += 2 * (size_t)padded;
    }
}
