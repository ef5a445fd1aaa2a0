/* SPDX-License-Identifier: Apache-2.0 */
/* The notices that an outcome calls for: win, billing, impression, click, conversion, or loss. */
#ifndef QBID_TOOLS_REPLAY_NOTICE_NOTICE_H
#define QBID_TOOLS_REPLAY_NOTICE_NOTICE_H

#include "tools/replay/auction/auction.h"

enum qbid_replay_notice_kind {
    QBID_REPLAY_NOTICE_WIN,
    QBID_REPLAY_NOTICE_BILLING,
    QBID_REPLAY_NOTICE_IMPRESSION,
    QBID_REPLAY_NOTICE_CLICK,
    QBID_REPLAY_NOTICE_CONVERSION,
    QBID_REPLAY_NOTICE_LOSS,
    QBID_REPLAY_NOTICE_KINDS,
};

enum qbid_replay_feedback {
    QBID_REPLAY_FEEDBACK_FULL,     /* loss notices with the price that would have won */
    QBID_REPLAY_FEEDBACK_WIN_ONLY, /* loss notices with the reason alone */
    QBID_REPLAY_FEEDBACK_NONE,     /* no loss notices */
};

struct qbid_replay_notice_terms {
    enum qbid_replay_feedback feedback;
    uint64_t seed;
    double conversion_rate;      /* share of clicks that convert */
    int64_t conversion_micros;   /* value of each, CNY */
    double drop_rate;            /* share of notices that are not sent */
    uint32_t copies;             /* how often each is sent, >= 1 */
    const char *authority;       /* host:port of the bidder */
    const char *alias_authority; /* another host[:port] of notices that means the bidder, or NULL */
};

/* Most copies of a notice, most pixels of one ad, and so most requests for one auction: win,
 * billing, pixels, click, conversion. */
#define QBID_REPLAY_NOTICE_COPIES_MAX 8
#define QBID_REPLAY_NOTICE_PIXELS_MAX 4
#define QBID_REPLAY_NOTICE_STEPS_MAX                                                               \
    ((4 + QBID_REPLAY_NOTICE_PIXELS_MAX) * QBID_REPLAY_NOTICE_COPIES_MAX)

struct qbid_replay_notice_step {
    enum qbid_replay_notice_kind kind;
    uint32_t path_off; /* of the path in `paths` */
    uint32_t path_len;
};

/* The notices of one auction, sent one after the other. */
struct qbid_replay_notices {
    struct qbid_replay_notice_step steps[QBID_REPLAY_NOTICE_STEPS_MAX];
    uint32_t steps_cnt;
    uint32_t next; /* for the sender: the step that is due */
    uint64_t due_ns;
    int64_t settled_micros;
    bool charged; /* for the sender: a billing notice was answered */
    struct qbid_replay_buffer paths;
    struct qbid_replay_notices *link; /* for the sender's queue */
    /* What cannot be sent: */
    uint32_t dropped[QBID_REPLAY_NOTICE_KINDS]; /* by drop_rate */
    uint32_t missing[QBID_REPLAY_NOTICE_KINDS]; /* the bid has no such URL */
    uint32_t foreign[QBID_REPLAY_NOTICE_KINDS]; /* it has, but malformed or of another host's */
};

/** Name of a notice in reports. */
const char *qbid_replay_notice_name(enum qbid_replay_notice_kind kind);

/** The click of this row converts: depends on the seed and the row alone. */
bool qbid_replay_notice_converts(const struct qbid_replay_notice_terms *terms,
                                 const struct qbid_replay_row *row);

/**
 * Write the notices of an outcome, macros replaced.
 *
 * Win: nurl, burl, the images of the markup that are the bidder's, for a clicked row its first such
 * link, for a converting click the link with the last part `click` of its path replaced by `conv`
 * and v=<value> added. Loss or invalid: lurl.
 *
 * Shapes:  notices is all zero, or was used before: its memory is kept.
 * Errors:  QBID_ERR_NOMEM.
 */
int qbid_replay_notice_plan(struct qbid_replay_notices *notices,
                            const struct qbid_replay_notice_terms *terms,
                            const struct qbid_replay_row *row,
                            const struct qbid_replay_answer *answer,
                            const struct qbid_replay_outcome *outcome);

#endif
