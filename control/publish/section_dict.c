/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing as shm/image.h reads it; the same input always fills the same places. */
#include "control/publish/section_dict.h"

#include <stdlib.h>

#include "shm/error.h"

#define DICT_ENTRIES_MAX (UINT32_C(1) << 24)
/* Entries for each value: nearly all lie where a lookup looks first. The fewer there are, the more
 * of these can be had: what is not used takes no cache. */
#define DICT_SPARSE 8
#define DICT_SPARSE_SMALL 64
#define DICT_SMALL_MAX 32768

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
    uint32_t values = qbid_dictionary_cnt(dictionary);
    while (dict.cnt < DICT_SPARSE * values ||
           (dict.cnt < DICT_SMALL_MAX && dict.cnt < DICT_SPARSE_SMALL * values))
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
