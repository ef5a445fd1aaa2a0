/* SPDX-License-Identifier: Apache-2.0 */
/* Raw dimension values and their dense indices. Only grows: an index keeps its meaning, so packed
 * contexts in old events and tokens stay readable. */
#ifndef QBID_CONTROL_ACCOUNT_DICTIONARY_H
#define QBID_CONTROL_ACCOUNT_DICTIONARY_H

#include <stddef.h>
#include <stdint.h>

#include "shm/dims.h"

struct qbid_dictionary; /* opaque */

struct qbid_dictionary_entry {
    uint64_t hash;
    uint32_t dim;
    uint32_t index; /* 1..qbid_dim_index_max(dim), in order of arrival */
    const char *text;
};

int qbid_dictionary_new(struct qbid_dictionary **ret_dictionary);
void qbid_dictionary_free(struct qbid_dictionary *dictionary);

/** Index of a raw value, added when missing. 0 and counted as refused when the dimension is full.
 */
uint32_t qbid_dictionary_add(struct qbid_dictionary *dictionary, unsigned dim, const char *text);

/** The same for a value of which only the hash and a possibly cut text are known (SEEN events). */
uint32_t qbid_dictionary_add_hashed(struct qbid_dictionary *dictionary, unsigned dim, uint64_t hash,
                                    const char *text);

/** 0 = unknown. */
uint32_t qbid_dictionary_find(const struct qbid_dictionary *dictionary, unsigned dim,
                              uint64_t hash);

/** Text of an index, "?" when unknown; "-" for index 0. */
const char *qbid_dictionary_text(const struct qbid_dictionary *dictionary, unsigned dim,
                                 uint32_t index);

/** Entries in order of arrival; i in [0, cnt). Those from a count seen before are the new ones. */
uint32_t qbid_dictionary_cnt(const struct qbid_dictionary *dictionary);
struct qbid_dictionary_entry qbid_dictionary_get(const struct qbid_dictionary *dictionary,
                                                 uint32_t i);
/** Values of one dimension, and how many were refused because it was full. */
uint32_t qbid_dictionary_dim_cnt(const struct qbid_dictionary *dictionary, unsigned dim);
uint64_t qbid_dictionary_dim_refused(const struct qbid_dictionary *dictionary, unsigned dim);

#endif
