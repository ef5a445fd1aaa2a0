/* SPDX-License-Identifier: Apache-2.0 */
/* States are told by what they mean; the table is read from the meanings, the request from the
 * strings, and nothing here from plugin/privacy. */
#include "tests/plugin/privacy/signals.h"

#include <stdio.h>
#include <string.h>

#include "tests/plugin/privacy/bit_writer.h"
#include "tests/plugin/privacy/vectors.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define VENDOR SIGNALS_VENDOR

/* --- strings, each by what it means */

/* What a consent string says to vendor 21, of whom purposes 1 to 4 are asked. */
enum consent {
    NO_STRING,
    GARBAGE,
    OLD_POLICY,
    NOT_SPECIFIC,
    BY_INTEREST,
    NO_BASIS,
    NO_BASIS_GEO,
    BASIS
};
#define CONSENTS 8

static char consent_text[CONSENTS][256];

static void write_consent(enum consent is)
{
    static struct bit_writer w;
    const uint32_t needed = 0xf00000;
    struct bit_tcf tcf = {2, is == OLD_POLICY ? 3 : 4, is != NOT_SPECIFIC, 0, needed, 0};
    tcf.features = is == NO_BASIS_GEO ? 0x800 : 0;
    if (is == NO_BASIS || is == NO_BASIS_GEO)
        tcf.consent = needed & ~UINT32_C(0x400000); /* not purpose 2 */
    if (is == BY_INTEREST) {
        tcf.consent = UINT32_C(0xc00000); /* 1 and 2; 3 and 4 cannot rest on interest */
        tcf.interest = needed;
    }
    bit_put_tcf(&w, &tcf);
    bit_put_field(&w, VENDOR, VENDOR);
    bit_put_field(&w, VENDOR, VENDOR);
    bit_put(&w, 12, 0);
    struct qbid_text text = bit_text(&w);
    memcpy(consent_text[is], text.at, text.len);
    if (is == GARBAGE)
        strcpy(consent_text[is], "CQ!not a string");
    if (is == NO_STRING)
        consent_text[is][0] = '\0';
}

/* What a section of the United States says. */
enum us { US_CLEAR, US_SALE, US_CHILD, US_CONTROL, US_BROKEN };
static const char *const national[] = {"BAAAAAAAAAAA", "BAAQAAAAAAAA", "BAAAAAAAQAAA",
                                       "BAAAAAAAAAAA.Y", "BA"};

/* GPP strings of sections 2, 6 and 7 in this order; `has` says which of them. */
struct gpp {
    bool broken;
    bool none;
    enum consent eu; /* NO_STRING = not among the sections */
    const char *us_privacy;
    int national; /* enum us, -1 = not among the sections */
};
static const struct gpp gpps[] = {
    {.none = true, .national = -1},
    {.broken = true, .national = -1},
    {.eu = BASIS, .national = US_CLEAR},
    {.eu = NO_BASIS, .national = US_SALE},
    {.eu = BASIS, .us_privacy = "1YYN", .national = US_CHILD},
    {.us_privacy = "1YNN", .national = US_CONTROL},
    {.us_privacy = "2YNN", .national = US_BROKEN},
};
static char gpp_text[COUNT(gpps)][512];

static void write_gpp(unsigned i)
{
    static struct bit_writer w;
    const struct gpp *g = &gpps[i];
    const bool has[] = {g->eu != NO_STRING, g->us_privacy != NULL, g->national >= 0};
    const unsigned number[] = {2, 6, 7};
    unsigned last = 0;
    w = (struct bit_writer){0};
    bit_put(&w, 6, 3);
    bit_put(&w, 6, 1);
    bit_put(&w, 12, (uint64_t)has[0] + has[1] + has[2]);
    for (unsigned s = 0; s < 3; s++) {
        if (!has[s])
            continue;
        bit_put(&w, 1, 0);
        bit_put_fibonacci(&w, number[s] - last);
        last = number[s];
    }
    struct qbid_text header = bit_text(&w);
    snprintf(gpp_text[i], sizeof gpp_text[i], "%.*s%s%s%s%s%s%s", (int)header.len, header.at,
             has[0] ? "~" : "", consent_text[g->eu], has[1] ? "~" : "", has[1] ? g->us_privacy : "",
             has[2] ? "~" : "", has[2] ? national[g->national] : "");
    if (g->broken)
        strcpy(gpp_text[i], "ABC~DEF");
    if (g->none)
        gpp_text[i][0] = '\0';
}

/* --- the states of each signal; where a field has moved, of both places */

enum tri { ABSENT, NO, YES };

static const struct {
    enum tri now, before;
} gdprs[] = {{ABSENT, ABSENT}, {NO, ABSENT}, {YES, ABSENT}, {ABSENT, NO},
             {ABSENT, YES},    {NO, YES},    {YES, NO}};

static const struct {
    enum consent now, before;
} consents[] = {{NO_STRING, NO_STRING},    {GARBAGE, NO_STRING},     {OLD_POLICY, NO_STRING},
                {NOT_SPECIFIC, NO_STRING}, {NO_BASIS, NO_STRING},    {NO_BASIS_GEO, NO_STRING},
                {BASIS, NO_STRING},        {BY_INTEREST, NO_STRING}, {NO_STRING, BASIS},
                {NO_STRING, GARBAGE},      {GARBAGE, BASIS},         {BASIS, GARBAGE}};

static const struct {
    const char *now, *before;
} us_privacies[] = {{NULL, NULL},   {"1YNN", NULL}, {"1yYn", NULL},   {"1YY", NULL},
                    {NULL, "1---"}, {NULL, "1YYN"}, {"1YNN", "1YYN"}, {"1YYN", "1YNN"}};

/* Sections that are said to be in force, ends with 0; -1 = none is. */
static const struct {
    int now[4], before[4];
    bool too_many;
} sids[] = {{{0}, {0}, false}, {{-1}, {0}, false},   {{2}, {0}, false},
            {{7}, {0}, false}, {{2, 7}, {0}, false}, {{6, 7, -1}, {0}, false},
            {{5}, {0}, false}, {{28}, {0}, false},   {{0}, {7}, false},
            {{0}, {2}, false}, {{7}, {2}, false},    {{-1}, {2, 7}, false},
            {{7}, {0}, true}};

static const struct {
    bool now, before;
} coppas[] = {{false, false}, {true, false}, {false, true}};
static const struct {
    int now, before;
} dsas[] = {{0, 0}, {1, 1}, {2, 0}, {0, 3}};

const unsigned signals_states[SIGNALS] = {COUNT(coppas),
                                          2,
                                          2,
                                          2,
                                          COUNT(dsas),
                                          COUNT(gdprs),
                                          COUNT(consents),
                                          COUNT(us_privacies),
                                          COUNT(sids),
                                          COUNT(gpps),
                                          2,
                                          2};

/* --- the oracle: a row for each line of the table, by meanings alone */

#define BIT(reason) (1u << QBID_PRIVACY_REASON_##reason)

static void ask(struct verdict *v, unsigned reason, enum qbid_privacy_class class_,
                enum qbid_privacy_geo geo)
{
    v->reasons |= reason;
    v->class_ = class_ > v->class_ ? class_ : v->class_;
    v->geo = geo > v->geo ? geo : v->geo;
}

static void restricted(struct verdict *v, unsigned reason)
{
    ask(v, reason, QBID_PRIVACY_RESTRICTED, QBID_PRIVACY_GEO_REGION);
}

static const int *in_force(const struct combination *c)
{
    unsigned s = c->at[SIDS];
    return sids[s].now[0] != 0 ? sids[s].now : sids[s].before;
}

static bool names(const struct combination *c, int section)
{
    for (const int *sid = in_force(c); *sid != 0; sid++)
        if (*sid == section)
            return true;
    return sids[c->at[SIDS]].too_many;
}

static bool under_gdpr(const struct combination *c)
{
    enum tri gdpr =
        gdprs[c->at[GDPR]].now != ABSENT ? gdprs[c->at[GDPR]].now : gdprs[c->at[GDPR]].before;
    bool other = in_force(c)[0] > 0 && !names(c, 2);
    if (gdpr == YES || names(c, 2))
        return true;
    if (gdpr == NO || other)
        return false;
    return c->at[OPERATOR] == 0; /* the operator says that it applies */
}

static void gdpr_row(const struct combination *c, struct verdict *v)
{
    enum consent consent = consents[c->at[CONSENT]].now;
    if (consent == NO_STRING)
        consent = consents[c->at[CONSENT]].before;
    if (consent == NO_STRING)
        consent = gpps[c->at[GPPS]].eu;
    if (!under_gdpr(c) || consent == BASIS)
        return;
    bool read = consent == NO_BASIS || consent == NO_BASIS_GEO || consent == BY_INTEREST;
    ask(v, read ? BIT(GDPR_NO_BASIS) : BIT(GDPR_NO_CONSENT), QBID_PRIVACY_CONTEXTUAL,
        consent == NO_BASIS_GEO ? QBID_PRIVACY_GEO_REGION : QBID_PRIVACY_GEO_COUNTRY);
}

static void us_row(const char *text, struct verdict *v, unsigned opt_out, unsigned broken)
{
    if (!text)
        return;
    if (strlen(text) != 4 || text[0] != '1')
        restricted(v, broken);
    else if (text[2] == 'Y')
        restricted(v, opt_out);
}

static void section_row(const struct gpp *g, int section, struct verdict *v)
{
    bool known = section == 6 || section == 7;
    bool there = section == 6 ? g->us_privacy != NULL : g->national >= 0;
    if (!known)
        restricted(v, BIT(GPP_UNKNOWN));
    else if (!there)
        restricted(v, BIT(GPP_BROKEN));
    else if (section == 6)
        us_row(g->us_privacy, v, BIT(GPP_OPT_OUT), BIT(GPP_BROKEN));
    else if (g->national == US_BROKEN)
        restricted(v, BIT(GPP_BROKEN));
    else if (g->national != US_CLEAR)
        restricted(v, BIT(GPP_OPT_OUT));
}

static void gpp_rows(const struct combination *c, struct verdict *v)
{
    const struct gpp *g = &gpps[c->at[GPPS]];
    const int *sid = in_force(c);
    if (sids[c->at[SIDS]].too_many || (!g->none && sid[0] == 0))
        restricted(v, BIT(GPP_UNKNOWN));
    for (; *sid != 0; sid++)
        if (*sid > 0 && *sid != 2)
            section_row(g, *sid, v);
}

struct verdict signals_verdict(const struct combination *c)
{
    struct verdict v = {0, QBID_PRIVACY_OPEN, QBID_PRIVACY_GEO_REGION};
    unsigned us = c->at[US_PRIVACY];
    if (coppas[c->at[COPPA]].now || coppas[c->at[COPPA]].before)
        ask(&v, BIT(COPPA), QBID_PRIVACY_CONTEXTUAL, QBID_PRIVACY_GEO_NONE);
    if (c->at[LMT])
        restricted(&v, BIT(LMT));
    if (c->at[DNT])
        restricted(&v, BIT(DNT));
    gdpr_row(c, &v);
    us_row(us_privacies[us].now ? us_privacies[us].now : us_privacies[us].before, &v,
           BIT(US_OPT_OUT), BIT(US_BROKEN));
    gpp_rows(c, &v);
    if (c->at[GPC])
        restricted(&v, BIT(GPC));
    if (dsas[c->at[DSA]].now >= 2 || dsas[c->at[DSA]].before >= 2)
        ask(&v, BIT(DSA), QBID_PRIVACY_NO_BID, QBID_PRIVACY_GEO_NONE);
    if (v.reasons == 0)
        v.reasons = BIT(NONE);
    return v;
}

/* --- combinations as requests */

static void put_sids(const int *sid, bool too_many, struct qbid_openrtb_sections *ret)
{
    *ret = (struct qbid_openrtb_sections){.given = sid[0] != 0, .over = too_many};
    for (; *sid != 0; sid++)
        if (*sid > 0)
            ret->section[ret->cnt++] = (uint16_t)*sid;
}

static struct qbid_text text_of(const char *text)
{
    return text && *text ? vector_text(text) : (struct qbid_text){NULL, 0};
}

void signals_put(const struct combination *c, struct qbid_openrtb_request *q)
{
    struct qbid_openrtb_regs *regs = &q->regs;
    unsigned gdpr = c->at[GDPR], consent = c->at[CONSENT], us = c->at[US_PRIVACY], s = c->at[SIDS];
    const char *gpp = gpp_text[c->at[GPPS]];
    q->lmt = c->at[LMT];
    q->dnt = c->at[DNT];
    q->consent = text_of(consent_text[consents[consent].now]);
    q->consent_ext = text_of(consent_text[consents[consent].before]);
    regs->coppa = coppas[c->at[COPPA]].now;
    regs->coppa_ext = coppas[c->at[COPPA]].before;
    regs->gpc = c->at[GPC];
    regs->dsa_required = dsas[c->at[DSA]].now;
    regs->dsa_required_ext = dsas[c->at[DSA]].before;
    regs->gdpr = (enum qbid_openrtb_tri)gdprs[gdpr].now;
    regs->gdpr_ext = (enum qbid_openrtb_tri)gdprs[gdpr].before;
    regs->us_privacy = text_of(us_privacies[us].now);
    regs->us_privacy_ext = text_of(us_privacies[us].before);
    put_sids(sids[s].now, sids[s].too_many, &regs->gpp_sid);
    put_sids(sids[s].before, false, &regs->gpp_sid_ext);
    regs->gpp = text_of(c->at[GPP_OLD] ? NULL : gpp);
    regs->gpp_ext = text_of(c->at[GPP_OLD] ? gpp : "ignored where the newer place has one");
    if (!c->at[GPP_OLD] && !*gpp)
        regs->gpp_ext = text_of(NULL);
}

const struct qbid_privacy_rules *signals_rules(const struct combination *c)
{
    static const struct qbid_privacy_rules rules[] = {{VENDOR, 0, 0xf00000}, {VENDOR, 1, 0xf00000}};
    return &rules[c->at[OPERATOR]];
}

const int *signals_sids(const struct combination *c, bool before)
{
    return before ? sids[c->at[SIDS]].before : sids[c->at[SIDS]].now;
}

bool signals_too_many(const struct combination *c)
{
    return sids[c->at[SIDS]].too_many;
}

void signals_open(void)
{
    for (int is = 0; is < CONSENTS; is++)
        write_consent((enum consent)is);
    for (unsigned i = 0; i < COUNT(gpps); i++)
        write_gpp(i);
}
