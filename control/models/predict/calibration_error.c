/* SPDX-License-Identifier: Apache-2.0 */
/* Expected calibration error in bins of equal trials, with what chance alone contributes. */
#include <math.h>
#include <stdlib.h>

#include "control/models/predict/calibration.h"
#include "shm/error.h"

#define MEAN_DEVIATION 0.79788456080286536 /* of a standard normal: sqrt(2 / pi) */

struct point {
    double probability, trials, successes;
};

static int by_probability(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    return x->probability < y->probability ? -1 : x->probability > y->probability;
}

struct bin {
    double trials, successes, predicted, variance;
};

static void bins_sum(const struct bin *bin, double total, struct qbid_calibration_error *error)
{
    for (unsigned b = 0; b < QBID_CALIBRATION_ERROR_BINS; b++) {
        error->ece += fabs(bin[b].successes - bin[b].predicted) / total;
        error->perfect += MEAN_DEVIATION * sqrt(bin[b].variance) / total;
    }
    error->debiased = fmax(error->ece - error->perfect, 0);
}

int qbid_calibration_measure(const double *probability, const double *trials,
                             const double *successes, uint32_t n,
                             struct qbid_calibration_error *ret_error)
{
    struct point *point = malloc((n + (size_t)1) * sizeof *point);
    if (!point)
        return QBID_ERR_NOMEM;
    double total = 0;
    for (uint32_t i = 0; i < n; i++) {
        point[i] = (struct point){probability[i], trials[i], successes[i]};
        total += trials[i];
    }
    if (!(total > 0)) {
        free(point);
        return QBID_ERR_INVAL;
    }
    qsort(point, n, sizeof *point, by_probability);
    struct bin bin[QBID_CALIBRATION_ERROR_BINS] = {{0}};
    struct qbid_calibration_error error = {0};
    double before = 0, surplus = 0, spread = 0;
    for (uint32_t i = 0; i < n; i++) {
        double p = point[i].probability, t = point[i].trials, skew = 1 - 2 * p;
        double place = (before + t / 2) / total * QBID_CALIBRATION_ERROR_BINS;
        struct bin *b = &bin[(unsigned)fmin(place, QBID_CALIBRATION_ERROR_BINS - 1)];
        b->trials += t;
        b->successes += point[i].successes;
        b->predicted += t * p;
        b->variance += t * p * (1 - p);
        surplus += (point[i].successes - t * p) * skew;
        spread += t * skew * skew * p * (1 - p);
        before += t;
    }
    free(point);
    bins_sum(bin, total, &error);
    error.z = spread > 0 ? surplus / sqrt(spread) : 0;
    error.p_value = erfc(fabs(error.z) / sqrt(2));
    *ret_error = error;
    return 0;
}
