/* SPDX-License-Identifier: Apache-2.0 */
/* Budget allocation by NLopt's LD_SLSQP. */
#include "tests/control/models/allocate/slsqp.h"

#include <math.h>
#include <stdlib.h>

#include <nlopt.h>

static double value(unsigned n, const double *x, double *gradient, void *context)
{
    const struct qbid_allocation *a = context;
    double sum = 0;
    for (unsigned i = 0; i < n; i++) {
        sum += qbid_curve_value(&a->items[i].curve, x[i]);
        if (gradient)
            gradient[i] = qbid_curve_marginal(&a->items[i].curve, x[i]);
    }
    return sum;
}

struct row {
    const struct qbid_allocation *a;
    uint32_t group; /* UINT32_MAX = all */
    double sign, bound;
};

/* sign (sum - bound), over the budget so that its tolerance is relative */
static double row_value(unsigned n, const double *x, double *gradient, void *context)
{
    const struct row *row = context;
    double sum = -row->bound, budget = (double)row->a->budget_micros / 1e6;
    for (unsigned i = 0; i < n; i++) {
        int in = row->group == UINT32_MAX || row->a->items[i].group == row->group;
        sum += in ? x[i] : 0;
        if (gradient)
            gradient[i] = in ? row->sign / budget : 0;
    }
    return row->sign * sum / budget;
}

double slsqp_solve(const struct qbid_allocation *a, double *x)
{
    unsigned n = a->item_cnt, rows = 0;
    double *low = malloc(n * sizeof *low), *high = malloc(n * sizeof *high), best = NAN;
    struct row *row = calloc(1 + 2 * (size_t)a->group_cnt, sizeof *row);
    nlopt_opt opt = nlopt_create(NLOPT_LD_SLSQP, n);
    for (unsigned i = 0; i < n; i++) {
        low[i] = (double)a->items[i].least_micros / 1e6;
        high[i] = fmin((double)a->items[i].most_micros, (double)a->budget_micros) / 1e6;
    }
    nlopt_set_lower_bounds(opt, low);
    nlopt_set_upper_bounds(opt, high);
    nlopt_set_max_objective(opt, value, (void *)(uintptr_t)a);
    row[rows] = (struct row){a, UINT32_MAX, 1, (double)a->budget_micros / 1e6};
    nlopt_add_equality_constraint(opt, row_value, &row[rows++], 1e-12);
    for (uint32_t g = 0; g < a->group_cnt; g++) {
        row[rows] = (struct row){a, g, 1, (double)a->groups[g].most_micros / 1e6};
        nlopt_add_inequality_constraint(opt, row_value, &row[rows++], 1e-12);
        row[rows] = (struct row){a, g, -1, (double)a->groups[g].least_micros / 1e6};
        nlopt_add_inequality_constraint(opt, row_value, &row[rows++], 1e-12);
    }
    nlopt_set_xtol_rel(opt, 1e-13);
    nlopt_set_ftol_rel(opt, 1e-15);
    nlopt_set_maxeval(opt, 2000);
    nlopt_optimize(opt, x, &best);
    nlopt_destroy(opt);
    free(low);
    free(high);
    free(row);
    return value(n, x, NULL, (void *)(uintptr_t)a);
}
