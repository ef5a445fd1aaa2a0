/* SPDX-License-Identifier: Apache-2.0 */
/* Facts and fits of the nine campaigns, and the price distribution that they give. */
#include "tools/replay/source/ipinyou.h"

#include <math.h>
#include <string.h>

/* clang-format off */
const struct qbid_replay_ipinyou_campaign qbid_replay_ipinyou_campaigns[QBID_REPLAY_IPINYOU_CNT] = {
    /* id, impressions, clicks, cost, mobile; curves: weight, mu, sigma; spikes: fen, weight */
    {"1458", 3083056, 2454, 212400241, 40000,
     {{0.2424, 3.113, 0.756}, {0.1273, 3.984, 0.231}, {0.2542, 4.85, 0.6}},
     {{5, 0.0124}, {17, 0.0134}, {20, 0.0433}, {30, 0.0121}, {50, 0.0865}, {70, 0.1335}, {76, 0.0132}, {80, 0.0617}}},
    {"2259", 835556, 280, 77754898, 40000,
     {{0.2341, 3.209, 0.941}, {0.1537, 3.831, 0.49}, {0.3426, 5.152, 0.603}},
     {{5, 0.021}, {20, 0.0541}, {25, 0.0135}, {50, 0.0331}, {70, 0.0498}, {101, 0.0198}, {160, 0.0473}, {201, 0.031}}},
    {"2261", 687617, 207, 61610942, 40000,
     {{0.0922, 4.124, 2.5}, {0.3232, 4.065, 1.186}, {0.3188, 5.424, 1.133}},
     {{5, 0.0377}, {20, 0.0961}, {50, 0.0206}, {51, 0.0171}, {70, 0.0232}, {101, 0.0172}, {167, 0.0115}, {180, 0.0424}}},
    {"2821", 1322561, 843, 118082339, 40000,
     {{0.154, 2.93, 1.323}, {0.2542, 3.91, 0.687}, {0.2951, 5.234, 0.664}},
     {{20, 0.0363}, {31, 0.1271}, {50, 0.0189}, {70, 0.0344}, {101, 0.0127}, {160, 0.0282}, {180, 0.0273}, {201, 0.0118}}},
    {"2997", 312437, 1386, 19689072, 600000,
     {{0.0538, 2.05, 0.329}, {0.7239, 3.893, 0.828}, {0.068, 5.223, 0.281}},
     {{6, 0.1055}, {30, 0.0354}, {140, 0.0134}}},
    {"3358", 1742104, 1358, 160943087, 40000,
     {{0.3066, 3.467, 1.026}, {0.4064, 4.663, 0.547}, {0.0583, 5.442, 0.064}},
     {{22, 0.0136}, {55, 0.0473}, {60, 0.0129}, {77, 0.0765}, {88, 0.0189}, {89, 0.0283}, {95, 0.0149}, {119, 0.0163}}},
    {"3386", 2847802, 2076, 219066895, 40000,
     {{0.1306, 2.922, 0.697}, {0.062, 3.952, 0.208}, {0.3756, 4.865, 0.701}},
     {{5, 0.0163}, {20, 0.1024}, {30, 0.0165}, {40, 0.0077}, {50, 0.0993}, {70, 0.1109}, {76, 0.0078}, {80, 0.0709}}},
    {"3427", 2593765, 1926, 210239915, 40000,
     {{0.223, 3.366, 0.944}, {0.1753, 4.174, 0.32}, {0.2058, 5.063, 0.336}},
     {{5, 0.0151}, {22, 0.0538}, {33, 0.0165}, {55, 0.095}, {77, 0.1192}, {88, 0.0723}, {89, 0.014}, {236, 0.01}}},
    {"3476", 1970360, 1027, 156088484, 40000,
     {{0.3187, 3.619, 0.994}, {0.2821, 4.687, 0.572}, {0.0325, 5.385, 0.05}},
     {{5, 0.0133}, {21, 0.0543}, {42, 0.0106}, {47, 0.0131}, {52, 0.0783}, {73, 0.1062}, {84, 0.0801}, {85, 0.0108}}},
};
/* clang-format on */

const struct qbid_replay_ipinyou_campaign *qbid_replay_ipinyou_find(const char *id)
{
    for (size_t i = 0; i < QBID_REPLAY_IPINYOU_CNT; i++)
        if (strcmp(qbid_replay_ipinyou_campaigns[i].id, id) == 0)
            return &qbid_replay_ipinyou_campaigns[i];
    return NULL;
}

static double normal_cdf(double z)
{
    return 0.5 * erfc(-z * M_SQRT1_2);
}

void qbid_replay_ipinyou_prices(const struct qbid_replay_ipinyou_campaign *campaign,
                                double cdf[QBID_REPLAY_PRICE_FEN_MAX + 1])
{
    for (size_t p = 0; p <= QBID_REPLAY_PRICE_FEN_MAX; p++) {
        cdf[p] = 0;
        for (size_t i = 0; i < QBID_REPLAY_IPINYOU_CURVES; i++) {
            double mu = campaign->curves[i].mu, sigma = campaign->curves[i].sigma;
            double whole = normal_cdf((log(QBID_REPLAY_PRICE_FEN_MAX + 0.5) - mu) / sigma);
            cdf[p] += campaign->curves[i].weight * normal_cdf((log((double)p + 0.5) - mu) / sigma) /
                      whole;
        }
        for (size_t i = 0; i < QBID_REPLAY_IPINYOU_SPIKES; i++)
            if (campaign->spikes[i].price_fen <= p)
                cdf[p] += campaign->spikes[i].weight;
    }
    cdf[0] = 0; /* the published sets have a few prices of 0; here the lowest is 1 fen */
    for (size_t p = 0; p <= QBID_REPLAY_PRICE_FEN_MAX; p++)
        cdf[p] /= cdf[QBID_REPLAY_PRICE_FEN_MAX];
}
