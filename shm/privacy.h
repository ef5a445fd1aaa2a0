/* SPDX-License-Identifier: Apache-2.0 */
/* Privacy classes, why a request has its class, and what the operator chooses: said by workers and
 * control alike. */
#ifndef QBID_SHM_PRIVACY_H
#define QBID_SHM_PRIVACY_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/request.h"

/** Whether identifiers of the user or the device, and what is known of the person by them
 *  (segments, exposures), may be used with a request of this class: read, kept or sent. */
static inline bool qbid_privacy_ids_allowed(enum qbid_privacy_class class_)
{
    return class_ == QBID_PRIVACY_OPEN;
}

/* Why: each request has one, the last of this list that holds for it. Classes never fall from one
 * line to the next, so that the last reason is also the strictest class. */
/* clang-format off */
#define QBID_PRIVACY_REASON_LIST(X)                                                                  \
    X(NONE,            OPEN,       "none",            "no signal restricts")                         \
    X(DNT,             RESTRICTED, "dnt",             "device.dnt")                                  \
    X(LMT,             RESTRICTED, "lmt",             "device.lmt")                                  \
    X(GPC,             RESTRICTED, "gpc",             "Global Privacy Control of the browser")       \
    X(US_OPT_OUT,      RESTRICTED, "us_opt_out",      "us_privacy opts out of sale")                 \
    X(US_BROKEN,       RESTRICTED, "us_broken",       "us_privacy cannot be read")                   \
    X(GPP_OPT_OUT,     RESTRICTED, "gpp_opt_out",     "a GPP section opts out")                      \
    X(GPP_UNKNOWN,     RESTRICTED, "gpp_unknown",     "a GPP section is not known, or none is named")\
    X(GPP_BROKEN,      RESTRICTED, "gpp_broken",      "the GPP string cannot be read")               \
    X(GDPR_NO_BASIS,   CONTEXTUAL, "gdpr_no_basis",   "GDPR: no basis for a purpose that is needed") \
    X(GDPR_NO_CONSENT, CONTEXTUAL, "gdpr_no_consent", "GDPR: no consent string that can be read")    \
    X(COPPA,           CONTEXTUAL, "coppa",           "directed to children")                        \
    X(DSA,             NO_BID,     "dsa",             "bids without DSA data are not accepted")
/* clang-format on */

enum qbid_privacy_reason {
#define X(name, class_, word, text) QBID_PRIVACY_REASON_##name,
    QBID_PRIVACY_REASON_LIST(X)
#undef X
        QBID_PRIVACY_REASON_CNT
};

/* The TCF's purposes as they stand in a consent string: 24 bits, purpose 1 the highest. */
#define QBID_PRIVACY_PURPOSES 24
#define QBID_PRIVACY_PURPOSE(n) (UINT32_C(1) << (QBID_PRIVACY_PURPOSES - (n)))
#define QBID_PRIVACY_PURPOSE_ALL ((UINT32_C(1) << QBID_PRIVACY_PURPOSES) - 1)

/* What the operator has chosen; travels in the image's header. All zero is the strictest. */
struct qbid_privacy_rules {
    uint16_t vendor_id; /* ours in the IAB's global vendor list; 0 = no consent is ours */
    uint16_t gdpr_unknown_applies_not; /* 1 = a request that does not say is not under the GDPR */
    uint32_t purposes; /* that need a legal basis for more than context; 0 = all 24 */
};
_Static_assert(sizeof(struct qbid_privacy_rules) == 8, "part of the image's header");

#endif
