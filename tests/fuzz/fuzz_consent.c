/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a TCF, GPP or us_privacy string: never open where they cannot be read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/privacy/gpp.h"
#include "plugin/privacy/privacy.h"
#include "plugin/privacy/tcf.h"
#include "plugin/privacy/us_privacy.h"
#include "shm/error.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_replays = 50000;

#define NEVER_BY_INTEREST                                                                          \
    (QBID_PRIVACY_PURPOSE(1) | QBID_PRIVACY_PURPOSE(3) | QBID_PRIVACY_PURPOSE(4) |                 \
     QBID_PRIVACY_PURPOSE(5) | QBID_PRIVACY_PURPOSE(6))
#define CONSENT_CHAR 25 /* purposes by consent begin at bit 152 of a core segment */

static void must(int good)
{
    if (!good)
        abort();
}

/* Purposes by consent, from the characters themselves. */
static uint32_t consent_of(struct qbid_text text)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint64_t bits = 0;
    for (unsigned i = 0; i < 5; i++)
        bits = bits << 6 | (uint64_t)(strchr(alphabet, text.at[CONSENT_CHAR + i]) - alphabet);
    return (uint32_t)(bits >> 4) & QBID_PRIVACY_PURPOSE_ALL;
}

static void check_tcf(struct qbid_text text)
{
    static const uint16_t vendor[] = {0, 1, 21, 755, 65535};
    int first = 0;
    for (unsigned i = 0; i < sizeof vendor / sizeof *vendor; i++) {
        struct qbid_tcf tcf;
        int err = qbid_tcf_read(text, vendor[i], &tcf);
        first = i == 0 ? err : first;
        must(err == first && (err == 0 || err == QBID_ERR_PARSE)); /* whoever asks */
        if (err != 0)
            continue;
        must(tcf.purposes <= QBID_PRIVACY_PURPOSE_ALL && tcf.features < 1u << QBID_TCF_FEATURES);
        must((tcf.purposes & NEVER_BY_INTEREST & ~consent_of(text)) == 0);
        must(vendor[i] != 0 || tcf.purposes == 0);
    }
}

static void check_gpp(struct qbid_text text)
{
    for (unsigned section = 0; section <= 40; section++) {
        struct qbid_text part = {NULL, 0};
        int err = qbid_gpp_find(text, section, &part);
        must(err == 0 || err == QBID_ERR_NOENT || err == QBID_ERR_PARSE);
        if (err == 0)
            must(part.at > text.at && part.at + part.len <= text.at + text.len &&
                 part.at[-1] == '~' && (part.len == 0 || !memchr(part.at, '~', part.len)));
        int read = qbid_gpp_us_read(section, err == 0 ? part : text);
        must(read == 0 || read == 1 || read == QBID_ERR_NOENT || read == QBID_ERR_PARSE);
        must(read < 0 || (section >= QBID_GPP_US_FIRST && section <= QBID_GPP_US_LAST));
    }
}

/* The same text in each place of a request: what cannot be read never leaves it open. */
static void check_class(struct qbid_text text)
{
    static struct qbid_openrtb_request request;
    static const struct qbid_privacy_rules rules = {21, 1, 0xf00000};
    struct qbid_tcf tcf;
    struct qbid_openrtb_regs *regs = &request.regs;
    request.consent = text;
    *regs = (struct qbid_openrtb_regs){.gdpr = QBID_TRI_YES};
    struct qbid_privacy privacy = qbid_privacy_of(&request, &rules);
    bool basis = qbid_tcf_read(text, rules.vendor_id, &tcf) == 0 &&
                 (tcf.purposes & rules.purposes) == rules.purposes;
    must((privacy.reason == QBID_PRIVACY_REASON_NONE) == basis);
    *regs = (struct qbid_openrtb_regs){.us_privacy = text};
    privacy = qbid_privacy_of(&request, &rules);
    must((privacy.reason == QBID_PRIVACY_REASON_NONE) ==
         (text.len == 0 || qbid_us_privacy_read(text) == 0));
    for (unsigned section = 5; section <= 30; section++) {
        struct qbid_text part;
        *regs = (struct qbid_openrtb_regs){.gpp = text,
                                           .gpp_sid = {true, false, 1, {(uint16_t)section}}};
        privacy = qbid_privacy_of(&request, &rules);
        bool found = qbid_gpp_find(text, section, &part) == 0;
        bool clear =
            found && (section == QBID_GPP_US_PRIVACY ? qbid_us_privacy_read(part)
                                                     : qbid_gpp_us_read(section, part)) == 0;
        must((privacy.reason == QBID_PRIVACY_REASON_NONE) == clear);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *own = malloc(size ? size : 1); /* of its own, so that a byte too far is seen */
    memcpy(own, data, size);
    struct qbid_text text = {size ? own : NULL, (uint32_t)size};
    check_tcf(text);
    check_gpp(text);
    check_class(text);
    free(own);
    return 0;
}

/* Some of the strings that the IAB's libraries wrote; every kind, and short ones. */
void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    static char line[1 << 16];
    FILE *file = fopen("tests/plugin/privacy/vectors.tsv", "r");
    if (!file)
        abort();
    unsigned number = 0;
    while (fgets(line, sizeof line, file)) {
        char *text = strchr(line, '\t') + 1;
        text = line[0] == 'u' ? strchr(text, '\t') + 1 : text;
        size_t len = strcspn(text, "\t\n");
        if (len < 400 && number++ % 30 == 0)
            fn(context, text, len);
    }
    fclose(file);
    fn(context, "1YNN", 4);
    fn(context, "DBABMA~1YYN", 11);
    fn(context, "", 0);
}
