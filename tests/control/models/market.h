/* SPDX-License-Identifier: Apache-2.0 */
/* The reference market of the model tests: prices 0.6 LN(0, 0.5) + 0.4 LN(1.2, 0.3), values
 * LN(1, 0.6), in units of one CPM. */
#ifndef QBID_TESTS_CONTROL_MODELS_MARKET_H
#define QBID_TESTS_CONTROL_MODELS_MARKET_H

#include <math.h>

#include "tests/control/models/rng.h"

#define MARKET_UNIT 1e6 /* micros */

static inline double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

static inline double market_win(double bid)
{
    if (!(bid > 0))
        return 0;
    return 0.6 * normal_cdf(log(bid) / 0.5) + 0.4 * normal_cdf((log(bid) - 1.2) / 0.3);
}

static inline double market_price(struct rng *r)
{
    return rng_uniform(r) < 0.6 ? rng_lognormal(r, 0, 0.5) : rng_lognormal(r, 1.2, 0.3);
}

static inline double market_value(struct rng *r)
{
    return rng_lognormal(r, 1, 0.6);
}

#endif
