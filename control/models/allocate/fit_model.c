/* SPDX-License-Identifier: Apache-2.0 */
/* Curves over adstocked spend, with derivatives by every free coordinate. */
#include "control/models/allocate/fit_model.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define SHAPE_LOW 0.05
#define SHAPE_HIGH 0.99

static int is_free(enum qbid_fit_param param) /* of bounds */
{
    return param == QBID_FIT_SCALE || param == QBID_FIT_HALF;
}

static double low_of(enum qbid_fit_param param)
{
    return param == QBID_FIT_SHAPE ? SHAPE_LOW : 0;
}

static double high_of(enum qbid_fit_param param)
{
    return param == QBID_FIT_SHAPE ? SHAPE_HIGH : QBID_FIT_ADSTOCK_MAX;
}

double qbid_fit_natural(enum qbid_fit_param param, double free, double *ret_slope)
{
    double part = 1 / (1 + exp(-free)), width = high_of(param) - low_of(param);
    *ret_slope = is_free(param) ? 1 : width * part * (1 - part);
    return is_free(param) ? free : low_of(param) + width * part;
}

double qbid_fit_free(enum qbid_fit_param param, double natural)
{
    if (is_free(param))
        return natural;
    double part = (natural - low_of(param)) / (high_of(param) - low_of(param));
    part = fmin(fmax(part, 0.01), 0.99);
    return log(part / (1 - part));
}

void qbid_fit_params(const struct qbid_fit *fit, const double *at, uint32_t channel,
                     double natural[QBID_FIT_PARAMS], double slope[QBID_FIT_PARAMS])
{
    for (int p = 0; p < QBID_FIT_PARAMS; p++) {
        uint32_t idx = fit->idx[channel][p];
        natural[p] = fit->channel[channel].prior[p].mean;
        slope[p] = 0;
        if (idx != UINT32_MAX)
            natural[p] = qbid_fit_natural((enum qbid_fit_param)p, at[idx], &slope[p]);
    }
}

struct qbid_curve qbid_fit_curve_of(const struct qbid_fit_channel *channel,
                                    const double natural[QBID_FIT_PARAMS])
{
    struct qbid_curve curve = {.kind = channel->kind,
                               .scale = exp(natural[QBID_FIT_SCALE]),
                               .shape = natural[QBID_FIT_SHAPE],
                               .half = channel->unit * exp(natural[QBID_FIT_HALF])};
    if (channel->kind == QBID_CURVE_POWER) {
        curve.scale *= pow(channel->unit, -curve.shape);
        curve.half = 0;
    }
    return curve;
}

/* Value and derivatives by log scale, shape, log half and spend, at an adstocked spend a > 0. */
struct response {
    double value, by[QBID_FIT_PARAMS];
};

static struct response respond(const struct qbid_fit_channel *channel,
                               const double natural[QBID_FIT_PARAMS], double scale, double a)
{
    double u = log(a / channel->unit), shape = natural[QBID_FIT_SHAPE];
    struct response r = {0, {0}};
    switch (channel->kind) {
    case QBID_CURVE_POWER:
        r.value = scale * exp(shape * u);
        r.by[QBID_FIT_SHAPE] = r.value * u;
        r.by[QBID_FIT_ADSTOCK] = r.value * shape / a;
        break;
    case QBID_CURVE_HILL: {
        double away = u - natural[QBID_FIT_HALF], rest = 1 / (1 + exp(shape * away));
        r.value = scale * (1 - rest);
        r.by[QBID_FIT_SHAPE] = r.value * rest * away;
        r.by[QBID_FIT_HALF] = -r.value * rest * shape;
        r.by[QBID_FIT_ADSTOCK] = r.value * rest * shape / a;
        break;
    }
    case QBID_CURVE_LOG: {
        double ratio = exp(u - natural[QBID_FIT_HALF]);
        r.value = scale * log1p(ratio);
        r.by[QBID_FIT_HALF] = -scale * ratio / (1 + ratio);
        r.by[QBID_FIT_ADSTOCK] = scale * ratio / ((1 + ratio) * a);
        break;
    }
    }
    r.by[QBID_FIT_SCALE] = r.value;
    return r;
}

static void channel_add(const struct qbid_fit *fit, const struct qbid_fit_input *input,
                        const double *at, uint32_t c, double *value, double *slopes)
{
    const struct qbid_fit_channel *given = &input->channels[c];
    double natural[QBID_FIT_PARAMS], slope[QBID_FIT_PARAMS];
    qbid_fit_params(fit, at, c, natural, slope);
    double keep = natural[QBID_FIT_ADSTOCK], scale = exp(natural[QBID_FIT_SCALE]);
    double stock = given->before, by_keep = 0;
    for (uint32_t t = 0; t < input->cnt; t++) {
        by_keep = stock - given->spend[t] + keep * by_keep;
        stock = (1 - keep) * given->spend[t] + keep * stock;
        if (!(stock > 0))
            continue;
        struct response r = respond(&fit->channel[c], natural, scale, stock);
        r.by[QBID_FIT_ADSTOCK] *= by_keep;
        value[t] += r.value;
        for (int p = 0; p < QBID_FIT_PARAMS && slopes; p++)
            if (fit->idx[c][p] != UINT32_MAX)
                slopes[(size_t)t * fit->dims + fit->idx[c][p]] = r.by[p] * slope[p];
    }
}

void qbid_fit_model(const struct qbid_fit *fit, const struct qbid_fit_input *input,
                    const double *at, double *ret_value, double *ret_slopes)
{
    memset(ret_value, 0, input->cnt * sizeof *ret_value);
    if (ret_slopes)
        memset(ret_slopes, 0, (size_t)input->cnt * fit->dims * sizeof *ret_slopes);
    for (uint32_t c = 0; c < fit->channel_cnt; c++)
        channel_add(fit, input, at, c, ret_value, ret_slopes);
    for (uint32_t t = 0; t < input->cnt; t++) {
        const double *row = input->columns + (size_t)t * input->column_cnt;
        for (uint32_t k = 0; k < input->column_cnt; k++) {
            ret_value[t] += row[k] * at[fit->column_idx + k];
            if (ret_slopes)
                ret_slopes[(size_t)t * fit->dims + fit->column_idx + k] = row[k];
        }
    }
}
