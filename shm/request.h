/* SPDX-License-Identifier: Apache-2.0 */
/* What a host asks and what it is told: plain structs, part of the installed interface. */
#ifndef QBID_SHM_REQUEST_H
#define QBID_SHM_REQUEST_H

#include <stdint.h>

#define QBID_REQUEST_SLOTS_MAX 16
#define QBID_REQUEST_SEGMENTS_MAX 32
#define QBID_REQUEST_DEALS_MAX 16
#define QBID_REQUEST_CANDIDATES_MAX 4096

/* Must agree with the number of dimensions in shm/dims.h. */
#define QBID_REQUEST_DIMS 8

enum qbid_auction { QBID_AUCTION_FIRST_PRICE = 1, QBID_AUCTION_SECOND_PRICE = 2 };

enum qbid_request_flag {
    QBID_REQUEST_SECURE = 1u << 0,       /* HTTPS markup only */
    QBID_REQUEST_PRIVATE_ONLY = 1u << 1, /* pmp.private_auction: deal bids only */
    QBID_REQUEST_TEST = 1u << 2          /* not billable: bid, reserve nothing, never count */
};

/* What the law and the user's choices leave of a request, from all to nothing. What each class
 * leaves: plugin/privacy/privacy.h. */
#define QBID_PRIVACY_CLASS_LIST(X)                                                                 \
    X(OPEN, "open")                                                                                \
    X(RESTRICTED, "restricted")                                                                    \
    X(CONTEXTUAL, "contextual")                                                                    \
    X(NO_BID, "no_bid")

enum qbid_privacy_class {
#define X(name, word) QBID_PRIVACY_##name,
    QBID_PRIVACY_CLASS_LIST(X)
#undef X
        QBID_PRIVACY_CLASS_CNT
};

struct qbid_deal {
    uint64_t id_hash;     /* qbid_hash_name of deals[].id */
    int64_t floor_micros; /* CPM, account currency */
};

struct qbid_terms;

/* One impression. Hashes are those of shm/hash.h (qbid_hash_value() in the installed interface). */
struct qbid_request {
    uint64_t id_hash;                      /* of request id and impression id: the random stream */
    uint64_t dim[QBID_REQUEST_DIMS];       /* raw value hash by dimension, 0 = absent; the slot and
                                              segment entries are taken from the lists below */
    uint64_t slot[QBID_REQUEST_SLOTS_MAX]; /* formats and sizes that fit, first = preferred */
    uint64_t segment[QBID_REQUEST_SEGMENTS_MAX]; /* the user's audience segments; class open only */
    struct qbid_deal deal[QBID_REQUEST_DEALS_MAX];
    const uint64_t *badv;      /* blocked advertiser domains, hashed names; borrowed for the call */
    const uint64_t *bcat;      /* blocked categories, hashed names; borrowed for the call */
    const uint32_t *candidate; /* indices of line items that alone may bid, for a host that has its
                                  own targeting (qbid's is not asked then); ascending, each once;
                                  borrowed for the call */
    uint64_t user_key;         /* hash of the user's best identifier, for frequency caps; 0 = none:
                                  nothing is counted (class "open" only) */
    int64_t floor_micros;      /* imp.bidfloor, CPM, account currency, >= 0 */
    uint16_t badv_cnt;
    uint16_t bcat_cnt;
    uint8_t slot_cnt;
    uint8_t segment_cnt;
    uint8_t deal_cnt;
    uint8_t auction;        /* enum qbid_auction */
    uint32_t flags;         /* enum qbid_request_flag */
    uint16_t candidate_cnt; /* 0 = qbid finds the candidates; else at most
                               QBID_REQUEST_CANDIDATES_MAX */
    uint8_t privacy; /* enum qbid_privacy_class, but NO_BID: the events of the bid carry it */
    uint8_t pad;
    const struct qbid_terms *terms; /* what else is asked of creatives, seats and deals
                                       (shm/terms.h, filled by qbid_worker_openrtb()); NULL =
                                       nothing; borrowed for the call */
};

/* Why there was no bid. Each value is counted by worker; `nbr` is the OpenRTB no-bid reason that
 * stands for it towards an exchange. */
/* clang-format off */
#define QBID_NOBID_LIST(X)                                                                       \
    X(NONE,           0, "bid",            "a bid was made")                                     \
    X(NO_TABLE,       1, "no_table",       "no table image is loaded")                           \
    X(STALE,          1, "stale",          "the table image is past its valid-until")            \
    X(NO_LEASE,       1, "no_lease",       "no valid allowance from the control process")        \
    X(NO_CANDIDATE, 500, "no_candidate",   "no line item's targeting matches")                   \
    X(NO_VALUE,     501, "no_value",       "every matching line item is paused or worth nothing")\
    X(BELOW_FLOOR,  502, "below_floor",    "best price is below the floor")                      \
    X(BLOCKED,      503, "blocked",        "advertiser domain or category is blocked")           \
    X(NO_DEAL,      504, "no_deal",        "private auction without a deal of ours")             \
    X(NO_CREATIVE,  505, "no_creative",    "no creative fits format, size or security")          \
    X(NO_ALLOWANCE, 506, "no_allowance",   "no allowance is left for the matching line items")   \
    X(INVALID,        2, "invalid",        "the request lacks what a decision needs")            \
    X(CURRENCY,     507, "currency",       "none of the allowed currencies has a rate")          \
    X(OVER_LIMIT,     2, "over_limit",     "the request is over a stated limit")                 \
    X(TIMEOUT,       15, "timeout",        "too little of tmax is left")                         \
    X(FREQUENCY,      9, "frequency",      "this user has seen every matching line item enough") \
    X(PRIVACY,      508, "privacy",        "the request's signals leave nothing that may be bid") \
    X(SUPPLY,         2, "supply",         "more than one of site, app and dooh")                \
    X(SCHAIN,        16, "schain",         "the supply chain is not there, broken or incomplete")\
    X(SEAT,         540, "seat",           "the buyer's seat may not bid")                       \
    X(ATTRIBUTE,    541, "attribute",      "creative attribute, ad type or expansion is blocked")\
    X(API,          542, "api",            "the creative needs an API that is not there")        \
    X(MIME,         543, "mime",           "no accepted content type")                           \
    X(DURATION,     544, "duration",       "the creative is too short or too long")              \
    X(PROTOCOL,     545, "protocol",       "no accepted protocol or linearity")                  \
    X(BITRATE,      546, "bitrate",        "no accepted bitrate or delivery")                    \
    X(LANGUAGE,     547, "language",       "the creative's language is not allowed")             \
    X(CATEGORY,     548, "category",       "no allowed category, or one of another taxonomy")    \
    X(APP,          549, "app",            "the advertised app is blocked")                      \
    X(ASSETS,       550, "assets",         "the native creative lacks a required asset")         \
    X(DEAL_DOMAIN,  551, "deal_domain",    "the deal is not for this advertiser domain")         \
    X(PLACE,        552, "place",          "the creative is not for this kind of placement")     \
    X(EXPIRY,       553, "expiry",         "the impression may come after notices have expired") \
    X(MULTIPLIER,   554, "multiplier",     "one play counts as several impressions")
/* clang-format on */

enum qbid_nobid {
#define X(name, nbr, word, text) QBID_NOBID_##name,
    QBID_NOBID_LIST(X)
#undef X
        QBID_NOBID_CNT
};

/* One answer. Money in account currency. Indices are into the generation `gen`. */
struct qbid_decision {
    uint64_t gen;       /* generation of the table image that decided */
    uint64_t nonce;     /* of this bid: unique, in its token and its event */
    uint64_t context;   /* packed value indices */
    int64_t bid_micros; /* price to offer, CPM */
    float value_micros; /* expected value of the impression: the row's x r(exposures), before pacing
                         */
    float pace; /* pacing multiplier that was applied; below 0 a fixed price, qbid_pace_price() */
    float q_ratio;     /* Q action's multiplier, relative to the greedy one */
    float shade_ratio; /* first price: bid / value; second price 1 */
    uint32_t line_item_idx;
    uint32_t line_item_id;
    uint32_t campaign_id;
    uint32_t creative_idx;
    uint32_t creative_id;
    uint32_t q_propensity_q32;        /* probability of the action, Q0.32; UINT32_MAX = 1 */
    uint32_t creative_propensity_q32; /* probability of the creative */
    uint32_t candidates;              /* that the chosen row held, or that the bitmaps gave */
    uint32_t skipped;                 /* better-priced candidates passed over by request filters */
    uint16_t q_state;
    uint16_t segment;  /* market segment of the shade table */
    uint16_t slot_idx; /* value index of the slot that the creative fills */
    uint8_t q_action;
    uint8_t level;     /* backoff level, QBID_LEVEL_DEFAULT = bitmaps */
    uint8_t deal;      /* 1 + index into request.deal when the bid is on a deal, else 0 */
    uint8_t nobid;     /* enum qbid_nobid; 0 = bid */
    uint8_t stale;     /* 1 = conservative bid from a stale image */
    uint8_t exposures; /* of this user to the line item that were counted: r(k) of it is in
                          value_micros; 0 where there is no cap */
    uint8_t counted;   /* 1 = the bid counts against a cap */
    uint8_t auction;   /* enum qbid_auction: of the deal, else of the request */
    uint8_t pad[2];
};

#endif
