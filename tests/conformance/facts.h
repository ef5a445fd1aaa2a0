/* SPDX-License-Identifier: Apache-2.0 */
/* An advertising account as plain facts: what the reference bidder and the checker know, and what a
 * table image for the product is made from.
 *
 * Account currency CNY. Values are those of an account that has learned nothing. In a first-price
 * auction half the value is bid.
 */
#ifndef QBID_TESTS_CONFORMANCE_FACTS_H
#define QBID_TESTS_CONFORMANCE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/privacy.h"

#define FACTS_CURRENCY "CNY"
#define FACTS_SEED 77
#define FACTS_NOTICE_URL "https://n.example/qbid/notice"
#define FACTS_CREATIVES_MAX 4
#define FACTS_VALUES_MAX 6

enum facts_format { FACTS_BANNER = 1, FACTS_VIDEO, FACTS_AUDIO, FACTS_NATIVE };

#define FACTS_LIST_MAX 4

enum facts_place {
    FACTS_INLINE = 1,
    FACTS_INTERSTITIAL = 2,
    FACTS_PLAIN = 4, /* not rewarded */
    FACTS_REWARDED = 8
};

/* What a creative is, in the specification's own numbers and words; lists end with 0 or NULL. */
struct facts_traits {
    int attr[FACTS_LIST_MAX];
    int api[FACTS_LIST_MAX]; /* that it needs */
    int protocols[FACTS_LIST_MAX];
    int delivery[FACTS_LIST_MAX];
    int expdir[FACTS_LIST_MAX];
    const char *mimes[FACTS_LIST_MAX];
    int duration_s, bitrate_kbps;
    int linearity; /* 1, 2 */
    int btype;     /* of a banner */
    const char *language, *bundle;
    unsigned not_for; /* enum facts_place */
    int not_plcmt;    /* a video.plcmt that it is not for */
    int title_len, icon[2], image[2];
    struct {
        int kind, len; /* 1 sponsored, 2 description, 12 call to action, one of the others */
    } data[FACTS_LIST_MAX];
};

struct facts_creative {
    uint32_t id;
    enum facts_format format;
    int width, height; /* 0 = any size of the format */
    double weight;     /* in its rotation: alike in all of a slot, or two of any weights */
    const char *crid;  /* "" = its id */
    const char *markup;
    const char *landing;
    struct facts_traits traits;
};

struct facts_target {
    const char *dim;                     /* as in shm/dims.h; NULL = no more */
    const char *value[FACTS_VALUES_MAX]; /* any of these; ends with NULL */
};

struct facts_line_item {
    uint32_t id; /* ascending */
    uint32_t campaign_id;
    uint16_t tenant;
    bool paused;
    bool insecure;
    int64_t value_micros;
    int64_t floor_micros;
    int64_t ceiling_micros; /* 0 = the account's */
    const char *deal;       /* NULL = open auction */
    const char *adomain;
    const char *cat[4]; /* ends with NULL */
    int cattax;         /* of its categories; 0 = 1 */
    struct facts_target target[3];
    struct facts_creative creative[FACTS_CREATIVES_MAX];
};

struct facts_rate {
    const char *currency;
    int64_t micros; /* account currency for one unit of it */
};

extern const struct facts_line_item facts_line_items[];
extern const unsigned facts_line_item_cnt;
extern const struct facts_rate facts_rates[]; /* ends with currency NULL */
extern const int64_t facts_ceiling_micros;
extern const struct qbid_privacy_rules facts_privacy;

/** Account currency for one unit of another, 0 = unknown. */
int64_t facts_rate(const char *currency);

/** The creative of an id and its line item, or NULL. */
const struct facts_creative *facts_creative(uint32_t id, const struct facts_line_item **ret_item);

/** Slot of a creative: "banner:300x250", "video:any"... */
void facts_slot(const struct facts_creative *creative, char out[32]);

/** The table image of generation 1; free() it. */
void *facts_image(size_t *ret_bytes);

#endif
