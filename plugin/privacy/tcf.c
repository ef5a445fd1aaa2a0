/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of the core segment, in the order in which they stand. */
#include "plugin/privacy/tcf.h"

#include <string.h>

#include "plugin/privacy/bits.h"
#include "shm/error.h"
#include "shm/privacy.h"

#define VERSION 2
#define POLICY_MIN 4
#define HEAD_BITS (36 + 36 + 12 + 12 + 6 + 12 + 12) /* created to vendor list version */

/* Legitimate interest is no basis for these: TCF 2.2. */
#define CONSENT_ONLY                                                                               \
    (QBID_PRIVACY_PURPOSE(1) | QBID_PRIVACY_PURPOSE(3) | QBID_PRIVACY_PURPOSE(4) |                 \
     QBID_PRIVACY_PURPOSE(5) | QBID_PRIVACY_PURPOSE(6))

/* Kinds of publisher restriction; 0 and the undefined 3 allow neither basis. */
enum restriction { NOT_ALLOWED, NEEDS_CONSENT, NEEDS_INTEREST };

/* Whether a list of ranges holds the vendor. Each entry has bits of its own, so the string bounds
 * the loop. */
static bool read_ranges(struct qbid_bits *bits, uint16_t vendor_id)
{
    bool found = false;
    uint32_t cnt = qbid_bits_read(bits, 12);
    for (uint32_t i = 0; i < cnt && !bits->bad; i++) {
        bool range = qbid_bits_read(bits, 1) != 0;
        uint32_t first = qbid_bits_read(bits, 16);
        uint32_t last = range ? qbid_bits_read(bits, 16) : first;
        found |= first <= vendor_id && vendor_id <= last;
    }
    return found;
}

/* Whether a bitfield of `most` vendors, from number 1 on, holds the vendor. */
static bool read_field(struct qbid_bits *bits, uint32_t most, uint16_t vendor_id)
{
    struct qbid_bits own = *bits;
    qbid_bits_skip(bits, most);
    if (vendor_id == 0 || vendor_id > most)
        return false;
    qbid_bits_skip(&own, vendor_id - 1u);
    return qbid_bits_read(&own, 1) != 0;
}

/* Whether a vendor section holds the vendor. Vendor 0 is nobody, whatever the ranges say. */
static bool read_vendors(struct qbid_bits *bits, uint16_t vendor_id)
{
    uint32_t most = qbid_bits_read(bits, 16);
    bool found = qbid_bits_read(bits, 1) != 0 ? read_ranges(bits, vendor_id)
                                              : read_field(bits, most, vendor_id);
    return found && vendor_id != 0;
}

/* Take away what publisher restrictions do not leave. */
static void read_restrictions(struct qbid_bits *bits, uint16_t vendor_id, uint32_t *consent,
                              uint32_t *interest)
{
    uint32_t cnt = qbid_bits_read(bits, 12);
    for (uint32_t i = 0; i < cnt && !bits->bad; i++) {
        uint32_t number = qbid_bits_read(bits, 6), kind = qbid_bits_read(bits, 2);
        uint32_t purpose = number - 1u < QBID_PRIVACY_PURPOSES ? QBID_PRIVACY_PURPOSE(number) : 0;
        if (!read_ranges(bits, vendor_id))
            continue;
        *consent &= kind == NEEDS_CONSENT ? *consent : ~purpose;
        *interest &= kind == NEEDS_INTEREST ? *interest : ~purpose;
    }
}

int qbid_tcf_read(struct qbid_text string, uint16_t vendor_id, struct qbid_tcf *ret)
{
    const char *dot = string.len ? memchr(string.at, '.', string.len) : NULL;
    struct qbid_bits bits = qbid_bits_init(
        (struct qbid_text){string.at, dot ? (uint32_t)(dot - string.at) : string.len});
    uint32_t version = qbid_bits_read(&bits, 6);
    qbid_bits_skip(&bits, HEAD_BITS);
    uint32_t policy = qbid_bits_read(&bits, 6);
    bool specific = qbid_bits_read(&bits, 1) != 0;
    qbid_bits_skip(&bits, 1); /* texts of the publisher's own */
    uint32_t features = qbid_bits_read(&bits, QBID_TCF_FEATURES);
    uint32_t consent = qbid_bits_read(&bits, QBID_PRIVACY_PURPOSES);
    uint32_t interest = qbid_bits_read(&bits, QBID_PRIVACY_PURPOSES) & ~CONSENT_ONLY;
    qbid_bits_skip(&bits, 1 + 12); /* purpose 1 not disclosed, the publisher's country */
    consent = read_vendors(&bits, vendor_id) ? consent : 0;
    interest = read_vendors(&bits, vendor_id) ? interest : 0;
    read_restrictions(&bits, vendor_id, &consent, &interest);
    if (bits.bad || version != VERSION || policy < POLICY_MIN || !specific)
        return QBID_ERR_PARSE;
    *ret = (struct qbid_tcf){.purposes = consent | interest, .features = features};
    return 0;
}
