/* SPDX-License-Identifier: Apache-2.0 */
/* The IAB's Global Privacy Platform string: its sections, and whether those of the United States
 * opt out. */
#ifndef QBID_PLUGIN_PRIVACY_GPP_H
#define QBID_PLUGIN_PRIVACY_GPP_H

#include "plugin/text.h"

enum qbid_gpp_section {
    QBID_GPP_TCF_EU = 2,     /* a TCF consent string */
    QBID_GPP_US_PRIVACY = 6, /* a us_privacy string */
    QBID_GPP_US_FIRST = 7,   /* national, then states: for qbid_gpp_us_read() */
    QBID_GPP_US_LAST = 27
};

/**
 * The text of one section.
 *
 * Returns: 0 and *ret; QBID_ERR_NOENT when the header does not name it; QBID_ERR_PARSE when the
 *          header cannot be read or the section's part is missing.
 * Threads: pure. Cost: in proportion to the string.
 * Source:  IAB Tech Lab, Global Privacy Platform, "Consent string specification".
 */
int qbid_gpp_find(struct qbid_text gpp, unsigned section, struct qbid_text *ret);

/**
 * Whether a section of the United States, national or of a state, asks for restricted handling: an
 * opt-out of sale, sharing or targeted advertising, a child known as one, or the browser's Global
 * Privacy Control.
 *
 * Returns: 1 it does, 0 not; QBID_ERR_NOENT for a section or a version of one that is not known
 * here; QBID_ERR_PARSE when it cannot be read. Threads: pure. Cost: in proportion to the section.
 * Source:  field layouts of IAB Tech Lab's section specifications.
 */
int qbid_gpp_us_read(unsigned section, struct qbid_text text);

#endif
