/* SPDX-License-Identifier: Apache-2.0 */
/* The learner's body, shared by the files that implement control/learn/learner.h. */
#ifndef QBID_CONTROL_LEARN_STATE_LEARNER_STATE_H
#define QBID_CONTROL_LEARN_STATE_LEARNER_STATE_H

#include "control/learn/campaigns/campaigns.h"
#include "control/learn/campaigns/corrections.h"
#include "control/learn/campaigns/item_budgets.h"
#include "control/learn/creatives/creatives.h"
#include "control/learn/creatives/exposures.h"
#include "control/learn/hours/hours.h"
#include "control/learn/hours/item_hours.h"
#include "control/learn/learner.h"
#include "control/learn/market/segments.h"
#include "control/learn/rates/cells.h"
#include "control/learn/rates/delays.h"
#include "control/learn/rates/recency.h"
#include "control/learn/values/values.h"
#include "control/models/pacing/duals.h"
#include "control/models/qlearning/qtable.h"

#define QBID_LEARNER_NEWS_MAX 64

struct qbid_learner {
    struct qbid_learner_params params;
    uint64_t context_mask; /* finest level */
    bool frozen;
    bool planned;      /* values hold a fit */
    int64_t now_s;     /* unix time of the last pace; what comes is of then */
    uint64_t heard_ns; /* last outcome of any campaign */
    uint64_t bids;     /* of all campaigns */
    int64_t fitted_s;  /* and of the last fit that learned */
    struct qbid_cells cells;
    struct qbid_segments segments;
    struct qbid_recency recency;
    struct qbid_delays delays;
    struct qbid_hours hours;
    struct qbid_item_hours item_hours;
    struct qbid_creatives creatives;
    struct qbid_exposures_learned exposures;
    struct qbid_campaigns campaigns;
    struct qbid_item_budgets item_budgets;
    struct qbid_qlearner *actions;   /* by Q group: one for each goal */
    struct qbid_values values;       /* of the last plan */
    struct qbid_shade shade;         /* of the whole market, of the last plan */
    struct qbid_learned *learned;    /* NULL = off */
    uint32_t plans;                  /* made */
    struct qbid_traffic_curve curve; /* traffic of all campaigns together */
    int64_t curve_hour;              /* when it was fitted, hours since 1970 */
    uint32_t curve_next;             /* campaign whose own is fitted next */
    struct qbid_corrections corrections;
    struct qbid_emergency_news news[QBID_LEARNER_NEWS_MAX]; /* not asked for yet */
    uint32_t news_cnt;
    struct qbid_market_point *points; /* scratch of the pacer, params.sample_max */
    struct qbid_duals_point *duals_points;
};

#endif
