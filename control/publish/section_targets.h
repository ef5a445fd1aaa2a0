/* SPDX-License-Identifier: Apache-2.0 */
/* Targeting: the eligibility bitmaps of an image. */
#ifndef QBID_CONTROL_PUBLISH_SECTION_TARGETS_H
#define QBID_CONTROL_PUBLISH_SECTION_TARGETS_H

#include <stddef.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/account/dictionary.h"
#include "shm/image.h"

/** Lay out the rows of all dimensions, value indices 0..n; returns their number. */
uint32_t qbid_section_targets_rows(const struct qbid_dictionary *dictionary,
                                   struct qbid_elig_dim ret_dim[QBID_DIM_CNT]);

/**
 * Write the bitmaps: bit = qbid_target_accepts().
 *
 * Shapes:  out is zeroed, rows x words words; dim as laid out.
 * Cost:    rows x words, and for each targeting value that ends in "*" one look at each text of its
 *          dimension.
 */
void qbid_section_targets_fill(const struct qbid_account *account,
                               const struct qbid_dictionary *dictionary,
                               const struct qbid_elig_dim dim[QBID_DIM_CNT], uint32_t words,
                               uint64_t *out);

/** The same for one dimension: qbid_dictionary_dim_cnt() + 1 zeroed rows. */
void qbid_section_targets_dim(const struct qbid_account *account,
                              const struct qbid_dictionary *dictionary, unsigned dim,
                              uint32_t words, uint64_t *rows);

#endif
