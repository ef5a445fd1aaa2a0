/* SPDX-License-Identifier: Apache-2.0 */
/* Each signal raises the reason to its own, and takes away what it takes of the place. */
#include "plugin/privacy/privacy.h"

#include <stdbool.h>

#include "plugin/privacy/gpp.h"
#include "plugin/privacy/tcf.h"
#include "plugin/privacy/us_privacy.h"
#include "shm/error.h"
#include "shm/hash.h"

#define DSA_REQUIRED 2 /* dsarequired: from here on bids without DSA data are refused */

static const enum qbid_privacy_class class_of[] = {
#define X(name, class_, word, text) QBID_PRIVACY_##class_,
    QBID_PRIVACY_REASON_LIST(X)
#undef X
};

static const char *const reason_word[] = {
#define X(name, class_, word, text) word,
    QBID_PRIVACY_REASON_LIST(X)
#undef X
};

static const char *const class_word[] = {
#define X(name, word) word,
    QBID_PRIVACY_CLASS_LIST(X)
#undef X
};

enum qbid_privacy_class qbid_privacy_class_of(enum qbid_privacy_reason reason)
{
    return class_of[reason];
}

const char *qbid_privacy_class_word(enum qbid_privacy_class class_)
{
    return class_word[class_];
}

const char *qbid_privacy_reason_word(enum qbid_privacy_reason reason)
{
    return reason_word[reason];
}

static void demand(struct qbid_privacy *privacy, enum qbid_privacy_reason reason,
                   enum qbid_privacy_geo geo)
{
    privacy->reason = reason > privacy->reason ? reason : privacy->reason;
    privacy->geo = geo > privacy->geo ? geo : privacy->geo;
}

static void restrict_if(struct qbid_privacy *privacy, bool holds, enum qbid_privacy_reason reason)
{
    if (holds)
        demand(privacy, reason, QBID_PRIVACY_GEO_REGION);
}

/* Of a field that has moved: the newer place, else the older. */
static struct qbid_text newer(struct qbid_text now, struct qbid_text before)
{
    return now.len ? now : before;
}

/* The GPP's sections that are in force. */
static const struct qbid_openrtb_sections *sections_of(const struct qbid_openrtb_regs *regs)
{
    return regs->gpp_sid.given ? &regs->gpp_sid : &regs->gpp_sid_ext;
}

/* --- GDPR */

/* Of more sections than fit, each may be among those that were not kept. */
static bool names_section(const struct qbid_openrtb_sections *sections, unsigned section)
{
    for (unsigned i = 0; i < sections->cnt; i++) {
        if (sections->section[i] == section)
            return true;
    }
    return sections->over;
}

static bool gdpr_applies(const struct qbid_openrtb_regs *regs,
                         const struct qbid_privacy_rules *rules)
{
    enum qbid_openrtb_tri gdpr = regs->gdpr != QBID_TRI_ABSENT ? regs->gdpr : regs->gdpr_ext;
    const struct qbid_openrtb_sections *sections = sections_of(regs);
    if (gdpr == QBID_TRI_YES || names_section(sections, QBID_GPP_TCF_EU))
        return true;
    return gdpr == QBID_TRI_ABSENT && sections->cnt == 0 && !rules->gdpr_unknown_applies_not;
}

static struct qbid_text consent_of(const struct qbid_openrtb_request *request)
{
    struct qbid_text consent = newer(request->consent, request->consent_ext);
    if (consent.len == 0)
        (void)qbid_gpp_find(newer(request->regs.gpp, request->regs.gpp_ext), QBID_GPP_TCF_EU,
                            &consent);
    return consent;
}

static void apply_gdpr(const struct qbid_openrtb_request *request,
                       const struct qbid_privacy_rules *rules, struct qbid_privacy *privacy)
{
    uint32_t needed = rules->purposes ? rules->purposes : QBID_PRIVACY_PURPOSE_ALL;
    struct qbid_tcf tcf;
    if (qbid_tcf_read(consent_of(request), rules->vendor_id, &tcf) != 0)
        demand(privacy, QBID_PRIVACY_REASON_GDPR_NO_CONSENT, QBID_PRIVACY_GEO_COUNTRY);
    else if ((tcf.purposes & needed) != needed)
        demand(privacy, QBID_PRIVACY_REASON_GDPR_NO_BASIS,
               tcf.features & QBID_TCF_GEO ? QBID_PRIVACY_GEO_REGION : QBID_PRIVACY_GEO_COUNTRY);
}

/* --- the United States, and what else the GPP may hold */

/* What a string asks for that was read, or not. */
static enum qbid_privacy_reason reason_of(int read, enum qbid_privacy_reason opt_out,
                                          enum qbid_privacy_reason broken)
{
    if (read == 0)
        return QBID_PRIVACY_REASON_NONE;
    return read > 0 ? opt_out : read == QBID_ERR_NOENT ? QBID_PRIVACY_REASON_GPP_UNKNOWN : broken;
}

static int read_section(struct qbid_text gpp, unsigned section)
{
    struct qbid_text text;
    if (qbid_gpp_find(gpp, section, &text) != 0)
        return QBID_ERR_PARSE; /* in force, and not there: broken */
    return section == QBID_GPP_US_PRIVACY ? qbid_us_privacy_read(text)
                                          : qbid_gpp_us_read(section, text);
}

static bool known_section(unsigned section)
{
    return section >= QBID_GPP_US_PRIVACY && section <= QBID_GPP_US_LAST;
}

static void apply_sections(const struct qbid_openrtb_regs *regs, struct qbid_privacy *privacy)
{
    const struct qbid_openrtb_sections *sections = sections_of(regs);
    struct qbid_text gpp = newer(regs->gpp, regs->gpp_ext);
    bool unknown = sections->over || (gpp.len != 0 && !sections->given);
    restrict_if(privacy, unknown, QBID_PRIVACY_REASON_GPP_UNKNOWN);
    for (unsigned i = 0; i < sections->cnt; i++) {
        unsigned section = sections->section[i];
        if (section == QBID_GPP_TCF_EU)
            continue; /* the GDPR's business */
        int read = known_section(section) ? read_section(gpp, section) : QBID_ERR_NOENT;
        demand(privacy,
               reason_of(read, QBID_PRIVACY_REASON_GPP_OPT_OUT, QBID_PRIVACY_REASON_GPP_BROKEN),
               QBID_PRIVACY_GEO_REGION);
    }
}

static void apply_us_privacy(const struct qbid_openrtb_regs *regs, struct qbid_privacy *privacy)
{
    struct qbid_text text = newer(regs->us_privacy, regs->us_privacy_ext);
    int read = text.len ? qbid_us_privacy_read(text) : 0;
    demand(privacy, reason_of(read, QBID_PRIVACY_REASON_US_OPT_OUT, QBID_PRIVACY_REASON_US_BROKEN),
           QBID_PRIVACY_GEO_REGION);
}

struct qbid_privacy qbid_privacy_of(const struct qbid_openrtb_request *request,
                                    const struct qbid_privacy_rules *rules)
{
    const struct qbid_openrtb_regs *regs = &request->regs;
    struct qbid_privacy privacy = {QBID_PRIVACY_REASON_NONE, QBID_PRIVACY_GEO_REGION};
    restrict_if(&privacy, request->dnt, QBID_PRIVACY_REASON_DNT);
    restrict_if(&privacy, request->lmt, QBID_PRIVACY_REASON_LMT);
    restrict_if(&privacy, regs->gpc, QBID_PRIVACY_REASON_GPC);
    apply_us_privacy(regs, &privacy);
    apply_sections(regs, &privacy);
    if (gdpr_applies(regs, rules))
        apply_gdpr(request, rules, &privacy);
    if (regs->coppa || regs->coppa_ext)
        demand(&privacy, QBID_PRIVACY_REASON_COPPA, QBID_PRIVACY_GEO_NONE);
    if (regs->dsa_required >= DSA_REQUIRED || regs->dsa_required_ext >= DSA_REQUIRED)
        demand(&privacy, QBID_PRIVACY_REASON_DSA, QBID_PRIVACY_GEO_NONE);
    return privacy;
}

/* --- what is left */

static void strip_geo(enum qbid_privacy_geo left, struct qbid_openrtb_geo *geo)
{
    if (left == QBID_PRIVACY_GEO_REGION)
        return;
    geo->region = (struct qbid_text){NULL, 0};
    geo->utcoffset_min = QBID_OPENRTB_INT_ABSENT;
    if (left == QBID_PRIVACY_GEO_NONE)
        geo->country = (struct qbid_text){NULL, 0};
}

void qbid_privacy_strip(struct qbid_privacy privacy, struct qbid_openrtb_request *request)
{
    strip_geo(privacy.geo, &request->device_geo);
    strip_geo(privacy.geo, &request->user_geo);
    if (qbid_privacy_ids_allowed(qbid_privacy_class_of(privacy.reason)))
        return;
    request->ids = (struct qbid_openrtb_ids){0};
    request->segment_cnt = 0;
}

/* Devices with limited tracking send their advertising id as zeros. */
static bool is_zeros(struct qbid_text id)
{
    for (uint32_t i = 0; i < id.len; i++) {
        if (id.at[i] != '0' && id.at[i] != '-')
            return false;
    }
    return true;
}

/* An identifier as it is meant, whatever escapes it was written with. The parser has found them
 * valid, and what they stand for is never longer. */
static struct qbid_text resolve(const struct qbid_openrtb_id *id, char room[QBID_PRIVACY_ID_MAX])
{
    if (!id->escaped)
        return id->text;
    if (id->text.len > QBID_PRIVACY_ID_MAX)
        return (struct qbid_text){NULL, 0};
    return (struct qbid_text){room, (uint32_t)qbid_text_unescape(id->text.at, id->text.len, room)};
}

uint64_t qbid_privacy_user_key(const struct qbid_openrtb_request *request, uint64_t exchange_hash)
{
    const struct qbid_openrtb_ids *ids = &request->ids;
    const struct {
        const struct qbid_openrtb_id *id;
        enum qbid_privacy_id kind;
        uint64_t realm;
    } by_worth[] = {{&ids->eid, QBID_PRIVACY_ID_EID, 0},
                    {&ids->eid_ext, QBID_PRIVACY_ID_EID, 0},
                    {&ids->buyeruid, QBID_PRIVACY_ID_BUYER, 0},
                    {&ids->user_id, QBID_PRIVACY_ID_USER, exchange_hash},
                    {&ids->ifa, QBID_PRIVACY_ID_DEVICE, 0}};
    char room[QBID_PRIVACY_ID_MAX];
    for (unsigned i = 0; i < sizeof by_worth / sizeof *by_worth; i++) {
        struct qbid_text id = resolve(by_worth[i].id, room);
        if (!is_zeros(id))
            return qbid_hash_user(by_worth[i].kind, by_worth[i].realm, id.at, id.len);
    }
    return 0;
}
