/* SPDX-License-Identifier: Apache-2.0 */
/* A market of several platforms and many line items for some weeks, of which the response to spend
 * is known in closed form.
 *
 * Each line item has an audience of its own. An impression of it costs the highest competing bid, a
 * lognormal price, and is worth rate x order value, the same for all of one day. Who bids b gets
 * all that costs less:
 *
 *     spend(b) = supply E[price; price < b]     value(b) = supply worth P(price < b)
 *
 * so that value saturates in spend: the dearer impressions are worth no more than the cheap ones.
 * Rates drift from day to day, a part of the line items jumps once, and platforms have a week of
 * their own in traffic and in rates.
 */
#ifndef QBID_TOOLS_SIM_LOOP_WORLD_H
#define QBID_TOOLS_SIM_LOOP_WORLD_H

#include <stdint.h>

#define QBID_LOOP_PLATFORMS_MAX 8
#define QBID_LOOP_LINE_ITEMS_MAX 120
#define QBID_LOOP_DAYS_MAX 56
#define QBID_LOOP_HOURS 24

struct qbid_loop_params {
    uint64_t seed;
    uint32_t platforms;
    uint32_t line_items; /* of all platforms */
    uint32_t days;
    double auctions; /* of a line item a day, on average */
    double budget;   /* of the day, as a part of what all impressions together cost */
    double drift;    /* log-sd of a day's step of a rate */
    double jumps;    /* part of the line items whose rate jumps once */
    double spread;   /* log-sd of worth over the price level, between line items */
};

/** Three platforms, 60 line items, 28 days, 400 auctions a day for each, a fifth of the market. */
struct qbid_loop_params qbid_loop_defaults(void);

struct qbid_loop_line_item {
    uint32_t platform;
    double supply;   /* auctions a day, before the week */
    double price_mu; /* of log CPM micros */
    double price_sd;
    double ctr;
    double cvr[QBID_LOOP_DAYS_MAX]; /* of a click, by day */
    double order_micros;
};

struct qbid_loop_world {
    struct qbid_loop_params params;
    struct qbid_loop_line_item line_item[QBID_LOOP_LINE_ITEMS_MAX];
    double traffic[QBID_LOOP_PLATFORMS_MAX][7]; /* by day of the week, mean 1 */
    double hour[QBID_LOOP_HOURS];               /* share of a day's traffic */
    int64_t budget_micros;                      /* of all line items a day */
};

/** INVAL for a number out of range. */
int qbid_loop_world_init(struct qbid_loop_world *world, const struct qbid_loop_params *params);

/** Auctions of a line item on a day, and what an impression is worth then, in nanos. */
double qbid_loop_supply(const struct qbid_loop_world *world, uint32_t line_item, uint32_t day);
double qbid_loop_worth_nanos(const struct qbid_loop_world *world, uint32_t line_item, uint32_t day);

/* What one day's money brings, expected, in currency units. */
struct qbid_loop_point {
    double spend, value;
};

/** The response curve of a line item on a day, at bid b (CPM micros). */
struct qbid_loop_point qbid_loop_at_bid(const struct qbid_loop_world *world, uint32_t line_item,
                                        uint32_t day, double bid_micros);

/** Value of a spend on a day: the same curve. More than all impressions cost buys all of them. */
double qbid_loop_value(const struct qbid_loop_world *world, uint32_t line_item, uint32_t day,
                       double spend);

/**
 * The best split of the day's budget, which only who knows the curves can have.
 *
 * Shapes:  ret_micros by line item; sums to the budget exactly.
 * Returns: its expected value.
 * Source:  the next impression at bid b returns worth / b, so that all bids are worth / lambda;
 *          lambda by bisection. Not the allocator's way (control/models/allocate), on purpose.
 */
double qbid_loop_best(const struct qbid_loop_world *world, uint32_t day, int64_t *ret_micros);

#endif
