/* SPDX-License-Identifier: Apache-2.0 */
/* The signals of a bid request, the states that each may be in, and what the table of README's
 * section on privacy asks for in any combination of them. */
#ifndef QBID_TESTS_PLUGIN_PRIVACY_SIGNALS_H
#define QBID_TESTS_PLUGIN_PRIVACY_SIGNALS_H

#include <stdbool.h>

#include "plugin/privacy/privacy.h"

#define SIGNALS_VENDOR 21

enum signal {
    COPPA,
    LMT,
    DNT,
    GPC,
    DSA,
    GDPR,
    CONSENT,
    US_PRIVACY,
    SIDS,
    GPPS,
    GPP_OLD,
    OPERATOR,
    SIGNALS
};
/* How many states each has; 0 is the absent one. */
extern const unsigned signals_states[SIGNALS];

/* One state of each signal. */
struct combination {
    unsigned at[SIGNALS];
};

struct verdict {
    unsigned reasons; /* all that hold */
    enum qbid_privacy_class class_;
    enum qbid_privacy_geo geo;
};

/** Write the strings that the states stand for; first of all. */
void signals_open(void);

/** The oracle: what the table asks for. */
struct verdict signals_verdict(const struct combination *c);

/** Set what the class is read from, and no more: a request has megabytes of lists. */
void signals_put(const struct combination *c, struct qbid_openrtb_request *q);

const struct qbid_privacy_rules *signals_rules(const struct combination *c);

/** The sections said to be in force at one place, ends with 0; and whether there are more of them
 *  than fit. */
const int *signals_sids(const struct combination *c, bool before);
bool signals_too_many(const struct combination *c);

#endif
