/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of feedback on a hundred segments, drawn before the clock starts. */
#include "bench/control/landscape_loop.h"

#include <stdint.h>
#include <string.h>

#include "bench/control/ticks.h"
#include "control/models/landscape/shading.h"
#include "tests/control/models/market.h"

#define SEGMENTS 100
#define EVENTS (1u << 18)
#define FITS 200

struct event {
    double micros;
    uint32_t segment;
    int lost;
};

static double seconds(uint64_t start_ns)
{
    return (double)(ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns) / 1e9;
}

static double fit_ns(const struct qbid_landscape *ls, struct qbid_landscape_curve *ret_curve)
{
    uint64_t start_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < FITS; i++)
        (void)qbid_landscape_fit(ls, NULL, 0, ret_curve);
    return seconds(start_ns) * 1e9 / FITS;
}

struct bench_landscape bench_landscape_run(void)
{
    static struct event event[EVENTS];
    static struct qbid_landscape segment[SEGMENTS], told, binary;
    struct rng r = rng_init(1);
    struct bench_landscape result;
    struct qbid_landscape_curve curve;
    struct qbid_shade shade;
    memset(&told, 0, sizeof told);
    memset(&binary, 0, sizeof binary);
    for (uint32_t i = 0; i < EVENTS; i++) {
        double price = market_price(&r) * MARKET_UNIT, bid = market_value(&r) * MARKET_UNIT;
        int lost = price > bid;
        event[i] = (struct event){lost ? bid : price, rng_below(&r, SEGMENTS), lost};
        if (i >= 10000)
            continue;
        (lost ? qbid_landscape_lose : qbid_landscape_see)(&told, event[i].micros, 1);
        (lost ? qbid_landscape_lose : qbid_landscape_win)(&binary, bid, 1);
    }
    uint64_t start_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (uint32_t i = 0; i < EVENTS; i++)
        (event[i].lost ? qbid_landscape_lose : qbid_landscape_see)(&segment[event[i].segment],
                                                                   event[i].micros, 1);
    result.updates_per_s = EVENTS / seconds(start_ns);
    result.fit_binary_ns = fit_ns(&binary, &curve);
    result.fit_km_ns = fit_ns(&told, &curve);
    start_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < FITS; i++)
        qbid_shading_build(&told, &curve, 0, 0, &shade);
    result.shade_ns = seconds(start_ns) * 1e9 / FITS;
    return result;
}
