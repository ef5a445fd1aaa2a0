/* SPDX-License-Identifier: Apache-2.0 */
/* An OpenRTB 2.5 or 2.6 bid request as a plain struct: what a decision needs of it, and no more.
 *
 * Rules for what arrives, each with a test in tests/plugin/openrtb/test_openrtb.c:
 *   - The whole body must be JSON in UTF-8, also the parts that are not read. Otherwise malformed.
 *   - Unknown fields are skipped. A repeated key replaces what the earlier one said.
 *   - null, and the empty string that some senders write in its place, stand for an absent value.
 *   - A value of another type than the specification's is malformed, where we read it. Taken as
 *     they are meant: 1.0 for an integer 1, true and false for 1 and 0, a number for a string that
 *     is only a label (segment, category, site, app, deal, region). tmax that is not a number is an
 *     absent tmax: templates send their placeholders, and the host's default is the safe reading.
 *   - Lists of small numbers (battr, api, protocols, ...) are masks; numbers from 64 on are the
 *     exchanges' own, of which we know none. A content type that we do not know is "other".
 *   - bidfloor is rounded up to the micro; a negative one is no floor.
 *   - id and imp must be there. An impression without an id cannot be answered: its id is empty.
 *   - Where a field has moved, both places are read and the newer one wins.
 */
#ifndef QBID_PLUGIN_OPENRTB_OPENRTB_H
#define QBID_PLUGIN_OPENRTB_OPENRTB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin/qbid.h"
#include "plugin/text.h"
#include "shm/terms.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QBID_OPENRTB_FORMATS_MAX 16  /* more are not read: the first are the preferred ones */
#define QBID_OPENRTB_DEALS_MAX 32    /* more are not read: a bid on them is not made */
#define QBID_OPENRTB_SEGMENTS_MAX 64 /* more are not read */
#define QBID_OPENRTB_CURS_MAX 16     /* more are not read: an answer in them is not made */
#define QBID_OPENRTB_BADV_MAX 4096   /* more than these two: over the limits, no bid */
#define QBID_OPENRTB_BCAT_MAX 2048
#define QBID_OPENRTB_BAPP_MAX 512
#define QBID_OPENRTB_ACAT_MAX 512
#define QBID_OPENRTB_WADOMAIN_MAX 256 /* of all deals together; more: no bid on that deal */

#define QBID_OPENRTB_INT_ABSENT INT32_MIN
#define QBID_CURRENCY_NONE 0
#define QBID_CURRENCY_UNREADABLE UINT32_MAX

/* A flag whose absence means something else than 0. */
enum qbid_openrtb_tri { QBID_TRI_ABSENT, QBID_TRI_NO, QBID_TRI_YES };

struct qbid_openrtb_size {
    int32_t width; /* <= 0 = absent */
    int32_t height;
};

struct qbid_openrtb_deal {
    struct qbid_text id;
    int64_t floor_micros; /* in `currency`, CPM, >= 0 */
    uint32_t currency;    /* QBID_CURRENCY_NONE = USD; not inherited from the impression */
    bool floor_given;     /* bidfloor stands there, if only as 0 */
    bool guaranteed;      /* guar */
    int32_t at;           /* QBID_OPENRTB_INT_ABSENT = the request's; 3 = bidfloor is the price */
    struct qbid_durfloors durfloors; /* with mincpmpersec, in `currency` */
    uint16_t wadomain_first;         /* into the request's wadomain */
    uint16_t wadomain_cnt;
    bool wadomain_over;      /* more than fit: no bid on this deal */
    struct qbid_seats wseat; /* ours are tenant numbers in decimal, as strings */
};

/* What video and audio have besides their terms. */
struct qbid_openrtb_pod {
    struct qbid_durfloors durfloors; /* with mincpmpersec, in the impression's currency */
    int32_t poddur_s;                /* of the whole dynamic pod, 0 = none */
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
    enum qbid_openrtb_tri secure; /* absent = unknown */
    bool private_auction;
    bool instl;
    bool rwdd;
    int32_t exp_s;                    /* 0 = absent */
    int32_t video_plcmt;              /* 0 = absent */
    bool multiplied;                  /* qty.multiplier is there and not 1 */
    struct qbid_media_terms media[4]; /* banner, video, audio, native */
    struct qbid_openrtb_pod pod[2];   /* video, audio */
    struct qbid_native_terms assets;  /* of native.request */
    bool assets_unreadable;           /* native.request is there and is no native request */
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

/* A supply chain as it stands at one of its places. */
struct qbid_openrtb_schain {
    bool given;
    bool complete; /* complete = 1 */
    bool sound;    /* ver 1.x; at least one node; each with asi, sid and hp = 1 */
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
    bool site;       /* an object with at least one field; of the three there may be one */
    bool app;
    bool dooh;
    bool acat_given;     /* the list has entries, of which more than fit are not read */
    bool wlang_given[2]; /* wlang, wlangb: has entries, of which more than fit are not read */
    uint8_t wlang_cnt[2];
    int32_t cattax; /* 1 when absent */
    enum qbid_openrtb_tri sua_mobile;
    struct qbid_text sua_os;              /* device.sua.platform.brand: where device.os is absent */
    struct qbid_openrtb_schain schain[3]; /* source.schain, source.ext.schain, ext.schain */
    uint16_t bapp_cnt;
    uint16_t acat_cnt;
    uint16_t wadomain_cnt;
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
    struct qbid_seats wseat;
    struct qbid_seats bseat;
    uint32_t cur[QBID_OPENRTB_CURS_MAX];
    uint64_t wlang[2][QBID_TERMS_LANGUAGES_MAX]; /* qbid_language() */
    struct qbid_text bapp[QBID_OPENRTB_BAPP_MAX];
    struct qbid_text acat[QBID_OPENRTB_ACAT_MAX];
    struct qbid_text wadomain[QBID_OPENRTB_WADOMAIN_MAX]; /* of all deals */
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
 * Cost:    about 0.6 us a kilobyte.
 * Source:  Langdale, Lemire 2019, "Parsing gigabytes of JSON per second", in its two stages:
 *          plugin/openrtb/structure.h, and plugin/openrtb/json_reader.h, which visits every value.
 */
int qbid_openrtb_parse(struct qbid_openrtb *parser, const char *body, size_t len,
                       struct qbid_openrtb_request *ret_request);

/** Read native.request, JSON in a text, into an impression's assets: what is wrong in it makes them
 *  unreadable and nothing else. text has at most QBID_OPENRTB_BYTES_MAX bytes in UTF-8. */
void qbid_openrtb_read_native(struct qbid_openrtb *parser, struct qbid_text text,
                              struct qbid_openrtb_request *request, struct qbid_openrtb_imp *imp);

/** Three letters as a currency code, upper case; QBID_CURRENCY_NONE for an empty text,
 *  QBID_CURRENCY_UNREADABLE for anything else. */
uint32_t qbid_currency_code(struct qbid_text text);

#ifdef __cplusplus
}
#endif

#endif
