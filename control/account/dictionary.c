/* SPDX-License-Identifier: Apache-2.0 */
/* The dictionary: one array of entries in order of arrival, one open-addressing index by hash. */
#include "control/account/dictionary.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "shm/hash.h"

#define TEXT_MAX 255 /* bytes kept of a raw value */
#define FIRST_SLOTS 1024

struct qbid_dictionary {
    struct qbid_dictionary_entry *entry;
    uint32_t *slot; /* 1 + place in entry, 0 = free; linear probing, load <= 0.5 */
    uint32_t cnt;
    uint32_t slot_mask;
    uint32_t dim_cnt[QBID_DIM_CNT];
    uint64_t dim_refused[QBID_DIM_CNT];
    uint32_t *place[QBID_DIM_CNT]; /* by index - 1: place in entry */
};

int qbid_dictionary_new(struct qbid_dictionary **ret_dictionary)
{
    struct qbid_dictionary *d = calloc(1, sizeof *d);
    if (!d)
        return QBID_ERR_NOMEM;
    uint32_t total = 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        total += qbid_dim_index_max(dim);
    bool ok = (d->entry = calloc(total, sizeof *d->entry)) != NULL;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        ok = ok && (d->place[dim] = calloc(qbid_dim_index_max(dim), sizeof *d->place[dim]));
    d->slot_mask = FIRST_SLOTS - 1;
    while (d->slot_mask < 2 * total)
        d->slot_mask = d->slot_mask * 2 + 1;
    ok = ok && (d->slot = calloc((size_t)d->slot_mask + 1, sizeof *d->slot));
    if (!ok) {
        qbid_dictionary_free(d);
        return QBID_ERR_NOMEM;
    }
    *ret_dictionary = d;
    return 0;
}

void qbid_dictionary_free(struct qbid_dictionary *d)
{
    if (!d)
        return;
    for (uint32_t i = 0; i < d->cnt; i++)
        free((char *)(uintptr_t)d->entry[i].text);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        free(d->place[dim]);
    free(d->entry);
    free(d->slot);
    free(d);
}

/* Slot of an entry, or the free one where it belongs. */
static uint32_t slot_find(const struct qbid_dictionary *d, unsigned dim, uint64_t hash)
{
    uint32_t at = (uint32_t)qbid_mix64(hash + dim) & d->slot_mask;
    while (d->slot[at]) {
        const struct qbid_dictionary_entry *e = &d->entry[d->slot[at] - 1];
        if (e->hash == hash && e->dim == dim)
            break;
        at = (at + 1) & d->slot_mask;
    }
    return at;
}

/* Bytes of the UTF-8 sequence that starts here and is printable; 0 = none. */
static unsigned sequence_bytes(const unsigned char *s)
{
    if (s[0] >= 0x20 && s[0] < 0x7f)
        return 1;
    unsigned n = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : 0;
    if (s[0] >= 0xf0 && s[0] < 0xf5)
        n = 4;
    for (unsigned i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f) ||
        (s[0] == 0xc2 && s[1] < 0xa0))
        return 0;
    return n;
}

/* Raw values come from strangers: what is shown of them is printable UTF-8, the rest "?". */
static char *text_copy(const char *text)
{
    size_t len = strnlen(text, TEXT_MAX);
    char *copy = calloc(1, len + 4); /* a sequence cut at the end reads zeros */
    char *out = malloc(len + 1);
    if (!copy || !out) {
        free(copy);
        free(out);
        return NULL;
    }
    memcpy(copy, text, len);
    size_t at = 0;
    for (size_t i = 0; i < len;) {
        unsigned n = sequence_bytes((const unsigned char *)copy + i);
        if (n == 0) {
            out[at++] = '?';
            i++;
            continue;
        }
        memcpy(out + at, copy + i, n);
        at += n;
        i += n;
    }
    out[at] = '\0';
    free(copy);
    return out;
}

uint32_t qbid_dictionary_add_hashed(struct qbid_dictionary *d, unsigned dim, uint64_t hash,
                                    const char *text)
{
    if (dim >= QBID_DIM_CNT || hash == 0)
        return 0;
    uint32_t at = slot_find(d, dim, hash);
    if (d->slot[at])
        return d->entry[d->slot[at] - 1].index;
    char *copy = d->dim_cnt[dim] < qbid_dim_index_max(dim) ? text_copy(text) : NULL;
    if (!copy) {
        d->dim_refused[dim]++;
        return 0;
    }
    uint32_t index = ++d->dim_cnt[dim];
    d->entry[d->cnt] = (struct qbid_dictionary_entry){hash, dim, index, copy};
    d->place[dim][index - 1] = d->cnt;
    d->slot[at] = ++d->cnt;
    return index;
}

uint32_t qbid_dictionary_add(struct qbid_dictionary *d, unsigned dim, const char *text)
{
    return qbid_dictionary_add_hashed(d, dim, qbid_hash_dim(dim, text, strlen(text)), text);
}

uint32_t qbid_dictionary_find(const struct qbid_dictionary *d, unsigned dim, uint64_t hash)
{
    uint32_t at = slot_find(d, dim, hash);
    return d->slot[at] ? d->entry[d->slot[at] - 1].index : 0;
}

const char *qbid_dictionary_text(const struct qbid_dictionary *d, unsigned dim, uint32_t index)
{
    if (index == 0)
        return "-";
    if (dim >= QBID_DIM_CNT || index > d->dim_cnt[dim])
        return "?";
    return d->entry[d->place[dim][index - 1]].text;
}

uint32_t qbid_dictionary_cnt(const struct qbid_dictionary *d)
{
    return d->cnt;
}

struct qbid_dictionary_entry qbid_dictionary_get(const struct qbid_dictionary *d, uint32_t i)
{
    return d->entry[i];
}

uint32_t qbid_dictionary_dim_cnt(const struct qbid_dictionary *d, unsigned dim)
{
    return d->dim_cnt[dim];
}

uint64_t qbid_dictionary_dim_refused(const struct qbid_dictionary *d, unsigned dim)
{
    return d->dim_refused[dim];
}
