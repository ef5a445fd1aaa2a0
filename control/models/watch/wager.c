/* SPDX-License-Identifier: Apache-2.0 */
#include "control/models/watch/wager.h"

#include <math.h>

struct qbid_wager qbid_wager_init(enum qbid_wager_side side)
{
    return (struct qbid_wager){.side = side};
}

static double rate_of(const struct qbid_wager *wager, int i)
{
    double fall = (2 * i + 1) / (2.0 * QBID_WAGER_RATES);
    return wager->side == QBID_WAGER_FEWER ? fall : 1 / fall;
}

void qbid_wager_pair(struct qbid_wager *wager, double ratio, double events, double trials,
                     double events_then, double trials_then)
{
    if (!(trials > 0) || !(trials_then > 0) || !(ratio > 0))
        return;
    double a = ratio * trials / trials_then;
    for (int i = 0; i < QBID_WAGER_RATES; i++) {
        double r = rate_of(wager, i);
        wager->log_e[i] += events * log(r) + (events + events_then) * log((1 + a) / (1 + r * a));
    }
}

void qbid_wager_mean(struct qbid_wager *wager, double events, double mean)
{
    if (!(mean >= 0))
        return;
    for (int i = 0; i < QBID_WAGER_RATES; i++) {
        double r = rate_of(wager, i);
        wager->log_e[i] += events * log(r) + (1 - r) * mean;
    }
}

/* ln of the mean of e^log_e[i]. */
static double mean_log(const double *log_e, int cnt)
{
    double most = log_e[0], sum = 0;
    for (int i = 1; i < cnt; i++)
        most = fmax(most, log_e[i]);
    for (int i = 0; i < cnt; i++)
        sum += exp(log_e[i] - most) / cnt;
    return most + log(sum);
}

double qbid_wager_won(const struct qbid_wager *wager)
{
    return mean_log(wager->log_e, QBID_WAGER_RATES);
}

double qbid_wager_won_together(const struct qbid_wager *wagers, int cnt)
{
    double most = qbid_wager_won(&wagers[0]), sum = 0;
    for (int i = 1; i < cnt; i++)
        most = fmax(most, qbid_wager_won(&wagers[i]));
    for (int i = 0; i < cnt; i++)
        sum += exp(qbid_wager_won(&wagers[i]) - most) / cnt;
    return most + log(sum);
}
