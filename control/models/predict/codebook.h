/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of one byte for the values of columns, as features of trees. */
#ifndef QBID_CONTROL_MODELS_PREDICT_CODEBOOK_H
#define QBID_CONTROL_MODELS_PREDICT_CODEBOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every column gives one feature or two:
 *
 *   by rate   all columns: the code grows with the success rate that the value had, shrunk toward
 *             the mean of all, so that "below code k" is a sensible question however many values
 *             there are. QBID_CODEBOOK_MEAN is the mean; values never seen have it.
 *   by name   columns of few values: a code for each, 0 for those never seen.
 *
 * A code by rate has seen the successes of its rows: trees on the same rows would take its noise
 * for a signal. Fit it on other rows than the trees.
 */
#define QBID_CODEBOOK_COLUMNS_MAX 16
#define QBID_CODEBOOK_FEATURES_MAX (2 * QBID_CODEBOOK_COLUMNS_MAX)
#define QBID_CODEBOOK_CODES 256
#define QBID_CODEBOOK_MEAN 128
#define QBID_CODEBOOK_STEP (1.0 / 32) /* of the rate's logarithm, by code */
#define QBID_CODEBOOK_PRIOR 5.0       /* successes that the mean is worth */
#define QBID_CODEBOOK_NAMES_MAX 16    /* values of a column that is coded by name, too */
#define QBID_CODEBOOK_VALUE_MAX (UINT32_C(1) << 20) /* larger values count as never seen */

struct qbid_codebook_feature {
    uint32_t column;
    uint32_t value_cnt; /* values from here on were never seen */
    uint8_t *code;      /* by value; owned */
    uint8_t unseen;
    uint8_t by_name;
};

struct qbid_codebook {
    uint32_t column_cnt;
    uint32_t feature_cnt;
    struct qbid_codebook_feature feature[QBID_CODEBOOK_FEATURES_MAX];
};

/* Rows of aggregated trials: `columns` values each, 0 = unknown. */
struct qbid_codebook_rows {
    const uint32_t *value;   /* row after row */
    const double *trials;    /* >= 0 */
    const double *successes; /* <= trials */
    uint32_t cnt;
    uint32_t columns;
};

/**
 * Fit codes on the rows for which use[i] == which.
 *
 * Returns: 0; INVAL for a number of columns out of range, or no successes in those rows; NOMEM.
 *          Release by done().
 */
int qbid_codebook_fit(const struct qbid_codebook_rows *rows, const uint8_t *use, uint8_t which,
                      struct qbid_codebook *ret_book);
void qbid_codebook_done(struct qbid_codebook *book);

static inline uint8_t qbid_codebook_code(const struct qbid_codebook *book, uint32_t feature,
                                         const uint32_t *row)
{
    const struct qbid_codebook_feature *f = &book->feature[feature];
    uint32_t value = row[f->column];
    return value < f->value_cnt ? f->code[value] : f->unseen;
}

#endif
