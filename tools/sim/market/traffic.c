/* SPDX-License-Identifier: Apache-2.0 */
/* Draws auctions one after another. */
#include "tools/sim/market/traffic.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "shm/error.h"
#include "shm/units.h"

#define HOUR_S 3600.0
#define DEVICE_STAYS 0.85 /* of a user's visits come from the device he prefers */
#define FLOOR_SHARE 0.5   /* of auctions with a floor in the request */
#define ORDER_SD 0.6

/* Two humps a day, the evening's higher; less at the weekend's mornings. Shares of a week. */
static double profile_built_in(unsigned hour)
{
    double t = (hour % 24 + 0.5) / 24, weekend = hour / 24 >= 5 ? 1 : 0;
    double day = 1 - 0.75 * cos(2 * M_PI * (t - 0.12)) + 0.25 * sin(4 * M_PI * (t - 0.30));
    return (day > 0.12 ? day : 0.12) * (1 - 0.2 * weekend * (t < 0.4));
}

void qbid_sim_traffic_init(struct qbid_sim_traffic *traffic, const struct qbid_sim_market *market,
                           const struct qbid_sim_audience *audience)
{
    double sum = 0;
    const double *profile = market->params.profile;
    *traffic = (struct qbid_sim_traffic){.market = market,
                                         .audience = audience,
                                         .r = qbid_sim_random_of(market->params.seed, 4),
                                         .hour = UINT64_MAX};
    for (unsigned h = 0; h < QBID_SIM_HOURS; h++) {
        traffic->rate_a_s[h] = profile ? profile[h] : profile_built_in(h);
        sum += traffic->rate_a_s[h];
    }
    for (unsigned h = 0; h < QBID_SIM_HOURS; h++)
        traffic->rate_a_s[h] *= 7.0 * market->params.auctions_a_day / sum / HOUR_S;
}

static void hour_begin(struct qbid_sim_traffic *t, uint64_t hour)
{
    double sd = t->market->params.noise;
    t->hour = hour;
    t->rate_now =
        t->rate_a_s[hour % QBID_SIM_HOURS] * exp(sd * qbid_sim_normal(&t->r) - sd * sd / 2);
    t->rate_now = t->rate_now > 1e-6 ? t->rate_now : 1e-6;
}

/* Poisson arrivals; a wait that crosses into another hour goes on at that hour's rate. */
static void time_advance(struct qbid_sim_traffic *t)
{
    double need = qbid_sim_wait(&t->r);
    if (t->hour == UINT64_MAX)
        hour_begin(t, 0);
    for (;;) {
        double end_s = ((double)t->hour + 1) * HOUR_S, left = (end_s - t->now_s) * t->rate_now;
        if (need < left) {
            t->now_s += need / t->rate_now;
            return;
        }
        need -= left;
        t->now_s = end_s;
        hour_begin(t, t->hour + 1);
    }
}

static void place_draw(struct qbid_sim_traffic *t, struct qbid_sim_auction *a)
{
    const struct qbid_sim_user *user = &t->audience->user[a->user];
    struct qbid_sim_random *r = &t->r;
    uint64_t w = qbid_sim_word(r);
    bool stays = qbid_sim_unit(r) < DEVICE_STAYS;
    a->value[QBID_DIM_EXCHANGE] = (uint8_t)(w & 1);
    a->value[QBID_DIM_POSITION] = (uint8_t)(w >> 1 & 1);
    a->value[QBID_DIM_SLOT] = (uint8_t)((w >> 2 & 0xffff) % QBID_SIM_SLOTS);
    a->value[QBID_DIM_DEVICE] =
        stays ? user->device : (uint8_t)((w >> 18 & 0xffff) % QBID_SIM_DEVICES);
    /* the smaller of two: sites and their traffic fall off */
    uint32_t one = (uint32_t)(w >> 34 & 0x7fff) % QBID_SIM_SITES;
    uint32_t two = (uint32_t)(w >> 49) % QBID_SIM_SITES;
    a->value[QBID_DIM_SITE] = (uint8_t)(one < two ? one : two);
    a->value[QBID_DIM_GEO] = user->geo;
    a->value[QBID_DIM_SEGMENT] = user->segment;
    a->value[QBID_DIM_HOUR] = (uint8_t)(t->hour % QBID_SIM_HOURS);
}

static void prices_draw(struct qbid_sim_traffic *t, struct qbid_sim_auction *a)
{
    struct qbid_sim_random *r = &t->r;
    const struct qbid_sim_market *m = t->market;
    double place_lg = (double)qbid_sim_market_price_lg(m, a->value), z = qbid_sim_normal(r);
    bool upper = qbid_sim_unit(r) < QBID_SIM_UPPER_SHARE;
    double lg = upper ? QBID_SIM_UPPER_LG + QBID_SIM_UPPER_SD_LG * z : QBID_SIM_LOWER_SD_LG * z;
    double spike = qbid_sim_unit(r), floor = qbid_sim_unit(r);
    float base = (float)m->price_micros, price = base * exp2f((float)(place_lg + lg));
    uint64_t w = qbid_sim_word(r);
    float hidden = base * exp2f((float)qbid_sim_spike_lg((unsigned)(w & 0xff) % QBID_SIM_SPIKES));
    a->background_micros = spike < QBID_SIM_SPIKE_SHARE && price < hidden ? hidden : price;
    a->floor_micros = floor < FLOOR_SHARE ? base * (w & 0x100 ? 0.5f : 0.25f) : 0;
    for (unsigned k = 0; k < 4; k++)
        a->rival_micros[k] =
            base * exp2f((float)(QBID_SIM_RIVAL_LG + QBID_SIM_RIVAL_FOLLOWS * place_lg +
                                 QBID_SIM_RIVAL_SD_LG * qbid_sim_normal(r)));
}

void qbid_sim_traffic_next(struct qbid_sim_traffic *traffic, struct qbid_sim_auction *ret_auction)
{
    struct qbid_sim_auction *a = ret_auction;
    struct qbid_sim_random *r = &traffic->r;
    time_advance(traffic);
    a->time_ns = (uint64_t)(traffic->now_s * (double)QBID_NS_PER_S);
    a->id = traffic->id++;
    a->user = qbid_sim_audience_draw(traffic->audience, r);
    place_draw(traffic, a);
    prices_draw(traffic, a);
    a->click = (float)qbid_sim_unit(r);
    a->convert = (float)qbid_sim_unit(r);
    a->order_lg = (float)((ORDER_SD * qbid_sim_normal(r) - ORDER_SD * ORDER_SD / 2) * M_LOG2E);
    a->click_wait = (float)qbid_sim_wait(r);
    a->conversion_wait = (float)qbid_sim_wait(r);
}

int qbid_sim_profile_load(const char *path, double ret_profile[QBID_SIM_HOURS])
{
    char line[256];
    double profile[QBID_SIM_HOURS] = {0};
    FILE *f = fopen(path, "r");
    if (!f)
        return QBID_ERR_SYS;
    int err = fgets(line, sizeof line, f) ? 0 : QBID_ERR_PARSE;
    while (!err && fgets(line, sizeof line, f)) {
        const char *at = strchr(line, ',');
        int day = 0, hour = 0;
        double share = 0;
        if (!at || sscanf(at, ",%d,%d,%lf", &day, &hour, &share) != 3 || day < 1 || day > 7 ||
            hour < 0 || hour > 23 || !(share >= 0))
            err = QBID_ERR_PARSE;
        else
            profile[(day - 1) * 24 + hour] += share;
    }
    fclose(f);
    for (unsigned h = 0; h < QBID_SIM_HOURS && !err; h++)
        err = profile[h] > 0 ? 0 : QBID_ERR_PARSE;
    if (!err)
        memcpy(ret_profile, profile, sizeof profile);
    return err;
}
