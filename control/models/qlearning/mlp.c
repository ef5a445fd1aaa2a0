/* SPDX-License-Identifier: Apache-2.0 */
/* The perceptron's forward and backward pass, Adam, and its form at rest. */
#include "control/models/qlearning/mlp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/random.h"
#include "shm/error.h"

#define ARRAYS 4 /* weight, gradient, mean, square */
#define BETA_MEAN 0.9
#define BETA_SQUARE 0.999
#define EPSILON 1e-8
#define MAGIC UINT32_C(0x504c4d51) /* "QMLP" */

struct saved_head {
    uint32_t magic;
    uint32_t width[QBID_MLP_LAYERS + 1];
    uint64_t checksum; /* XXH3 of widths and weights */
};

static int mlp_shape(struct qbid_mlp *mlp, uint32_t in, uint32_t out)
{
    if (in - 1u >= QBID_MLP_WIDTH_MAX || out - 1u >= QBID_MLP_WIDTH_MAX)
        return QBID_ERR_INVAL;
    *mlp = (struct qbid_mlp){.width = {in, QBID_MLP_H1, QBID_MLP_H2, QBID_MLP_H3, out}};
    for (uint32_t l = 0; l < QBID_MLP_LAYERS; l++)
        mlp->weight_cnt += (mlp->width[l] + 1) * mlp->width[l + 1];
    mlp->weight = calloc((size_t)ARRAYS * mlp->weight_cnt, sizeof *mlp->weight);
    if (!mlp->weight)
        return QBID_ERR_NOMEM;
    mlp->gradient = mlp->weight + mlp->weight_cnt;
    mlp->mean = mlp->gradient + mlp->weight_cnt;
    mlp->square = mlp->mean + mlp->weight_cnt;
    return 0;
}

int qbid_mlp_init(struct qbid_mlp *mlp, uint32_t in, uint32_t out, uint64_t seed)
{
    int err = mlp_shape(mlp, in, out);
    if (err)
        return err;
    struct qbid_random random = qbid_random_init(seed);
    double *w = mlp->weight;
    for (uint32_t l = 0; l < QBID_MLP_LAYERS; l++) {
        uint32_t n = mlp->width[l] * mlp->width[l + 1];
        for (uint32_t i = 0; i < n; i++)
            w[i] = sqrt(2.0 / mlp->width[l]) * qbid_random_normal(&random);
        w += n + mlp->width[l + 1];
    }
    return 0;
}

void qbid_mlp_done(struct qbid_mlp *mlp)
{
    free(mlp->weight);
    *mlp = (struct qbid_mlp){0};
}

void qbid_mlp_copy(struct qbid_mlp *to, const struct qbid_mlp *from)
{
    memcpy(to->weight, from->weight, from->weight_cnt * sizeof *from->weight);
}

const double *qbid_mlp_forward(const struct qbid_mlp *mlp, const double *in,
                               struct qbid_mlp_trace *ret_trace)
{
    const double *w = mlp->weight;
    memcpy(ret_trace->unit[0], in, mlp->width[0] * sizeof *in);
    for (uint32_t l = 0; l < QBID_MLP_LAYERS; l++) {
        uint32_t ins = mlp->width[l], outs = mlp->width[l + 1];
        const double *x = ret_trace->unit[l];
        double *restrict y = ret_trace->unit[l + 1];
        memcpy(y, w + (size_t)ins * outs, outs * sizeof *y);
        for (uint32_t i = 0; i < ins; i++, w += outs) {
            if (x[i] == 0) /* half of the units are off */
                continue;
            for (uint32_t j = 0; j < outs; j++)
                y[j] += x[i] * w[j];
        }
        for (uint32_t j = 0; j < outs && l + 1 < QBID_MLP_LAYERS; j++)
            y[j] = y[j] > 0 ? y[j] : 0 * y[j]; /* NaN stays NaN */
        w += outs;
    }
    return ret_trace->unit[QBID_MLP_LAYERS];
}

static double dot(const double *a, const double *b, uint32_t n)
{
    double sum[4] = {0};
    uint32_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (uint32_t k = 0; k < 4; k++)
            sum[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        sum[0] += a[i] * b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

void qbid_mlp_backward(struct qbid_mlp *mlp, const struct qbid_mlp_trace *trace,
                       const double *slope)
{
    double above[QBID_MLP_WIDTH_MAX], below[QBID_MLP_WIDTH_MAX];
    size_t at = mlp->weight_cnt;
    memcpy(above, slope, mlp->width[QBID_MLP_LAYERS] * sizeof *slope);
    for (uint32_t l = QBID_MLP_LAYERS; l-- > 0;) {
        uint32_t ins = mlp->width[l], outs = mlp->width[l + 1];
        const double *x = trace->unit[l];
        at -= (size_t)(ins + 1) * outs;
        double *restrict g = mlp->gradient + at;
        for (uint32_t i = 0; i < ins; i++, g += outs) {
            below[i] = 0;
            if (x[i] == 0)
                continue; /* neither its weights nor what is below it moved the output */
            for (uint32_t j = 0; j < outs; j++)
                g[j] += x[i] * above[j];
            if (l > 0)
                below[i] = dot(mlp->weight + at + (size_t)i * outs, above, outs);
        }
        for (uint32_t j = 0; j < outs; j++)
            g[j] += above[j];
        memcpy(above, below, ins * sizeof *below);
    }
}

int qbid_mlp_step(struct qbid_mlp *mlp, double rate, double scale, double clip)
{
    double length = 0;
    for (uint32_t i = 0; i < mlp->weight_cnt; i++)
        length += mlp->gradient[i] * mlp->gradient[i];
    length = sqrt(length) * scale;
    if (!isfinite(length)) {
        memset(mlp->gradient, 0, mlp->weight_cnt * sizeof *mlp->gradient);
        return QBID_ERR_INVAL;
    }
    if (length > clip)
        scale *= clip / length;
    mlp->step_cnt++;
    double n = mlp->step_cnt;
    double whole_mean = 1 - pow(BETA_MEAN, n), whole_square = 1 - pow(BETA_SQUARE, n);
    for (uint32_t i = 0; i < mlp->weight_cnt; i++) {
        double g = mlp->gradient[i] * scale;
        mlp->gradient[i] = 0;
        mlp->mean[i] = BETA_MEAN * mlp->mean[i] + (1 - BETA_MEAN) * g;
        mlp->square[i] = BETA_SQUARE * mlp->square[i] + (1 - BETA_SQUARE) * g * g;
        mlp->weight[i] -=
            rate * mlp->mean[i] / whole_mean / (sqrt(mlp->square[i] / whole_square) + EPSILON);
    }
    return 0;
}

double qbid_mlp_huber(double error, double *ret_slope)
{
    double size = fabs(error);
    *ret_slope = size <= 1 ? error : copysign(1, error);
    return size <= 1 ? 0.5 * error * error : size - 0.5;
}

static uint64_t checksum_of(const uint32_t *width, const void *weight, uint32_t weight_cnt)
{
    return XXH3_64bits_withSeed(weight, weight_cnt * sizeof(double),
                                XXH3_64bits(width, (QBID_MLP_LAYERS + 1) * sizeof *width));
}

uint32_t qbid_mlp_save_bytes(const struct qbid_mlp *mlp)
{
    return (uint32_t)(sizeof(struct saved_head) + mlp->weight_cnt * sizeof(double));
}

void qbid_mlp_save(const struct qbid_mlp *mlp, void *out)
{
    struct saved_head head = {.magic = MAGIC};
    memcpy(head.width, mlp->width, sizeof head.width);
    head.checksum = checksum_of(mlp->width, mlp->weight, mlp->weight_cnt);
    memcpy(out, &head, sizeof head);
    memcpy((char *)out + sizeof head, mlp->weight, mlp->weight_cnt * sizeof(double));
}

int qbid_mlp_restore(struct qbid_mlp *mlp, const void *data, uint32_t bytes)
{
    struct saved_head head;
    if (bytes < sizeof head)
        return QBID_ERR_CORRUPT;
    memcpy(&head, data, sizeof head);
    if (head.magic != MAGIC || head.width[1] != QBID_MLP_H1 || head.width[2] != QBID_MLP_H2 ||
        head.width[3] != QBID_MLP_H3)
        return QBID_ERR_VERSION;
    struct qbid_mlp read;
    int err = mlp_shape(&read, head.width[0], head.width[QBID_MLP_LAYERS]);
    if (err)
        return err == QBID_ERR_INVAL ? QBID_ERR_VERSION : err;
    if (bytes != qbid_mlp_save_bytes(&read))
        err = QBID_ERR_CORRUPT;
    if (!err) {
        memcpy(read.weight, (const char *)data + sizeof head, read.weight_cnt * sizeof(double));
        if (checksum_of(read.width, read.weight, read.weight_cnt) != head.checksum)
            err = QBID_ERR_CORRUPT;
    }
    for (uint32_t i = 0; i < read.weight_cnt && !err; i++)
        if (!isfinite(read.weight[i]))
            err = QBID_ERR_CORRUPT;
    if (err)
        qbid_mlp_done(&read);
    else
        *mlp = read;
    return err;
}
