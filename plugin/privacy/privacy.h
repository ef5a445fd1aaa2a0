/* SPDX-License-Identifier: Apache-2.0 */
/* What the law and the user's choices leave of a bid request: one class, found before anything that
 * depends on the person is read.
 *
 *   class         identifiers  segments  place                             bid
 *   open          yes          yes       country and region                yes
 *   restricted    no           no        country and region                yes
 *   contextual    no           no        country; with special feature 1   yes, by context alone
 *                                        of the TCF the region as well;
 *                                        none when directed to children
 *   no bid        no           no        none                              no
 *
 * Country and region are all of the place that is ever read: far coarser than what device.lmt
 * leaves (two decimals of a degree). Without the region the time zone is left out as well.
 *
 * Signals, each read at its newer place first, then at its older one; the strictest wins
 * (shm/privacy.h has the order of reasons):
 *
 *   dsa.dsarequired 2 or 3, at either place               no bid: such bids are refused without
 *                                                         DSA data, of which an account has none
 *   coppa, at either place                                contextual, no place
 *   GDPR in force, and no readable consent, or no basis   contextual
 *   for a purpose that is needed
 *   lmt, dnt, gpc                                         restricted
 *   us_privacy that opts out or is broken                 restricted
 *   a GPP section in force that opts out, is broken,      restricted
 *   missing or unknown; a GPP string that does not say
 *   which of its sections are in force
 *
 * The GDPR is in force when regs.gdpr is 1 or gpp_sid names the EU's section; it is not when
 * regs.gdpr is 0 or gpp_sid names other sections only; when the request says nothing, as the
 * operator has chosen (qbidd's privacy.gdpr_unknown). The consent string is user.consent, else the
 * GPP's section of the EU.
 */
#ifndef QBID_PLUGIN_PRIVACY_PRIVACY_H
#define QBID_PLUGIN_PRIVACY_PRIVACY_H

#include <stdint.h>

#include "plugin/openrtb/openrtb.h"
#include "shm/privacy.h"

enum qbid_privacy_geo { QBID_PRIVACY_GEO_REGION, QBID_PRIVACY_GEO_COUNTRY, QBID_PRIVACY_GEO_NONE };

#define QBID_PRIVACY_ID_MAX 1024

/* Kinds of identifiers: the same text of two kinds names two users. */
enum qbid_privacy_id {
    QBID_PRIVACY_ID_EID,
    QBID_PRIVACY_ID_BUYER,
    QBID_PRIVACY_ID_USER, /* each exchange gives its own */
    QBID_PRIVACY_ID_DEVICE
};

struct qbid_privacy {
    enum qbid_privacy_reason reason;
    enum qbid_privacy_geo geo; /* what may be read of the place */
};

/** The class that follows from a reason, and both as words of counters and logs. */
enum qbid_privacy_class qbid_privacy_class_of(enum qbid_privacy_reason reason);
const char *qbid_privacy_class_word(enum qbid_privacy_class class_);
const char *qbid_privacy_reason_word(enum qbid_privacy_reason reason);

/**
 * The class of a request. Reads its signals only.
 *
 * Threads: pure. Cost: nanoseconds without consent strings, else in proportion to them.
 * Source:  the signals' own specifications; what each asks for, README, Privacy.
 */
struct qbid_privacy qbid_privacy_of(const struct qbid_openrtb_request *request,
                                    const struct qbid_privacy_rules *rules);

/** Forget what the class does not leave of a request: whoever reads it afterwards cannot leak it.
 */
void qbid_privacy_strip(struct qbid_privacy privacy, struct qbid_openrtb_request *request);

/**
 * Hash of the best identifier of the user that is left, for frequency caps: the first uid of
 * user.eids (else of user.ext.eids), user.buyeruid, user.id, device.ifa. One of zeros only is none,
 * and so is one with escapes of more than QBID_PRIVACY_ID_MAX bytes in JSON.
 *
 * Returns: never 0 for an identifier; 0 when there is none, so always below open after
 *          qbid_privacy_strip(). It is not kept nor sent: what is counted has a key that this
 * host's salt goes into (shm/frequency.h). Threads: pure.
 */
uint64_t qbid_privacy_user_key(const struct qbid_openrtb_request *request, uint64_t exchange_hash);

#endif
