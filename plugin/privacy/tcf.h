/* SPDX-License-Identifier: Apache-2.0 */
/* The consent string of the IAB's Transparency and Consent Framework, version 2: what it allows one
 * vendor. */
#ifndef QBID_PLUGIN_PRIVACY_TCF_H
#define QBID_PLUGIN_PRIVACY_TCF_H

#include <stdint.h>

#include "plugin/text.h"

#define QBID_TCF_FEATURES 12
#define QBID_TCF_GEO                                                                               \
    (UINT32_C(1) << (QBID_TCF_FEATURES - 1)) /* special feature 1: precise location */

struct qbid_tcf {
    uint32_t purposes; /* QBID_PRIVACY_PURPOSE(): those for which the vendor has a legal basis */
    uint32_t features; /* special features that were opted in to, 12 bits, feature 1 the highest */
};

/**
 * Read the core segment of a string.
 *
 * A purpose has a basis by consent (the purpose's bit and the vendor's), or by legitimate interest
 * (likewise; purposes 1 and 3 to 6 cannot have that one). Publisher restrictions that name the
 * vendor take one or both away. Vendor 0 has a basis for nothing.
 *
 * Returns: 0 and *ret; QBID_ERR_PARSE for a string that is cut off, is no base64, is of another
 *          version, of a policy before version 4, or not specific to one service: it then allows
 *          nothing.
 * Threads: pure. Cost: in proportion to the string.
 * Source:  IAB Europe and IAB Tech Lab, "Consent string and vendor list formats v2", with the
 *          policies of TCF 2.2.
 */
int qbid_tcf_read(struct qbid_text string, uint16_t vendor_id, struct qbid_tcf *ret);

#endif
