/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic and what becomes of bids. Draws do not depend on what a strategy does, so all of them
 * meet the same auctions. */
#include "tools/sim/loop/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/clock.h"
#include "shm/error.h"
#include "shm/event.h"
#include "shm/units.h"
#include "tools/sim/loop/clock.h"
#include "tools/sim/loop/policy.h"
#include "tools/sim/random.h"

#define MINUTES_A_DAY 1440
#define MINUTE_NS (60 * QBID_NS_PER_S)
#define LIVE_MINUTES 10
#define HOUR_MINUTES 60
#define CONVERSION_S 7200.0 /* mean wait after a click */
#define ORDER_SD 0.5        /* log, of one order's value */
#define HELD 0              /* line item that an operator holds for a while */
#define NOTICE_NS (QBID_NS_PER_S / 2)
#define CLICK_NS (5 * QBID_NS_PER_S)

struct run {
    const struct qbid_loop_run_params *params;
    const struct qbid_loop_world *world;
    struct qbid_loop_host *host;
    struct qbid_loop_checker *checker;
    struct qbid_sim_calendar calendar; /* conversions to come */
    struct qbid_sim_random random;
    double below[QBID_LOOP_LINE_ITEMS_MAX]; /* traffic of today up to and with each line item */
    uint64_t auction;                       /* the last id */
    struct qbid_loop_result result;
};

static void day_begin(struct run *r, uint32_t day)
{
    double sum = 0;
    for (uint32_t i = 0; i < r->world->params.line_items; i++)
        r->below[i] = sum += qbid_loop_supply(r->world, i, day);
}

static uint32_t line_item_draw(struct run *r)
{
    uint32_t cnt = r->world->params.line_items, low = 0, high = cnt - 1;
    double at = qbid_sim_unit(&r->random) * r->below[cnt - 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (r->below[middle] <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void tell(struct run *r, const struct qbid_sim_bid *bid, uint8_t kind, uint64_t due_ns,
                 int64_t price_nanos)
{
    struct qbid_sim_notice notice = {
        .due_ns = due_ns, .bid = *bid, .price_nanos = price_nanos, .kind = kind};
    r->result.lost_notices += !qbid_loop_host_notice(r->host, &notice);
}

/* What is drawn of one auction. */
struct draws {
    uint32_t line_item;
    double price_micros, click, convert, wait_s, order;
};

static int won(struct run *r, const struct qbid_sim_bid *bid, const struct draws *d, uint32_t day)
{
    const struct qbid_loop_line_item *li = &r->world->line_item[d->line_item];
    struct qbid_loop_result *sum = &r->result;
    int64_t price = (int64_t)d->price_micros; /* CPM micros are nanos of one impression */
    uint64_t at_ns = bid->time_ns + NOTICE_NS;
    double worth = qbid_loop_worth_nanos(r->world, d->line_item, day) / 1e9;
    tell(r, bid, QBID_EVENT_WIN, at_ns, price);
    tell(r, bid, QBID_EVENT_BILL, at_ns, price);
    tell(r, bid, QBID_EVENT_IMP, at_ns, 0);
    sum->wins++;
    sum->spend_nanos += price;
    sum->value += worth;
    sum->day_value[day] += worth;
    qbid_loop_checker_spent(r->checker, d->line_item, price);
    if (d->click >= li->ctr)
        return 0;
    tell(r, bid, QBID_EVENT_CLICK, bid->time_ns + CLICK_NS, 0);
    sum->clicks++;
    if (d->convert >= li->cvr[day])
        return 0;
    sum->conversions++;
    sum->revenue += (double)(int64_t)(li->order_micros * d->order) / 1e6;
    struct qbid_sim_notice conversion = {
        .due_ns = bid->time_ns + CLICK_NS + (uint64_t)(d->wait_s * 1e9),
        .bid = *bid,
        .price_nanos = (int64_t)(li->order_micros * d->order) * 1000,
        .kind = QBID_EVENT_CONV};
    return qbid_sim_calendar_add(&r->calendar, &conversion);
}

static int auction_play(struct run *r, uint64_t at_ns, uint32_t day)
{
    struct qbid_sim_bid bid;
    struct qbid_sim_random *random = &r->random;
    struct draws d = {.line_item = line_item_draw(r)};
    const struct qbid_loop_line_item *li = &r->world->line_item[d.line_item];
    d.price_micros = exp(li->price_mu + li->price_sd * qbid_sim_normal(random));
    d.click = qbid_sim_unit(random);
    d.convert = qbid_sim_unit(random);
    d.wait_s = CONVERSION_S * qbid_sim_wait(random);
    d.order = exp(ORDER_SD * qbid_sim_normal(random) - ORDER_SD * ORDER_SD / 2);
    r->result.auctions++;
    if (!qbid_loop_host_bid(r->host, d.line_item, r->auction++, at_ns, &bid))
        return 0;
    r->result.bids++;
    if ((double)bid.bid_micros >= d.price_micros)
        return won(r, &bid, &d, day);
    tell(r, &bid, QBID_EVENT_LOSS, at_ns + NOTICE_NS, (int64_t)d.price_micros);
    return 0;
}

static uint32_t poisson(struct qbid_sim_random *random, double mean)
{
    double product = 1, end = exp(-mean);
    uint32_t cnt = 0;
    while ((product *= 1 - qbid_sim_unit(random)) > end)
        cnt++;
    return cnt;
}

static int minute_play(struct run *r, uint64_t minute)
{
    uint32_t day = (uint32_t)(minute / MINUTES_A_DAY);
    uint32_t hour = (uint32_t)(minute % MINUTES_A_DAY / HOUR_MINUTES);
    double mean = r->below[r->world->params.line_items - 1] * r->world->hour[hour] / HOUR_MINUTES;
    /* a product of uniforms loses itself in many: parts of at most 50 */
    uint32_t parts = (uint32_t)(mean / 50) + 1, cnt = 0;
    int err = 0;
    for (uint32_t i = 0; i < parts; i++)
        cnt += poisson(&r->random, mean / parts);
    for (uint32_t i = 0; i < cnt && !err; i++) /* the last seconds are for notices */
        err = auction_play(r, minute * MINUTE_NS + i * (50 * QBID_NS_PER_S) / cnt, day);
    uint64_t end_ns = (minute + 1) * MINUTE_NS;
    qbid_loop_clock_set(end_ns - 1);
    while (qbid_sim_calendar_next(&r->calendar) < end_ns) {
        struct qbid_sim_notice notice = qbid_sim_calendar_take(&r->calendar);
        r->result.lost_notices += !qbid_loop_host_notice(r->host, &notice);
    }
    qbid_loop_host_ingest(r->host);
    return err;
}

/* Days of which an operator holds the first line item: none is moved then. */
static int hold_play(struct run *r, uint64_t minute, char *why)
{
    uint32_t days = r->world->params.days;
    uint64_t from = days / 4 * MINUTES_A_DAY, until = days / 2 * MINUTES_A_DAY;
    if (from == until || (minute != from && minute != until))
        return 0;
    bool on = minute == from;
    qbid_loop_checker_hold(r->checker, HELD, on, qbid_clock_unix_ns());
    return qbid_loop_host_hold(r->host, HELD, on, why);
}

/* At the begin of a minute, as far as qbidd's periods and the strategy's hours say so. */
static int ticks_play(struct run *r, uint64_t minute, char *why)
{
    int err = 0;
    qbid_loop_clock_set(minute * MINUTE_NS);
    if (minute % MINUTES_A_DAY == 0 && minute > 0)
        qbid_loop_checker_day(r->checker, r->host);
    if (minute % LIVE_MINUTES == 0)
        qbid_loop_host_live(r->host);
    if (minute % HOUR_MINUTES == 0) {
        qbid_loop_host_learn(r->host);
        qbid_loop_host_persist(r->host);
        err = hold_play(r, minute, why);
        if (!err)
            err = qbid_loop_policy_hour(r->params->strategy, r->world, r->host,
                                        minute / HOUR_MINUTES, why);
        if (!err)
            qbid_loop_checker_hour(r->checker, r->host);
    }
    return err;
}

static int play(struct run *r, char *why)
{
    uint64_t minutes = (uint64_t)r->world->params.days * MINUTES_A_DAY;
    int err = 0;
    for (uint64_t minute = 0; minute < minutes && !err; minute++) {
        if (minute % MINUTES_A_DAY == 0)
            day_begin(r, (uint32_t)(minute / MINUTES_A_DAY));
        err = ticks_play(r, minute, why);
        if (!err)
            err = minute_play(r, minute);
    }
    if (err)
        return err;
    qbid_loop_clock_set(minutes * MINUTE_NS);
    qbid_loop_checker_day(r->checker, r->host);
    qbid_loop_host_live(r->host);
    qbid_loop_host_persist(r->host);
    return qbid_loop_checker_end(r->checker, r->host, &r->result.check, why);
}

int qbid_loop_run(const struct qbid_loop_run_params *params, struct qbid_loop_result *ret_result,
                  char why[QBID_LOOP_WHY_MAX])
{
    struct run *r = calloc(1, sizeof *r);
    if (!r)
        return QBID_ERR_NOMEM;
    const char *settings = qbid_loop_policy_settings(params->strategy);
    if (params->settings && params->strategy == QBID_LOOP_FULL)
        settings = params->settings;
    struct qbid_loop_host_params host = {params->world, params->folder, settings};
    r->params = params;
    r->world = params->world;
    r->random = qbid_sim_random_of(params->world->params.seed, 2);
    why[0] = 0;
    int err = qbid_loop_host_new(&host, &r->host, why);
    if (!err)
        err = qbid_loop_checker_new(params->world, &r->checker);
    if (!err)
        err = play(r, why);
    if (!err)
        *ret_result = r->result;
    else if (!why[0])
        strcpy(why, qbid_strerror(err));
    qbid_loop_checker_free(r->checker);
    qbid_sim_calendar_done(&r->calendar);
    qbid_loop_host_free(r->host);
    free(r);
    return err;
}
