/* SPDX-License-Identifier: Apache-2.0 */
/* The account: tenants' campaigns, line items and creatives as operators define them. Plain
 * structs, strings owned by the account; ids are unique over all tenants and never reused. */
#ifndef QBID_CONTROL_ACCOUNT_ACCOUNT_H
#define QBID_CONTROL_ACCOUNT_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/account/written/trait.h"
#include "shm/dims.h"
#include "shm/image.h"

enum qbid_goal {
    QBID_GOAL_MAX_CLICKS = 1, /* in budget */
    QBID_GOAL_MAX_CONVERSIONS,
    QBID_GOAL_MAX_VALUE,
    QBID_GOAL_TARGET_CPC,  /* target_micros a click */
    QBID_GOAL_TARGET_CPA,  /* target_micros a conversion */
    QBID_GOAL_TARGET_ROAS, /* target_micros = ROAS x 10^6 */
    QBID_GOAL_FIXED_CPM,   /* bids target_micros CPM, paced: for tests and human override */
    QBID_GOAL_MAX_PROFIT,  /* value less cost */
    QBID_GOAL_MAX_ROAS     /* the highest with which spend reaches spend_floor_nanos */
};
#define QBID_GOAL_CNT QBID_GOAL_MAX_ROAS

/* Caps on spend beside the budget, each on another metric than the goal's target. */
enum qbid_cap { QBID_CAP_CPC, QBID_CAP_CPA, QBID_CAP_ROAS, QBID_CAP_CNT };

enum qbid_pacing_mode {
    QBID_PACING_EVEN = 1, /* over the flight, by multiplier */
    QBID_PACING_ASAP,     /* multiplier 1 while there is budget */
    QBID_PACING_AHEAD     /* like even, but half as fast again at first and half as fast at last */
};

enum qbid_budget_period { QBID_BUDGET_TOTAL = 1, QBID_BUDGET_DAILY };

struct qbid_campaign_def {
    uint32_t id;
    uint32_t tenant_id;
    char *name;
    int64_t budget_nanos; /* of the flight or of each UTC day */
    int64_t start_unix_s;
    int64_t end_unix_s; /* > start */
    int64_t target_micros;
    int64_t cap_micros[QBID_CAP_CNT]; /* money a click, a conversion; least ROAS x 10^6; 0 = none */
    int64_t spend_floor_nanos;        /* of max_roas, of the flight or day; else 0 */
    double max_change; /* log2 of the pace a control period; 0 = the configuration's */
    char *hours;       /* see control/account/written/week.h; may be empty */
    char *time_zone;   /* of the hours; "" = the configuration's */
    char *override;    /* see control/account/written/override.h; may be empty */
    char *velocity;    /* see control/account/written/velocity.h; may be empty */
    char *triggers;    /* see control/account/written/triggers.h; may be empty */
    enum qbid_goal goal;
    enum qbid_pacing_mode pacing;
    enum qbid_budget_period period;
    bool active;
    uint32_t budget_idx; /* its place in the live page; given by the store, stable */
};

/* Accepted values of one dimension: cnt 0 = all. A value starts with "!" to exclude it. */
struct qbid_target_def {
    char **value;
    uint32_t cnt;
};

struct qbid_line_item_def {
    uint32_t id;
    uint32_t campaign_id;
    char *name;
    int64_t floor_micros;       /* CPM */
    int64_t ceiling_micros;     /* CPM, > 0 */
    int64_t budget_nanos;       /* bound on its own spend in the flight; 0 = the campaign's alone */
    int64_t daily_nanos;        /* the same in each UTC day */
    int64_t order_value_micros; /* value of a conversion without one of its own */
    char *deal;                 /* NULL = open auction */
    char *adomain;
    char *categories; /* comma-separated ids, may be empty */
    uint16_t cattax;  /* their taxonomy, 1 = IAB Content Category Taxonomy 1.0 */
    char *frequency;  /* rule, see control/account/written/frequency.h; may be empty */
    char *override;   /* see control/account/written/override.h; may be empty */
    struct qbid_target_def target[QBID_DIM_CNT];
    double prior_ctr; /* before there is data, in (0, 1) */
    double prior_cvr;
    bool active;
    uint32_t idx; /* place in image and live page; given by the store, stable */
};

struct qbid_creative_def {
    uint32_t id;
    uint32_t line_item_id;
    char *name;
    uint16_t width, height;
    enum qbid_creative_format format;
    bool secure;
    bool active;
    char *markup;  /* template, see plugin/markup.h */
    char *landing; /* where a click goes */
    char *crid;
    char *trait[QBID_TRAIT_CNT]; /* as in files; NULL and "" = not declared */
};

struct qbid_account {
    uint32_t currency;                   /* three letters in memory order */
    struct qbid_campaign_def *campaigns; /* by id, ascending */
    struct qbid_line_item_def *line_items;
    struct qbid_creative_def *creatives;
    uint32_t campaign_cnt, line_item_cnt, creative_cnt;
    uint32_t line_item_max; /* 1 + highest idx */
};

#define QBID_ACCOUNT_IDX_NONE UINT32_MAX /* an index that the store has not given yet */

/** Release everything the account owns; the struct itself is the caller's. */
void qbid_account_done(struct qbid_account *account);

/** A deep copy. QBID_ERR_NOMEM: *ret_copy is not written. */
int qbid_account_copy(const struct qbid_account *account, struct qbid_account *ret_copy);

/** Add one item, everything zero but its id, at the end of its array: out of order until
 *  qbid_account_sort(). NULL without memory. Earlier pointers into that array are void. */
struct qbid_campaign_def *qbid_account_add_campaign(struct qbid_account *account, uint32_t id);
struct qbid_line_item_def *qbid_account_add_line_item(struct qbid_account *account, uint32_t id);
struct qbid_creative_def *qbid_account_add_creative(struct qbid_account *account, uint32_t id);

/** Bring all items in order of id and set line_item_max. */
void qbid_account_sort(struct qbid_account *account);

/** NULL when there is none. Cost: binary search. */
const struct qbid_campaign_def *qbid_account_campaign(const struct qbid_account *account,
                                                      uint32_t id);
const struct qbid_line_item_def *qbid_account_line_item(const struct qbid_account *account,
                                                        uint32_t id);
const struct qbid_creative_def *qbid_account_creative(const struct qbid_account *account,
                                                      uint32_t id);

/** Dimension value of a creative: "banner:300x250", "video:640x360", "native", "audio". out >= 32.
 */
void qbid_creative_slot(const struct qbid_creative_def *creative, char *out);

#endif
