/* SPDX-License-Identifier: Apache-2.0 */
/* Impressions with clicks from files of two public kinds. */
#ifndef QBID_TOOLS_SIM_MODELS_READ_H
#define QBID_TOOLS_SIM_MODELS_READ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct qbid_models_row {
    uint64_t context; /* packed; values by hash, since there is no dictionary */
    uint64_t id;      /* hash of the impression's own */
    bool clicked;
};

/**
 * The next impression.
 *
 * Shapes:  lines with tabs: iPinYou's joined log (click, weekday, hour, ..., slot, site); lines
 * with commas: Avazu's (id, click, hour, ...), its head is passed over. User tags, which leak the
 * click in iPinYou's sample, are not used. Returns: 1 and *ret_row; 0 at the end; QBID_ERR_INVAL
 * for a line of neither kind.
 */
int qbid_models_read(FILE *file, struct qbid_models_row *ret_row);

#endif
