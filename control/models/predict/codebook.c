/* SPDX-License-Identifier: Apache-2.0 */
/* Sums outcomes by value, column after column, and turns them into codes. */
#include "control/models/predict/codebook.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

struct sums {
    double trials;
    double successes;
};

static uint8_t rate_code(struct sums s, double mean)
{
    double ratio = (s.successes + QBID_CODEBOOK_PRIOR) / (s.trials * mean + QBID_CODEBOOK_PRIOR);
    double code = QBID_CODEBOOK_MEAN + round(log(ratio) / QBID_CODEBOOK_STEP);
    return (uint8_t)fmin(fmax(code, 0), QBID_CODEBOOK_CODES - 1);
}

static int feature_add(struct qbid_codebook *book, uint32_t column, uint32_t value_cnt,
                       bool by_name, struct qbid_codebook_feature **ret_feature)
{
    struct qbid_codebook_feature *f = &book->feature[book->feature_cnt];
    *f = (struct qbid_codebook_feature){.column = column,
                                        .value_cnt = value_cnt,
                                        .unseen = by_name ? 0 : QBID_CODEBOOK_MEAN,
                                        .by_name = by_name};
    f->code = malloc(value_cnt);
    if (!f->code)
        return QBID_ERR_NOMEM;
    memset(f->code, f->unseen, value_cnt);
    book->feature_cnt++;
    *ret_feature = f;
    return 0;
}

static int column_fit(struct qbid_codebook *book, uint32_t column, const struct sums *sum,
                      uint32_t value_cnt, double mean)
{
    struct qbid_codebook_feature *f;
    uint32_t names = 0;
    int err = feature_add(book, column, value_cnt, false, &f);
    for (uint32_t v = 0; v < value_cnt && !err; v++) {
        f->code[v] = rate_code(sum[v], mean);
        names += v > 0 && sum[v].trials > 0;
    }
    if (err || names < 2 || names > QBID_CODEBOOK_NAMES_MAX)
        return err;
    err = feature_add(book, column, value_cnt, true, &f);
    uint8_t name = 0;
    for (uint32_t v = 1; v < value_cnt && !err; v++)
        if (sum[v].trials > 0)
            f->code[v] = ++name;
    return err;
}

static uint32_t value_at(const struct qbid_codebook_rows *rows, uint32_t i, uint32_t column)
{
    uint32_t v = rows->value[(size_t)i * rows->columns + column];
    return v < QBID_CODEBOOK_VALUE_MAX ? v : 0;
}

int qbid_codebook_fit(const struct qbid_codebook_rows *rows, const uint8_t *use, uint8_t which,
                      struct qbid_codebook *ret_book)
{
    if (rows->columns == 0 || rows->columns > QBID_CODEBOOK_COLUMNS_MAX)
        return QBID_ERR_INVAL;
    struct qbid_codebook book = {.column_cnt = rows->columns};
    struct sums all = {0};
    for (uint32_t i = 0; i < rows->cnt; i++) {
        all.trials += use[i] == which ? rows->trials[i] : 0;
        all.successes += use[i] == which ? rows->successes[i] : 0;
    }
    int err = all.successes > 0 ? 0 : QBID_ERR_INVAL;
    for (uint32_t c = 0; c < rows->columns && !err; c++) {
        uint32_t most = 0;
        for (uint32_t i = 0; i < rows->cnt; i++)
            most = value_at(rows, i, c) > most ? value_at(rows, i, c) : most;
        struct sums *sum = calloc(most + 1, sizeof *sum);
        for (uint32_t i = 0; i < rows->cnt && sum; i++) {
            if (use[i] != which)
                continue;
            sum[value_at(rows, i, c)].trials += rows->trials[i];
            sum[value_at(rows, i, c)].successes += rows->successes[i];
        }
        err =
            sum ? column_fit(&book, c, sum, most + 1, all.successes / all.trials) : QBID_ERR_NOMEM;
        free(sum);
    }
    if (err)
        qbid_codebook_done(&book);
    else
        *ret_book = book;
    return err;
}

void qbid_codebook_done(struct qbid_codebook *book)
{
    for (uint32_t f = 0; f < book->feature_cnt; f++)
        free(book->feature[f].code);
    *book = (struct qbid_codebook){0};
}
