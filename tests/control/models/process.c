/* SPDX-License-Identifier: Apache-2.0 */
/* Value iteration on the reference process, and the exact value of any policy on it. */
#include "tests/control/models/process.h"

#include <math.h>
#include <string.h>

const double process_price_p[PROCESS_BIDS] = {0, .05, .10, .15, .20, .15, .10, .10, .05, .05, .05};
const double process_worth[PROCESS_WORTHS] = {0.5, 1, 2};
const double process_worth_p[PROCESS_WORTHS] = {0.5, 0.3, 0.2};

double process_bid_value(const double next[PROCESS_BUDGET + 1], int b, double worth, int bid)
{
    double sum = 0;
    for (int m = 0; m < PROCESS_BIDS; m++)
        sum += process_price_p[m] * (m <= bid ? worth + next[b - m] : next[b]);
    return sum;
}

double process_solve(struct process_values *ret_v)
{
    memset(ret_v->at[0], 0, sizeof ret_v->at[0]);
    for (int t = 1; t <= PROCESS_STEPS; t++) {
        for (int b = 0; b <= PROCESS_BUDGET; b++) {
            ret_v->at[t][b] = 0;
            for (int k = 0; k < PROCESS_WORTHS; k++) {
                double best = 0;
                for (int bid = 0; bid < PROCESS_BIDS && bid <= b; bid++)
                    best =
                        fmax(best, process_bid_value(ret_v->at[t - 1], b, process_worth[k], bid));
                ret_v->at[t][b] += process_worth_p[k] * best;
            }
        }
    }
    return ret_v->at[PROCESS_STEPS][PROCESS_BUDGET];
}

int process_threshold(const struct process_values *v, int t, int b, int k)
{
    int bid = 0;
    while (bid + 1 < PROCESS_BIDS && bid + 1 <= b &&
           process_worth[k] + v->at[t - 1][b - bid - 1] - v->at[t - 1][b] >= 0)
        bid++;
    return bid;
}

double process_policy_value(process_policy_fn *bid, const void *policy)
{
    struct process_values v = {0};
    for (int t = 1; t <= PROCESS_STEPS; t++)
        for (int b = 0; b <= PROCESS_BUDGET; b++)
            for (int k = 0; k < PROCESS_WORTHS; k++)
                v.at[t][b] +=
                    process_worth_p[k] *
                    process_bid_value(v.at[t - 1], b, process_worth[k], bid(policy, t, b, k));
    return v.at[PROCESS_STEPS][PROCESS_BUDGET];
}

int process_draw(struct rng *r, const double *p, int n)
{
    double u = rng_uniform(r);
    int k = 0;
    for (; k + 1 < n && u >= p[k]; k++)
        u -= p[k];
    return k;
}
