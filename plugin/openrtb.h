/* SPDX-License-Identifier: Apache-2.0 */
/* An OpenRTB 2.5 or 2.6 bid request as a plain struct: what a decision needs of it, and no more.
 *
 * Rules for what arrives, each with a test in tests/plugin/test_openrtb.c:
 *   - The whole body must be JSON in UTF-8, also the parts that are not read. Otherwise malformed.
 *   - Unknown fields are skipped. A repeated key replaces what the earlier one said.
 *   - null, and the empty string that some senders write in its place, stand for an absent value.
 *   - A value of another type than the specification's is malformed, where we read it. Taken as
 *     they are meant: 1.0 for an integer 1, true and false for 1 and 0, a number for a string that
 *     is only a label (segment, category, site, app, deal, region). tmax that is not a number is an
 *     absent tmax: templates send their placeholders, and the host's default is the safe reading.
 *   - bidfloor is rounded up to the micro; a negative one is no floor.
 *   - id and imp must be there. An impression without an id cannot be answered: its id is empty.
 *   - Where a field has moved, both places are read and the newer one wins.
 */
#ifndef QBID_PLUGIN_OPENRTB_H
#define QBID_PLUGIN_OPENRTB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin/qbid.h"
#include "plugin/text.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QBID_OPENRTB_FORMATS_MAX 16  /* more are not read: the first are the preferred ones */
#define QBID_OPENRTB_DEALS_MAX 32    /* more are not read: a bid on them is not made */
#define QBID_OPENRTB_SEGMENTS_MAX 64 /* more are not read */
#define QBID_OPENRTB_CURS_MAX 16     /* more are not read: an answer in them is not made */
#define QBID_OPENRTB_BADV_MAX 4096   /* more than these two: over the limits, no bid */
#define QBID_OPENRTB_BCAT_MAX 2048
#define QBID_OPENRTB_SEATS_MAX 14

#define QBID_OPENRTB_INT_ABSENT INT32_MIN
#define QBID_CURRENCY_NONE 0
#define QBID_CURRENCY_UNREADABLE UINT32_MAX

/* A list of buyer seats. Ours are tenant numbers in decimal, as strings; others are not ours. */
struct qbid_openrtb_seats {
    bool given; /* the list has entries */
    bool over;  /* it has more of our kind than fit here */
    uint8_t cnt;
    uint16_t tenant[QBID_OPENRTB_SEATS_MAX];
};

struct qbid_openrtb_size {
    int32_t width; /* <= 0 = absent */
    int32_t height;
};

struct qbid_openrtb_deal {
    struct qbid_text id;
    int64_t floor_micros; /* in `currency`, CPM, >= 0 */
    uint32_t currency;    /* QBID_CURRENCY_NONE = USD; not inherited from the impression */
    struct qbid_openrtb_seats wseat;
};

struct qbid_openrtb_imp {
    struct qbid_text id;
    int64_t floor_micros; /* in `currency`, CPM, >= 0 */
    uint32_t currency;    /* three letters in memory order; QBID_CURRENCY_NONE = USD */
    int32_t banner_pos;   /* QBID_OPENRTB_INT_ABSENT */
    int32_t video_pos;
    bool banner;
    bool video;
    bool audio;
    bool native;
    bool secure;
    bool private_auction;
    uint8_t format_cnt;
    uint8_t deal_cnt;
    struct qbid_openrtb_size banner_size;
    struct qbid_openrtb_size video_size;
    struct qbid_openrtb_size format[QBID_OPENRTB_FORMATS_MAX];
    struct qbid_openrtb_deal deal[QBID_OPENRTB_DEALS_MAX];
};

struct qbid_openrtb_geo {
    struct qbid_text country;
    struct qbid_text region;
    int32_t utcoffset_min; /* QBID_OPENRTB_INT_ABSENT */
};

/* A flag whose absence means something else than 0. */
enum qbid_openrtb_tri { QBID_TRI_ABSENT, QBID_TRI_NO, QBID_TRI_YES };

#define QBID_OPENRTB_SECTIONS_MAX 15

/* Sections of the GPP that are in force; -1, "none", is not among them. */
struct qbid_openrtb_sections {
    bool given; /* the list has entries */
    bool over;  /* there are more than fit here */
    uint8_t cnt;
    uint16_t section[QBID_OPENRTB_SECTIONS_MAX]; /* UINT16_MAX = a number above that */
};

/* Of a field that has moved: what the newer place says, and the older one. */
struct qbid_openrtb_regs {
    bool coppa;
    bool coppa_ext;
    bool gpc;
    int32_t dsa_required; /* 0 when absent */
    int32_t dsa_required_ext;
    struct qbid_openrtb_sections gpp_sid;
    struct qbid_openrtb_sections gpp_sid_ext;
    struct qbid_text gpp;
    struct qbid_text gpp_ext;
    enum qbid_openrtb_tri gdpr;
    enum qbid_openrtb_tri gdpr_ext;
    struct qbid_text us_privacy;
    struct qbid_text us_privacy_ext;
};

/* Where an identifier stands in the body. The parser copies none of it: below open nobody may. */
struct qbid_openrtb_id {
    struct qbid_text text; /* of JSON the inside of the string */
    bool escaped;          /* it has escapes that are still to be resolved */
};

/* Identifiers of the user and the device: for plugin/privacy alone, which forgets them below open.
 */
struct qbid_openrtb_ids {
    struct qbid_openrtb_id eid; /* the first uids[].id of eids[] that is one */
    struct qbid_openrtb_id eid_ext;
    struct qbid_openrtb_id buyeruid;
    struct qbid_openrtb_id user_id;
    struct qbid_openrtb_id ifa;
};

struct qbid_openrtb_request {
    struct qbid_text id;
    int32_t at;      /* 2 when absent */
    int32_t tmax_ms; /* 0 = absent */
    bool test;
    bool lmt;
    bool dnt;
    bool over;       /* more impressions or blocked names than fit: to be declined */
    bool wrong_type; /* a field of another type than OpenRTB's: to be declined, never guessed */
    uint16_t imp_cnt;
    uint16_t badv_cnt;
    uint16_t bcat_cnt;
    uint16_t segment_cnt;
    uint16_t cur_cnt;
    int32_t devicetype; /* QBID_OPENRTB_INT_ABSENT */
    struct qbid_text os;
    struct qbid_text site_domain;
    struct qbid_text site_id;
    struct qbid_text app_bundle;
    struct qbid_text app_id;
    struct qbid_text dooh_id;
    struct qbid_text consent;
    struct qbid_text consent_ext;
    struct qbid_openrtb_ids ids;
    struct qbid_openrtb_geo device_geo;
    struct qbid_openrtb_geo user_geo;
    struct qbid_openrtb_regs regs;
    struct qbid_openrtb_seats wseat;
    struct qbid_openrtb_seats bseat;
    uint32_t cur[QBID_OPENRTB_CURS_MAX];
    struct qbid_text segment[QBID_OPENRTB_SEGMENTS_MAX];
    struct qbid_text badv[QBID_OPENRTB_BADV_MAX];
    struct qbid_text bcat[QBID_OPENRTB_BCAT_MAX];
    struct qbid_openrtb_imp imp[QBID_OPENRTB_IMPS_MAX];
};

/** Everything absent: what a parser starts from. */
void qbid_openrtb_reset(struct qbid_openrtb_request *ret_request);

/* Parser and its buffers, for bodies of up to QBID_OPENRTB_BYTES_MAX. */
struct qbid_openrtb;

int qbid_openrtb_new(struct qbid_openrtb **ret_parser);
void qbid_openrtb_free(struct qbid_openrtb *parser);

/**
 * Parse a bid request.
 *
 * Shapes:  body of len bytes, followed by QBID_PADDING readable bytes.
 * Returns: 0 with *ret_request, whose texts point into the body and the parser until its next call;
 *          QBID_ERR_PARSE: malformed; QBID_ERR_LIMIT: over QBID_OPENRTB_BYTES_MAX, or deeper than
 *          QBID_OPENRTB_DEPTH_MAX and sound as far as it was read. More impressions than
 *          QBID_OPENRTB_IMPS_MAX, or more blocked names than fit, give 0 with `over` set. A wrong
 *          type is malformed in id, in imp and its elements, and in what the law is read from
 *          (regs, consent); in any other field it gives 0 with `wrong_type` set.
 *          After an error *ret_request holds what was read so far.
 * Threads: the parser's owner. No allocation, no exception.
 * Cost:    about 1 us a kilobyte.
 * Source:  Lemire, Langdale 2019, simdjson; On-Demand, every value visited.
 */
int qbid_openrtb_parse(struct qbid_openrtb *parser, const char *body, size_t len,
                       struct qbid_openrtb_request *ret_request);

/** Three letters as a currency code, upper case; QBID_CURRENCY_NONE for an empty text,
 *  QBID_CURRENCY_UNREADABLE for anything else. */
uint32_t qbid_currency_code(struct qbid_text text);

#ifdef __cplusplus
}
#endif

#endif
